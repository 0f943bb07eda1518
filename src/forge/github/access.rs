//! Settings and collaborators of GitHub's repositories.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;

use super::api::GitHub;
use super::wire::{self, Permissions};
use crate::forge::shared::access::{Access, Members, SeenProjects};
use crate::forge::shared::listing::{Source, sources};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::access::{BotRights, ProjectFacts, Rank, Reach};
use usher_core::model::policy::Pattern;

/// An entry of `GET /repos/{owner}/{repo}/collaborators`.
#[derive(Debug, Deserialize)]
struct Collaborator {
    id: u64,
    #[serde(default)]
    permissions: Permissions,
    /// The highest role from all sources; a custom role has a name of its own.
    role_name: Option<String>,
}

impl Collaborator {
    fn rank(&self) -> Rank {
        let named = match self.role_name.as_deref() {
            Some("read") => Rank::Read,
            Some("triage") => Rank::Triage,
            Some("write") => Rank::Write,
            Some("maintain") => Rank::Maintain,
            Some("admin") => Rank::Admin,
            _ => Rank::Nobody,
        };
        self.permissions.rank().max(named)
    }
}

/// An installation of the App, as `GET /app/installations` lists it.
#[derive(Debug, Deserialize)]
struct Installation {
    account: Option<Owner>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Owner {
    login: Option<String>,
}

impl wire::Repository {
    fn facts(self) -> ProjectFacts {
        // Only a private repository's forks can be forbidden; whoever sees a public one may fork it.
        let forks = self.allow_forking != Some(false) || self.private == Some(false);
        ProjectFacts {
            public: self.private == Some(false),
            changes: if self.has_pull_requests == Some(false) { Reach::Off } else { Reach::Everybody },
            writers_only: self.pull_request_creation_policy.as_deref() == Some("collaborators_only"),
            forks: if forks { Reach::Everybody } else { Reach::Off },
            bot: self.permissions.map_or(BotRights::Unknown, |given| BotRights::Role(given.rank())),
            project: self.full_name,
            ..ProjectFacts::default()
        }
    }
}

#[async_trait]
impl Access for GitHub {
    async fn access_projects(&self, patterns: &[Pattern]) -> Result<SeenProjects, ForgeFault> {
        let mut projects = SeenProjects::default();
        for source in sources(patterns) {
            let found = match &source {
                Source::Everywhere => projects.found("**", Ok(self.all_repositories().await?)),
                Source::Below(owner) => projects.found(owner, self.repositories_of(owner).await),
                Source::Project(path) => {
                    let found: Result<wire::Repository, ForgeFault> =
                        self.get(&self.in_project(path, [])).await;
                    let found = found.map(|one| Pages::whole(vec![one]));
                    projects.found(path, found)
                }
            }?;
            for one in found {
                projects.add(patterns, one.archived, one.facts());
            }
        }
        if self.transport.is_app() {
            self.enter_permissions(&mut projects.list).await?;
        }
        Ok(projects)
    }

    /// Everybody with a role: outside collaborators, members by teams (child teams included) and by
    /// the organisation's base permission, and its owners (OpenAPI: "List repository collaborators").
    async fn access_members(&self, project: &mut ProjectFacts) -> Result<Members, ForgeFault> {
        let url = self.in_project(&project.project, ["collaborators"]);
        let found: Pages<Collaborator> = self.pages(url, PAGES_LIMIT).await?;
        let ranks = found.entries.iter().map(|one| (one.id, one.rank())).collect();
        Ok(Members { truncated: !found.is_whole(), ranks })
    }
}

impl GitHub {
    /// An App has no role; it has the permissions that each owner granted it.
    async fn enter_permissions(&self, projects: &mut [ProjectFacts]) -> Result<(), ForgeFault> {
        let found: Pages<Installation> = self.pages(self.at(["app", "installations"]), PAGES_LIMIT).await?;
        let owner = |one: Installation| Some((one.account?.login?.to_lowercase(), one.permissions));
        let granted: BTreeMap<_, _> = found.entries.into_iter().filter_map(owner).collect();
        for project in projects {
            let owner = project.project.split('/').next().unwrap_or_default().to_lowercase();
            let permissions = granted.get(&owner).cloned();
            project.bot = permissions.map_or(BotRights::Unknown, BotRights::Permissions);
        }
        Ok(())
    }
}
