//! The engine: load, decide, commit. The only caller of `decide`.
//!
//! One step takes the facts of one change in, and writes review, ledger, outbox and "facts decided"
//! in one transaction. Steps run one after another, so two changes that compete for one pool see
//! each other's picks.

mod fold;
mod load;
mod moves;
mod parts;
mod preview;
mod shared_state;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::{Commit, CommitError, InboxItem, LedgerEntry, Store, StoreError};
use crate::wakeups::Wakeups;
use usher_core::model::action::Action;
use usher_core::model::change::ChangeKey;
use usher_core::model::reason::Reason;
use usher_core::model::review::Review;

pub use parts::Parts;
pub use preview::{Draft, Preview};
pub use shared_state::{DisabledHook, ForgeState, HookTest, OnForge, SharedState, StateSnapshot};

use fold::Outcome;
use load::Loaded;

/// Rows that are taken from the inbox at once.
const BATCH: u32 = 64;
/// How long facts of a forge wait for its roster before they are looked at again.
const ROSTER_PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// How long a review that cannot be read is left alone.
const UNREADABLE_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How long a review without a usable forge is left alone.
const POSTPONED_FOR: SignedDuration = SignedDuration::from_mins(15);
/// How often a step is tried when somebody else changed the review meanwhile.
const CONFLICT_TRIES: u32 = 5;
/// How long the loop waits after the store has failed.
const STORE_PATIENCE: Duration = Duration::from_secs(1);

/// Decides what is in the inbox and what is due.
pub struct Engine {
    store: Store,
    shared: Arc<SharedState>,
    clock: Clock,
    wakeups: Arc<Wakeups>,
    metrics: Arc<Metrics>,
    /// Decide and record, but leave nothing in the outbox that writes.
    dry_run: bool,
    /// One step at a time.
    turn: Mutex<()>,
}

impl Engine {
    pub fn new(parts: Parts) -> Engine {
        let Parts { store, shared, clock, wakeups, metrics, dry_run } = parts;
        Engine { store, shared, clock, wakeups, metrics, dry_run, turn: Mutex::new(()) }
    }

