//! Scope, tickets and the queue in words.

use std::collections::BTreeSet;

use super::text::{plain, quote};
use usher_core::model::message::StatusView;
use usher_core::model::review::{Review, Stage};
use usher_core::model::scope::OutOfScope;
use usher_core::model::tickets::Ticket;

/// Tickets that are written out; the others are counted.
const TICKETS_SHOWN_MAX: usize = 5;

/// What the status comment says beside the stage, each a paragraph of its own.
pub(super) fn lines(status: &StatusView) -> Vec<String> {
    let (mut lines, me) = (Vec::new(), &status.me);
    if !status.tickets.is_empty() {
        lines.push(format!("For {}.", tickets(&status.tickets)));
    }
    match (&status.out_of_scope, &status.sponsor) {
        (_, Some(lead)) => lines.push(format!("Sponsored by {}.", plain(lead))),
        (Some(rule), None) if status.stage != Stage::Done => lines.push(format!(
            "This may be more than a fix: {}. It is reviewed all the same; a lead may write `@{me} sponsor`.",
            beyond(rule)
        )),
        _ => {}
    }
    lines
}

/// What is to be known of a change beside its stage, for the dashboard and `explain`: its scope, and
/// its place in the queues.
pub fn standing_notes(review: &Review) -> Vec<String> {
    let scope = match (&review.said.sponsor, &review.planned.out_of_scope) {
        (Some(lead), _) => Some(format!("sponsored by {}", plain(lead))),
        (None, Some(rule)) => Some(format!("may be more than a fix: {}", beyond(rule))),
        (None, None) => None,
    };
    let places = review.queued();
    let places =
        places.map(|(pool, queued)| format!("number {} in the queue of {}", queued.ahead + 1, plain(pool)));
    scope.into_iter().chain(places).collect()
}

/// The rule, in half a sentence.
pub fn beyond(rule: &OutOfScope) -> String {
    match rule {
        OutOfScope::Label { label } => format!("it has the label {}", quote(label)),
        OutOfScope::Title { pattern } => format!("its title matches {}", quote(pattern)),
        OutOfScope::Lines { lines, max } => format!("it changes {lines} lines, more than {max}"),
        OutOfScope::Files { files, max } => format!("it changes {files} files, more than {max}"),
    }
}

/// `2 customer tickets: zendesk 12, jira SUP-7`, each in a code span: there nothing becomes a link
/// to another change.
fn tickets(tickets: &BTreeSet<Ticket>) -> String {
    let shown = tickets.iter().take(TICKETS_SHOWN_MAX);
    let shown = shown.map(|ticket| quote(&format!("{} {}", ticket.system, ticket.reference)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = match tickets.len().saturating_sub(TICKETS_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let word = if tickets.len() == 1 { "ticket" } else { "tickets" };
    format!("{} customer {word}: {shown}{more}", tickets.len())
}

pub(super) fn tickets_sentence(found: &BTreeSet<Ticket>) -> String {
    if found.is_empty() {
        return "The description names no customer ticket any more.".into();
    }
    format!("The description names {}.", tickets(found))
}

pub(super) fn queued_sentence(pool: &str, ahead: u32) -> String {
    match ahead {
        0 => format!("It is the first that waits for {pool}."),
        1 => format!("It waits for {pool}; one change is ahead."),
        n => format!("It waits for {pool}; {n} changes are ahead."),
    }
}

/// The place in the queue, to be said after the obstacles; nothing for the first.
pub(super) fn place(ahead: u32) -> String {
    match ahead {
        0 => String::new(),
        1 => " One change is ahead of this.".into(),
        n => format!(" {n} changes are ahead of this."),
    }
}

pub(super) fn announced_sentence(tickets: u32) -> String {
    match tickets {
        1 => "The ticket system is told of the merge, for 1 ticket.".into(),
        n => format!("The ticket system is told of the merge, for {n} tickets."),
    }
}
