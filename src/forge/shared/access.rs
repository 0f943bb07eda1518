//! Who may do what: settings and members of the watched projects, for `core::access`.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::Pages;
use usher_core::model::access::{ProjectFacts, Rank, Unseen};
use usher_core::model::policy::Pattern;

/// SeenProjects that are looked into, at most: each costs a request for every 100 members.
pub const ACCESS_PROJECTS_MAX: usize = 500;

/// The watched projects with their settings; members are not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenProjects {
    pub list: Vec<ProjectFacts>,
    /// Patterns of the configuration that match nothing the forge shows.
    pub unseen: Vec<Unseen>,
    /// There are more.
    pub truncated: bool,
    /// SeenProjects that are wanted, the archived ones included.
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

impl SeenProjects {
    /// What was found at `place`; what is not there, or not shown, is remembered.
    pub(in crate::forge) fn found<T>(
        &mut self,
        place: &str,
        found: Result<Pages<T>, ForgeFault>,
    ) -> Result<Vec<T>, ForgeFault> {
        match found {
            Ok(pages) => {
                self.truncated |= pages.truncated;
                Ok(pages.entries)
            }
            Err(fault @ (ForgeFault::Gone | ForgeFault::Refused { .. })) => {
                self.refused.push((place.to_owned(), fault.to_string()));
                Ok(Vec::new())
            }
            Err(fault) => Err(fault.about(&format!("`{place}`"))),
        }
    }

    /// Takes in a project that one of `patterns` wants, unless it is archived.
    pub(in crate::forge) fn add(&mut self, patterns: &[Pattern], archived: bool, facts: ProjectFacts) {
        if patterns.iter().any(|pattern| pattern.matches(&facts.project)) {
            self.seen.push(facts.project.clone());
            self.list.extend((!archived).then_some(facts));
        }
    }

    /// Patterns that no project matches, and why. Of a list that was cut nobody knows.
    pub(in crate::forge) fn notice_unseen(mut self, patterns: &[Pattern]) -> SeenProjects {
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
    pub(in crate::forge) fn limited(mut self, forge: &str) -> SeenProjects {
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

/// Who may do what on a forge.
#[async_trait]
pub(in crate::forge) trait Access: Sync {
    async fn access_projects(&self, patterns: &[Pattern]) -> Result<SeenProjects, ForgeFault>;
    /// Everybody's role in `project`; enters Usher's own, too, where that is how it is told.
    async fn access_members(&self, project: &mut ProjectFacts) -> Result<Members, ForgeFault>;
}
