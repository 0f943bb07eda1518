//! What the running server knows beside its store: the policy and who is who, swapped as a whole
//! when either changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::arrivals::Arrivals;
use super::failing_hooks::{FailingHook, minute};
use crate::store::{Store, StoreError};
use usher_core::model::absence::{AbsenceWish, Absences, Busy, BusyPeople};
use usher_core::model::access::AccessFacts;
use usher_core::model::people::{Directory, Roster, RosterWish};
use usher_core::model::policy::Policy;

/// The policy with the people of every forge. Cheap to read from anywhere.
pub struct SharedState {
    current: ArcSwap<StateSnapshot>,
    /// What comes to the front doors.
    pub arrivals: Arrivals,
}

/// All of it at one instant.
#[derive(Clone)]
pub struct StateSnapshot {
    /// As it was read last. What is judged on a forge is judged by [`ForgeState::policy`].
    pub policy: Arc<Policy>,
    forges: BTreeMap<String, ForgeState>,
    absences: Arc<Absences>,
}

/// A forge's name with who is who there.
pub type OnForge<'a> = (&'a str, &'a Directory, &'a Roster);

/// What is known of one forge.
#[derive(Clone)]
pub struct ForgeState {
    /// The newest policy of which it is known who its people are. After a reload that names somebody new
    /// the last one stays until the roster is read, so that nothing that is due waits for it.
    pub policy: Arc<Policy>,
    pub directory: Arc<Directory>,
    pub roster: Arc<Roster>,
    /// When Usher first saw the forge.
    pub first_seen: Timestamp,
    /// When its open changes were last listed without a fault.
    pub swept_at: Option<Timestamp>,
    /// What goes wrong with its duties, until it goes right again.
    faults: BTreeMap<&'static str, String>,
    /// Usher's own webhooks to which the forge sends nothing any more. `None`: not known, because
    /// nobody's webhooks could be looked at.
    pub disabled_hooks: Option<Arc<[DisabledHook]>>,
    /// Usher's own webhooks whose newest deliveries failed, as the forge tells.
    pub failing_hooks: Arc<[FailingHook]>,
    /// Who may do what in its projects, as it was read last; `None`: not read yet.
    pub access: Option<Arc<AccessFacts>>,
}

/// A webhook of Usher's that its forge has disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisabledHook {
    /// Full path of the project, or of the group.
    pub place: String,
    /// Whether it is a group's, and hears of all projects below it.
    pub of_group: bool,
    /// The forge's number of the hook.
    pub id: u64,
    /// In words: `temporarily disabled`.
    pub state: String,
    pub disabled_until: Option<Timestamp>,
    /// The last attempt to bring it back.
    pub test: Option<HookTest>,
}

/// A test that was sent to bring a webhook back to life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookTest {
    pub at: Timestamp,
    /// What the forge answered, if it did not go well.
    pub refusal: Option<String>,
}

impl DisabledHook {
    /// What is wrong, without the name of the project or group: for those who may not know it.
    pub fn in_short(&self) -> String {
        let until = self.disabled_until.map(|at| format!(" until {}", minute(at))).unwrap_or_default();
        format!("webhook {} is {}{until}", self.id, self.state)
    }

    /// What is wrong, where, and what was done about it.
    pub fn sentence(&self) -> String {
        let test = match &self.test {
            None => String::new(),
            Some(HookTest { at, refusal: None }) => format!("; a test at {} went well", minute(*at)),
            Some(HookTest { at, refusal: Some(why) }) => {
                format!("; a test at {} did not bring it back: {why}", minute(*at))
            }
        };
        let group = if self.of_group { "group " } else { "" };
        format!("{group}{}: {}{test}", self.place, self.in_short())
    }
}

/// The second that `instant` is in. Webhooks date a change to the second, so a change that was opened
/// in the second in which Usher first saw its forge must not look older than that.
fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

impl SharedState {
    /// Knows `policy`, and of each forge what the store remembers.
    pub fn new(policy: Arc<Policy>, remembered: Vec<(String, Roster, Timestamp)>) -> SharedState {
        let forges = remembered.into_iter().map(|(forge, roster, first_seen)| {
            let roster = Arc::new(roster);
            let state = ForgeState { roster, ..ForgeState::unknown(&policy, &forge, first_seen) };
            (forge, state)
        });
        let forges = forges.collect();
        let mut known = StateSnapshot { policy, forges, absences: Arc::default() };
        known.join();
        SharedState { current: ArcSwap::from_pointee(known), arrivals: Arrivals::default() }
    }

