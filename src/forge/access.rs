//! Who may do what: settings and members of the watched projects, for `core::access`.

use std::collections::BTreeMap;

use super::client::Client;
use super::fault::Fault;
use crate::core::access::{AccessFacts, ProjectFacts, Rank};

/// Projects that are looked into, at most: each costs a request for every 100 members.
pub const ACCESS_PROJECTS_MAX: usize = 500;

/// The watched projects with their settings; members are not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projects {
    pub list: Vec<ProjectFacts>,
    /// There are more, or the forge would not show one of them.
    pub truncated: bool,
}

/// Roles in one project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// By account id.
    pub ranks: BTreeMap<u64, Rank>,
    /// The list was cut short: who is missing in it may have a role.
    pub truncated: bool,
}

impl Projects {
    /// Each project once, at most [`ACCESS_PROJECTS_MAX`].
    fn limited(mut self, forge: &str) -> Projects {
        self.list.sort_by(|one, other| one.project.cmp(&other.project));
        self.list.dedup_by(|one, other| one.project == other.project);
        if self.list.len() > ACCESS_PROJECTS_MAX {
            let (projects, limit) = (self.list.len(), ACCESS_PROJECTS_MAX);
            tracing::warn!(forge, projects, limit, "too many projects to look at who may do what");
            self.list.truncate(ACCESS_PROJECTS_MAX);
            self.truncated = true;
        }
        self
    }
}

impl Client {
    /// The watched projects that are not archived, with their settings. Requests: one for each
    /// project named in full, and one per 100 projects of a namespace; for a GitHub App one more per
    /// 100 installations.
    ///
    /// # Errors
    /// See [`Fault`]. A project or namespace that is not there, or not shown, is passed over with
    /// `truncated`.
    pub async fn access_projects(&self) -> Result<Projects, Fault> {
        let found = match self.dialect() {
            super::client::Dialect::GitLab(gitlab) => {
                gitlab.access_projects(self.name(), self.patterns()).await
            }
            super::client::Dialect::GitHub(github) => {
                github.access_projects(self.name(), self.patterns()).await
            }
        };
        Ok(found?.limited(self.name()))
    }

    /// Reads the roles of everybody in `project`, inherited ones included, and enters them, or why
    /// they could not be read. One request per 100 members.
    ///
    /// # Errors
    /// When the forge is down or asks for patience; a refusal is entered instead.
    pub async fn read_access(&self, project: &mut ProjectFacts) -> Result<(), Fault> {
        let read = match self.dialect() {
            super::client::Dialect::GitLab(gitlab) => gitlab.access_members(project).await,
            super::client::Dialect::GitHub(github) => github.access_members(project).await,
        };
        match read {
            Ok(Members { ranks, truncated: false }) => project.members = Some(ranks),
            Ok(_) => project.fault = Some("there are too many members to read them all".into()),
            Err(fault @ (Fault::Refused { .. } | Fault::Gone)) => project.fault = Some(fault.to_string()),
            Err(fault) => return Err(fault.about(&format!("`{}`", project.project))),
        }
        Ok(())
    }

    /// Both of the above for all projects, one after another.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn access(&self) -> Result<AccessFacts, Fault> {
        let Projects { mut list, truncated } = self.access_projects().await?;
        for project in &mut list {
            self.read_access(project).await?;
        }
        Ok(AccessFacts { read_at: self.now(), projects: list, truncated })
    }
}
