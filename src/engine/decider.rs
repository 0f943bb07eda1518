//! Decisions that share a transaction, still one change after another: each sees what those before it came to.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::fold::FoldOutcome;
use super::load::LoadedWorld;
use super::parts::Parts;
use super::setbacks::{FIRST_PAUSE, Setbacks};
use crate::store::{Commit, CommitError, Deciding, InboxItem, LedgerEntry, StoreError, Stored};
use usher_core::loads;
use usher_core::model::action::Action;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::reason::Reason;
use usher_core::model::review::Review;

/// Most of one transaction, while no delivery waits for the same disk.
const TOGETHER_MAX: usize = 64;
/// How long a review without a usable forge is left alone.
const POSTPONED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Decides changes and writes what came of it.
pub(super) struct Decider {
    parts: Parts,
    /// One transaction at a time.
    turn: Mutex<()>,
    setbacks: Setbacks,
}

/// What is to be decided of a change: a row of the inbox, or that its deadline has come.
pub(super) struct Work {
    change: ChangeKey,
    item: Option<InboxItem>,
}

/// Why a decision, or all that share its transaction, came to nothing.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it said may hold users' text, so only the log has it.
    #[error("the decision panicked; the log has more")]
    Panicked,
    #[error("somebody else decided first")]
    Conflict,
}

/// How far one transaction came.
#[derive(Default)]
struct Taken {
    looked_at: usize,
    /// Of these, those that did not have to wait for an earlier one of their change.
    decided: usize,
    put_off: Vec<ChangeKey>,
    /// What could not be loaded or decided, by its place.
    failed: Vec<(usize, StepError)>,
}

impl From<CommitError> for StepError {
    fn from(error: CommitError) -> StepError {
        match error {
            CommitError::Conflict => StepError::Conflict,
            CommitError::Store(error) => StepError::Store(error),
        }
    }
}

impl StepError {
    /// Whether it is about one change, and the transaction is as good as before.
    fn is_of_one(&self) -> bool {
        matches!(self, StepError::Panicked | StepError::Store(StoreError::Unreadable { .. }))
    }
}

impl Work {
    pub(super) fn row(item: InboxItem) -> Work {
        Work { change: item.change.clone(), item: Some(item) }
    }

    pub(super) fn due(change: ChangeKey) -> Work {
        Work { change, item: None }
    }

    fn ids(&self) -> Vec<i64> {
        self.item.iter().map(|item| item.id).collect()
    }

    /// The facts to decide; a tick where nothing came in. That a project is renamed is in the store by now,
    /// whoever told of it.
    fn facts(&self) -> impl Iterator<Item = &Fact> {
        const TICK: &Fact = &Fact::Tick;
        let facts = self.item.iter().flat_map(|item| &item.facts);
        let facts = facts.filter(|fact| !matches!(fact, Fact::Moved { .. }));
        facts.chain(self.item.is_none().then_some(TICK))
    }
}

impl Decider {
    pub(super) fn new(parts: Parts) -> Decider {
        Decider { parts, turn: Mutex::new(()), setbacks: Setbacks::default() }
    }

    /// Decides these in their order. What cannot be loaded, decided or committed is put off by itself, for longer
    /// each time, and with it what else there is of its change; everything else goes on. Answers how many were
    /// dealt with.
    ///
    /// # Errors
    /// What the store says that is no matter of one change. What was decided until then is committed.
    pub(super) async fn decide_all(
        &self,
        work: &[Work],
        stop: &CancellationToken,
    ) -> Result<usize, StoreError> {
        let mut put_off = BTreeSet::new();
        let (mut decided, mut next, mut alone_until) = (0, 0, 0);
        while next < work.len() && !stop.is_cancelled() {
            let most = if next < alone_until { 1 } else { TOGETHER_MAX };
            let together = &work[next..work.len().min(next + most)];
            let _turn = self.turn.lock().await;
            match self.try_together(together, &put_off).await {
                Ok(taken) => {
                    decided += taken.decided;
                    next += taken.looked_at;
                    put_off.extend(taken.put_off);
                    for (place, error) in taken.failed {
                        self.put_off(&together[place], &error).await?;
                    }
                }
                // It is nobody's fault, and over in a moment.
                Err(StepError::Store(error @ StoreError::Busy { .. })) => return Err(error),
                // One of them cannot be written, and the others must not suffer from it.
                Err(error) if together.len() > 1 => {
                    tracing::debug!(%error, "these cannot be decided together; each is tried by itself");
                    alone_until = next + together.len();
                }
                Err(error) => {
                    self.put_off(&together[0], &error).await?;
                    put_off.insert(together[0].change.clone());
                    (decided, next) = (decided + 1, next + 1);
                }
            }
        }
        Ok(decided)
    }

