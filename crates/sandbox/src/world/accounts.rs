//! Accounts, and the groups, organisations and teams they belong to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

/// A user's numeric id; the same person has a different one on each forge.
pub type UserId = u64;

/// What somebody may do in a project or group, in GitLab's numbers (`doc/api/members.md`). GitHub's
/// permissions are read, 25 for triage, write, maintain and admin in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access(pub u64);

impl Access {
    /// GitLab Guest: sees a private project, but no merge requests.
    pub const GUEST: Access = Access(10);
    /// GitLab Reporter, GitHub `read` (`pull`).
    pub const READ: Access = Access(20);
    /// GitHub `triage`.
    pub const TRIAGE: Access = Access(25);
    /// GitLab Developer, GitHub `write` (`push`).
    pub const WRITE: Access = Access(30);
    /// Maintainer on both.
    pub const MAINTAIN: Access = Access(40);
    /// GitLab Owner, GitHub `admin`.
    pub const ADMIN: Access = Access(50);
}

/// One account on one forge.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) bot: bool,
    /// GitLab's "busy", GitHub's "limited availability" (in GraphQL only), and the message beside it.
    pub(crate) busy: bool,
    /// When GitHub clears the status.
    pub(crate) busy_until: Option<Timestamp>,
    pub(crate) status_message: String,
    /// Why the account cannot act: GitLab's `blocked`, `deactivated`, …; on GitHub it is suspended.
    pub(crate) blocked: Option<String>,
}

impl User {
    pub(crate) fn new(id: UserId, login: &str, name: &str, bot: bool) -> User {
        User {
            id,
            login: login.to_owned(),
            name: name.to_owned(),
            bot,
            busy: false,
            busy_until: None,
            status_message: String::new(),
            blocked: None,
        }
    }
}

/// A GitLab group or subgroup; its key is the full path.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) members: BTreeMap<UserId, Access>,
    /// The day with whose start a membership ends.
    pub(crate) ends: BTreeMap<UserId, Date>,
}

impl Group {
    /// A group without members.
    pub(crate) fn new(id: u64) -> Group {
        Group { id, members: BTreeMap::new(), ends: BTreeMap::new() }
    }

    /// Members whose membership lasts on `today` (UTC).
    pub(crate) fn members_on(&self, today: Date) -> BTreeMap<UserId, Access> {
        let lasts = |user: &UserId| self.ends.get(user).is_none_or(|end| today < *end);
        self.members.iter().filter(|(user, _)| lasts(user)).map(|(user, access)| (*user, *access)).collect()
    }
}

/// A GitHub organisation.
#[derive(Clone, Debug)]
pub(crate) struct Org {
    pub(crate) id: u64,
    pub(crate) teams: BTreeMap<String, Team>,
    /// Who may see and change its webhooks.
    pub(crate) owners: BTreeSet<UserId>,
}

impl Org {
    /// An organisation without anybody.
    pub(crate) fn new(id: u64) -> Org {
        Org { id, teams: BTreeMap::new(), owners: BTreeSet::new() }
    }
}

/// A GitHub team; its key is the slug.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: u64,
    pub(crate) parent: Option<String>,
    pub(crate) members: Vec<UserId>,
    /// Access per full repository name.
    pub(crate) repos: BTreeMap<String, Access>,
}

/// Members of a GitHub team and its child teams, with whether the membership is inherited from a
/// child team (OpenAPI description of "List team members": child teams are included).
pub(crate) fn team_members(teams: &BTreeMap<String, Team>, slug: &str) -> BTreeMap<UserId, bool> {
    let mut members = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![slug.to_owned()];
    while let Some(current) = open.pop() {
        if !seen.insert(current.clone()) {
            continue;
        }
        if let Some(team) = teams.get(&current) {
            for user in &team.members {
                let inherited = current != slug;
                members.entry(*user).and_modify(|old| *old = *old && inherited).or_insert(inherited);
            }
        }
        let children = teams.iter().filter(|(_, team)| team.parent.as_deref() == Some(current.as_str()));
        open.extend(children.map(|(child, _)| child.clone()));
    }
    members
}

/// `a/b/c`, `a/b`, `a`.
pub(crate) fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(parent, _)| parent))
}
