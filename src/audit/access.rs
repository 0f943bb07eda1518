//! Access: who may do what in the watched projects, what is missing, and the smallest grant that
//! closes each gap. Pure: facts read from a forge in, rows and gaps out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use usher_core::model::access::{AccessFacts, ProjectFacts, Rank, Reach, Unseen};
use usher_core::model::change::ForgeKind;
use usher_core::model::people::{Directory, Person, Roster};
use usher_core::model::policy::{Policy, Route};

mod bot;
#[cfg(test)]
mod tests;

pub use bot::{BotGap, BotNeed};

/// Projects whose members could not be read, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    pub projects: Vec<String>,
    pub why: String,
}

/// Something that somebody needs to be able to do in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    ReadCode,
    OpenChange,
    /// Push a branch to the project itself, where a route leads documentation from.
    PushDocs,
    /// Be asked for a review.
    BeAsked,
    /// Give an approval that counts.
    Approve,
}

/// What a person may do in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Abilities {
    pub read: bool,
    pub open: bool,
    pub push: bool,
    pub be_asked: bool,
    pub approve: bool,
}

impl Abilities {
    /// What somebody of this rank may do in the project.
    ///
    /// GitLab: reading a private project's code takes Reporter, pushing a branch and an approval that
    /// counts Developer (GL `doc/user/permissions.md`, `merge_requests/approvals/rules.md`); a change
    /// can come from a fork of whoever may read. GitHub: an approval counts from write on; reviews can
    /// be asked of collaborators only (OpenAPI: 422 "if user is not a collaborator").
    pub fn new(kind: ForgeKind, project: &ProjectFacts, rank: Rank) -> Abilities {
        let within = |reach: Reach| match reach {
            Reach::Off => false,
            Reach::Members => rank >= Rank::Read,
            Reach::Everybody => project.public || rank >= Rank::Read,
        };
        let (read, takes_part) = (within(project.code), within(project.changes));
        let push = read && rank >= Rank::Write;
        let by_fork = read && within(project.forks) && !project.writers_only;
        let collaborates = kind == ForgeKind::GitLab || rank >= Rank::Read;
        Abilities {
            read,
            open: takes_part && (push || by_fork),
            push,
            be_asked: takes_part && collaborates,
            approve: takes_part && rank >= Rank::Write,
        }
    }

    pub fn has(self, need: Need) -> bool {
        match need {
            Need::ReadCode => self.read,
            Need::OpenChange => self.open,
            Need::PushDocs => self.push,
            Need::BeAsked => self.be_asked,
            Need::Approve => self.approve,
        }
    }
}

/// One person in one project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessRow {
    pub person: String,
    pub login: String,
    pub project: String,
    pub support: bool,
    /// Pools of the person to which a route may lead from this project.
    pub pools: BTreeSet<String>,
    /// `None`: the project's members could not be read.
    pub rank: Option<Rank>,
    /// What the person may do; `None` with `rank`.
    pub may: Option<Abilities>,
    /// What is needed and not there.
    pub lacks: BTreeSet<Need>,
}

/// How a gap is closed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The smallest role that closes it, or a group that brings it.
    Grant { rank: Rank, instead: Option<Instead> },
    /// No role does: a setting of the project is in the way.
    Switch(Setting),
}

/// A way to a role by a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// The person joins a group that has the role already.
    Join(String),
    /// A group of the configuration, of which the person is a member, is given the role.
    Invite(String),
}

/// A setting of a project that keeps everybody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Code,
    Changes,
}

/// The same thing that the same people lack in the same projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub people: Vec<String>,
    pub projects: Vec<String>,
    pub lacks: BTreeSet<Need>,
    pub remedy: Remedy,
}

/// Everything that is to be said of one forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessReport {
    pub rows: Vec<AccessRow>,
    pub gaps: Vec<Gap>,
    /// What Usher's own account lacks.
    pub bot: Vec<BotGap>,
    pub unread: Vec<Unread>,
    pub unseen: Vec<Unseen>,
    /// Support engineers and members of pools without an account on this forge.
    pub strangers: Vec<String>,
}

