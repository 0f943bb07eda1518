//! A GitHub organisation and its teams over REST; webhooks carry shorter forms of both.

use crate::wire::merged;
use crate::world::{Forge, State, Team};
use serde_json::{Value, json};

/// When organisations and teams here came to be.
const FOUNDED: &str = "2024-01-01T00:00:00Z";

impl State {
    /// The member `organization`, or nothing where a user is the owner.
    pub(super) fn gh_organization(&self, owner: &str) -> Value {
        let Some(org) = self.orgs.get(owner) else { return json!({}) };
        let url = format!("{}/orgs/{owner}", self.api(Forge::Github));
        json!({ "organization": {
            "login": owner,
            "id": org.id,
            "node_id": format!("O_{}", org.id),
            "url": url,
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"),
            "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/u/{}", self.pages(Forge::Github), org.id),
            "description": "",
        } })
    }

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
    pub(super) fn gh_team(&self, org: &str, slug: &str, team: &Team) -> Value {
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
