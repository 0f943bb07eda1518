//! People: who is who on one forge, when they work, and how much they carry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::absence::{Absence, Absences, Busy, BusyPeople};
use super::calendar::{Agenda, Away, Hours, Window};
use super::change::{Account, ForgeKind};
use super::load::Load;
use super::policy::{GroupRef, Policy};
use super::queue::Queue;
use super::recent_requests::RecentRequests;

/// What a forge answered about the people that the policy names. Cached by the store, so that a
/// forge that is down keeps its last known roster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// When it was read; `None` for a roster that was never read.
    pub fetched_at: Option<Timestamp>,
    /// The account Usher itself acts as.
    pub me: Option<Account>,
    /// Accounts of the people named in the policy, by lower-case login.
    pub accounts: BTreeMap<String, Account>,
    /// Members of the groups and teams that the policy names, by path.
    pub groups: BTreeMap<String, Vec<Account>>,
    /// Logins and groups that this forge does not know.
    pub unknown: Vec<String>,
    /// Members of pools whom this forge shows as busy, by account id.
    #[serde(default)]
    pub busy: BTreeMap<u64, Busy>,
    /// Why it could not be asked who is busy, when it was last tried; then `busy` is older.
    #[serde(default)]
    pub busy_fault: Option<String>,
    /// By account id: what members of groups are called at Usher's whose login is another one by now.
    /// It is the login that they had when they were met, so that what they carry stays theirs.
    #[serde(default)]
    pub names: BTreeMap<u64, String>,
    /// What is odd about some of the accounts, among them those that were left out.
    #[serde(default)]
    pub notes: Vec<MemberNote>,
}

/// Something about an account that a roster has to tell beside its being there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberNote {
    pub account: Account,
    /// The listed group that the account is in; `None` where the configuration names the account.
    pub group: Option<String>,
    /// The login by which the configuration means the account, where it is left out.
    #[serde(default)]
    pub said: Option<String>,
    pub state: MemberState,
}

/// What is odd about a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// The account cannot act, in the forge's word (`blocked`, `deactivated`, `suspended`): left out.
    Blocked(String),
    /// The membership ended with the start of this day (UTC): left out.
    Ended(Date),
    /// It will.
    Ends(Date),
    /// The account took a login over that the configuration means another account by: left out.
    Took { from: Account },
}

impl MemberState {
    /// Whether the account does not count for what the configuration says.
    pub fn leaves_out(&self) -> bool {
        !matches!(self, MemberState::Ends(_))
    }
}

/// The logins and groups that must be looked up on a forge for a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterWish {
    pub logins: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

impl Roster {
    /// Whether the forge was asked for everybody in `wish`. A roster that was read for an older
    /// policy does not know the people who were added since, and must not pass for the whole truth.
    pub fn covers(&self, wish: &RosterWish) -> bool {
        let unknown = |name: &str| self.unknown.iter().any(|one| one.eq_ignore_ascii_case(name));
        let login = |login: &String| self.accounts.contains_key(&login.to_lowercase()) || unknown(login);
        let group = |path: &String| self.groups.contains_key(path) || unknown(path);
        self.fetched_at.is_some() && wish.logins.iter().all(login) && wish.groups.iter().all(group)
    }
}

/// One person as the core sees them on one forge.
#[derive(Clone, Debug)]
pub struct Person {
    /// Usher's name for the person, the same on all forges.
    pub name: String,
    /// Their account on this forge; `None` where the forge does not know them.
    pub account: Option<Account>,
    pub support: bool,
    pub hours: Arc<Hours>,
    /// Working time of a week without leave and holidays, in milliseconds.
    pub week_millis: i64,
    /// Leave: what the configuration says, and what the person said of themselves.
    pub away: Vec<Away>,
    /// What the person said last of their own absence.
    pub said: Option<Absence>,
    /// What a forge shows; see [`Busy::counts`].
    pub busy: Option<Busy>,
    /// When this forge is closed.
    pub closed: Arc<[Window]>,
    pub capacity: Option<u32>,
}

impl Person {
    /// When the person works on this forge.
    pub fn agenda(&self) -> Agenda<'_> {
        Agenda::new(&self.hours, &self.away).outside(&self.closed)
    }

    /// Leave, and whether the person said so with the command `away` (else the configuration does).
    pub fn leave(&self) -> impl Iterator<Item = (&Away, bool)> {
        // What was said is joined in last.
        let said = self.said.and_then(|said| said.days).and(self.away.len().checked_sub(1));
        self.away.iter().enumerate().map(move |(index, away)| (away, Some(index) == said))
    }
}

