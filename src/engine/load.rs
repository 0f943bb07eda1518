//! What a decision needs to know, for all who decide.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::ForgeState;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::{Fact, Refusal};
use usher_core::model::people::{Directory, Workloads};
use usher_core::model::policy::Policy;
use usher_core::model::world::World;

/// The world of one change, owned.
pub(super) struct LoadedWorld {
    policy: Arc<Policy>,
    directory: Arc<Directory>,
    workloads: Workloads,
    first_seen: Timestamp,
    unsent: bool,
    now: Timestamp,
}

impl LoadedWorld {
    pub(super) fn new(forge: &ForgeState, workloads: Workloads, unsent: bool, now: Timestamp) -> LoadedWorld {
        let (policy, directory) = (forge.policy.clone(), forge.directory.clone());
        LoadedWorld { policy, directory, workloads, first_seen: forge.first_seen, unsent, now }
    }

    /// Takes in whom the forge refuses by these facts, unless they speak of its tier. Returns their
    /// names: other changes of the project are to know it, too.
    pub(super) fn learn<'a>(&mut self, facts: impl IntoIterator<Item = &'a Fact>) -> BTreeSet<String> {
        let refused = facts.into_iter().filter_map(|fact| match fact {
            Fact::Refused { reviewer, refusal: Refusal::NotAllowed | Refusal::Dropped } => {
                self.directory.by_id(reviewer.id)
            }
            _ => None,
        });
        let refused: BTreeSet<String> = refused.map(|person| person.name.clone()).collect();
        self.workloads.no_access.extend(refused.iter().cloned());
        refused
    }

    /// A change whose project's path is not known just now goes by its last one, in the queue as well.
    pub(super) fn call(&mut self, change: &ChangeKey, called: &ChangeKey) {
        self.workloads.queue.call(change, called);
    }

    pub(super) fn world(&self) -> World<'_> {
        World {
            policy: &self.policy,
            directory: &self.directory,
            workloads: &self.workloads,
            first_seen: self.first_seen,
            unsent: self.unsent,
            now: self.now,
        }
    }
}
