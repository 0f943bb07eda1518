//! A GitHub user, and what they may do.

use serde_json::{Value, json};

use crate::wire::merged;
use crate::world::{Access, Forge, State, UserId};

impl State {
    pub(super) fn gh_user(&self, id: UserId) -> Value {
        let Some(user) = self.user(Forge::Github, id) else { return Value::Null };
        let (pages, api, login) = (self.pages(Forge::Github), self.api(Forge::Github), &user.login);
        // The name of an App's user has brackets, which no URL may carry as they are.
        let place = login.replace('[', "%5B").replace(']', "%5D");
        let url = format!("{api}/users/{place}");
        json!({
            "login": login,
            "id": id,
            "node_id": format!("U_{id}"),
            "avatar_url": format!("{pages}/avatars/u/{id}"),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{pages}/{place}"),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following"),
            "gists_url": format!("{url}/gists"),
            "starred_url": format!("{url}/starred"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "received_events_url": format!("{url}/received_events"),
            "type": if user.bot { "Bot" } else { "User" },
            "site_admin": false,
            "user_view_type": "public",
        })
    }

    /// What `GET /user` and `GET /users/:login` add.
    pub(super) fn gh_full_user(&self, id: UserId) -> Value {
        let name = self.user(Forge::Github, id).map(|user| user.name.clone());
        let profile = json!({
            "name": name,
            "company": null,
            "blog": "",
            "location": null,
            "email": null,
            "hireable": null,
            "bio": null,
            "twitter_username": null,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
        });
        merged(self.gh_user(id), profile)
    }
}

/// GitHub's `permission` and `role_name`: maintain counts as write, triage as read.
pub(super) fn permission(access: Option<Access>) -> (&'static str, &'static str) {
    match access {
        Some(access) if access >= Access::ADMIN => ("admin", "admin"),
        Some(access) if access >= Access::MAINTAIN => ("write", "maintain"),
        Some(access) if access >= Access::WRITE => ("write", "write"),
        Some(access) if access >= Access::TRIAGE => ("read", "triage"),
        Some(_) => ("read", "read"),
        None => ("none", "none"),
    }
}