impl AccessReport {
    /// Whether anything is missing that people or Usher need. What is only nice to have does not count.
    pub fn has_gaps(&self) -> bool {
        let blind = !self.unread.is_empty() || !self.unseen.is_empty();
        blind || !self.gaps.is_empty() || self.bot.iter().any(|gap| !gap.optional)
    }
}

/// Whether a route is about documentation: one of its paths names a folder `doc`, `docs` or
/// `documentation`, or ends as texts do.
pub fn is_about_docs(route: &Route) -> bool {
    let folder = |part: &str| ["doc", "docs", "documentation"].contains(&part.to_lowercase().as_str());
    let text = |path: &str| [".md", ".mdx", ".rst", ".adoc"].iter().any(|end| path.ends_with(end));
    let paths = route.paths.iter().map(|pattern| pattern.text.as_str());
    let mut paths = paths.filter(|path| !path.starts_with('!'));
    paths.any(|path| path.split('/').any(folder) || text(&path.to_lowercase()))
}

/// Judges everybody who matters on `forge` in every project that was read.
pub fn judge(
    policy: &Policy,
    forge: &str,
    directory: &Directory,
    roster: &Roster,
    facts: &AccessFacts,
) -> AccessReport {
    let kind = directory.kind;
    let mut report = AccessReport {
        rows: Vec::new(),
        gaps: Vec::new(),
        bot: bot::judge(policy, forge, kind, &facts.projects),
        unread: unread(&facts.projects),
        unseen: facts.unseen.clone(),
        strangers: strangers(directory),
    };
    let mut gaps = Gaps::default();
    for project in &facts.projects {
        let routes = policy.routes.iter();
        let routes: Vec<&Route> =
            routes.filter(|route| route.may_lead_from(forge, &project.project)).collect();
        for person in directory.people() {
            let Some(row) = row(kind, directory, project, &routes, person) else { continue };
            if let Some(rank) = row.rank.filter(|_| !row.lacks.is_empty()) {
                let instead = |needed| instead(kind, policy, forge, roster, project, person, needed);
                gaps.add(&row, remedies(kind, project, rank, &row.lacks, instead));
            }
            report.rows.push(row);
        }
    }
    report.gaps = gaps.merged();
    report
}

/// Where members could not be read, the same reasons together.
fn unread(projects: &[ProjectFacts]) -> Vec<Unread> {
    let mut unread: Vec<Unread> = Vec::new();
    for project in projects.iter().filter(|project| project.members.is_none()) {
        let why = project.fault.as_deref().unwrap_or("not read yet");
        match unread.iter_mut().find(|known| known.why == why) {
            Some(known) => known.projects.push(project.project.clone()),
            None => unread.push(Unread { projects: vec![project.project.clone()], why: why.to_owned() }),
        }
    }
    unread
}

/// People who matter and whom this forge does not know.
fn strangers(directory: &Directory) -> Vec<String> {
    let matters = |person: &&Person| person.support || directory.in_any_pool(&person.name);
    let unknown = directory.people().filter(matters).filter(|person| person.account.is_none());
    unknown.map(|person| person.name.clone()).collect()
}

/// What a person needs in a project and may do there; `None` for somebody who does not matter here.
fn row(
    kind: ForgeKind,
    directory: &Directory,
    project: &ProjectFacts,
    routes: &[&Route],
    person: &Person,
) -> Option<AccessRow> {
    let account = person.account.as_ref()?;
    let here = routes.iter().filter(|route| directory.in_pool(&route.pool, &person.name));
    let pools: BTreeSet<String> = here.map(|route| route.pool.clone()).collect();
    let mut needs = BTreeSet::new();
    if person.support {
        needs.extend([Need::ReadCode, Need::OpenChange]);
        needs.extend(routes.iter().any(|route| is_about_docs(route)).then_some(Need::PushDocs));
    }
    if !pools.is_empty() {
        needs.extend([Need::BeAsked, Need::Approve]);
    }
    if needs.is_empty() {
        return None;
    }
    let members = project.members.as_ref();
    let rank = members.map(|members| members.get(&account.id).copied().unwrap_or_default());
    let may = rank.map(|rank| Abilities::new(kind, project, rank));
    needs.retain(|need| may.is_some_and(|may| !may.has(*need)));
    Some(AccessRow {
        person: person.name.clone(),
        login: account.login.clone(),
        project: project.project.clone(),
        support: person.support,
        pools,
        rank,
        may,
        lacks: needs,
    })
}

