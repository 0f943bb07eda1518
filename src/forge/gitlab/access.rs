//! Settings and members of GitLab's projects.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use gitlab::api::projects::Project;
use gitlab::api::projects::members::AllProjectMembers;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::api::{GitLab, ListEndpoint, endpoint};
use super::roster::has_ended;
use super::wire;
use crate::forge::shared::access::{Access, Members, SeenProjects};
use crate::forge::shared::listing::{Source, sources};
use crate::forge::shared::people::People;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::access::{BotRights, ProjectFacts, Rank, Reach};
use usher_core::model::policy::Pattern;

/// A project as lists and `GET /projects/:id` show it (GL `doc/api/projects.md`).
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    path_with_namespace: String,
    #[serde(default)]
    archived: bool,
    /// `private`, `internal`, `public`.
    #[serde(default)]
    visibility: String,
    /// These three: `disabled`, `private` (members only), `enabled`.
    repository_access_level: Option<String>,
    merge_requests_access_level: Option<String>,
    forking_access_level: Option<String>,
    /// Older word for the second.
    merge_requests_enabled: Option<bool>,
    #[serde(default)]
    shared_with_groups: Vec<SharedWith>,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SharedWith {
    group_full_path: String,
    group_access_level: u64,
    expires_at: Option<String>,
}

/// What this token may do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Permissions {
    project_access: Option<Level>,
    group_access: Option<Level>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Level {
    access_level: u64,
}

fn reach(level: Option<&str>) -> Reach {
    match level {
        Some("disabled") => Reach::Off,
        Some("private") => Reach::Members,
        _ => Reach::Everybody,
    }
}

impl Settings {
    fn facts(self, today: Date) -> ProjectFacts {
        let off = self.merge_requests_enabled == Some(false);
        let own = [self.permissions.project_access, self.permissions.group_access].into_iter().flatten();
        let own = own.map(|level| Rank::of_gitlab(level.access_level)).max();
        let lasts = |shared: &SharedWith| !has_ended(shared.expires_at.as_deref(), today);
        let groups = self.shared_with_groups.into_iter().filter(lasts);
        ProjectFacts {
            public: matches!(&*self.visibility, "public" | "internal"),
            code: reach(self.repository_access_level.as_deref()),
            changes: if off { Reach::Off } else { reach(self.merge_requests_access_level.as_deref()) },
            forks: reach(self.forking_access_level.as_deref()),
            groups: groups
                .map(|shared| (shared.group_full_path, Rank::of_gitlab(shared.group_access_level)))
                .filter(|(path, _)| !path.is_empty())
                .collect(),
            bot: own.map_or(BotRights::Unknown, BotRights::Role),
            project: self.path_with_namespace,
            ..ProjectFacts::default()
        }
    }
}

#[async_trait]
impl Access for GitLab {
    async fn access_projects(&self, patterns: &[Pattern]) -> Result<SeenProjects, ForgeFault> {
        let mut projects = SeenProjects::default();
        let today = self.clock.now().to_zoned_datetime(TimeZone::UTC).date();
        for source in sources(patterns) {
            let found = match &source {
                Source::Everywhere => {
                    projects.found("**", Ok(self.settings("projects", &[("membership", "true")]).await?))
                }
                Source::Project(path) => projects.found(path, self.one(path).await),
                Source::Below(path) => {
                    let below = format!("groups/{}/projects", NameOrId::from(path.as_str()));
                    let deep = [("include_subgroups", "true"), ("with_shared", "false")];
                    let found = match self.settings(&below, &deep).await {
                        // No group of that name: it may be a user.
                        Err(ForgeFault::Gone) => {
                            let below = format!("users/{}/projects", NameOrId::from(path.as_str()));
                            self.settings(&below, &[]).await
                        }
                        found => found,
                    };
                    projects.found(path, found)
                }
            }?;
            for one in found {
                projects.add(patterns, one.archived, one.facts(today));
            }
        }
        Ok(projects)
    }

    /// Everybody with their highest role, by whatever way they have it: as members of the project, of
    /// a group above it, or of a group that it is shared with (GL `doc/api/members.md`). Whoever is
    /// blocked, or whose membership has ended, has none. Enters Usher's own role, too.
    async fn access_members(&self, project: &mut ProjectFacts) -> Result<Members, ForgeFault> {
        let mut wanted = AllProjectMembers::builder();
        let wanted = endpoint(wanted.project(project.project.as_str()).build())?;
        let found: Pages<wire::User> = self.pages(&wanted, PAGES_LIMIT).await?;
        let today = self.clock.now().to_zoned_datetime(TimeZone::UTC).date();
        let lasts = |one: &&wire::User| one.is_active() && !has_ended(one.expires_at.as_deref(), today);
        let mut members = Members { truncated: !found.is_whole(), ..Members::default() };
        for member in found.entries.iter().filter(lasts) {
            let rank = Rank::of_gitlab(member.access_level.unwrap_or_default());
            let known = members.ranks.entry(member.id).or_default();
            *known = (*known).max(rank);
        }
        let own = members.ranks.get(&People::me(self).await?.id).copied().unwrap_or_default();
        project.bot = match project.bot {
            BotRights::Role(rank) => BotRights::Role(rank.max(own)),
            _ => BotRights::Role(own),
        };
        Ok(members)
    }
}

impl GitLab {
    async fn settings(
        &self,
        path: &str,
        wish: &[(&'static str, &str)],
    ) -> Result<Pages<Settings>, ForgeFault> {
        let parameters = wish.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.pages(&ListEndpoint { path: path.into(), parameters }, PAGES_LIMIT).await
    }

    async fn one(&self, path: &str) -> Result<Pages<Settings>, ForgeFault> {
        let project: Settings = self.get(&endpoint(Project::builder().project(path).build())?).await?;
        Ok(Pages::whole(vec![project]))
    }
}
