//! A GitHub repository and its owner, as answers and webhooks carry them.

use serde_json::{Value, json};

use super::time::github_time;
use super::users::permission;
use crate::wire::merged;
use crate::world::{Access, ChangeState, FeatureAccess, Forge, Project, State, UserId};

/// A role as flags.
fn flags(access: Access) -> Value {
    json!({
        "admin": access >= Access::ADMIN,
        "maintain": access >= Access::MAINTAIN,
        "push": access >= Access::WRITE,
        "triage": access >= Access::TRIAGE,
        "pull": true,
    })
}

impl State {
    /// The owner of a repository: a user, or an organisation in the shape of one.
    pub(super) fn gh_owner(&self, name: &str) -> Value {
        let (pages, api) = (self.pages(Forge::Github), self.api(Forge::Github));
        if let Some(user) = self.user_by_login(Forge::Github, name).filter(|_| !self.orgs.contains_key(name))
        {
            return self.gh_user(user.id);
        }
        let id = self.orgs.get(name).map(|org| org.id);
        let url = format!("{api}/users/{name}");
        json!({
            "login": name,
            "id": id,
            "node_id": format!("O_{}", id.unwrap_or_default()),
            "avatar_url": format!("{pages}/avatars/u/{}", id.unwrap_or_default()),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{pages}/{name}"),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following"),
            "gists_url": format!("{url}/gists"),
            "starred_url": format!("{url}/starred"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "received_events_url": format!("{url}/received_events"),
            "type": "Organization",
            "site_admin": false,
        })
    }

    pub(super) fn gh_repo(&self, project: &Project) -> Value {
        let url = format!("{}/repos/{}", self.api(Forge::Github), project.path);
        let page = format!("{}/{}", self.pages(Forge::Github), project.path);
        let created_at = github_time(project.created_at);
        let open = project.changes.values().filter(|change| change.state == ChangeState::Open).count();
        let own = json!({
            "id": project.id,
            "node_id": format!("R_{}", project.id),
            "name": project.name(),
            "full_name": project.path,
            "private": !project.public,
            "owner": self.gh_owner(project.owner()),
            "html_url": page,
            "description": null,
            "fork": false,
            "url": url,
            "created_at": created_at,
            "updated_at": created_at,
            "pushed_at": created_at,
            "git_url": format!("{}.git", page.replace("http://", "git://")),
            "ssh_url": format!("ssh://git@127.0.0.1/{}.git", project.path),
            "clone_url": format!("{page}.git"),
            "svn_url": page,
            "homepage": null,
            "size": 100,
            "language": "Rust",
        });
        let numbers = json!({
            "stargazers_count": 0,
            "watchers_count": 0,
            "forks_count": 0,
            "open_issues_count": open,
            "forks": 0,
            "open_issues": open,
            "watchers": 0,
            "has_issues": true,
            "has_projects": true,
            "has_downloads": true,
            "has_discussions": false,
            "has_wiki": true,
            "has_pages": false,
            "mirror_url": null,
            "archived": project.archived,
            "disabled": false,
            "license": null,
            "allow_forking": true,
            "is_template": false,
            "web_commit_signoff_required": false,
            "topics": [],
            "visibility": if project.public { "public" } else { "private" },
            "default_branch": "main",
        });
        merged(merged(own, numbers), links(&url))
    }

    /// What lists and `GET /repos/{owner}/{repo}` say beside the repository: the caller's role, and who
    /// may do what.
    pub(super) fn gh_rights(&self, project: &Project, me: UserId) -> Value {
        let settings = &project.settings;
        let policy = if settings.writers_only { "collaborators_only" } else { "all" };
        json!({
            "permissions": flags(self.access(project, me).unwrap_or(Access(0))),
            "allow_forking": settings.forks != FeatureAccess::Disabled,
            "has_pull_requests": settings.changes != FeatureAccess::Disabled,
            "pull_request_creation_policy": policy,
        })
    }

    /// `GET /repos/{owner}/{repo}/collaborators`.
    pub(super) fn gh_collaborators(&self, project: &Project) -> Vec<Value> {
        let members = self.github_members(project);
        let can_act =
            |user: &UserId| self.user(Forge::Github, *user).is_some_and(|one| one.blocked.is_none());
        let collaborator = |(user, access): (&UserId, &Access)| {
            let (_, role) = permission(Some(*access));
            let role = json!({ "permissions": flags((*access).max(Access::READ)), "role_name": role });
            merged(self.gh_user(*user), role)
        };
        members.iter().filter(|(user, _)| can_act(user)).map(collaborator).collect()
    }

    /// `GET /repos/{owner}/{repo}`: `full-repository` of GitHub's description, without `permissions`.
    pub(super) fn gh_full_repo(&self, project: &Project) -> Value {
        let more = json!({ "network_count": 0, "subscribers_count": 0 });
        merged(self.gh_hook_repo(project), more)
    }

    /// The `repository` of an event. Those of a pull request's branches have no custom properties.
    pub(super) fn gh_hook_repo(&self, project: &Project) -> Value {
        merged(self.gh_repo(project), json!({ "custom_properties": {} }))
    }
}

/// Where a repository's parts live: the member's name, and the path below the repository's own URL.
const LINKS: [(&str, &str); 36] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

fn links(url: &str) -> Value {
    LINKS.iter().map(|(name, path)| ((*name).to_owned(), Value::from(format!("{url}{path}")))).collect()
}
