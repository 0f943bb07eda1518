//! Answers to commands.

use std::fmt::Write;

use super::boxes::box_notes;
use super::text::{obstacles, plain, quote, standing, verdicts};
use crate::model::action::ping_marker;
use crate::model::candidate::{Candidate, Standing};
use crate::model::commands::{Allowed, COMMANDS};
use crate::model::policy::Policy;
use crate::model::review::Review;

/// The frame of a reply.
pub fn reply(key: &str, text: &str) -> String {
    format!("{}\n{text}", ping_marker(key))
}

/// The answer to `help`, from the table of commands.
pub fn help(me: &str) -> String {
    let mut text = format!("Begin a line of a comment with `@{me}` and one of these words.\n");
    for who in [Allowed::Reviewers, Allowed::Involved, Allowed::Leads, Allowed::Roster] {
        let _ = write!(text, "\nFor {}:\n\n", allowed(who));
        for rule in COMMANDS.iter().filter(|rule| rule.allowed == who) {
            let _ = writeln!(text, "- `@{me} {}`: {}", rule.usage, rule.meaning);
        }
    }
    text.trim_end().into()
}

fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::Roster => "everybody on the roster",
        Allowed::Reviewers => "the reviewers who are asked",
        Allowed::Involved => "the author, the reviewers, members and leads of the pool, and maintainers",
        Allowed::Leads => "leads of the pool",
    }
}

/// The answer to `why`: every candidate of the last choice with the verdict, and why the time box is
/// as it is.
pub fn why(policy: &Policy, review: &Review) -> String {
    let mut text = String::new();
    for part in &review.pools {
        let _ = write!(text, "**{}**\n\n", plain(&part.pool));
        if part.candidates.is_empty() {
            let adopted: Vec<_> = review.active_in(&part.pool).map(|a| plain(&a.person)).collect();
            let _ = writeln!(text, "- no choice was made; {} came by a person's hand", adopted.join(" and "));
        }
        text.push_str(&verdicts(&part.candidates));
        text.push('\n');
    }
    for note in box_notes(policy, review) {
        let _ = writeln!(text, "{note}\n");
    }
    if text.is_empty() {
        "No pool claims this change yet, so no choice was made.".into()
    } else {
        text.trim_end().into()
    }
}

pub fn not_allowed(command: &str, who: Allowed) -> String {
    format!("Sorry, {} is for {}.", quote(command), allowed(who))
}

/// To somebody whom no roster names.
pub fn stranger() -> String {
    "Sorry, I do not know you here, so I may not do that for you. The author, the reviewers or the lead of their pool can.".into()
}

/// To a command that newer words have made pointless.
pub fn overtaken() -> String {
    "Something newer was said since, so I left everything as it is.".into()
}

pub fn not_understood(text: &str, nearest: Option<&str>, me: &str) -> String {
    let help = format!("`@{me} help` lists what I understand.");
    match nearest {
        Some(nearest) => {
            format!("Sorry, I do not know {}. Did you mean `{nearest}`? {help}", quote(text))
        }
        None => format!("Sorry, I do not know {}. {help}", quote(text)),
    }
}

pub fn snooze_too_long() -> String {
    "Sorry, that is further ahead than the calendar goes.".into()
}

pub fn snooze_skipped(me: &str) -> String {
    format!("I leave this change alone already, until `@{me} resume`.")
}

pub fn snooze_first_run() -> String {
    "I have not begun with this change: it was open before I came and waits for its turn.".into()
}

pub fn no_pool_yet(me: &str) -> String {
    format!("Sorry, no pool claims this change yet. `@{me} pool NAME` sends it to one.")
}

pub fn nobody_else(candidates: &[Candidate], me: &str) -> String {
    format!(
        "Sorry, there is nobody else to ask: {}. `@{me} reassign @person` asks somebody all the same.",
        obstacles(candidates)
    )
}

pub fn unknown_person(handle: &str) -> String {
    format!("Sorry, I do not know {} on this forge.", quote(handle))
}

pub fn not_in_pool(person: &str, pool: &str) -> String {
    format!("Sorry, {} is not in the pool {}.", plain(person), plain(pool))
}

pub fn cannot_be_asked(person: &str, why: &Standing) -> String {
    format!("Sorry, {} cannot be asked: {}.", plain(person), standing(why))
}

pub fn unknown_pool(name: &str, policy: &Policy) -> String {
    let pools: Vec<_> = policy.pools.iter().map(|pool| plain(&pool.name)).collect();
    format!("Sorry, there is no pool {}. There are: {}.", quote(name), pools.join(", "))
}
