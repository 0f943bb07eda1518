//! A project or repository: its settings, labels, files and changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::accounts::{Access, UserId};
use super::change::Change;
use super::forge::Forge;

/// The default branch of every project.
const DEFAULT_BRANCH: &str = "main";

/// A part of a project that may be open to some and closed to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The repository (GitLab).
    Code,
    /// Merge requests, pull requests.
    Changes,
    /// Forks.
    Forks,
}

/// To whom a feature of a project is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeatureAccess {
    /// To nobody.
    Disabled,
    /// To members.
    Private,
    /// To whoever sees the project.
    #[default]
    Enabled,
}

/// What was set for a project.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectSettings {
    pub(crate) code: FeatureAccess,
    pub(crate) changes: FeatureAccess,
    pub(crate) forks: FeatureAccess,
    /// GitHub: only collaborators with write access may open pull requests.
    pub(crate) writers_only: bool,
    /// GitLab: groups that the project is shared with.
    pub(crate) shared_with: Vec<(String, Access)>,
    /// GitLab: how it assigns reviewers by itself.
    pub(crate) reviewer_assignment: &'static str,
    /// GitLab: whose role of the company's own has a Developer's rights.
    pub(crate) widened: BTreeSet<UserId>,
}

impl ProjectSettings {
    /// On GitHub private changes are those of collaborators with write access.
    pub(crate) fn set(&mut self, feature: Feature, access: FeatureAccess) {
        match feature {
            Feature::Code => self.code = access,
            Feature::Forks => self.forks = access,
            Feature::Changes => {
                self.changes = access;
                self.writers_only = access == FeatureAccess::Private;
            }
        }
    }
}

/// A GitLab project or GitHub repository.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) forge: Forge,
    /// `group/subgroup/name` or `owner/name`.
    pub(crate) path: String,
    pub(crate) public: bool,
    /// It can be read, and nobody can act on it.
    pub(crate) archived: bool,
    pub(crate) settings: ProjectSettings,
    pub(crate) members: BTreeMap<UserId, Access>,
    pub(crate) labels: Vec<Label>,
    pub(crate) changes: BTreeMap<u64, Change>,
    /// Contents of files, by branch and path.
    pub(crate) files: BTreeMap<(String, String), String>,
    /// GitLab: how many approvals make a merge request `approved`; 0 counts as one.
    pub(crate) approvals_required: usize,
    /// GitLab: whether a push takes approvals away.
    pub(crate) reset_approvals_on_push: bool,
    pub(crate) created_at: Timestamp,
}

impl Project {
    /// A private project with nothing in it.
    pub(crate) fn new(id: u64, forge: Forge, path: &str, created_at: Timestamp) -> Project {
        Project {
            id,
            forge,
            path: path.to_owned(),
            public: false,
            archived: false,
            settings: ProjectSettings { reviewer_assignment: "disabled", ..ProjectSettings::default() },
            members: BTreeMap::new(),
            labels: Vec::new(),
            changes: BTreeMap::new(),
            files: BTreeMap::new(),
            approvals_required: 1,
            reset_approvals_on_push: false,
            created_at,
        }
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// Everything before the last part of the path.
    pub(crate) fn owner(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(owner, _)| owner)
    }

    /// What a file holds on a branch, or on the default one.
    pub(crate) fn file(&self, branch: Option<&str>, path: &str) -> Option<&str> {
        let branch = branch.unwrap_or(DEFAULT_BRANCH);
        self.files.get(&(branch.to_owned(), path.to_owned())).map(String::as_str)
    }

    /// The label of that name, as this forge compares names: GitHub ignores case.
    pub(crate) fn label(&self, name: &str) -> Option<&Label> {
        match self.forge {
            Forge::Gitlab => self.labels.iter().find(|label| label.name == name),
            Forge::Github => self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name)),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// Without `#`.
    pub(crate) color: String,
    pub(crate) description: Option<String>,
    pub(crate) created_at: Timestamp,
}