    /// Decides everything in the inbox that is due now; facts of a forge whose roster is not known are
    /// put off. Returns how many rows were dealt with.
    ///
    /// # Errors
    /// What the store says that is no matter of one change. What was decided until then is committed.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let mut decided = 0;
        loop {
            let items = self.store.undecided(self.clock.now(), BATCH).await?;
            if items.is_empty() {
                if decided > 0 {
                    // Actions of a change are held while it has undecided facts: also a decision
                    // without actions may have let some go.
                    self.wakeups.outbox.wake();
                }
                return Ok(decided);
            }
            for item in items {
                self.step(&item.change, std::slice::from_ref(&item)).await?;
                decided += 1;
            }
        }
    }

    /// Looks at every review whose deadline has come. Returns how many.
    ///
    /// # Errors
    /// As [`Engine::drain`].
    pub async fn tick(&self) -> Result<usize, StoreError> {
        let mut looked_at = 0;
        loop {
            let due = self.store.due(self.clock.now(), BATCH).await?;
            if due.is_empty() {
                return Ok(looked_at);
            }
            for change in due {
                self.step(&change, &[]).await?;
                looked_at += 1;
            }
        }
    }

    /// Drains the inbox whenever it is woken, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut wakeup = self.wakeups.inbox.listen();
        while !stop.is_cancelled() {
            let wait = match self.drain().await {
                Ok(_) => self.store.next_undecided().await,
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

    /// One decision: the facts of `items` (or a tick), all or nothing.
    async fn step(&self, change: &ChangeKey, items: &[InboxItem]) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let mut tries = 0;
        loop {
            tries += 1;
            let commit = match self.decided(change, items).await {
                Err(StoreError::Unreadable { what, why }) => {
                    tracing::error!(%change, what, why, "a review cannot be read; left alone for an hour");
                    return self.put_off(change, items).await;
                }
                decided => decided?,
            };
            let Some(commit) = commit else { return Ok(()) };
            let reasons = commit.ledger.iter().flat_map(|entry| &entry.reasons);
            let held: Vec<_> = reasons.filter_map(Reason::holds_back).collect();
            let (actions, wake) =
                (!commit.actions.is_empty(), commit.review.as_ref().and_then(|r| r.planned.wake));
            let absences = commit.absences.clone();
            match self.store.commit(commit).await {
                Ok(nudged) => {
                    self.metrics.decisions.inc();
                    // StateSnapshot before the next decision, which the reviews that it concerns are due for.
                    self.shared.hear(&absences);
                    held.into_iter().for_each(|why| self.metrics.held_back(&change.forge, why));
                    if actions {
                        self.wakeups.outbox.wake();
                    }
                    if wake.is_some() || nudged > 0 || !absences.is_empty() {
                        self.wakeups.alarm.wake();
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict) if tries < CONFLICT_TRIES => {}
                Err(CommitError::Conflict) => {
                    tracing::warn!(%change, "the review keeps changing under this decision; left for later");
                    let ids: Vec<i64> = items.iter().map(|item| item.id).collect();
                    let until = self.clock.now() + SignedDuration::from_secs(1);
                    return self.store.defer(&ids, until, "the review kept changing").await;
                }
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
    }

    /// Decides, and says what is to be written; `None` when there is nothing to write. A review that
    /// was due is always written, for its deadline is over, whatever has become of it.
    async fn decided(&self, change: &ChangeKey, items: &[InboxItem]) -> Result<Option<Commit>, StoreError> {
        let now = self.clock.now();
        let inbox: Vec<i64> = items.iter().map(|item| item.id).collect();
        let stored = self.store.load(change).await?;
        let expected_version = stored.as_ref().map(|stored| stored.version);
        let before = stored.map_or_else(|| Review::new(change.clone()), |stored| stored.review);
        let nothing = |inbox: Vec<i64>| Commit {
            change: change.clone(),
            expected_version,
            review: None,
            inbox,
            ledger: Vec::new(),
            actions: Vec::new(),
            absences: Vec::new(),
            refused: BTreeSet::new(),
            first_run_taken: false,
            withdraw_pings: false,
            now,
        };
        let known = self.shared.snapshot();
        let forge = match known.forge(&change.forge) {
            Some(forge) if forge.directory.known => forge,
            // Kept until it is known who is who: an acknowledged delivery is never dropped.
            Some(_) if !inbox.is_empty() => {
                self.store
                    .defer(&inbox, now + ROSTER_PATIENCE, "the forge's roster is not known yet")
                    .await?;
                return Ok(None);
            }
            // There is nobody to wait for at a forge that left the configuration.
            _ => {
                return Ok(Some(Commit {
                    review: self.postponed(before, expected_version),
                    ..nothing(inbox)
                }));
            }
        };
        if expected_version.is_none() && self.is_known_elsewhere(change, items, now).await? {
            return Ok(None);
        }
        let facts = self.facts(change, items).await?;
        let mut loaded = Loaded::load(Some(&self.store), &known, forge, change, now).await?;
        let refused = loaded.learn(facts.iter().copied());
        let mut outcome = Outcome::of(before.clone());
        outcome.take(&loaded.world(), facts);
        if self.dry_run {
            outcome.keep_dry();
        }
        if !outcome.review.tracked {
            return Ok((!inbox.is_empty()).then(|| Commit { refused, ..nothing(inbox) }));
        }
        log(change, &outcome.ledger);
        let broken =
            outcome.reasons().filter(|reason| matches!(reason, Reason::TemplateBroken { .. })).count();
        self.metrics.template_faults.inc_by(broken as u64);
        let first_run_taken = outcome.leaves_first_run(&before);
        let withdraw_pings = outcome.review.done.stage != before.done.stage;
        let Outcome { review, ledger, actions, absences } = outcome;
        let review = Some(review);
        let decided = Commit { review, ledger, actions, absences, refused, ..nothing(inbox) };
        Ok(Some(Commit { first_run_taken, withdraw_pings, ..decided }))
    }
}

impl Engine {
    /// Leaves a review alone that cannot be read: one broken row must not stop all others.
    async fn put_off(&self, change: &ChangeKey, items: &[InboxItem]) -> Result<(), StoreError> {
        let until = self.clock.now() + UNREADABLE_FOR;
        let ids: Vec<i64> = items.iter().map(|item| item.id).collect();
        self.store.defer(&ids, until, "the review cannot be read").await?;
        self.store.put_off(change, until).await
    }

    /// A review whose forge is not configured any more, or whose people are not known: looked at
    /// again later, and nothing else; it gives up its place in any queue, for it could not take what
    /// becomes free. There is nothing to postpone where there is no review.
    fn postponed(&self, mut review: Review, version: Option<i64>) -> Option<Review> {
        let change = &review.change;
        tracing::warn!(%change, "the forge is not configured or its people are not known; left as it is");
        review.planned.pools.iter_mut().for_each(|part| part.queued = None);
        let wake = Some(self.clock.now() + POSTPONED_FOR);
        version.map(|_| {
            let mut own = review;
            own.planned.wake = wake;
            own
        })
    }
}

/// One line per decision that had a reason. Users' texts and bodies are never logged.
fn log(change: &ChangeKey, ledger: &[LedgerEntry]) {
    for entry in ledger {
        let reasons: Vec<String> = entry.reasons.iter().map(usher_words::sentence).collect();
        let actions: Vec<String> = entry.actions.iter().map(Action::kind).collect();
        tracing::info!(%change, fact = entry.fact, actions = actions.join(","), "{}", reasons.join(" "));
    }
}
