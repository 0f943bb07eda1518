//! A GitHub organisation and its teams over REST; webhooks carry shorter forms of both.

use serde_json::{Value, json};

use crate::sandbox::announce::merged;
use crate::sandbox::state::{Forge, State, Team};

/// When organisations and teams here came to be.
const FOUNDED: &str = "2024-01-01T00:00:00Z";

impl State {
    /// `GET /orgs/{org}`: `organization-full` of GitHub's description.
    pub(super) fn gh_full_organization(&self, name: &str) -> Value {
        let repositories = self
            .projects
            .values()
            .filter(|project| project.forge == Forge::Github && project.public && project.owner() == name);
        let more = json!({
            "html_url": format!("{}/{name}", self.pages(Forge::Github)),
            "has_organization_projects": true,
            "has_repository_projects": true,
            "public_repos": repositories.count(),
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "type": "Organization",
            "created_at": FOUNDED,
            "updated_at": FOUNDED,
            "archived_at": null,
        });
        merged(self.gh_organization(name)["organization"].clone(), more)
    }

    /// A team as the `membership` webhook carries it.
    pub(in crate::sandbox) fn gh_team(&self, org: &str, slug: &str, team: &Team) -> Value {
        let url = format!("{}/orgs/{org}/teams/{slug}", self.api(Forge::Github));
        json!({
            "id": team.id,
            "node_id": format!("T_{}", team.id),
            "name": slug,
            "slug": slug,
            "description": null,
            "privacy": "closed",
            "notification_setting": "notifications_enabled",
            "permission": "pull",
            "parent": null,
            "url": url,
            "html_url": format!("{}/orgs/{org}/teams/{slug}", self.pages(Forge::Github)),
            "members_url": format!("{url}/members{{/member}}"),
            "repositories_url": format!("{url}/repos"),
        })
    }

    /// `GET /orgs/{org}/teams/{slug}`: `team-full` of GitHub's description.
    pub(super) fn gh_full_team(&self, name: &str, slug: &str, team: &Team) -> Value {
        let more = json!({
            "type": "organization",
            "members_count": team.members.len(),
            "repos_count": team.repos.len(),
            "created_at": FOUNDED,
            "updated_at": FOUNDED,
            "organization": self.gh_full_organization(name),
        });
        merged(self.gh_team(name, slug, team), more)
    }
}
