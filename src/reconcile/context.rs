//! What the duties of one forge share.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::engine::{FailingHook, HookNumber, SharedState, remedy};
use crate::forge::{Client, Deliveries, ForgeFault, HookPlace, Since};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;
use crate::wakeups::{Wakeup, Wakeups};
use usher_core::model::change::ChangeKey;

/// What went wrong with a duty.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Forge(#[from] ForgeFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What every duty of one forge works with.
#[derive(Clone)]
pub(super) struct DutyContext {
    pub client: Client,
    pub store: Store,
    pub shared: Arc<SharedState>,
    pub clock: Clock,
    pub wakeups: Arc<Wakeups>,
    pub metrics: Arc<Metrics>,
    pub tasks: Tasks,
    /// Nothing is written to the forge.
    pub dry_run: bool,
    pub signals: Arc<Signals>,
}

impl DutyContext {
    /// The hook or log that is called `whose`, where its newest delivery failed.
    pub(super) fn failing_hook(
        &self,
        whose: String,
        at: Option<(HookPlace, u64)>,
        found: &Deliveries,
    ) -> Option<FailingHook> {
        let last = found.fails_with()?;
        let hook = at.map(|(place, id)| HookNumber {
            place: place.path().to_owned(),
            of_group: matches!(place, HookPlace::Owner(_)),
            id,
        });
        let (status, words) = (last.status, last.words.clone());
        let remedy = remedy(self.client.kind(), self.client.name(), status);
        Some(FailingHook { hook, whose, since: found.failing_since, status, words, remedy })
    }

    /// The forge has just shown the project of this number under this path. One that is renamed has its
    /// open reviews looked at.
    pub(super) async fn learn(&self, number: u64, path: &str, now: Timestamp) -> Result<(), StoreError> {
        let forge = self.client.name();
        if self.store.learn_project(forge, number, path, now).await? {
            tracing::info!(forge, number, path, "a project is known by this path now");
            self.wakeups.alarm.wake();
        }
        Ok(())
    }
}

/// What the duties of one forge tell each other.
pub(super) struct Signals {
    /// How often the roster was read from the forge.
    pub roster: watch::Sender<u64>,
    /// It is known anew who is who, and who is away.
    pub people: Wakeup,
    /// The last good sweep.
    pub swept: watch::Sender<Swept>,
}

/// What a sweep leaves to the duties after it.
#[derive(Clone, Default)]
pub(super) struct Swept {
    /// How many good sweeps there were, this one included.
    pub number: u64,
    /// What was asked for.
    pub since: Since,
    /// All changes that it listed.
    pub shown: Arc<BTreeSet<ChangeKey>>,
    /// Whether there are no more.
    pub complete: bool,
}
