//! Actions: wanted end states on a forge. Doing one twice is harmless.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::Account;
use super::fact::CommentPlace;
use super::message::{Ping, Reply, StatusView};
use super::tickets::Ticket;

/// A wanted end state on a forge, performed by the courier. It says what is to be said, not how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Read the changed files; the answer comes back as [`Fact::Files`](super::fact::Fact::Files).
    ReadFiles {
        /// Also who owns them, by the CODEOWNERS file of this branch (empty: of the default branch).
        #[serde(default)]
        codeowners: Option<String>,
    },
    /// Look at the whole change, of which only a part was told; it comes back as
    /// [`Fact::Swept`](super::fact::Fact::Swept).
    Look,
    /// Read the threads that can be resolved; they come back as
    /// [`Fact::Threads`](super::fact::Fact::Threads).
    ReadThreads,
    /// Labels and reviewers as they should be.
    #[serde(rename = "shape")]
    Desired(DesiredState),
    /// The one status comment, created or edited in place.
    #[serde(rename = "status_view")]
    Status(Box<StatusView>),
    /// A short new comment that names one person.
    #[serde(rename = "ping_view")]
    Ping(Box<Ping>),
    /// Answer to commands that were refused or asked for words.
    #[serde(rename = "reply_view")]
    Reply(Box<Reply>),
    /// "Done": a reaction on the comment that gave the command.
    React {
        comment: u64,
        #[serde(default, skip_serializing_if = "CommentPlace::is_conversation")]
        place: CommentPlace,
    },
    /// Tell the ticket system that the change was merged: not for the forge.
    Announce(Announcement),
    /// A comment in words, as 0.1.0 left it in the outbox. Nothing decides on one any more.
    #[serde(untagged)]
    Comment(Comment),
}

/// A comment in words. `body` carries the hidden marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Comment {
    /// The one status comment.
    Status { body: String },
    /// Names one person; later than `not_after` it must not go out any more.
    Ping {
        key: String,
        person: String,
        body: String,
        /// For pings written before there was one: never too late.
        #[serde(default = "never_too_late")]
        not_after: Timestamp,
    },
    /// Answer to commands.
    Reply { key: String, body: String },
}

fn never_too_late() -> Timestamp {
    Timestamp::MAX
}

impl Comment {
    /// The status comment that says `text`.
    pub fn status(text: &str) -> Comment {
        Comment::Status { body: format!("{STATUS_MARKER}\n{text}") }
    }

    /// The comment of a ping that says `text`.
    pub fn ping(ping: &Ping, text: &str) -> Comment {
        let (key, person) = (ping.key.clone(), ping.person.clone());
        let body = format!("{}\n{text}", ping_marker(&key));
        Comment::Ping { key, person, body, not_after: ping.not_after }
    }

    /// The reply under `key` that says `text`.
    pub fn reply(key: &str, text: &str) -> Comment {
        Comment::Reply { key: key.to_owned(), body: format!("{}\n{text}", ping_marker(key)) }
    }

    /// The text with its marker.
    pub fn body(&self) -> &str {
        match self {
            Comment::Status { body } | Comment::Ping { body, .. } | Comment::Reply { body, .. } => body,
        }
    }

    /// The hidden marker by which it is found again.
    pub fn marker(&self) -> String {
        match self {
            Comment::Status { .. } => STATUS_MARKER.into(),
            Comment::Ping { key, .. } | Comment::Reply { key, .. } => ping_marker(key),
        }
    }
}

impl Action {
    /// The outbox kind: of two undelivered actions of one change and kind, the newer replaces the
    /// older.
    pub fn kind(&self) -> String {
        match self {
            Action::ReadFiles { .. } => "files".into(),
            Action::Look => "look".into(),
            Action::ReadThreads => "threads".into(),
            Action::Desired(_) => "shape".into(),
            Action::Status(_) | Action::Comment(Comment::Status { .. }) => "status".into(),
            Action::React { comment, place } => match place {
                CommentPlace::Conversation => format!("react:{comment}"),
                CommentPlace::Review => format!("react:review-{comment}"),
                CommentPlace::Line { .. } => format!("react:line-{comment}"),
            },
            Action::Announce(_) => "announce".into(),
            Action::Reply(reply) => format!("reply:{}", reply.key),
            Action::Comment(Comment::Reply { key, .. }) => format!("reply:{key}"),
            Action::Ping(ping) => format!("ping:{}", ping.key),
            Action::Comment(Comment::Ping { key, .. }) => format!("ping:{key}"),
        }
    }

    /// Whether it only reads: nobody sees anything of it.
    pub fn is_read(&self) -> bool {
        matches!(self, Action::ReadFiles { .. } | Action::Look | Action::ReadThreads)
    }

    /// Whom a ping names, under which key, and when it is too late; `None` for everything else.
    pub fn names(&self) -> Option<Named<'_>> {
        match self {
            Action::Ping(ping) => {
                Some(Named { person: &ping.person, key: &ping.key, not_after: ping.not_after })
            }
            Action::Comment(Comment::Ping { key, person, not_after, .. }) => {
                Some(Named { person, key, not_after: *not_after })
            }
            Action::ReadFiles { .. }
            | Action::Look
            | Action::ReadThreads
            | Action::Desired(_)
            | Action::Status(_)
            | Action::Reply(_)
            | Action::React { .. }
            | Action::Announce(_)
            | Action::Comment(Comment::Status { .. } | Comment::Reply { .. }) => None,
        }
    }
}

/// Somebody who is named in a comment of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    pub person: &'a str,
    /// Unique on its change.
    pub key: &'a str,
    /// Later the ping must not go out any more.
    pub not_after: Timestamp,
}

/// What is asked of a forge: an action whose words are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    ReadFiles { codeowners: Option<String> },
    Look,
    ReadThreads,
    Desired(DesiredState),
    Comment(Comment),
    React { comment: u64, place: CommentPlace },
}

impl Write {
    /// Whether it only reads, in spite of its name.
    pub fn is_read(&self) -> bool {
        matches!(self, Write::ReadFiles { .. } | Write::Look | Write::ReadThreads)
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

/// A key for a ping's hidden marker: nothing in it can end the HTML comment.
pub fn ping_key(parts: &[&str]) -> String {
    let tame = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '_' };
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.chars().map(tame).collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}

/// A reviewer who must be asked again, unless they have reviewed since.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AskedAgain {
    pub account: Account,
    /// When they gave the verdict that was answered, by the forge's clock.
    pub verdict_at: Timestamp,
}

/// Labels and reviewers as they should be on the forge. Whoever and whatever is not named here is
/// none of Usher's business and stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredState {
    /// Must be reviewers.
    pub reviewers: BTreeSet<Account>,
    /// Were set by Usher and must not be reviewers any more.
    pub not_reviewers: BTreeSet<Account>,
    /// Are asked to look again, where the forge keeps their verdict meanwhile (GitHub). Nobody elsewhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reviewers_again: BTreeSet<AskedAgain>,
    /// Must be on the change.
    pub labels: BTreeSet<String>,
    /// Usher's own labels that must not be on the change.
    pub not_labels: BTreeSet<String>,
}
