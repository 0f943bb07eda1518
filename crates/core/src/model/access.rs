//! What forges tell of who may do what: roles, projects, and the rights of Usher's own account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::ForgeKind;

/// A role in a project, in rising order. GitLab's Planner counts as Guest here: neither may read the
/// code of a private project (GL `doc/user/permissions.md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// No role at all.
    #[default]
    Nobody,
    /// GitLab only.
    Guest,
    /// GitLab Reporter, GitHub read.
    Read,
    /// GitHub only.
    Triage,
    /// GitLab Developer, GitHub write.
    Write,
    Maintain,
    /// GitLab Owner, GitHub admin.
    Admin,
}

impl Rank {
    /// All, in rising order.
    pub const ALL: [Rank; 7] =
        [Rank::Nobody, Rank::Guest, Rank::Read, Rank::Triage, Rank::Write, Rank::Maintain, Rank::Admin];

    /// The rank of a GitLab access level. New levels appear between the known ones; each counts as the
    /// known one below it (GL `doc/api/members.md`).
    pub fn of_gitlab(level: u64) -> Rank {
        match level {
            0..10 => Rank::Nobody,
            10..20 => Rank::Guest,
            20..30 => Rank::Read,
            30..40 => Rank::Write,
            40..50 => Rank::Maintain,
            50.. => Rank::Admin,
        }
    }

    /// What the forge calls it.
    pub fn word(self, kind: ForgeKind) -> &'static str {
        match (kind, self) {
            (_, Rank::Nobody) => "nothing",
            (ForgeKind::GitLab, Rank::Guest) => "Guest",
            (ForgeKind::GitLab, Rank::Read | Rank::Triage) => "Reporter",
            (ForgeKind::GitLab, Rank::Write) => "Developer",
            (ForgeKind::GitLab, Rank::Maintain) => "Maintainer",
            (ForgeKind::GitLab, Rank::Admin) => "Owner",
            (ForgeKind::GitHub, Rank::Guest | Rank::Read) => "read",
            (ForgeKind::GitHub, Rank::Triage) => "triage",
            (ForgeKind::GitHub, Rank::Write) => "write",
            (ForgeKind::GitHub, Rank::Maintain) => "maintain",
            (ForgeKind::GitHub, Rank::Admin) => "admin",
        }
    }
}

/// To whom a part of a project is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Switched off.
    Off,
    /// Members from Reporter (read) on.
    Members,
    /// Whoever sees the project.
    #[default]
    Everybody,
}

/// What a forge told of one project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFacts {
    /// `group/subgroup/name` or `owner/name`.
    pub project: String,
    /// Whether people without a role see it: public, on GitLab internal as well.
    pub public: bool,
    pub code: Reach,
    /// Merge requests, pull requests.
    pub changes: Reach,
    /// Only who may push may open changes (GitHub `pull_request_creation_policy`).
    pub writers_only: bool,
    pub forks: Reach,
    /// Roles by account id, inherited ones included; `None`: they could not be read.
    pub members: Option<BTreeMap<u64, Rank>>,
    /// Why not, in the forge's words.
    pub fault: Option<String>,
    /// Groups that the project is shared with, and their role in it (GitLab).
    pub groups: Vec<(String, Rank)>,
    pub bot: BotRights,
}

/// What Usher's own account may do in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotRights {
    #[default]
    Unknown,
    Role(Rank),
    /// A GitHub App: `read` or `write` by permission, as its installation was granted them.
    Permissions(BTreeMap<String, String>),
}

/// What a forge told of all watched projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFacts {
    pub read_at: Timestamp,
    pub projects: Vec<ProjectFacts>,
    /// What the configuration names and the forge does not show.
    pub unseen: Vec<Unseen>,
    /// There are more projects than were read.
    pub truncated: bool,
}

impl AccessFacts {
    /// No projects.
    pub fn new(read_at: Timestamp) -> AccessFacts {
        AccessFacts { read_at, projects: Vec::new(), unseen: Vec::new(), truncated: false }
    }
}

/// A project of the configuration, or a pattern for some, that matches nothing the forge shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    pub place: String,
    /// In the forge's words.
    pub why: String,
}
