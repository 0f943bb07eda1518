//! Candidates: every member of a pool with the verdict of a choice.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::change::ForgeKind;
use super::load::Load;

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
        open: Load,
        capacity: u32,
        #[serde(default, skip_serializing_if = "DecidedBy::is_unknown")]
        decided_by: DecidedBy,
    },
    /// Could have been chosen; somebody else came first.
    Free {
        free_at: Timestamp,
        open: Load,
        capacity: u32,
    },
    /// Could have been chosen, too; but they came back a few days ago and have had their share of what
    /// was asked since. Asked only when nobody else can be.
    EasedIn {
        since: Date,
        /// How often they were asked since.
        asked: u32,
        free_at: Timestamp,
        open: Load,
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
        open: Load,
        capacity: u32,
    },
    /// Free, but for changes that wait ahead of this one.
    Kept {
        ahead: u32,
    },
    Declined,
    /// Was asked before on this change.
    HadTurn,
    AlreadyAsked {
        /// What decided for them then, if they were chosen.
        #[serde(default, skip_serializing_if = "DecidedBy::is_unknown")]
        decided_by: DecidedBy,
    },
    NoAccess,
    UnknownOnForge,
    /// Their calendar has no working time in sight.
    NeverWorks,
}

/// The one thing that decided for whoever was chosen: the first in which they came before the next best.
/// It says something good of them, and nothing of anybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Nobody else could be asked.
    OnlyOne,
    /// They have not had their share yet.
    Share,
    /// They own changed files, where a route follows CODEOWNERS.
    Ownership,
    /// Their answer can be expected first.
    Soonest,
    /// The fewest open reviews, against their capacity.
    FewestOpen,
    /// Asked least in the last two weeks, against capacity and time at work.
    LeastAsked,
    /// Asked longest ago.
    LongestAgo,
    /// All else was equal, and somebody has to be first.
    FixedOrder,
}

/// What decided, where that is known: it was not always kept. While it is not, what is told of a choice is
/// the same as ever, and so is its fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecidedBy(pub Option<Criterion>);

impl DecidedBy {
    pub fn is_unknown(&self) -> bool {
        self.0.is_none()
    }
}

impl Hash for DecidedBy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(criterion) = &self.0 {
            criterion.hash(state);
        }
    }
}

impl Judgement {
    /// What decided for them, if they were chosen and it is known.
    pub fn decided_by(&self) -> Option<Criterion> {
        match self {
            Judgement::Chosen { decided_by, .. } | Judgement::AlreadyAsked { decided_by } => decided_by.0,
            _ => None,
        }
    }

    /// What is known of somebody who can be asked: when they work next, and how much they carry of how
    /// many reviews.
    pub fn askable(&self) -> Option<(Timestamp, Load, u32)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::fingerprint_of;

    /// As it was before it was kept what decided.
    #[derive(Hash)]
    enum Before {
        Chosen {
            free_at: Timestamp,
            open: u32,
            capacity: u32,
        },
        /// The place of a kind among others is part of the fingerprint.
        Free,
    }

    /// Else each open change's status comment would be written anew for words alone.
    #[test]
    fn what_is_not_known_leaves_the_fingerprint_as_it_was() {
        let free_at = Timestamp::UNIX_EPOCH;
        let before = fingerprint_of(&Before::Chosen { free_at, open: 1, capacity: 5 });
        let open = Load::WHOLE;
        let chosen = |decided_by| Judgement::Chosen { free_at, open, capacity: 5, decided_by };
        assert_eq!(fingerprint_of(&chosen(DecidedBy(None))), before);
        assert_ne!(fingerprint_of(&Before::Free), before);
        assert_ne!(fingerprint_of(&chosen(DecidedBy(Some(Criterion::OnlyOne)))), before);
    }

    #[test]
    fn a_judgement_is_kept_as_before_where_nothing_is_known() {
        for text in [
            r#"{"verdict":"already_asked"}"#,
            r#"{"verdict":"chosen","free_at":"2026-11-20T09:00:00Z","open":0,"capacity":5}"#,
        ] {
            let read: Judgement = serde_json::from_str(text).unwrap();
            assert_eq!(read.decided_by(), None);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        let known = Judgement::AlreadyAsked { decided_by: DecidedBy(Some(Criterion::FewestOpen)) };
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(text, r#"{"verdict":"already_asked","decided_by":"fewest_open"}"#);
        assert_eq!(serde_json::from_str::<Judgement>(&text).unwrap(), known);
    }
}
