//! Who may do what: settings and members of the watched projects, for `core::access`.

use std::collections::BTreeMap;

use super::client::Client;
use super::fault::Fault;
use super::http::Pages;
use usher_core::model::access::{AccessFacts, ProjectFacts, Rank, Unseen};
use usher_core::model::policy::Pattern;

/// Projects that are looked into, at most: each costs a request for every 100 members.
pub const ACCESS_PROJECTS_MAX: usize = 500;

/// The watched projects with their settings; members are not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projects {
    pub list: Vec<ProjectFacts>,
    /// Patterns of the configuration that match nothing the forge shows.
    pub unseen: Vec<Unseen>,
    /// There are more.
    pub truncated: bool,
    /// Projects that are wanted, the archived ones included.
    seen: Vec<String>,
    /// Places that were not shown, and why.
    refused: Vec<(String, String)>,
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
    /// What was found at `place`; what is not there, or not shown, is remembered.
    pub(super) fn found<T>(&mut self, place: &str, found: Result<Pages<T>, Fault>) -> Result<Vec<T>, Fault> {
        match found {
            Ok(pages) => {
                self.truncated |= pages.truncated;
                Ok(pages.entries)
            }
            Err(fault @ (Fault::Gone | Fault::Refused { .. })) => {
                self.refused.push((place.to_owned(), fault.to_string()));
                Ok(Vec::new())
            }
            Err(fault) => Err(fault.about(&format!("`{place}`"))),
        }
    }

    /// Takes in a project that one of `patterns` wants, unless it is archived.
    pub(super) fn add(&mut self, patterns: &[Pattern], archived: bool, facts: ProjectFacts) {
        if patterns.iter().any(|pattern| pattern.matches(&facts.project)) {
            self.seen.push(facts.project.clone());
            self.list.extend((!archived).then_some(facts));
        }
    }

    /// Patterns that no project matches, and why. Of a list that was cut nobody knows.
    fn notice_unseen(mut self, patterns: &[Pattern]) -> Projects {
        let matched = |pattern: &Pattern| self.seen.iter().any(|project| pattern.matches(project));
        let at = |text: &str, place: &str| {
            text.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let why = |pattern: &Pattern| {
            let refused = self.refused.iter().find(|(place, _)| at(&pattern.text, place));
            refused.map_or_else(|| "no such project is shown to it".to_owned(), |(_, why)| why.clone())
        };
        let unseen = patterns.iter().filter(|pattern| !self.truncated && !matched(pattern));
        self.unseen =
            unseen.map(|pattern| Unseen { place: pattern.text.clone(), why: why(pattern) }).collect();
        self
    }

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
    /// See [`Fault`]. A project or namespace that is not there, or not shown, is passed over and noted.
    pub async fn access_projects(&self) -> Result<Projects, Fault> {
        let found = match self.dialect() {
            super::client::Dialect::GitLab(gitlab) => gitlab.access_projects(self.patterns()).await,
            super::client::Dialect::GitHub(github) => github.access_projects(self.patterns()).await,
        };
        Ok(found?.notice_unseen(self.patterns()).limited(self.name()))
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
        let Projects { mut list, unseen, truncated, .. } = self.access_projects().await?;
        for project in &mut list {
            self.read_access(project).await?;
        }
        Ok(AccessFacts { read_at: self.now(), projects: list, unseen, truncated })
    }
}
