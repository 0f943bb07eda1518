//! What the running server knows beside its store: the policy and who is who, swapped as a whole
//! when either changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::core::people::{Directory, Roster};
use crate::core::policy::Policy;

/// The policy with the people of every forge. Cheap to read from anywhere.
pub struct Knowledge {
    known: ArcSwap<Known>,
}

/// One consistent state of knowledge.
#[derive(Clone)]
pub struct Known {
    pub policy: Arc<Policy>,
    forges: BTreeMap<String, ForgeKnowledge>,
}

/// What is known of one forge.
#[derive(Clone)]
pub struct ForgeKnowledge {
    pub directory: Arc<Directory>,
    pub roster: Arc<Roster>,
    /// When Usher first saw the forge.
    pub first_seen: Timestamp,
    /// When its open changes were last listed without a fault.
    pub swept_at: Option<Timestamp>,
    /// What went wrong last, until something goes right again.
    pub fault: Option<String>,
}

impl Knowledge {
    /// Knows `policy`, and of each forge what the store remembers.
    pub fn new(policy: Arc<Policy>, remembered: Vec<(String, Roster, Timestamp)>) -> Knowledge {
        let forges = remembered.into_iter().map(|(forge, roster, first_seen)| {
            let directory = Arc::new(Directory::new(&policy, &forge, &roster));
            let roster = Arc::new(roster);
            let known = ForgeKnowledge { directory, roster, first_seen, swept_at: None, fault: None };
            (forge, known)
        });
        let forges = forges.collect();
        Knowledge { known: ArcSwap::from_pointee(Known { policy, forges }) }
    }

    /// The present state.
    pub fn now(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// A new policy takes effect; forges it does not name are forgotten, new ones wait for their
    /// roster.
    pub fn set_policy(&self, policy: Arc<Policy>, now: Timestamp) {
        self.known.rcu(|known| {
            let forges = policy.forges.iter().map(|forge| {
                let before = known.forges.get(&forge.name);
                let roster = before.map(|before| before.roster.clone()).unwrap_or_default();
                let directory = Arc::new(Directory::new(&policy, &forge.name, &roster));
                let first_seen = before.map_or(now, |before| before.first_seen);
                let swept_at = before.and_then(|before| before.swept_at);
                let fault = before.and_then(|before| before.fault.clone());
                (forge.name.clone(), ForgeKnowledge { directory, roster, first_seen, swept_at, fault })
            });
            Known { policy: policy.clone(), forges: forges.collect() }
        });
    }

    /// A roster was read.
    pub fn learn(&self, forge: &str, roster: Roster) {
        let roster = Arc::new(roster);
        self.change(forge, |policy, known| {
            known.directory = Arc::new(Directory::new(policy, forge, &roster));
            known.roster = roster.clone();
        });
    }

    /// A sweep went well.
    pub fn swept(&self, forge: &str, at: Timestamp) {
        self.change(forge, |_, known| {
            known.swept_at = Some(at);
            known.fault = None;
        });
    }

    /// Talking to the forge went wrong.
    pub fn faulted(&self, forge: &str, fault: &str) {
        self.change(forge, |_, known| known.fault = Some(fault.to_owned()));
    }

    fn change(&self, forge: &str, change: impl Fn(&Policy, &mut ForgeKnowledge)) {
        self.known.rcu(|known| {
            let mut known = Known::clone(known);
            if let Some(one) = known.forges.get_mut(forge) {
                change(&known.policy, one);
            }
            known
        });
    }
}

impl Known {
    pub fn forge(&self, name: &str) -> Option<&ForgeKnowledge> {
        self.forges.get(name)
    }

    /// All forges by name.
    pub fn forges(&self) -> impl Iterator<Item = (&str, &ForgeKnowledge)> {
        self.forges.iter().map(|(name, forge)| (name.as_str(), forge))
    }
}