    /// What `store` remembers of people and of the forges of `policy`; one that it never saw is first
    /// seen `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn remembered(
        store: &Store,
        policy: Arc<Policy>,
        now: Timestamp,
    ) -> Result<SharedState, StoreError> {
        let mut forges = Vec::new();
        for forge in &policy.forges {
            let roster = store.roster(&forge.name).await?.unwrap_or_default();
            let first_seen = store.first_seen(&forge.name, whole_second(now)).await?;
            forges.push((forge.name.clone(), roster, first_seen));
        }
        let shared = SharedState::new(policy, forges);
        shared.set_absences(store.absences().await?);
        Ok(shared)
    }

    /// As it is now.
    pub fn snapshot(&self) -> Arc<StateSnapshot> {
        self.current.load_full()
    }

    /// A new policy takes effect on each forge of which it is known who its people are, on the others
    /// once their roster is read; forges it does not name are forgotten.
    pub fn set_policy(&self, policy: Arc<Policy>, now: Timestamp) {
        let now = whole_second(now);
        self.current.rcu(|known| {
            let forges = policy.forges.iter().map(|forge| {
                let before = known.forges.get(&forge.name).cloned();
                let mut state = before.unwrap_or_else(|| ForgeState::unknown(&policy, &forge.name, now));
                state.heed_policy(&forge.name, &policy);
                (forge.name.clone(), state)
            });
            let (policy, forges, absences) = (policy.clone(), forges.collect(), known.absences.clone());
            let mut known = StateSnapshot { policy, forges, absences };
            known.join();
            known
        });
    }

    /// A roster was read. Returns whether it is known only now who the people of the forge are: then
    /// what is open there is to be looked at.
    pub fn learn(&self, forge: &str, roster: Roster) -> bool {
        let roster = Arc::new(roster);
        let before = self.current.rcu(|known| {
            let mut known = StateSnapshot::clone(known);
            let policy = known.policy.clone();
            if let Some(one) = known.forges.get_mut(forge) {
                one.roster = roster.clone();
                one.heed_policy(forge, &policy);
            }
            known.join();
            known
        });
        before.awaits_people(forge) && !self.snapshot().awaits_people(forge)
    }

    /// What people said of their own absence, as it is remembered.
    pub fn set_absences(&self, absences: Absences) {
        let absences = Arc::new(absences);
        self.current.rcu(|known| {
            let mut known = StateSnapshot { absences: absences.clone(), ..StateSnapshot::clone(known) };
            known.join();
            known
        });
    }

    /// People said something about their own absence.
    pub fn apply_absences(&self, wishes: &[AbsenceWish]) {
        if wishes.is_empty() {
            return;
        }
        self.current.rcu(|known| {
            let mut absences = Absences::clone(&known.absences);
            wishes.iter().for_each(|wish| wish.enter(&mut absences));
            let mut known = StateSnapshot { absences: Arc::new(absences), ..StateSnapshot::clone(known) };
            known.join();
            known
        });
    }

    /// It was asked who is busy, or it could not be: then `busy` is older.
    pub fn learn_busy(&self, forge: &str, busy: &BTreeMap<u64, Busy>, fault: Option<&str>) {
        self.current.rcu(|known| {
            let mut known = StateSnapshot::clone(known);
            if let Some(one) = known.forges.get_mut(forge) {
                let roster = Arc::make_mut(&mut one.roster);
                roster.busy = busy.clone();
                roster.busy_fault = fault.map(str::to_owned);
            }
            known.join();
            known
        });
    }

    /// A sweep went well.
    pub fn swept(&self, forge: &str, at: Timestamp) {
        self.change(forge, |known| known.swept_at = Some(at));
    }

    /// A duty for the forge goes wrong, or does no more.
    pub fn set_fault(&self, forge: &str, duty: &'static str, fault: Option<String>) {
        let now = self.snapshot();
        let before = now.forge(forge).and_then(|known| known.faults.get(duty));
        if before == fault.as_ref() {
            return;
        }
        self.change(forge, |known| {
            match fault.clone() {
                Some(fault) => known.faults.insert(duty, fault),
                None => known.faults.remove(duty),
            };
        });
    }

    /// The webhooks were looked at, and these of them are disabled; `None` when none could be seen.
    pub fn set_disabled_hooks(&self, forge: &str, hooks: Option<Vec<DisabledHook>>) {
        let hooks: Option<Arc<[DisabledHook]>> = hooks.map(Arc::from);
        self.change(forge, |known| known.disabled_hooks = hooks.clone());
    }

    /// It was asked how deliveries went, and those of these webhooks fail.
    pub fn set_failing_hooks(&self, forge: &str, hooks: Vec<FailingHook>) {
        let before = self.snapshot();
        if before.forge(forge).is_some_and(|known| *known.failing_hooks == *hooks) {
            return;
        }
        for hook in &hooks {
            tracing::warn!(forge, "deliveries do not come through: {}", hook.sentence());
        }
        let hooks: Arc<[FailingHook]> = Arc::from(hooks);
        self.change(forge, |known| known.failing_hooks = hooks.clone());
    }

    /// Who may do what was read.
    pub fn set_access(&self, forge: &str, facts: AccessFacts) {
        let facts = Arc::new(facts);
        self.change(forge, |known| known.access = Some(facts.clone()));
    }

    fn change(&self, forge: &str, change: impl Fn(&mut ForgeState)) {
        self.current.rcu(|known| {
            let mut known = StateSnapshot::clone(known);
            if let Some(one) = known.forges.get_mut(forge) {
                change(one);
            }
            known
        });
    }
}

