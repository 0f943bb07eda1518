//! Reconcile heals what webhooks lose: it reads rosters, lists the changes of watched projects, and
//! lets whatever is news come in by the same door as every other fact. It also watches the health of
//! Usher's own webhooks (`hooks`).

mod access;
mod deliveries;
mod hooks;
mod places;
mod roll;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::Clock;
use crate::engine::Knowledge;
use crate::forge::{Client, Fault, Since};
use crate::metrics::{ForgeLabels, Metrics};
use crate::store::{Store, StoreError};
use access::AccessWatch;
use deliveries::Logs;
use hooks::HookWatch;
use places::Pauses;
use usher_core::model::change::{ChangeKey, Snapshot};
use usher_core::model::fact::Fact;
use usher_core::model::fingerprint::fingerprint;
use usher_core::model::people::{Directory, Roster, RosterWish};
use usher_core::model::policy::Policy;

/// How far the watermark stays behind the sweep: projects are listed one after another, and forges
/// date by their own clocks. What is listed twice is no news the second time.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// A roster older than this is read again by the next sweep.
const ROSTER_AGE_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Shortest pause between two sweeps. After failures it doubles up to the usual pause.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Two snapshots of one second may differ, so a sweep looks a little further back.
const OVERLAP: SignedDuration = SignedDuration::from_secs(2);

/// What went wrong with a sweep.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Forge(#[from] Fault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sweeps one forge.
pub struct Reconcile {
    client: Client,
    store: Store,
    knowledge: Arc<Knowledge>,
    clock: Clock,
    bells: Arc<Bells>,
    metrics: Arc<Metrics>,
    dry_run: bool,
    hooks: Mutex<HookWatch>,
    access: Mutex<AccessWatch>,
    pauses: Mutex<Pauses>,
    logs: Mutex<Logs>,
    /// When the last roll call was completed, since the start.
    called_at: Mutex<Option<Timestamp>>,
}

impl Reconcile {
    /// With `dry_run` nothing is written to the forge: disabled webhooks are reported, not tested.
    pub fn new(
        client: Client,
        store: Store,
        knowledge: Arc<Knowledge>,
        clock: Clock,
        bells: Arc<Bells>,
        metrics: Arc<Metrics>,
        dry_run: bool,
    ) -> Reconcile {
        Reconcile {
            client,
            store,
            knowledge,
            clock,
            bells,
            metrics,
            dry_run,
            hooks: Mutex::default(),
            access: Mutex::default(),
            pauses: Mutex::default(),
            logs: Mutex::default(),
            called_at: Mutex::default(),
        }
    }

    /// The name of the forge that is swept.
    pub fn forge(&self) -> &str {
        self.client.name()
    }

    /// Sweeps at once and then every `every`, until `stop`; sooner after a failure, and whenever the
    /// roster bell rings, though never without a pause: a forge that is down is not asked for every
    /// webhook that tells of a team.
    pub async fn run(&self, every: Duration, stop: CancellationToken) {
        let forge = ForgeLabels { forge: self.client.name().to_owned() };
        let mut bell = self.bells.roster.listen();
        let mut failures = 0;
        let mut refresh = false;
        while !stop.is_cancelled() {
            let (soonest, latest) = match self.sweep(refresh).await {
                Ok(news) => {
                    tracing::debug!(forge = forge.forge, news, "swept");
                    self.metrics.sweeps.get_or_create(&forge).inc();
                    (failures, refresh) = (0, false);
                    self.watch_access().await;
                    (FIRST_PAUSE.min(every), every)
                }
                Err(error) => {
                    let wait = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(every);
                    let wait =
                        self.told_to_wait(&error).map_or(wait, |told| told.max(FIRST_PAUSE).min(every));
                    tracing::warn!(forge = forge.forge, %error, "a sweep failed; again in {} s", wait.as_secs());
                    self.metrics.sweep_failures.get_or_create(&forge).inc();
                    self.knowledge.faulted(&forge.forge, &error.to_string());
                    failures += 1;
                    (wait, wait)
                }
            };
            let now = self.clock.now();
            let later = |pause| now + SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            let mut next = later(latest);
            let mut rung = false;
            loop {
                tokio::select! {
                    () = self.clock.sleep_until(next) => break,
                    () = bell.heard(), if !rung => (rung, next) = (true, later(soonest)),
                    () = stop.cancelled() => return,
                }
            }
            refresh |= rung;
        }
    }

