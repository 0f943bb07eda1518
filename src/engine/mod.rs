//! The engine: load, decide, commit. The only caller of `decide`.
//!
//! One step takes the facts of one change in, and writes review, ledger, outbox and "facts decided"
//! in one transaction. Steps run one after another, so two changes that compete for one pool see
//! each other's picks.

mod arrivals;
mod failing_hooks;
mod fold;
mod load;
mod parts;
mod preview;
mod setbacks;
mod shared_state;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::{Commit, CommitError, InboxItem, LedgerEntry, Store, StoreError, Stored};
use crate::wakeups::Wakeups;
use usher_core::loads;
use usher_core::model::action::Action;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::reason::Reason;
use usher_core::model::review::Review;

pub use arrivals::{Arrivals, Arrived, RefusedRun, RefusedWhy};
pub use failing_hooks::{FailingHook, HookNumber, remedy};
pub use fold::ON_PAPER;
pub use parts::Parts;
pub use preview::{Preview, PreviewDraft};
pub use shared_state::{DisabledHook, ForgeState, HookTest, OnForge, SharedState, StateSnapshot};

use fold::FoldOutcome;
use load::LoadedWorld;
use setbacks::{FIRST_PAUSE, Setbacks};

/// Rows that are taken from the inbox at once.
const BATCH: u32 = 64;
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
    setbacks: Setbacks,
}

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Decided,
    /// The facts wait, and with them all later ones of their change.
    PutOff,
}

/// Why a step came to nothing.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it said may hold users' text, so only the log has it.
    #[error("the decision panicked; the log has more")]
    Panicked,
}