/// Everybody Usher knows on one forge: policy and roster joined. Built once per roster.
#[derive(Clone, Debug)]
pub struct Directory {
    pub kind: ForgeKind,
    /// Usher's own account, once known.
    pub me: Option<Account>,
    /// Whether the forge's roster has been read at all.
    pub known: bool,
    closed: Arc<[Window]>,
    /// As the policy has it.
    handle: Option<String>,
    pub(super) people: BTreeMap<String, Person>,
    /// By pool, then name: people who work at other times for the pool than otherwise.
    pub(super) in_pools: BTreeMap<String, BTreeMap<String, Person>>,
    name_of: BTreeMap<u64, String>,
    /// Members of each pool, by pool name; names in ascending order.
    pools: BTreeMap<String, Vec<String>>,
    /// Names of those who may command on every change.
    maintainers: BTreeSet<String>,
    /// Members of each group that the policy lists, by its path in lower case.
    groups: BTreeMap<String, Vec<String>>,
}

/// How much each person carries, counted by the store over all forges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// What open changes take of them.
    pub open: Load,
    /// When the person was last asked to review.
    pub last_asked: Option<Timestamp>,
    /// How often they were asked on each of the last days.
    pub asked: RecentRequests,
    /// Pings in the last 24 hours.
    pub pings_today: u32,
}

/// Workloads by person's name, and what the first roll-out has used up.
#[derive(Clone, Debug, Default)]
pub struct Workloads {
    pub people: BTreeMap<String, Workload>,
    /// Who waits for whom, where somebody does.
    pub queue: Queue,
    /// Changes of the first roll-out taken on in the last 24 hours.
    pub first_run_taken: u32,
    /// People whom the forge would not have as reviewers of this project a short while ago, by name.
    pub no_access: BTreeSet<String>,
}

impl Workloads {
    pub fn of(&self, name: &str) -> Workload {
        self.people.get(name).copied().unwrap_or_default()
    }
}

impl RosterWish {
    /// What `policy` needs to know of `forge`.
    pub fn new(policy: &Policy, forge: &str) -> RosterWish {
        let Some(kind) = policy.forge(forge).map(|forge| forge.kind) else { return RosterWish::default() };
        let pools = policy.pools.iter();
        let named = pools.flat_map(|pool| pool.members.iter().chain(&pool.leads));
        let named = named
            .chain(&policy.support.members)
            .chain(&policy.support.lead)
            .chain(&policy.maintainers.members);
        let named = named.chain(policy.people.keys()).chain(&policy.contact);
        let groups = policy.pools.iter().flat_map(|pool| &pool.groups).chain(&policy.support.groups);
        let groups = groups.chain(&policy.maintainers.groups);
        RosterWish {
            logins: named.map(|name| login_on(policy, kind, name)).collect(),
            groups: groups.filter(|group| group.forge == forge).map(|group| group.path.clone()).collect(),
        }
    }
}

/// What people call Usher on every forge, whatever its account is called.
pub const DEFAULT_HANDLE: &str = "usher";

/// A login as it is mentioned.
pub fn handle_of(login: &str) -> &str {
    login.strip_suffix("[bot]").unwrap_or(login)
}

/// Working time of a week, looked at in one that no holiday list reaches: the first of 1970.
pub(super) fn week_millis(hours: &Hours) -> i64 {
    let monday = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(4 * 24);
    Agenda::new(hours, &[]).between(monday, monday + SignedDuration::from_hours(7 * 24))
}

/// A person's login on a kind of forge: the name, unless `[[person]]` says otherwise; and whether it
/// does.
pub fn says_login<'a>(policy: &'a Policy, kind: ForgeKind, name: &'a str) -> (&'a str, bool) {
    let person = policy.people.get(name);
    let own = person.and_then(|person| match kind {
        ForgeKind::GitLab => person.gitlab.as_deref(),
        ForgeKind::GitHub => person.github.as_deref(),
    });
    (own.unwrap_or(name), own.is_some())
}

fn login_on(policy: &Policy, kind: ForgeKind, name: &str) -> String {
    says_login(policy, kind, name).0.to_owned()
}

