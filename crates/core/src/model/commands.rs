//! The table of commands: the one source of permissions, help and documentation; and what a command is.

use serde::{Deserialize, Serialize};

use super::absence::AwayEnd;
use super::fact::Command;
use super::fingerprint::fingerprint;
use super::timebox::Budget;

/// Who may give a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// Whoever can write a comment.
    Anybody,
    /// Everybody on the roster: support engineers, pool members, leads.
    Roster,
    /// The reviewers who are asked.
    Reviewers,
    /// Author, reviewers, members and leads of the change's pools, and maintainers.
    Involved,
    /// Leads of the change's pools.
    Leads,
    /// The author, colleagues in support, and the lead of support.
    Author,
}

/// One row of the table of commands: the source of permissions, help and documentation.
pub struct CommandRule {
    pub usage: &'static str,
    pub allowed: Allowed,
    pub meaning: &'static str,
}

/// Every command, in the order in which `help` prints them.
pub const COMMANDS: [CommandRule; 15] = [
    CommandRule {
        usage: "accept",
        allowed: Allowed::Reviewers,
        meaning: "I am on it; the clock starts anew",
    },
    CommandRule {
        usage: "decline [reason]",
        allowed: Allowed::Reviewers,
        meaning: "not me; somebody else is asked",
    },
    CommandRule {
        usage: "ready",
        allowed: Allowed::Author,
        meaning: "what was asked for is done; the reviewer looks again",
    },
    CommandRule {
        usage: "handover [@colleague]",
        allowed: Allowed::Author,
        meaning: "it got too much: this colleague in support carries on, or the lead of support is asked",
    },
    CommandRule { usage: "snooze 2d", allowed: Allowed::Involved, meaning: "pause the clock (m, h, d)" },
    CommandRule {
        usage: "reassign [@person]",
        allowed: Allowed::Involved,
        meaning: "ask somebody else, or this person",
    },
    CommandRule {
        usage: "pool NAME",
        allowed: Allowed::Involved,
        meaning: "send the change to another pool",
    },
    CommandRule { usage: "skip", allowed: Allowed::Involved, meaning: "leave this change alone" },
    CommandRule { usage: "resume", allowed: Allowed::Involved, meaning: "end a skip or a snooze" },
    CommandRule {
        usage: "away until 2026-12-01",
        allowed: Allowed::Roster,
        meaning: "I am not there, up to and including that day (or: away 3d); holds for all changes",
    },
    CommandRule { usage: "back", allowed: Allowed::Roster, meaning: "I am there again" },
    CommandRule {
        usage: "sponsor",
        allowed: Allowed::Leads,
        meaning: "take on a change that is more than a fix",
    },
    CommandRule {
        usage: "overrule @person [reason]",
        allowed: Allowed::Leads,
        meaning: "what this person asked for does not hold the change up",
    },
    CommandRule { usage: "why", allowed: Allowed::Anybody, meaning: "show how the reviewer was chosen" },
    CommandRule { usage: "help", allowed: Allowed::Anybody, meaning: "show this list" },
];

impl Command {
    /// What the command is, as a number that stays the same in every version: its word and what follows it.
    pub fn print(&self) -> u64 {
        let span = |span: &Budget| match span {
            Budget::Seconds(seconds) => format!("{seconds}s"),
            Budget::Minutes(minutes) => format!("{minutes}m"),
            Budget::Days(days) => format!("{days}d"),
        };
        let end = |end: &AwayEnd| match end {
            AwayEnd::Until(day) => day.to_string(),
            AwayEnd::Days(days) => format!("{days}d"),
        };
        let rest = match self {
            Command::Decline { note } => note.clone(),
            Command::Snooze { span: time } => Some(span(time)),
            Command::Reassign { to } => to.clone(),
            Command::Pool { name } => Some(name.clone()),
            Command::Away { end: day } => day.as_ref().map(end),
            Command::Overrule { whom, .. } => Some(whom.clone()),
            Command::Handover { to } => to.clone(),
            Command::Help
            | Command::Accept
            | Command::Skip
            | Command::Resume
            | Command::Back
            | Command::Sponsor
            | Command::Ready
            | Command::Why
            | Command::Unknown { .. } => None,
        };
        let unknown = if matches!(self, Command::Unknown { .. }) { "unknown" } else { "" };
        fingerprint([unknown, self.word()].into_iter().chain(rest.as_deref()))
    }

    /// Whether it is about the change itself, and comes too late once that is finished.
    pub fn is_about_the_change(&self) -> bool {
        match self {
            Command::Help | Command::Why | Command::Away { .. } | Command::Back | Command::Unknown { .. } => {
                false
            }
            Command::Accept
            | Command::Decline { .. }
            | Command::Snooze { .. }
            | Command::Reassign { .. }
            | Command::Pool { .. }
            | Command::Skip
            | Command::Resume
            | Command::Ready
            | Command::Overrule { .. }
            | Command::Handover { .. }
            | Command::Sponsor => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A print is kept in reviews: in another version it must be the same.
    #[test]
    fn a_command_is_remembered_by_what_it_is() {
        let snooze = |span| Command::Snooze { span }.print();
        assert_eq!(snooze(Budget::Days(2)), fingerprint(["", "snooze", "2d"]));
        assert_ne!(snooze(Budget::Days(2)), snooze(Budget::Minutes(2)));
        assert_eq!(Command::Why.print(), 4_105_241_192_159_160_477);
        let said = |text: &str| Command::Unknown { text: text.into(), nearest: None }.print();
        assert_ne!(said("why"), Command::Why.print());
        let other = Command::Unknown { text: "declin".into(), nearest: Some("decline".into()) };
        assert_eq!(said("declin"), other.print(), "what it was taken for is no part of it");
    }
}
