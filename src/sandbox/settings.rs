//! Settings of a project that say who may do what in it.

use super::Sandbox;
use super::state::{Access, Forge, Project, State};

/// To whom a part of a GitLab project is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feature {
    /// To nobody.
    Disabled,
    /// To members.
    Private,
    /// To whoever sees the project.
    #[default]
    Enabled,
}

impl Feature {
    /// As GitLab writes it (GL `doc/api/projects.md`).
    pub(super) fn word(self) -> &'static str {
        match self {
            Feature::Disabled => "disabled",
            Feature::Private => "private",
            Feature::Enabled => "enabled",
        }
    }
}

/// A part of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The repository (GitLab).
    Code,
    /// Merge requests, pull requests.
    Changes,
    /// Forks.
    Forks,
}

/// What was set for a project.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub code: Feature,
    pub changes: Feature,
    pub forks: Feature,
    /// GitHub: only collaborators with write access may open pull requests.
    pub writers_only: bool,
    /// GitLab: groups that the project is shared with.
    pub shared_with: Vec<(String, Access)>,
}

impl Sandbox {
    /// Opens a part of a project to members only, to all, or to nobody. On GitHub `Private` changes
    /// are those of collaborators with write access.
    pub fn set_feature(&self, forge: Forge, project: &str, part: Part, feature: Feature) {
        if let Ok(project) = self.state().project_mut(forge, project) {
            match part {
                Part::Code => project.settings.code = feature,
                Part::Forks => project.settings.forks = feature,
                Part::Changes => {
                    project.settings.changes = feature;
                    project.settings.writers_only = feature == Feature::Private;
                }
            }
        }
    }

    /// Shares a GitLab project with a group, whose members get that role at most.
    pub fn share_project(&self, project: &str, group: &str, access: Access) {
        let mut state = self.state();
        state.group(group);
        if let Ok(project) = state.project_mut(Forge::Gitlab, project) {
            project.settings.shared_with.push((group.to_owned(), access));
        }
    }
}

impl State {
    /// The day it is in UTC.
    pub(super) fn today(&self) -> jiff::civil::Date {
        self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// The groups that a project is shared with, as GitLab lists them.
    pub(super) fn gl_shared(&self, project: &Project) -> Vec<serde_json::Value> {
        let shared = project.settings.shared_with.iter().map(|(path, access)| {
            serde_json::json!({
                "group_id": self.groups.get(path).map(|group| group.id),
                "group_name": path.rsplit('/').next(),
                "group_full_path": path,
                "group_access_level": access.0,
                "expires_at": null,
            })
        });
        shared.collect()
    }
}