    /// Decides some of these, the first at least, and commits what came of it. Those of `held` wait.
    async fn try_together(&self, work: &[Work], held: &BTreeSet<ChangeKey>) -> Result<Taken, StepError> {
        let mut deciding = self.parts.store.deciding(self.parts.clock.now()).await?;
        let (mut written, mut taken) = (Vec::new(), Taken::default());
        for (place, one) in work.iter().enumerate() {
            taken.looked_at += 1;
            if held.contains(&one.change) || taken.put_off.contains(&one.change) {
                continue;
            }
            taken.decided += 1;
            match self.decided(&mut deciding, one).await {
                Ok(None) => taken.put_off.push(one.change.clone()),
                Ok(Some(commit)) => {
                    let nudged = deciding.write(&commit).await?;
                    // The next decision has to know who is away; and whoever delivers waits for an answer.
                    let speaks_of_absence = !commit.absences.is_empty();
                    written.push((commit, nudged));
                    if speaks_of_absence || deciding.holds_up_deliveries() {
                        break;
                    }
                }
                Err(error) if error.is_of_one() => {
                    taken.put_off.push(one.change.clone());
                    taken.failed.push((place, error));
                }
                Err(error) => return Err(error),
            }
        }
        deciding.commit().await?;
        for (commit, nudged) in &written {
            self.tell_of(commit, *nudged);
        }
        Ok(taken)
    }

    /// What was decided is on the disk: whoever has to know of it hears it.
    fn tell_of(&self, commit: &Commit, nudged: u64) {
        self.parts.metrics.decisions.inc();
        self.setbacks.over(&commit.change);
        self.parts.shared.apply_absences(&commit.absences);
        for reason in commit.ledger.iter().flat_map(|entry| &entry.reasons) {
            if let Some(why) = reason.holds_back() {
                self.parts.metrics.held_back(&commit.change.forge, why);
            }
            if matches!(reason, Reason::TemplateBroken { .. }) {
                self.parts.metrics.template_faults.inc();
            }
        }
        log(&commit.change, &commit.ledger);
        if !commit.actions.is_empty() {
            self.parts.wakeups.outbox.wake();
        }
        let wakes = commit.review.as_ref().is_some_and(|review| review.planned.wake.is_some());
        if wakes || nudged > 0 || !commit.absences.is_empty() {
            self.parts.wakeups.alarm.wake();
        }
    }

    /// Decides, and says what is to be written; `None` when there is nothing to write. A review that
    /// was due is always written, for its deadline is over, whatever has become of it.
    async fn decided(&self, deciding: &mut Deciding, work: &Work) -> Result<Option<Commit>, StepError> {
        let (change, inbox, now) = (&work.change, work.ids(), deciding.now());
        let stored = deciding.load(change).await?;
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
        let known = self.parts.shared.snapshot();
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
        let facts: Vec<&Fact> = renamed.iter().chain(work.facts()).collect();
        let workloads = deciding.workloads_for(change).await?;
        let mut loaded = LoadedWorld::new(forge, workloads, unsent, now);
        if renamed.is_none() {
            loaded.call(change, &before.change);
        }
        let refused = loaded.learn(facts.iter().copied());
        let mut outcome = FoldOutcome::of(before.clone());
        catch_unwind(AssertUnwindSafe(|| outcome.take(&loaded.world(), facts)))
            .map_err(|_| StepError::Panicked)?;
        if self.parts.dry_run {
            outcome.keep_dry();
        }
        if !outcome.review.tracked {
            return Ok((!inbox.is_empty()).then(|| Commit { refused, ..nothing(inbox) }));
        }
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

impl Decider {
    /// Leaves a change alone that cannot be dealt with: one broken row must not stop all others.
    async fn put_off(&self, work: &Work, error: &StepError) -> Result<(), StoreError> {
        let change = &work.change;
        let (times, pause) = match error {
            StepError::Conflict => (1, FIRST_PAUSE),
            // Not this change's fault, and over as soon as the store is well.
            StepError::Store(error) if error.may_pass() => (1, FIRST_PAUSE),
            _ => self.setbacks.again(change),
        };
        self.parts.metrics.setbacks.inc();
        tracing::error!(%change, times, %error, "a change cannot be dealt with; left alone for {pause:#}");
        let until = self.parts.clock.now() + pause;
        if work.item.is_none() || matches!(error, StepError::Store(StoreError::Unreadable { .. })) {
            self.parts.store.put_off(change, until).await?;
        }
        match &work.item {
            Some(item) => self.parts.store.defer(&[item.id], until, &error.to_string()).await,
            None => Ok(()),
        }
    }

    /// A review whose forge is not configured any more: looked at again later, and nothing else; it gives up its place in any queue, for it could not take what
    /// becomes free. There is nothing to postpone where there is no review.
    fn postponed(&self, mut review: Review, version: Option<i64>) -> Option<Review> {
        let change = &review.change;
        tracing::warn!(%change, "the forge is not configured; left as it is");
        review.planned.pools.iter_mut().for_each(|part| part.queued = None);
        let wake = Some(self.parts.clock.now() + POSTPONED_FOR);
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