/// The smallest role that brings all of `lacks` that any role brings, and the settings that keep the
/// rest away.
fn remedies(
    kind: ForgeKind,
    project: &ProjectFacts,
    rank: Rank,
    lacks: &BTreeSet<Need>,
    instead: impl Fn(Rank) -> Option<Instead>,
) -> Vec<(BTreeSet<Need>, Remedy)> {
    let most = Abilities::new(kind, project, Rank::Admin);
    let (by_role, never): (BTreeSet<Need>, BTreeSet<Need>) = lacks.iter().partition(|need| most.has(**need));
    let enough = |rank: &Rank| {
        let may = Abilities::new(kind, project, *rank);
        by_role.iter().all(|need| may.has(*need))
    };
    let granted = Rank::ALL.into_iter().filter(|wanted| *wanted > rank).find(enough);
    let mut found = Vec::new();
    if let Some(rank) = granted.filter(|_| !by_role.is_empty()) {
        found.push((by_role, Remedy::Grant { rank, instead: instead(rank) }));
    }
    if !never.is_empty() {
        let setting = if most.read { Setting::Changes } else { Setting::Code };
        found.push((never, Remedy::Switch(setting)));
    }
    found
}

/// A group by which the person could have the role: one that the project is shared with, else one of
/// the configuration that they are in. A team of GitHub has roles in its own organisation only.
fn instead(
    kind: ForgeKind,
    policy: &Policy,
    forge: &str,
    roster: &Roster,
    project: &ProjectFacts,
    person: &Person,
    needed: Rank,
) -> Option<Instead> {
    let account = person.account.as_ref()?;
    let is_in = |path: &str| roster.groups.get(path).is_some_and(|members| members.contains(account));
    let shared = project.groups.iter().filter(|(path, rank)| *rank >= needed && !is_in(path));
    if let Some((path, _)) = shared.min_by_key(|(path, rank)| (*rank, path.clone())) {
        return Some(Instead::Join(path.clone()));
    }
    let pools = policy.pools.iter().flat_map(|pool| &pool.groups);
    let owner = |path: &str| path.split('/').next().unwrap_or_default().to_lowercase();
    let own = |path: &str| kind == ForgeKind::GitLab || owner(path) == owner(&project.project);
    let listed = policy.support.groups.iter().chain(pools);
    let mut listed = listed.filter(|group| group.forge == forge && own(&group.path));
    listed.find(|group| is_in(&group.path)).map(|group| Instead::Invite(group.path.clone()))
}

/// Gaps by what is lacking and how it is closed: for each person, the projects.
#[derive(Default)]
struct Gaps(BTreeMap<(BTreeSet<Need>, Remedy), BTreeMap<String, BTreeSet<String>>>);

impl Gaps {
    fn add(&mut self, row: &AccessRow, remedies: Vec<(BTreeSet<Need>, Remedy)>) {
        for key in remedies {
            let people = self.0.entry(key).or_default();
            people.entry(row.person.clone()).or_default().insert(row.project.clone());
        }
    }

    /// People who lack the same in the same projects become one gap.
    fn merged(self) -> Vec<Gap> {
        let mut merged = Vec::new();
        for ((lacks, remedy), people) in self.0 {
            let mut by_projects: BTreeMap<BTreeSet<String>, Vec<String>> = BTreeMap::new();
            for (person, projects) in people {
                by_projects.entry(projects).or_default().push(person);
            }
            merged.extend(by_projects.into_iter().map(|(projects, people)| Gap {
                people,
                projects: projects.into_iter().collect(),
                lacks: lacks.clone(),
                remedy: remedy.clone(),
            }));
        }
        merged
    }
}