    /// How long the forge, or the gate before it, wants to be left alone.
    fn told_to_wait(&self, error: &SweepError) -> Option<Duration> {
        match error {
            SweepError::Forge(Fault::Later { at, .. }) => {
                Duration::try_from(at.duration_since(self.clock.now())).ok()
            }
            SweepError::Forge(_) | SweepError::Store(_) => None,
        }
    }

    /// One sweep: the roster if it is old (or `refresh`), then every change that is news, then a roll
    /// call of the open reviews and the webhooks if it is their turn. Returns how many changes were
    /// news.
    pub async fn sweep(&self, refresh: bool) -> Result<usize, SweepError> {
        self.read_roster(refresh).await?;
        let forge = self.client.name();
        let started = self.clock.now();
        let scope = self.scope();
        let mark = self.store.watermark(forge, &scope).await?;
        let since = self.since(&scope, mark.map(|mark| mark - OVERLAP), started).await?;
        let nothing = BTreeSet::new();
        let (mut news, mut shown, mut complete) = self.take_in(&scope, &since, &nothing, started).await?;
        let mut called_at = self.called_at.lock().await;
        if self.is_roll_due(*called_at, refresh, started) {
            if mark.is_some() {
                // Only what is open now, wherever it is: that is what can be missed.
                let since = Since { mark: None, roll_call: true, ..since };
                let (more, open, all) = self.take_in(&scope, &since, &shown, started).await?;
                (news, shown, complete) = (news + more, open, all);
            }
            if complete {
                let (more, done) = self.look_for_missing(&shown, started).await?;
                *called_at = done.then_some(started).or(*called_at);
                news += more;
            }
        }
        drop(called_at);
        if news > 0 {
            self.bells.inbox.ring();
        }
        self.knowledge.swept(forge, self.clock.now());
        self.watch_hooks().await?;
        self.redeliver(started).await?;
        Ok(news)
    }

    /// Lists changes and keeps what is news, but for those that were `seen` just now. Returns how many
    /// were news, all that were shown, and whether the list was complete.
    async fn take_in(
        &self,
        scope: &str,
        since: &Since,
        seen: &BTreeSet<ChangeKey>,
        started: Timestamp,
    ) -> Result<(usize, BTreeSet<ChangeKey>, bool), SweepError> {
        let mut listing = self.client.list(since).await?;
        // Oldest first: so the first roll-out takes them on in this order.
        listing.changes.sort_by_key(|(_, snapshot)| snapshot.created_at);
        let newest = listing.changes.iter().map(|(_, snapshot)| snapshot.updated_at).max();
        let mut news = 0;
        let mut shown = BTreeSet::new();
        for (change, snapshot) in std::mem::take(&mut listing.changes) {
            if !seen.contains(&change)
                && let Some(snapshot) = self.news(&change, snapshot).await?
            {
                self.store.put_facts(&change, &[Fact::Swept { snapshot }], started).await?;
                news += 1;
            }
            shown.insert(change);
        }
        if !since.roll_call {
            self.note_places(scope, since, &listing, started).await?;
            if let Some(newest) = newest.filter(|_| !listing.truncated) {
                let covered = listing.covered_until.map_or(newest, |until| until.min(newest));
                let mark = covered.min(started - MARGIN);
                self.store.save_watermark(self.client.name(), scope, mark).await?;
            }
        }
        let complete = !listing.truncated && listing.covered_until.is_none();
        Ok((news, shown, complete))
    }

    /// What the watermark is good for: these projects, these support engineers and these rules for
    /// tickets. With others, all open changes are listed anew, for theirs were passed over before.
    fn scope(&self) -> String {
        let known = self.knowledge.now();
        let name = self.client.name();
        let projects = known.policy.forge(name).into_iter().flat_map(|forge| &forge.projects);
        let directory = known.forge(name).map(|forge| forge.directory.clone());
        let people =
            directory.iter().flat_map(|directory| directory.people().filter(|person| person.support));
        let ids = people.filter_map(|person| person.account.as_ref()).map(|account| account.id.to_string());
        let ids: BTreeSet<String> = ids.collect();
        let projects = projects.map(|pattern| pattern.text.as_str());
        format!(
            "changes {:016x}",
            fingerprint(projects.chain(ids.iter().map(String::as_str)).chain(known.policy.tickets.texts()))
        )
    }