impl Engine {
    pub fn new(parts: Parts) -> Engine {
        let Parts { store, shared, clock, wakeups, metrics, dry_run, .. } = parts;
        let (turn, setbacks) = (Mutex::new(()), Setbacks::default());
        Engine { store, shared, clock, wakeups, metrics, dry_run, turn, setbacks }
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
            let mut put_off = BTreeSet::new();
            for item in items {
                if stop.is_cancelled() {
                    break;
                }
                if put_off.contains(&item.change) {
                    continue;
                }
                if self.step(&item.change, std::slice::from_ref(&item)).await? == Step::PutOff {
                    put_off.insert(item.change);
                }
                decided += 1;
            }
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
            for change in due {
                if stop.is_cancelled() {
                    return Ok(looked_at);
                }
                self.step(&change, &[]).await?;
                looked_at += 1;
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

    /// One decision: the facts of `items` (or a tick), all or nothing. What cannot be loaded, decided or
    /// committed is put off by itself, for longer each time, and everything else goes on.
    async fn step(&self, change: &ChangeKey, items: &[InboxItem]) -> Result<Step, StoreError> {
        let _turn = self.turn.lock().await;
        match self.try_step(change, items).await {
            Ok(step) => {
                if step == Step::Decided {
                    self.setbacks.over(change);
                }
                Ok(step)
            }
            // It is nobody's fault, and over in a moment.
            Err(StepError::Store(error @ StoreError::Busy { .. })) => Err(error),
            Err(error) => {
                self.put_off(change, items, &error).await?;
                Ok(Step::PutOff)
            }
        }
    }

    async fn try_step(&self, change: &ChangeKey, items: &[InboxItem]) -> Result<Step, StepError> {
        for _ in 0..CONFLICT_TRIES {
            let Some(commit) = self.decided(change, items).await? else {
                return Ok(if items.is_empty() { Step::Decided } else { Step::PutOff });
            };
            let reasons = commit.ledger.iter().flat_map(|entry| &entry.reasons);
            let held: Vec<_> = reasons.filter_map(Reason::holds_back).collect();
            let (actions, wake) =
                (!commit.actions.is_empty(), commit.review.as_ref().and_then(|r| r.planned.wake));
            let absences = commit.absences.clone();
            match self.store.commit(commit).await {
                Ok(nudged) => {
                    self.metrics.decisions.inc();
                    // StateSnapshot before the next decision, which the reviews that it concerns are due for.
                    self.shared.apply_absences(&absences);
                    held.into_iter().for_each(|why| self.metrics.held_back(&change.forge, why));
                    if actions {
                        self.wakeups.outbox.wake();
                    }
                    if wake.is_some() || nudged > 0 || !absences.is_empty() {
                        self.wakeups.alarm.wake();
                    }
                    return Ok(Step::Decided);
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        tracing::warn!(%change, "the review keeps changing under this decision; left for later");
        let until = self.clock.now() + SignedDuration::from_secs(1);
        self.store.defer(&ids(items), until, "the review kept changing").await?;
        Ok(Step::PutOff)
    }

    /// Decides, and says what is to be written; `None` when there is nothing to write. A review that
    /// was due is always written, for its deadline is over, whatever has become of it.
    async fn decided(&self, change: &ChangeKey, items: &[InboxItem]) -> Result<Option<Commit>, StepError> {
        let now = self.clock.now();
        let inbox = ids(items);
        let stored = self.store.load(change).await?;
        let expected_version = stored.as_ref().map(|stored| stored.version);
        let unsent = stored.as_ref().is_some_and(|stored| stored.unsent);
        let (before, renamed) =
            stored.map_or_else(|| (Review::new(change.clone()), None), Stored::as_decided);
        let nothing = |inbox: Vec<i64>| Commit {
            expected_version,
            unsent,
            inbox,
            ..Commit::empty(change.clone(), now)
        };
        let known = self.shared.snapshot();
        let forge = match known.forge(&change.forge) {
            // What is acknowledged and what is due waits until it is known who is who.
            Some(forge) if !forge.directory.known => return Ok(None),
            Some(_) if !inbox.is_empty() && known.awaits_people(&change.forge) => return Ok(None),
            Some(forge) => forge,
            // There is nobody to wait for at a forge that left the configuration.
            None => {
                return Ok(Some(Commit {
                    review: self.postponed(before, expected_version),
                    ..nothing(inbox)
                }));
            }
        };
        let facts: Vec<&Fact> = renamed.iter().chain(facts_of(items)).collect();
        let mut loaded = LoadedWorld::load(Some(&self.store), forge, change, unsent, now).await?;
        if renamed.is_none() {
            loaded.call(change, &before.change);
        }
        let refused = loaded.learn(facts.iter().copied());
        let mut outcome = FoldOutcome::of(before.clone());
        catch_unwind(AssertUnwindSafe(|| outcome.take(&loaded.world(), facts)))
            .map_err(|_| StepError::Panicked)?;
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
        let FoldOutcome { review, ledger, actions, absences } = outcome;
        let loads = loads(&forge.policy, &review, now);
        let loads = loads.into_iter().map(|(person, load)| (person.to_owned(), load)).collect();
        let review = Some(review);
        let decided = Commit { review, loads, ledger, actions, absences, refused, ..nothing(inbox) };
        Ok(Some(Commit { first_run_taken, withdraw_pings, ..decided }))
    }
}

impl Engine {
    /// Leaves a change alone that cannot be dealt with: one broken row must not stop all others.
    async fn put_off(
        &self,
        change: &ChangeKey,
        items: &[InboxItem],
        error: &StepError,
    ) -> Result<(), StoreError> {
        let (times, pause) = match error {
            // Not this change's fault, and over as soon as the store is well.
            StepError::Store(error) if error.may_pass() => (1, FIRST_PAUSE),
            _ => self.setbacks.again(change),
        };
        self.metrics.setbacks.inc();
        tracing::error!(%change, times, %error, "a change cannot be dealt with; left alone for {pause:#}");
        let until = self.clock.now() + pause;
        if items.is_empty() || matches!(error, StepError::Store(StoreError::Unreadable { .. })) {
            self.store.put_off(change, until).await?;
        }
        if items.is_empty() { Ok(()) } else { self.store.defer(&ids(items), until, &error.to_string()).await }
    }

    /// A review whose forge is not configured any more: looked at again later, and nothing else; it gives up its place in any queue, for it could not take what
    /// becomes free. There is nothing to postpone where there is no review.
    fn postponed(&self, mut review: Review, version: Option<i64>) -> Option<Review> {
        let change = &review.change;
        tracing::warn!(%change, "the forge is not configured; left as it is");
        review.planned.pools.iter_mut().for_each(|part| part.queued = None);
        let wake = Some(self.clock.now() + POSTPONED_FOR);
        version.map(|_| {
            let mut own = review;
            own.planned.wake = wake;
            own
        })
    }
}

/// The facts to decide; a tick where nothing came in. That a project is renamed is in the store by now,
/// whoever told of it.
fn facts_of(items: &[InboxItem]) -> impl Iterator<Item = &Fact> {
    const TICK: &Fact = &Fact::Tick;
    let facts = items.iter().flat_map(|item| &item.facts);
    let facts = facts.filter(|fact| !matches!(fact, Fact::Moved { .. }));
    facts.chain(items.is_empty().then_some(TICK))
}

fn ids(items: &[InboxItem]) -> Vec<i64> {
    items.iter().map(|item| item.id).collect()
}

/// One line per decision that had a reason. Users' texts and bodies are never logged.
fn log(change: &ChangeKey, ledger: &[LedgerEntry]) {
    for entry in ledger {
        let reasons: Vec<String> = entry.reasons.iter().map(usher_words::sentence).collect();
        let actions: Vec<String> = entry.actions.iter().map(Action::kind).collect();
        tracing::info!(%change, fact = entry.fact, actions = actions.join(","), "{}", reasons.join(" "));
    }
}