impl Directory {
    /// Joins policy and roster for `forge`.
    pub fn new(policy: &Policy, forge: &str, roster: &Roster) -> Directory {
        let own = policy.forge(forge);
        let kind = own.map_or(ForgeKind::GitLab, |forge| forge.kind);
        let mut directory = Directory {
            kind,
            closed: own.map(|forge| forge.maintenance.clone()).unwrap_or_default(),
            me: roster.me.clone(),
            handle: policy.handle.clone(),
            known: roster.fetched_at.is_some(),
            people: BTreeMap::new(),
            in_pools: BTreeMap::new(),
            name_of: BTreeMap::new(),
            pools: BTreeMap::new(),
            maintainers: policy.maintainers.members.iter().cloned().collect(),
            groups: BTreeMap::new(),
        };
        let named = RosterWish::new_names(policy);
        for name in named {
            let login = login_on(policy, kind, &name).to_lowercase();
            directory.admit(policy, name, roster.accounts.get(&login));
        }
        directory.fill_groups(policy, forge, roster);
        for name in &policy.support.members {
            directory.mark_support(name);
        }
        for name in &policy.support.except {
            let login = login_on(policy, kind, name);
            for person in directory.people.values_mut() {
                let same_login =
                    person.account.as_ref().is_some_and(|a| a.login.eq_ignore_ascii_case(&login));
                if person.name == *name || same_login {
                    person.support = false;
                }
            }
        }
        for person in directory.people.values_mut() {
            let account = person.account.as_ref();
            person.busy = account.and_then(|account| roster.busy.get(&account.id)).copied();
        }
        directory.give_calendars(policy);
        directory
    }

    fn admit(&mut self, policy: &Policy, name: String, account: Option<&Account>) {
        let own = policy.people.get(&name);
        let calendar = own.and_then(|own| own.hours.as_ref()).unwrap_or(&policy.default_hours);
        let hours = own.map_or_else(|| calendar.clone(), |own| own.week.of(calendar));
        let person = Person {
            account: account.cloned(),
            support: false,
            week_millis: week_millis(&hours),
            hours,
            away: own.map(|own| own.away.clone()).unwrap_or_default(),
            said: None,
            busy: None,
            closed: self.closed.clone(),
            capacity: own.and_then(|own| own.capacity),
            name: name.clone(),
        };
        if let Some(account) = account {
            self.name_of.insert(account.id, name.clone());
        }
        self.people.insert(name, person);
    }

    /// Members of groups are known by their account on this forge alone: a login that looks the
    /// same elsewhere may be somebody else.
    fn fill_groups(&mut self, policy: &Policy, forge: &str, roster: &Roster) {
        let group = |group: &GroupRef| -> &[Account] {
            if group.forge != forge {
                return &[];
            }
            roster.groups.get(&group.path).map_or(&[], Vec::as_slice)
        };
        for account in policy.support.groups.iter().flat_map(group) {
            let name = self.name_for(policy, roster, account);
            self.mark_support(&name);
        }
        for account in policy.maintainers.groups.iter().flat_map(group) {
            let name = self.name_for(policy, roster, account);
            self.maintainers.insert(name);
        }
        let pools = policy.pools.iter().flat_map(|pool| &pool.groups);
        for listed in pools.chain(&policy.support.groups).filter(|listed| listed.forge == forge) {
            let names = group(listed).iter().map(|account| self.name_for(policy, roster, account)).collect();
            self.groups.insert(listed.path.to_lowercase(), names);
        }
        for pool in &policy.pools {
            let mut members: BTreeSet<String> = pool.members.iter().cloned().collect();
            for account in pool.groups.iter().flat_map(group) {
                members.insert(self.name_for(policy, roster, account));
            }
            self.pools.insert(pool.name.clone(), members.into_iter().collect());
        }
    }

    /// The name of an account, admitting it under its login if it is new.
    fn name_for(&mut self, policy: &Policy, roster: &Roster, account: &Account) -> String {
        if let Some(name) = self.name_of.get(&account.id) {
            return name.clone();
        }
        let name = self.free_name(policy, roster, account);
        self.admit(policy, name.clone(), Some(account));
        name
    }

    /// The login that they were met by, unless it is the name of somebody whose account is another
    /// one: that person must not be mistaken for this. Stable, as long as the policy is.
    fn free_name(&self, policy: &Policy, roster: &Roster, account: &Account) -> String {
        let login = roster.names.get(&account.id).unwrap_or(&account.login);
        let same = |person: &Person| match &person.account {
            Some(known) => known == account,
            None => login_on(policy, self.kind, &person.name).eq_ignore_ascii_case(login),
        };
        let kept = roster.names.iter().any(|(id, name)| *id != account.id && name == login);
        if !kept && self.people.get(login).is_none_or(same) {
            return login.clone();
        }
        let name = format!("{login} ({})", self.kind.word());
        if self.people.contains_key(&name) { format!("{name} {}", account.id) } else { name }
    }

