//! Actions: wanted end states on a forge. Doing one twice is harmless.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::Account;
use super::tickets::Ticket;

/// A wanted end state on a forge, performed by the courier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Read the changed files; the answer comes back as [`Fact::Files`](super::fact::Fact::Files).
    ReadFiles {
        /// Also who owns them, by the CODEOWNERS file of this branch (empty: of the default branch).
        #[serde(default)]
        codeowners: Option<String>,
    },
    /// Labels and reviewers as they should be.
    Shape(Shape),
    /// The one status comment, created or edited in place. `body` carries the hidden marker.
    Status { body: String },
    /// A short new comment that names one person. `key` makes it unique on its change; `body`
    /// carries the hidden marker. Later than `not_after`, the end of the stretch of the person's
    /// working time in which it was decided, it must not go out any more.
    Ping {
        key: String,
        person: String,
        body: String,
        /// For pings written before there was one: never too late.
        #[serde(default = "never_too_late")]
        not_after: Timestamp,
    },
    /// Answer to a command that was refused or asked for words.
    Reply { key: String, body: String },
    /// "Done": a reaction on the comment that gave the command.
    React { comment: u64 },
    /// Tell the ticket system that the change was merged: not for the forge.
    Announce(Announcement),
}

fn never_too_late() -> Timestamp {
    Timestamp::MAX
}

impl Action {
    /// The outbox kind: of two undelivered actions of one change and kind, the newer replaces the
    /// older.
    pub fn kind(&self) -> String {
        match self {
            Action::ReadFiles { .. } => "files".into(),
            Action::Shape(_) => "shape".into(),
            Action::Status { .. } => "status".into(),
            Action::Ping { key, .. } => format!("ping:{key}"),
            Action::Reply { key, .. } => format!("reply:{key}"),
            Action::React { comment } => format!("react:{comment}"),
            Action::Announce(_) => "announce".into(),
        }
    }

    /// The hidden marker by which a comment of ours is found again, or `None` for actions that
    /// write no comment.
    pub fn marker(&self) -> Option<String> {
        match self {
            Action::Status { .. } => Some(STATUS_MARKER.into()),
            Action::Ping { key, .. } | Action::Reply { key, .. } => Some(ping_marker(key)),
            Action::ReadFiles { .. } | Action::Shape(_) | Action::React { .. } | Action::Announce(_) => None,
        }
    }
}

/// What a ticket system is told of a merge: no names, neither of people nor of customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The change's page on its forge.
    pub url: String,
    pub tickets: BTreeSet<Ticket>,
    pub opened_at: Timestamp,
    pub merged_at: Timestamp,
    /// How many were reviewers in the end, and how many of them approved.
    pub reviewers: u32,
    pub approvals: u32,
}

/// First line of the status comment.
pub const STATUS_MARKER: &str = "<!-- usher:status -->";

/// First line of a ping or reply.
pub fn ping_marker(key: &str) -> String {
    format!("<!-- usher:ping:{key} -->")
}

/// Labels and reviewers as they should be on the forge. Whoever and whatever is not named here is
/// none of Usher's business and stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Must be reviewers.
    pub reviewers: BTreeSet<Account>,
    /// Were set by Usher and must not be reviewers any more.
    pub not_reviewers: BTreeSet<Account>,
    /// Must be on the change.
    pub labels: BTreeSet<String>,
    /// Usher's own labels that must not be on the change.
    pub not_labels: BTreeSet<String>,
}
