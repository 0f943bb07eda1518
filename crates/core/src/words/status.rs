//! The one status comment of a change.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::boxes::box_notes;
use super::next::{NextStep, next_line};
use super::scope;
use super::text::{elapsed, moment, obstacles, plain, quote, verdicts};
use crate::model::change::ChangeState;
use crate::model::policy::Policy;
use crate::model::review::{Assignment, Hold, Origin, PoolReview, Review, Stage};

/// Room for most status comments.
const STATUS_BYTES_USUAL: usize = 1024;

/// What the status comment is made of.
pub struct Status<'a> {
    pub review: &'a Review,
    pub policy: &'a Policy,
    pub reviewers: Vec<StatusReviewer<'a>>,
    /// The author is on the roster and may be named.
    pub author_known: bool,
    pub author_due: Option<Timestamp>,
    pub author_zone: TimeZone,
    pub merge_due: Option<Timestamp>,
    /// What happens if nobody does anything, and the zone in which that is told.
    pub next: Vec<NextStep>,
    pub next_zone: TimeZone,
    /// How people call Usher here, without `@`.
    pub me: &'a str,
}

/// One active reviewer in the status comment.
pub struct StatusReviewer<'a> {
    pub assignment: &'a Assignment,
    pub approved: bool,
    pub asks: bool,
    /// When their time box runs out, while it runs.
    pub due: Option<Timestamp>,
    pub zone: TimeZone,
}

/// The one status comment, without its hidden marker.
pub fn status(status: &Status<'_>) -> String {
    let review = status.review;
    let mut text = String::with_capacity(STATUS_BYTES_USUAL);
    let _ = write!(text, "**Support contribution: {}**", headline(review));
    for line in lead_lines(status) {
        let _ = write!(text, "\n\n{line}");
    }
    text.push_str(&folded_choice(status.policy, review));
    if review.stage != Stage::Done {
        let _ = write!(text, "\n\n<sub>`@{} help` lists what I understand.</sub>", status.me);
    }
    text
}

/// Who has the ball, until when, and what happens next.
pub(super) fn lead_lines(status: &Status<'_>) -> Vec<String> {
    let review = status.review;
    let mut lines = match (review.stage, review.hold) {
        (_, Some(Hold::Snooze { until })) => {
            let until = moment(until, &status.author_zone);
            return vec![format!("Snoozed until {until}. Nobody is reminded until then.")];
        }
        (Stage::Done, _) => done_lines(status),
        (Stage::Draft, _) => vec!["The clock stands still until this is marked ready again.".into()],
        (Stage::Waiting, _) => waiting_lines(status),
        (Stage::Reviewing, _) => reviewing_lines(status),
        (Stage::WithAuthor, _) => with_author_lines(status),
        (Stage::ReadyToMerge, _) => merge_lines(status),
    };
    lines.extend(next_line(review.stage, &status.next, &status.next_zone));
    lines.extend(scope::lines(review, status.me));
    lines
}

pub(super) fn headline(review: &Review) -> &'static str {
    match (review.stage, review.state) {
        (Stage::Draft, _) => "back in draft",
        (Stage::Waiting, _) => "waiting for a reviewer",
        (Stage::Reviewing, _) => "in review",
        (Stage::WithAuthor, _) => "back with the author",
        (Stage::ReadyToMerge, _) => "ready to merge",
        (Stage::Done, ChangeState::Merged) => "merged",
        (Stage::Done, _) => "closed",
    }
}

/// The author as they are spoken to.
pub(super) fn author(status: &Status<'_>) -> String {
    let login = &status.review.author.login;
    if status.author_known { format!("@{login}") } else { quote(login) }
}

/// The author by name, without calling them.
pub(super) fn author_name(review: &Review) -> String {
    review.author_name.clone().map_or_else(|| quote(&review.author.login), |name| plain(&name))
}

fn reviewing_lines(status: &Status<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for reviewer in &status.reviewers {
        let login = &reviewer.assignment.account.login;
        let pool = plain(&reviewer.assignment.pool);
        lines.push(match (reviewer.approved, reviewer.due) {
            (true, _) => format!("{} ({pool}) has approved.", plain(login)),
            (false, Some(due)) => format!(
                "{} No time? `@{} decline` is fine too.",
                asked_line(status.review, reviewer, &pool, &moment(due, &reviewer.zone)),
                status.me
            ),
            (false, None) => format!("{} ({pool}) has been asked, too.", plain(login)),
        });
    }
    for part in &status.review.pools {
        if status.review.active_in(&part.pool).next().is_none() {
            lines.push(nobody_line(part));
        }
    }
    lines.push(format!("{}: nothing to do for you now; the answer comes here.", author(status)));
    lines
}

/// What is asked of a reviewer whose turn it is.
fn asked_line(review: &Review, reviewer: &StatusReviewer<'_>, pool: &str, due: &str) -> String {
    let (assignment, author) = (reviewer.assignment, author_name(review));
    let login = &assignment.account.login;
    if assignment.reviewing_box.ran_out {
        return format!("@{login} ({pool}): an answer was hoped for by **{due}** and is still very welcome.");
    }
    if assignment.accepted {
        return format!("{} ({pool}) is on it. An answer is hoped for by **{due}**.", plain(login));
    }
    let spoke = review.voice(&assignment.account).heard_at().is_some_and(|at| at >= assignment.since);
    if spoke {
        return format!("@{login} ({pool}): {author} has answered you. Please look again by **{due}**.");
    }
    let from = match assignment.origin {
        Origin::Widened => "you are asked as well, to help out the first reviewer.".to_owned(),
        _ => format!("this comes from {author}, a colleague in support who fixes what customers report."),
    };
    format!("@{login} ({pool}): {from} Please answer by **{due}**.")
}