    fn mark_support(&mut self, name: &str) {
        if let Some(person) = self.people.get_mut(name) {
            person.support = true;
        }
    }

    pub fn by_name(&self, name: &str) -> Option<&Person> {
        self.people.get(name)
    }

    pub fn by_id(&self, id: u64) -> Option<&Person> {
        self.people.get(self.name_of.get(&id)?)
    }

    /// Finds a person by login on this forge, else by name, ignoring case and a leading `@`.
    pub fn find(&self, handle: &str) -> Option<&Person> {
        let handle = handle.trim_start_matches('@');
        let login =
            |person: &&Person| person.account.as_ref().is_some_and(|a| a.login.eq_ignore_ascii_case(handle));
        let by_login = self.people.values().find(login);
        by_login.or_else(|| self.people.values().find(|person| person.name.eq_ignore_ascii_case(handle)))
    }

    pub fn is_support(&self, id: u64) -> bool {
        self.by_id(id).is_some_and(|person| person.support)
    }

    /// Names of a pool's members, in ascending order; empty for an unknown pool.
    pub fn pool(&self, pool: &str) -> &[String] {
        self.pools.get(pool).map_or(&[], Vec::as_slice)
    }

    pub fn in_pool(&self, pool: &str, name: &str) -> bool {
        self.pool(pool).iter().any(|member| member == name)
    }

    /// Whether the person may command on every change.
    pub fn maintains(&self, name: &str) -> bool {
        self.maintainers.contains(name)
    }

    /// The name by which people on this forge call Usher, without `@`: what the policy says, else that of
    /// its account where it is known. The login of a GitHub App ends in `[bot]`, which nobody types.
    pub fn handle(&self) -> &str {
        if let Some(handle) = &self.handle {
            return handle;
        }
        let login = self.me.as_ref().map_or("", |me| handle_of(&me.login));
        if login.is_empty() { DEFAULT_HANDLE } else { login }
    }

    fn people_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        let in_pools = self.in_pools.values_mut().flat_map(BTreeMap::values_mut);
        self.people.values_mut().chain(in_pools)
    }

    /// Accounts of everybody who is in a pool, without those that this forge does not know.
    pub fn pool_accounts(&self) -> BTreeSet<Account> {
        let members = self.pools.values().flatten().filter_map(|name| self.people.get(name));
        members.filter_map(|person| person.account.clone()).collect()
    }

    /// Names of the members of a group that the policy lists; empty for any other.
    pub fn group(&self, path: &str) -> &[String] {
        self.groups.get(&path.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody is in any pool at all.
    pub fn in_any_pool(&self, name: &str) -> bool {
        self.pools.values().any(|members| members.iter().any(|member| member == name))
    }

    /// Everybody, by name.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }
}

impl Directory {
    /// Adds those whom this directory's forge shows as busy.
    pub fn tell_busy(&self, busy: &mut BusyPeople) {
        for person in self.people() {
            let Some(own) = person.busy else { continue };
            let known = busy.entry(person.name.clone()).or_insert(own);
            if own.seen_at > known.seen_at {
                *known = own;
            }
        }
    }

    /// Joins in what people said of themselves, and what other forges show: people are the same
    /// everywhere, so somebody who is busy on one forge is not asked on another.
    pub fn heed(&mut self, absences: &Absences, busy: &BusyPeople) {
        for person in self.people_mut() {
            person.busy = busy.get(&person.name).copied().or(person.busy);
            person.said = absences.get(&person.name).copied();
            person.away.extend(person.said.and_then(|said| said.days));
        }
    }
}

impl RosterWish {
    /// Every name that the policy speaks of.
    fn new_names(policy: &Policy) -> BTreeSet<String> {
        let pools = policy.pools.iter().flat_map(|pool| pool.members.iter().chain(&pool.leads));
        let named = pools
            .chain(&policy.support.members)
            .chain(&policy.support.lead)
            .chain(&policy.maintainers.members);
        named.chain(policy.people.keys()).chain(&policy.contact).cloned().collect()
    }
}
