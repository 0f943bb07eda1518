//! Assignments: one person asked to review one change by one pool.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::candidate::DecidedBy;
use super::change::Account;
use super::fact::Refusal;
use super::timebox::TimeBox;

/// One person asked to review the change by one pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub pool: String,
    /// Usher's name for the person.
    pub person: String,
    pub account: Account,
    pub since: Timestamp,
    pub origin: Origin,
    /// What decided for them, where Usher chose.
    #[serde(default, skip_serializing_if = "DecidedBy::is_unknown")]
    pub decided_by: DecidedBy,
    /// Runs while it is this reviewer's turn.
    pub reviewing_box: TimeBox,
    /// Their box ran out at least once.
    pub ran_out: bool,
    /// False when the forge could not list them as a reviewer (one reviewer only): they are named
    /// in the comment instead.
    pub listed: bool,
    /// A person put them on the forge's list: Usher does not take them off.
    #[serde(default)]
    pub by_hand: bool,
    /// A reviewer who could not be listed has been named in a comment of its own.
    pub told: bool,
    /// They said that they are on it.
    pub accepted: bool,
    /// The request for changes (its time) that the author has answered and they were told so by Usher.
    #[serde(default)]
    pub handed_back: Option<Timestamp>,
    /// On leave for more than a working day, when the change was last decided: somebody else merges.
    #[serde(default)]
    pub absent: bool,
    /// They said that they cannot merge it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cannot_merge: bool,
    /// When a person last asked for them, by the forge's clock: an older wish to the contrary that
    /// is told late is void.
    pub named_at: Option<Timestamp>,
    /// Until when the forge's news was known as they became a reviewer: what they said and that they were
    /// taken off before was about an earlier request, however late it is told.
    #[serde(default)]
    pub known_until: Option<Timestamp>,
    /// When (by the forge's clock; where Usher ended it, until when the forge's news was known) and how it
    /// ended; `None` while it is active.
    pub ended: Option<(Timestamp, Ended)>,
}

impl Assignment {
    /// An assignment that begins now: listed on the forge, nothing said yet.
    pub fn new(pool: &str, person: &str, account: Account, since: Timestamp, origin: Origin) -> Assignment {
        Assignment {
            pool: pool.to_owned(),
            person: person.to_owned(),
            account,
            since,
            origin,
            decided_by: DecidedBy::default(),
            reviewing_box: TimeBox::default(),
            ran_out: false,
            listed: true,
            by_hand: false,
            told: false,
            accepted: false,
            handed_back: None,
            absent: false,
            cannot_merge: false,
            named_at: None,
            known_until: None,
            ended: None,
        }
    }

    pub fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    /// Remembers that a person asked for them at `at`.
    pub fn name_at(&mut self, at: Timestamp) {
        self.named_at = self.named_at.max(Some(at));
    }

    /// Whether a wish of `at` to end it counts: it is active, and nobody asked for them since.
    pub fn yields_at(&self, at: Timestamp) -> bool {
        self.is_active() && self.named_at.is_none_or(|named| named < at)
    }
}

/// Why somebody became a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Chosen by `pick`.
    Picked,
    /// A human had put them there, or they reviewed of their own accord.
    Adopted,
    /// Added because somebody's time box ran out, or they went on leave.
    Widened,
    /// Asked for by name in a command.
    Named,
}

/// How an assignment ended before the change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Declined,
    /// A person took them off the change.
    Removed,
    /// The forge would not have them.
    Refused(Refusal),
    /// Somebody asked for another reviewer instead.
    Reassigned,
    /// They went on leave for longer than a working day. They stay on the list, and what they say counts.
    Away,
    /// They left the pool.
    Left,
}