    async fn read_roster(&self, refresh: bool) -> Result<(), SweepError> {
        let name = self.client.name();
        let known = self.knowledge.now();
        let Some(forge) = known.forge(name) else { return Ok(()) };
        let now = self.clock.now();
        let wish = RosterWish::new(&known.policy, name);
        // `usher people --refresh`, or another replica, may have asked in the meantime.
        let newer = |roster: &Roster| roster.fetched_at > forge.roster.fetched_at && roster.covers(&wish);
        if let Some(roster) = self.store.roster(name).await?.filter(newer) {
            self.knowledge.learn(name, roster);
            self.bells.inbox.ring();
        }
        let known = self.knowledge.now();
        let Some(forge) = known.forge(name) else { return Ok(()) };
        let young = forge.roster.fetched_at.is_some_and(|at| now.duration_since(at) < ROSTER_AGE_MAX);
        if young && forge.directory.known && !refresh {
            return Ok(());
        }
        let mut roster = self.client.roster_after(&wish, &forge.roster).await?;
        for unknown in &roster.unknown {
            tracing::warn!(forge = name, "the forge does not know `{unknown}` of the configuration");
        }
        self.read_busy(&known.policy, &mut roster, &forge.roster).await;
        self.store.save_roster(name, &roster).await?;
        self.knowledge.learn(name, roster);
        self.bells.inbox.ring();
        Ok(())
    }

    /// Asks who of the pools' members is busy. Nice to know and no more: what goes wrong here fails
    /// neither roster nor sweep. Then what was known `before` stays, for as long as it counts.
    async fn read_busy(&self, policy: &Policy, roster: &mut Roster, before: &Roster) {
        let name = self.client.name();
        let members = Directory::new(policy, name, roster).pool_accounts();
        match self.client.busy(&Vec::from_iter(members)).await {
            Ok(busy) => roster.busy = busy,
            Err(fault) => {
                tracing::warn!(forge = name, %fault, "who is busy could not be read; the last word stays for a while");
                let now = self.clock.now();
                roster.busy = before
                    .busy
                    .iter()
                    .filter(|(_, busy)| busy.counts(now))
                    .map(|(id, busy)| (*id, *busy))
                    .collect();
                roster.busy_fault = Some(fault.to_string());
            }
        }
    }

    /// What a listed change has to tell, if anything: a support contribution that is not known, or
    /// a tracked one that has moved on since it was last seen.
    async fn news(&self, change: &ChangeKey, listed: Snapshot) -> Result<Option<Snapshot>, SweepError> {
        let stored = match self.store.load(change).await {
            // The engine says so, too; the other changes must not suffer from it.
            Err(StoreError::Unreadable { .. }) => return Ok(None),
            stored => stored?,
        };
        match stored {
            Some(stored) => {
                let seen: Option<Timestamp> = stored.review.seen_at;
                // Other rules may find other tickets in what has not changed.
                let tickets = listed.tickets.as_ref().is_none_or(|found| *found == stored.review.tickets);
                let shown = stored.review.lost.is_none();
                if tickets
                    && shown
                    && stored.review.whole
                    && seen.is_some_and(|seen| seen >= listed.updated_at)
                {
                    return Ok(None);
                }
                // The list does not tell verdicts; one more look does.
                self.look_at(change).await
            }
            None => {
                let known = self.knowledge.now();
                let support = known
                    .forge(&change.forge)
                    .is_some_and(|forge| forge.directory.is_support(listed.author.id));
                if !support || !known.policy.watches(change) {
                    return Ok(None);
                }
                // A search shows neither reviewers nor branches.
                if listed.reviewers.is_some() {
                    return Ok(Some(listed));
                }
                self.look_at(change).await
            }
        }
    }

    /// The whole change; `None` if it is not shown, which must not keep all others from being healed.
    async fn look_at(&self, change: &ChangeKey) -> Result<Option<Snapshot>, SweepError> {
        match self.client.observe(change).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(fault @ (Fault::Gone | Fault::Refused { .. })) => {
                tracing::warn!(%change, %fault, "passed over in this sweep");
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }
}
