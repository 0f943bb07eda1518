//! Pings: short new comments that name one person.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{moment, obstacles, plain};
use crate::core::action::ping_marker;
use crate::core::candidate::Candidate;
use crate::core::review::Stage;

/// What a reminder is about.
pub struct Reminder {
    pub stage: Stage,
    pub due: Option<Timestamp>,
    /// The time is over already.
    pub over: bool,
    pub zone: TimeZone,
}

/// A reminder to whoever holds the ball.
pub fn remind(key: &str, handle: &str, about: &Reminder) -> String {
    let hoped = if about.over { "was hoped for" } else { "is hoped for" };
    let due =
        about.due.map(|due| format!("; it {hoped} by {}", moment(due, &about.zone))).unwrap_or_default();
    let text = match about.stage {
        Stage::WithAuthor => format!(
            "@{handle}: a small nudge, the reviewer's answer is waiting for you. If it got too much, say so; that is fine."
        ),
        Stage::ReadyToMerge => {
            format!("@{handle}: a small nudge, this is approved and only needs merging{due}.")
        }
        _ => format!(
            "@{handle}: a small nudge, a colleague in support waits for your answer{due}. No time? `@usher decline` hands it on."
        ),
    };
    format!("{}\n{text}", ping_marker(key))
}

/// What an escalation is about.
pub struct Escalation {
    pub stage: Stage,
    pub pool: String,
    pub holder: Option<String>,
    pub candidates: Vec<Candidate>,
}

/// Tells the pool's lead.
pub fn escalate(key: &str, handle: &str, about: &Escalation) -> String {
    let pool = plain(&about.pool);
    let text = match (about.stage, &about.holder) {
        (Stage::Waiting, _) => format!(
            "@{handle}: nobody of {pool} could be asked to review this yet ({}). `@usher reassign @person` asks somebody all the same.",
            obstacles(&about.candidates)
        ),
        (Stage::ReadyToMerge, _) => {
            format!("@{handle}: this is approved and has waited long to be merged. Can you help?")
        }
        (_, Some(holder)) => format!(
            "@{handle}: this has waited long for an answer from {}. Can you help, or name somebody with `@usher reassign @person`?",
            plain(holder)
        ),
        (_, None) => format!("@{handle}: this is stuck. Can you help?"),
    };
    format!("{}\n{text}", ping_marker(key))
}

/// Asks a reviewer whom the forge cannot list.
pub fn asked_by_name(key: &str, handle: &str) -> String {
    format!(
        "{}\n@{handle}: could you review this? The forge keeps one reviewer per change only, so I ask you this way.",
        ping_marker(key)
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
