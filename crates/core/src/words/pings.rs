//! Pings: short new comments that name one person.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{moment, obstacles, plain};
use crate::model::candidate::Candidate;
use crate::model::review::Stage;

/// What a reminder is about.
pub struct Reminder {
    pub stage: Stage,
    pub due: Option<Timestamp>,
    /// The time is over already.
    pub over: bool,
    pub zone: TimeZone,
    /// How people call Usher here, without `@`.
    pub me: String,
}

/// A reminder to whoever holds the ball, without its hidden marker.
pub fn remind(handle: &str, about: &Reminder) -> String {
    let hoped = if about.over { "was hoped for" } else { "is hoped for" };
    let due =
        about.due.map(|due| format!("; it {hoped} by {}", moment(due, &about.zone))).unwrap_or_default();
    match about.stage {
        Stage::WithAuthor => format!(
            "@{handle}: a small nudge, the reviewer's answer is waiting for you. If it got too much, say so; that is fine."
        ),
        Stage::ReadyToMerge => {
            format!("@{handle}: a small nudge, this is approved and only needs merging{due}.")
        }
        _ => format!(
            "@{handle}: a small nudge, a colleague in support waits for your answer{due}. No time? `@{} decline` hands it on.",
            about.me
        ),
    }
}

/// What an escalation is about.
pub struct Escalation {
    pub stage: Stage,
    pub pool: String,
    pub holder: Option<String>,
    pub candidates: Vec<Candidate>,
    /// How people call Usher here, without `@`.
    pub me: String,
}

/// Tells the pool's lead; without the hidden marker.
pub fn escalate(handle: &str, about: &Escalation) -> String {
    let pool = plain(&about.pool);
    match (about.stage, &about.holder) {
        (Stage::Waiting, _) => format!(
            "@{handle}: nobody of {pool} could be asked to review this yet ({}). `@{} reassign @person` asks somebody all the same.",
            obstacles(&about.candidates),
            about.me
        ),
        (Stage::ReadyToMerge, _) => {
            format!("@{handle}: this is approved and has waited long to be merged. Can you help?")
        }
        (_, Some(holder)) => format!(
            "@{handle}: this has waited long for an answer from {}. Can you help, or name somebody with `@{} reassign @person`?",
            plain(holder),
            about.me
        ),
        (_, None) => format!("@{handle}: this is stuck. Can you help?"),
    }
}

/// Asks a reviewer whom the forge cannot list; without the hidden marker.
pub fn asked_by_name(handle: &str) -> String {
    format!(
        "@{handle}: could you review this? The forge keeps one reviewer per change only, so I ask you this way."
    )
}

/// A key for a ping's hidden marker: nothing in it can end the HTML comment.
pub fn key(parts: &[&str]) -> String {
    let tame = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '_' };
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.chars().map(tame).collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}
