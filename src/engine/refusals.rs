//! Whom a forge would not have as a reviewer, remembered for a day, so that one person without
//! access is not asked anew by every change of the project.
//!
//! Kept in memory only: forgetting it costs one refused request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use usher_core::model::change::ChangeKey;
use usher_core::model::fact::{Fact, Refusal};
use usher_core::model::people::Directory;

/// How long a refusal is believed: access may be granted any time.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How many refusals are remembered; beyond that, none is added until old ones are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// Forge, project and person.
type Place = (String, String, String);

/// Refusals of the last day.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<BTreeMap<Place, Timestamp>>);

impl Refusals {
    /// Remembers the refusals among `facts`, unless they speak of the forge's tier.
    pub(super) fn learn(&self, change: &ChangeKey, facts: &[&Fact], directory: &Directory, now: Timestamp) {
        let refused = facts.iter().filter_map(|fact| match fact {
            Fact::Refused { reviewer, refusal: Refusal::NotAllowed | Refusal::Dropped } => {
                directory.by_id(reviewer.id)
            }
            _ => None,
        });
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for person in refused {
            known.retain(|_, at| now.duration_since(*at) < BELIEVED_FOR);
            if known.len() < REMEMBERED_MAX {
                known.insert((change.forge.clone(), change.project.clone(), person.name.clone()), now);
            }
        }
    }

    /// The people who were refused on the change's project, by name.
    pub(super) fn of(&self, change: &ChangeKey, now: Timestamp) -> BTreeSet<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = (change.forge.clone(), change.project.clone(), String::new());
        let here = known
            .range(first..)
            .take_while(|((forge, project, _), _)| *forge == change.forge && *project == change.project);
        let recent = here.filter(|(_, at)| now.duration_since(**at) < BELIEVED_FOR);
        recent.map(|((_, _, person), _)| person.clone()).collect()
    }
}
