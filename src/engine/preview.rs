//! What the engine would decide, without anything being written: for `explain` and `replay`.

use jiff::Timestamp;

use super::fold::FoldOutcome;
use super::load::LoadedWorld;
use super::{ForgeState, SharedState};
use crate::store::{Store, StoreError};
use usher_core::choose::pick::pick;
use usher_core::model::action::Action;
use usher_core::model::candidate::Candidate;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::people::{Directory, Workloads};
use usher_core::model::policy::Policy;
use usher_core::model::reason::Reason;
use usher_core::model::review::{PoolReview, Review};

/// One forge as it is known, and the store if there is one, both only to be looked at.
pub struct Preview {
    store: Option<Store>,
    forge: ForgeState,
}

/// A decision that nobody acts on.
pub struct PreviewDraft {
    loaded: LoadedWorld,
    outcome: FoldOutcome,
    /// Whether the store knew the change.
    pub is_known: bool,
}

impl Preview {
    /// `None` when there is no such forge in `shared`.
    pub fn of(store: Option<Store>, shared: &SharedState, forge: &str) -> Option<Preview> {
        let forge = shared.snapshot().forge(forge)?.clone();
        Some(Preview { store, forge })
    }

    /// Who is who on the forge.
    pub fn directory(&self) -> &Directory {
        &self.forge.directory
    }

    /// The change as it is now, before anything new has happened to it; found by its project's number, too,
    /// where the forge has `told` it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn begin(
        &self,
        change: &ChangeKey,
        told: Option<u64>,
        now: Timestamp,
    ) -> Result<PreviewDraft, StoreError> {
        let stored = match &self.store {
            Some(store) => store.load_told(change, told).await?,
            None => None,
        };
        let (is_known, unsent) = (stored.is_some(), stored.as_ref().is_some_and(|stored| stored.unsent));
        let mut review = stored.map_or_else(|| Review::new(change.clone()), |stored| stored.review);
        let workloads = match &self.store {
            Some(store) => store.workloads_for(change, now).await?,
            None => Workloads::default(),
        };
        let mut loaded = LoadedWorld::new(&self.forge, workloads, unsent, now);
        loaded.call(&review.change, change);
        review.change.clone_from(change);
        Ok(PreviewDraft { loaded, outcome: FoldOutcome::of(review), is_known })
    }
}

impl PreviewDraft {
    /// Decides these facts, one after another.
    pub fn take(&mut self, facts: &[Fact]) {
        self.loaded.learn(facts);
        self.outcome.take(&self.loaded.world(), facts);
    }

    /// Takes out the wish to read the changed files, if there is one: what they are is a fact.
    pub fn take_files_wish(&mut self) -> Option<Option<String>> {
        let read = |action: &Action| match action {
            Action::ReadFiles { codeowners } => Some(codeowners.clone()),
            _ => None,
        };
        let wish = self.outcome.actions.iter().find_map(read)?;
        self.outcome.actions.retain(|action| read(action).is_none());
        Some(wish)
    }

    pub fn policy(&self) -> &Policy {
        self.loaded.world().policy
    }

    pub fn review(&self) -> &Review {
        &self.outcome.review
    }

    pub fn actions(&self) -> &[Action] {
        &self.outcome.actions
    }

    /// Why, in the order in which things were decided.
    pub fn reasons(&self) -> Vec<&Reason> {
        self.outcome.reasons().collect()
    }

    /// Every pool's members, judged as of now.
    pub fn judged(&self) -> Vec<(String, Vec<Candidate>)> {
        let (world, review) = (self.loaded.world(), self.review());
        let judge = |part: &PoolReview| {
            let pool = world.policy.pool(&part.pool)?;
            let fresh = pick(&world, review, pool, None).candidates;
            // What was decided a moment ago says more than "is asked already".
            let fresh_is_best = self.is_known || part.candidates.is_empty();
            Some((part.pool.clone(), if fresh_is_best { fresh } else { part.candidates.clone() }))
        };
        review.planned.pools.iter().filter_map(judge).collect()
    }
}
