//! Membership: who is what, by which source, and what is odd about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::engine::OnForge;
use usher_core::model::change::Account;
use usher_core::model::people::{Directory, MemberNote, Person, Roster, RosterWish, says_login};
use usher_core::model::policy::{GroupRef, Policy};
use usher_core::model::roster::Renamed;

/// Something that a person is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Support,
    /// Would be in support, but for `[support] except`.
    ExceptedFromSupport,
    Pool(String),
    LeadOf(String),
    Maintainer,
    /// `[support] lead`
    LeadOfSupport,
    /// `[escalation] contact`
    Contact,
}

/// Why they are it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleSource {
    /// The configuration names them.
    Named,
    /// They are a member of this group or team: `forge:path`.
    Group(String),
}

/// One person on all forges.
#[derive(Clone, Debug)]
pub struct Colleague<'a> {
    /// As the first forge has them; leave and hours are the same on all.
    pub person: &'a Person,
    /// By forge; `None` where the forge does not know them.
    pub accounts: BTreeMap<&'a str, Option<&'a Account>>,
    /// What they are, by which sources.
    pub roles: BTreeMap<Role, BTreeSet<RoleSource>>,
}

impl Colleague<'_> {
    /// Names of the pools they are in.
    pub fn pools(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().filter_map(|role| match role {
            Role::Pool(pool) => Some(pool.as_str()),
            _ => None,
        })
    }

    /// Open reviews they may hold: their own capacity, else the largest among their pools; `None` for
    /// somebody who has neither.
    pub fn capacity(&self, policy: &Policy) -> Option<u32> {
        let pools = self.pools().filter_map(|name| policy.pool(name)).map(|pool| pool.capacity);
        self.person.capacity.or_else(|| pools.max())
    }
}

/// Everybody of all forges, by name.
pub fn everybody<'a>(
    policy: &Policy,
    forges: impl IntoIterator<Item = OnForge<'a>>,
) -> BTreeMap<&'a str, Colleague<'a>> {
    let mut all: BTreeMap<&str, Colleague> = BTreeMap::new();
    for (forge, directory, roster) in forges {
        let mut found = roles(policy, forge, directory, roster);
        for person in directory.people() {
            let colleague = all.entry(&person.name).or_insert_with(|| Colleague {
                person,
                accounts: BTreeMap::new(),
                roles: BTreeMap::new(),
            });
            colleague.accounts.insert(forge, person.account.as_ref());
            for (role, sources) in found.remove(&person.name).unwrap_or_default() {
                colleague.roles.entry(role).or_default().extend(sources);
            }
        }
    }
    all
}

/// Something about rosters that somebody should look at; on which forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity<'a> {
    /// No forge knows this person of the configuration.
    Stranger(&'a str),
    /// The configuration gives this login for the forge, which does not know it.
    UnknownLogin(&'a str, &'a str),
    /// A group or team of the configuration that the forge does not know, or does not show.
    UnknownGroup(&'a str, &'a str),
    Renamed(&'a str, Renamed),
    Note(&'a str, &'a MemberNote),
}

/// What somebody should look at. Not everybody has an account everywhere: a login that one forge does
/// not know is odd only if the configuration gives it for that kind of forge, or if no forge knows the
/// person. Where a note tells why, the note is enough.
pub fn oddities<'a>(policy: &Policy, forges: &[OnForge<'a>]) -> Vec<Oddity<'a>> {
    let mut found = strangers(forges);
    for &(forge, directory, roster) in forges {
        let groups = RosterWish::new(policy, forge).groups;
        for unknown in &roster.unknown {
            if groups.contains(unknown) {
                found.push(Oddity::UnknownGroup(forge, unknown));
                continue;
            }
            let given = |person: &Person| {
                let (login, given) = says_login(policy, directory.kind, &person.name);
                given && person.account.is_none() && login.eq_ignore_ascii_case(unknown)
            };
            if roster.blocked(unknown).is_none() && directory.people().any(given) {
                found.push(Oddity::UnknownLogin(forge, unknown));
            }
        }
        found.extend(roster.renamed().map(|renamed| Oddity::Renamed(forge, renamed)));
        found.extend(roster.notes.iter().map(|note| Oddity::Note(forge, note)));
    }
    found
}

