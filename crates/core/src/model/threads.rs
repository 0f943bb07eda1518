//! Threads that people open on a change, as far as its forge lets them be resolved.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::Account;

/// One thread that can be resolved: a remark on a line with its answers, on GitLab also one of the
/// conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub opener: Account,
    /// When people could first see it: on GitHub with the review that it came with.
    pub opened_at: Timestamp,
    /// `None` while it is open.
    pub resolved: Option<Resolved>,
}

/// By whom and when a thread was resolved, as far as the forge tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    pub by: Option<Account>,
    /// GitLab's `resolved_at`; GitHub has none.
    pub at: Option<Timestamp>,
}

/// What became of the threads that one person opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnThreads {
    /// They reviewed without a verdict, or on a line: there may be threads.
    pub remarked: bool,
    /// How many were open when they were last read; `None`: not known.
    pub open: Option<u32>,
    /// When somebody else last resolved one, as last read; the latest that it can have been.
    pub resolved_at: Option<Timestamp>,
    /// As `resolved_at`, of what was told since: which are open is known when they are read.
    pub told_at: Option<Timestamp>,
}

impl OwnThreads {
    /// Since when none of them is open, if others resolved them.
    pub fn settled_at(&self) -> Option<Timestamp> {
        self.resolved_at.filter(|_| self.open == Some(0))
    }
}
