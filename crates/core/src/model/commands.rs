//! The table of commands: the one source of permissions, help and documentation.

use serde::{Deserialize, Serialize};

/// Who may give a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// Everybody on the roster: support engineers, pool members, leads.
    Roster,
    /// The reviewers who are asked.
    Reviewers,
    /// Author, reviewers, members and leads of the change's pools, and maintainers.
    Involved,
    /// Leads of the change's pools.
    Leads,
    /// The author, and colleagues in support.
    Author,
}

/// One row of the table of commands: the source of permissions, help and documentation.
pub struct CommandRule {
    pub usage: &'static str,
    pub allowed: Allowed,
    pub meaning: &'static str,
}

/// Every command, in the order in which `help` prints them.
pub const COMMANDS: [CommandRule; 14] = [
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
    CommandRule { usage: "why", allowed: Allowed::Roster, meaning: "show how the reviewer was chosen" },
    CommandRule { usage: "help", allowed: Allowed::Roster, meaning: "show this list" },
];