/// People whom no forge knows, once every forge has been asked for them.
fn strangers<'a>(forges: &[OnForge<'a>]) -> Vec<Oddity<'a>> {
    if forges.iter().any(|(_, _, roster)| roster.fetched_at.is_none()) {
        return Vec::new();
    }
    let mut nobody: BTreeMap<&str, bool> = BTreeMap::new();
    for &(_, directory, roster) in forges {
        for person in directory.people() {
            let told = person.account.is_some() || roster.blocked(&person.name).is_some();
            *nobody.entry(&person.name).or_insert(true) &= !told;
        }
    }
    nobody.into_iter().filter(|(_, nobody)| *nobody).map(|(name, _)| Oddity::Stranger(name)).collect()
}

/// What everybody on `forge` is, by name, and by which sources.
fn roles(
    policy: &Policy,
    forge: &str,
    directory: &Directory,
    roster: &Roster,
) -> BTreeMap<String, BTreeMap<Role, BTreeSet<RoleSource>>> {
    let mut roles = Roles { forge, directory, roster, found: BTreeMap::new() };
    roles.enter(&Role::Support, &policy.support.members, &policy.support.groups);
    for pool in &policy.pools {
        roles.enter(&Role::Pool(pool.name.clone()), &pool.members, &pool.groups);
        roles.enter(&Role::LeadOf(pool.name.clone()), &pool.leads, &[]);
    }
    roles.enter(&Role::LeadOfSupport, policy.support.lead.as_slice(), &[]);
    roles.enter(&Role::Contact, policy.contact.as_slice(), &[]);
    roles.enter(&Role::Maintainer, &policy.maintainers.members, &policy.maintainers.groups);
    for (name, roles) in &mut roles.found {
        let counts = directory.by_name(name).is_some_and(|person| person.support);
        if !counts && let Some(sources) = roles.remove(&Role::Support) {
            roles.insert(Role::ExceptedFromSupport, sources);
        }
    }
    roles.found
}

/// Roles on the way to be found.
struct Roles<'a> {
    forge: &'a str,
    directory: &'a Directory,
    roster: &'a Roster,
    found: BTreeMap<String, BTreeMap<Role, BTreeSet<RoleSource>>>,
}

