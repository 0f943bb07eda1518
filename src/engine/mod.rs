//! The engine: load, decide, commit. The only caller of `decide`.
//!
//! One step takes the facts of one change in, and writes review, ledger, outbox and "facts decided"
//! in one transaction. Steps run one after another, so two changes that compete for one pool see
//! each other's picks.

mod arrivals;
mod decider;
mod failing_hooks;
mod fold;
mod load;
mod parts;
mod preview;
mod setbacks;
mod shared_state;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::{Store, StoreError};
use crate::wakeups::Wakeups;

pub use arrivals::{Arrivals, Arrived, RefusedRun, RefusedWhy};
pub use failing_hooks::{FailingHook, HookNumber, remedy};
pub use fold::ON_PAPER;
pub use parts::Parts;
pub use preview::{Preview, PreviewDraft};
pub use shared_state::{DisabledHook, ForgeState, HookTest, OnForge, SharedState, StateSnapshot};

use decider::{Decider, Work};

/// Rows that are taken from the inbox at once.
const BATCH: u32 = 64;
/// How long the loop waits after the store has failed.
const STORE_PATIENCE: Duration = Duration::from_secs(1);

/// Decides what is in the inbox and what is due.
pub struct Engine {
    store: Store,
    shared: Arc<SharedState>,
    clock: Clock,
    wakeups: Arc<Wakeups>,
    decider: Decider,
}

impl Engine {
    pub fn new(parts: Parts) -> Engine {
        let Parts { store, shared, clock, wakeups, .. } = parts.clone();
        Engine { store, shared, clock, wakeups, decider: Decider::new(parts) }
    }

    /// Decides everything in the inbox that is due now; facts of a forge whose roster is not known wait
    /// for it. Returns how many rows were dealt with.
    ///
    /// # Errors
    /// What the store says that is no matter of one change. What was decided until then is committed.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        self.drain_until(&CancellationToken::new()).await
    }

    /// [`Engine::drain`], which leaves the rest where it is once it is time to stop.
    async fn drain_until(&self, stop: &CancellationToken) -> Result<usize, StoreError> {
        let mut decided = 0;
        loop {
            let known = self.shared.snapshot();
            let items = self.store.undecided_but(&known.awaiting_people(), self.clock.now(), BATCH).await?;
            if items.is_empty() || stop.is_cancelled() {
                if decided > 0 {
                    // Actions of a change are held while it has undecided facts: also a decision
                    // without actions may have let some go.
                    self.wakeups.outbox.wake();
                }
                return Ok(decided);
            }
            let work: Vec<Work> = items.into_iter().map(Work::row).collect();
            decided += self.decider.decide_all(&work, stop).await?;
        }
    }

    /// Looks at every review whose deadline has come. Returns how many.
    ///
    /// # Errors
    /// As [`Engine::drain`].
    pub async fn tick(&self) -> Result<usize, StoreError> {
        self.tick_until(&CancellationToken::new()).await
    }

    /// [`Engine::tick`], which leaves the rest for the next start once it is time to stop.
    ///
    /// # Errors
    /// As [`Engine::drain`].
    pub async fn tick_until(&self, stop: &CancellationToken) -> Result<usize, StoreError> {
        let mut looked_at = 0;
        loop {
            let known = self.shared.snapshot();
            let due = self.store.due_but(&known.without_people(), self.clock.now(), BATCH).await?;
            if due.is_empty() {
                return Ok(looked_at);
            }
            let work: Vec<Work> = due.into_iter().map(Work::due).collect();
            looked_at += self.decider.decide_all(&work, stop).await?;
            if stop.is_cancelled() {
                return Ok(looked_at);
            }
        }
    }

    /// Drains the inbox whenever it is woken, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut wakeup = self.wakeups.inbox.listen();
        while !stop.is_cancelled() {
            let wait = match self.drain_until(&stop).await {
                Ok(_) => self.store.next_undecided_but(&self.shared.snapshot().awaiting_people()).await,
                Err(error) => Err(error),
            };
            let next = match wait {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "the engine cannot reach the store; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(STORE_PATIENCE) => continue,
                        () = stop.cancelled() => return,
                    }
                }
            };
            let deferred = async {
                match next {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wakeup.woken() => {}
                () = deferred => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