impl ForgeState {
    /// A forge whose roster was never read.
    fn unknown(policy: &Arc<Policy>, name: &str, first_seen: Timestamp) -> ForgeState {
        let roster = Roster::default();
        ForgeState {
            policy: policy.clone(),
            directory: Arc::new(directory(policy, name, &roster)),
            roster: Arc::new(roster),
            first_seen,
            swept_at: None,
            faults: BTreeMap::new(),
            disabled_hooks: None,
            failing_hooks: Arc::default(),
            access: None,
        }
    }

    /// Takes a policy over if the roster tells of its people, or tells of nobody's.
    fn heed_policy(&mut self, name: &str, policy: &Arc<Policy>) {
        let covers = |policy: &Policy| self.roster.covers(&RosterWish::new(policy, name));
        if covers(policy) || !covers(&self.policy) {
            self.policy = policy.clone();
        }
    }

    /// What goes wrong at the moment, if anything.
    pub fn fault(&self) -> Option<&str> {
        self.faults.values().next().map(String::as_str)
    }

    /// The disabled webhooks, as far as they are known.
    pub fn hooks(&self) -> &[DisabledHook] {
        self.disabled_hooks.as_deref().unwrap_or_default()
    }
}

/// Who is who, as far as the roster tells. One that does not cover the policy counts as not known:
/// deliveries are kept, and decided when it is read again.
fn directory(policy: &Policy, forge: &str, roster: &Roster) -> Directory {
    let mut directory = Directory::new(policy, forge, roster);
    directory.known = roster.covers(&RosterWish::new(policy, forge));
    directory
}

impl StateSnapshot {
    /// Who is who on every forge, anew: a person is away or busy on all of them.
    fn join(&mut self) {
        let StateSnapshot { forges, absences, .. } = self;
        let of_forge = |(name, forge): (&String, &ForgeState)| directory(&forge.policy, name, &forge.roster);
        let mut directories: Vec<Directory> = forges.iter().map(of_forge).collect();
        let mut busy = BusyPeople::new();
        directories.iter().for_each(|directory| directory.tell_busy(&mut busy));
        directories.iter_mut().for_each(|directory| directory.heed(absences, &busy));
        for (forge, directory) in forges.values_mut().zip(directories) {
            forge.directory = Arc::new(directory);
        }
    }

    pub fn forge(&self, name: &str) -> Option<&ForgeState> {
        self.forges.get(name)
    }

    /// Whether the roster of this forge does not tell yet of everybody whom the policy names: what
    /// somebody did there may be of interest to it, whoever it was.
    pub fn awaits_people(&self, forge: &str) -> bool {
        let known = |forge: &ForgeState| forge.directory.known && Arc::ptr_eq(&forge.policy, &self.policy);
        self.forge(forge).is_some_and(|forge| !known(forge))
    }

    /// The forges whose facts wait for the roster.
    pub fn awaiting_people(&self) -> Vec<&str> {
        self.forges().map(|(name, _)| name).filter(|name| self.awaits_people(name)).collect()
    }

    /// The forges on which nobody is known, so that nothing can be decided there.
    pub fn without_people(&self) -> Vec<&str> {
        self.forges().filter(|(_, forge)| !forge.directory.known).map(|(name, _)| name).collect()
    }

    /// All forges by name.
    pub fn forges(&self) -> impl Iterator<Item = (&str, &ForgeState)> {
        self.forges.iter().map(|(name, forge)| (name.as_str(), forge))
    }

    /// Who is who on each forge.
    pub fn people(&self) -> Vec<OnForge<'_>> {
        self.forges().map(|(name, forge)| (name, &*forge.directory, &*forge.roster)).collect()
    }
}