fn with_author_lines(status: &Status<'_>) -> Vec<String> {
    let asking: Vec<String> =
        status.reviewers.iter().filter(|r| r.asks).map(|r| plain(&r.assignment.account.login)).collect();
    let what = match asking.as_slice() {
        [] => "this was handed back to you.".to_owned(),
        asking => format!("{} left you an answer.", asking.join(" and ")),
    };
    let by = status.author_due.map(|due| {
        let due = moment(due, &status.author_zone);
        if status.review.author_box.ran_out {
            format!(" It was hoped for by **{due}**; if it got too much, say so, that is fine.")
        } else {
            format!(" Until **{due}** would be good.")
        }
    });
    vec![format!(
        "{}: {what} Push a change or reply, and I pass the ball back.{}",
        author(status),
        by.unwrap_or_default()
    )]
}

fn merge_lines(status: &Status<'_>) -> Vec<String> {
    let merger = status.review.merger();
    let zone = merger
        .and_then(|m| status.reviewers.iter().find(|r| r.assignment.person == m.person))
        .map(|r| &r.zone);
    let by = match (status.merge_due, zone) {
        (Some(due), Some(zone)) if status.review.merge_box.ran_out => {
            format!(" (it was hoped for by **{}**)", moment(due, zone))
        }
        (Some(due), Some(zone)) => format!(" by **{}**", moment(due, zone)),
        _ => String::new(),
    };
    // A person may have set the stage before anybody approved.
    let what = match merger.is_some_and(|merger| status.review.has_approved(merger)) {
        true => "everything is approved.",
        false => "a person marked this as ready to merge.",
    };
    match merger {
        Some(merger) => vec![
            format!("@{}: {what} Please merge it{by}, or say what is missing.", merger.account.login),
            format!("{}: nothing to do for you now.", author(status)),
        ],
        None => vec!["This is ready; it only needs merging.".into()],
    }
}

fn waiting_lines(status: &Status<'_>) -> Vec<String> {
    let review = status.review;
    let mut lines = Vec::new();
    if matches!(review.stage_set, Some((Stage::Waiting, _))) && !status.reviewers.is_empty() {
        return vec!["A person set it to wait. Nobody is reminded until somebody acts.".into()];
    }
    if review.pools.is_empty() {
        return vec![
            "No route of the configuration claims this change, so I know nobody to ask.".into(),
            format!("{}: if you know the pool, `@{} pool NAME` sends it there.", author(status), status.me),
        ];
    }
    for part in &review.pools {
        lines.push(nobody_line(part));
        let lead = status.policy.pool(&part.pool).and_then(|pool| pool.lead.as_deref());
        if part.escalated && lead.is_none() {
            lines.push(format!("{} has no lead whom I could tell.", plain(&part.pool)));
        }
    }
    lines.push(format!("{}: nothing to do for you now; I keep trying.", author(status)));
    lines
}

/// Why nobody of a pool is asked at the moment.
fn nobody_line(part: &PoolReview) -> String {
    let pool = plain(&part.pool);
    if part.not_before.is_some() {
        return format!("A reviewer was taken off; somebody else of {pool} is asked in a few minutes.");
    }
    let (why, place) = (obstacles(&part.candidates), scope::place(part));
    format!("Nobody of {pool} can be asked right now: {why}.{place}")
}

fn done_lines(status: &Status<'_>) -> Vec<String> {
    let review = status.review;
    match (review.state, review.opened_at, review.done_at) {
        (ChangeState::Merged, Some(opened), Some(done)) => {
            let took = elapsed(opened, done);
            vec![format!(
                "Merged {took} after it was opened. Thank you, {}: that is one customer helped.",
                author_name(review)
            )]
        }
        (ChangeState::Merged, _, _) => vec![format!("Merged. Thank you, {}.", author_name(review))],
        _ => vec![format!("Closed without a merge. Thank you for the work, {}.", author_name(review))],
    }
}

/// Folded: how each reviewer was chosen, so that nobody wonders "why me".
pub(super) fn folded_choice(policy: &Policy, review: &Review) -> String {
    let shown: Vec<_> = review.pools.iter().filter(|part| !part.candidates.is_empty()).collect();
    let notes = box_notes(policy, review);
    // While it waits, the comment says it all already.
    if (shown.is_empty() && notes.is_empty()) || matches!(review.stage, Stage::Done | Stage::Waiting) {
        return String::new();
    }
    let mut text = String::from("\n\n<details><summary>Why this choice?</summary>\n");
    for part in shown {
        let _ = write!(text, "\n**{}**\n\n{}", plain(&part.pool), verdicts(&part.candidates));
    }
    for note in notes {
        let _ = writeln!(text, "\n{note}");
    }
    text.push_str("\n</details>");
    text
}
