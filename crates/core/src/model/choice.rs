//! What is told in public of a choice among the members of a pool. Who is away, busy, full or declined is
//! nobody's business but the company's own: by default only counts leave the house.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, DecidedBy, Judgement};

/// How much is told, as `[comments] verdicts` has it: in comments, in answers to `why` and in refusals. The
/// whole is always on the dashboard and in `explain`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerdictsTold {
    /// Everybody by name, with the judgement.
    Full,
    /// Who is asked and what decided; of the others how many could not be asked.
    #[default]
    Counts,
    /// Only who is asked.
    Off,
}

/// What is told of one choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChoiceTold {
    Full(Vec<Candidate>),
    Counts(ChoiceCounts),
    Nothing,
}

/// A choice in numbers. Whoever is asked is on the forge's list anyway, so they have names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChoiceCounts {
    pub asked: Vec<AskedPerson>,
    /// Others who could have been asked.
    pub free: u32,
    /// At capacity, or promised to an earlier change.
    pub full: u32,
    /// Everybody else, for whatever reason.
    pub not_available: u32,
}

/// Somebody who is asked, and what decided for them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AskedPerson {
    pub person: String,
    #[serde(default, skip_serializing_if = "DecidedBy::is_unknown")]
    pub decided_by: DecidedBy,
}

/// A choice that is told in full has the fingerprint of its candidates, so that what said the same before is
/// not written anew.
impl Hash for ChoiceTold {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            ChoiceTold::Full(candidates) => candidates.hash(state),
            ChoiceTold::Counts(counts) => counts.hash(state),
            ChoiceTold::Nothing => {}
        }
    }
}

impl Default for ChoiceTold {
    fn default() -> ChoiceTold {
        ChoiceTold::Full(Vec::new())
    }
}

impl ChoiceTold {
    /// As much of a choice as may be told.
    pub fn of(candidates: &[Candidate], told: VerdictsTold) -> ChoiceTold {
        match told {
            _ if candidates.is_empty() => ChoiceTold::default(),
            VerdictsTold::Full => ChoiceTold::Full(candidates.to_vec()),
            VerdictsTold::Counts => ChoiceTold::Counts(ChoiceCounts::of(candidates)),
            VerdictsTold::Off => ChoiceTold::Nothing,
        }
    }

    /// Whether no choice was made.
    pub fn is_empty(&self) -> bool {
        matches!(self, ChoiceTold::Full(candidates) if candidates.is_empty())
    }
}

impl ChoiceCounts {
    fn of(candidates: &[Candidate]) -> ChoiceCounts {
        let mut counts = ChoiceCounts::default();
        for one in candidates {
            match &one.standing {
                Judgement::Chosen { decided_by, .. } | Judgement::AlreadyAsked { decided_by } => {
                    counts.asked.push(AskedPerson { person: one.person.clone(), decided_by: *decided_by });
                }
                Judgement::Free { .. } | Judgement::EasedIn { .. } => counts.free += 1,
                Judgement::AtCapacity { .. } | Judgement::Kept { .. } => counts.full += 1,
                Judgement::Author
                | Judgement::Away { .. }
                | Judgement::Busy { .. }
                | Judgement::LeaveSoon { .. }
                | Judgement::Declined
                | Judgement::HadTurn
                | Judgement::NoAccess
                | Judgement::UnknownOnForge
                | Judgement::NeverWorks => counts.not_available += 1,
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::fingerprint_of;
    use crate::model::load::Load;

    fn pool() -> Vec<Candidate> {
        let one = |person: &str, standing| Candidate { person: person.into(), standing, owns: None };
        let asked = Judgement::AlreadyAsked { decided_by: DecidedBy::default() };
        vec![
            one("rita", asked),
            one("ravi", Judgement::Declined),
            one("dora", Judgement::Away { until: "2026-12-01".parse().unwrap() }),
            one("dirk", Judgement::AtCapacity { open: Load::of_reviews(4), capacity: 4 }),
        ]
    }

    #[test]
    fn counts_name_only_who_is_asked() {
        let told = ChoiceTold::of(&pool(), VerdictsTold::Counts);
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(text, r#"{"asked":[{"person":"rita"}],"free":0,"full":1,"not_available":2}"#);
        assert_eq!(serde_json::from_str::<ChoiceTold>(&text).unwrap(), told);
        assert_eq!(ChoiceTold::of(&[], VerdictsTold::Off), ChoiceTold::default());
    }

    #[test]
    fn what_was_stored_before_is_read_and_keeps_its_fingerprint() {
        let pool = pool();
        let text = serde_json::to_string(&pool).unwrap();
        let told: ChoiceTold = serde_json::from_str(&text).unwrap();
        assert_eq!(told, ChoiceTold::of(&pool, VerdictsTold::Full));
        assert_eq!(fingerprint_of(&told), fingerprint_of(&pool));
        assert_eq!(serde_json::from_str::<ChoiceTold>("null").unwrap(), ChoiceTold::Nothing);
    }
}