impl Roles<'_> {
    fn enter(&mut self, role: &Role, names: &[String], groups: &[GroupRef]) {
        for name in names {
            self.add(name.clone(), role, RoleSource::Named);
        }
        let Roles { forge, directory, roster, .. } = *self;
        for group in groups.iter().filter(|group| group.forge == forge) {
            let members = roster.groups.get(&group.path).map_or(&[][..], Vec::as_slice);
            let known: Vec<String> = members
                .iter()
                .filter_map(|account| Some(directory.by_id(account.id)?.name.clone()))
                .collect();
            for name in known {
                self.add(name, role, RoleSource::Group(format!("{}:{}", group.forge, group.path)));
            }
        }
    }

    fn add(&mut self, name: String, role: &Role, source: RoleSource) {
        self.found.entry(name).or_default().entry(role.clone()).or_default().insert(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use usher_core::model::change::ForgeKind;
    use usher_core::model::people::MemberState;
    use usher_core::model::policy::{ForgePolicy, PersonPolicy, Pool, Support};

    #[test]
    fn everybody_is_told_with_the_source_of_each_role() {
        let group = |path: &str| GroupRef { forge: "f".into(), path: path.into() };
        let elsewhere = GroupRef { forge: "g".into(), path: "acme/support".into() };
        let pool = Pool {
            name: "backend".into(),
            members: vec!["rita".into()],
            groups: vec![group("acme/backend")],
            leads: vec!["rita".into()],
            ..Pool::default()
        };
        let policy = Policy {
            forges: vec![ForgePolicy::new("f", ForgeKind::GitLab, Vec::new())],
            support: Support {
                members: vec!["sam".into()],
                groups: vec![group("acme/support"), elsewhere],
                except: vec!["bot".into()],
                ..Support::default()
            },
            pools: vec![pool],
            ..Policy::default()
        };
        let [sam, rita, bot] =
            [(1, "sam"), (2, "rita"), (3, "bot")].map(|(id, login)| Account::new(id, login));
        let roster = Roster {
            accounts: [("sam".into(), sam.clone()), ("rita".into(), rita.clone())].into(),
            groups: [("acme/support".into(), vec![sam, bot]), ("acme/backend".into(), vec![rita])].into(),
            ..Roster::default()
        };
        let directory = Directory::new(&policy, "f", &roster);
        let roles = roles(&policy, "f", &directory, &roster);
        let by = |path: &str| RoleSource::Group(format!("f:{path}"));
        assert_eq!(roles["sam"], [(Role::Support, [RoleSource::Named, by("acme/support")].into())].into());
        assert_eq!(roles["bot"], [(Role::ExceptedFromSupport, [by("acme/support")].into())].into());
        let expected = [
            (Role::Pool("backend".into()), [RoleSource::Named, by("acme/backend")].into()),
            (Role::LeadOf("backend".into()), [RoleSource::Named].into()),
        ];
        assert_eq!(roles["rita"], expected.into());
    }

    #[test]
    fn who_has_no_account_somewhere_is_odd_only_if_the_configuration_says_there_is_one() {
        let team = GroupRef { forge: "hub".into(), path: "acme/gone".into() };
        let hub = |login: &str| PersonPolicy { github: Some(login.into()), ..PersonPolicy::default() };
        let policy = Policy {
            forges: vec![
                ForgePolicy::new("hub", ForgeKind::GitHub, Vec::new()),
                ForgePolicy::new("lab", ForgeKind::GitLab, Vec::new()),
            ],
            support: Support {
                members: ["sam", "rita", "simon", "bert"].map(str::to_owned).to_vec(),
                groups: vec![team],
                ..Support::default()
            },
            people: [("rita".into(), hub("rita-x"))].into(),
            ..Policy::default()
        };
        let account = |id, login: &str| (login.to_owned(), Account::new(id, login));
        let blocked = MemberNote {
            account: Account::new(4, "bert"),
            group: None,
            said: Some("bert".into()),
            state: MemberState::Blocked("blocked".into()),
        };
        let roster = |accounts: &[(String, Account)], unknown: &[&str], notes| Roster {
            fetched_at: Some(jiff::Timestamp::UNIX_EPOCH),
            accounts: accounts.iter().cloned().collect(),
            unknown: unknown.iter().map(|one| (*one).to_owned()).collect(),
            notes,
            ..Roster::default()
        };
        let on_hub = roster(&[], &["acme/gone", "bert", "rita-x", "sam", "simon"], Vec::new());
        let on_lab =
            roster(&[account(1, "sam"), account(2, "rita")], &["bert", "simon"], vec![blocked.clone()]);
        let hub = Directory::new(&policy, "hub", &on_hub);
        let lab = Directory::new(&policy, "lab", &on_lab);
        let odd = oddities(&policy, &[("hub", &hub, &on_hub), ("lab", &lab, &on_lab)]);
        let expected = [
            Oddity::Stranger("simon"),
            Oddity::UnknownGroup("hub", "acme/gone"),
            Oddity::UnknownLogin("hub", "rita-x"),
            Oddity::Note("lab", &blocked),
        ];
        assert_eq!(odd, expected);
        // What is not read yet is not known to be missing.
        let unread = Roster::default();
        let silent = Directory::new(&policy, "lab", &unread);
        let odd = oddities(&policy, &[("hub", &hub, &on_hub), ("lab", &silent, &unread)]);
        assert!(!odd.iter().any(|odd| matches!(odd, Oddity::Stranger(_))), "{odd:?}");
    }
}
