//! Candidates: every member of a pool with the verdict of a choice.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::change::ForgeKind;

/// One member of a pool, judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    pub person: String,
    pub standing: Judgement,
    /// A changed file that they own by CODEOWNERS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owns: Option<String>,
}

/// The judgement on one candidate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Judgement {
    Chosen {
        free_at: Timestamp,
        open: u32,
        capacity: u32,
    },
    /// Could have been chosen; somebody else came first.
    Free {
        free_at: Timestamp,
        open: u32,
        capacity: u32,
    },
    /// Could have been chosen, too; but they came back a few days ago and have had their share of what
    /// was asked since. Asked only when nobody else can be.
    EasedIn {
        since: Date,
        /// How often they were asked since.
        asked: u32,
        free_at: Timestamp,
        open: u32,
        capacity: u32,
    },
    Author,
    Away {
        until: Date,
    },
    /// At work, and a forge shows them as busy.
    Busy {
        says: ForgeKind,
        until: Option<Timestamp>,
    },
    /// Their leave begins within a business day.
    LeaveSoon {
        from: Date,
    },
    AtCapacity {
        open: u32,
        capacity: u32,
    },
    /// Free, but for changes that wait ahead of this one.
    Kept {
        ahead: u32,
    },
    Declined,
    /// Was asked before on this change.
    HadTurn,
    AlreadyAsked,
    NoAccess,
    UnknownOnForge,
    /// Their calendar has no working time in sight.
    NeverWorks,
}

impl Judgement {
    /// What is known of somebody who can be asked: when they work next, and their open reviews of how
    /// many.
    pub fn askable(&self) -> Option<(Timestamp, u32, u32)> {
        match *self {
            Judgement::Free { free_at, open, capacity }
            | Judgement::EasedIn { free_at, open, capacity, .. } => Some((free_at, open, capacity)),
            _ => None,
        }
    }

    /// Whether an obstacle may pass by itself, so that it is worth waiting for the person.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Judgement::Away { .. }
                | Judgement::Busy { .. }
                | Judgement::LeaveSoon { .. }
                | Judgement::AtCapacity { .. }
                | Judgement::Kept { .. }
        )
    }
}
