//! Accounts and tokens, groups and teams.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::Sandbox;
use crate::github;
use crate::world::{Access, App, Forge, Installation, Project, TokenFacts, UserId};

/// Accounts.
impl Sandbox {
    /// Adds a person and returns the numeric id; an account that exists already is returned as it is.
    pub fn add_user(&self, forge: Forge, login: &str, name: &str) -> UserId {
        self.forges().state.account(forge, login, name, false)
    }

    /// Adds a bot account. GitLab: an access token's bot user; GitHub: a machine user or App.
    pub fn add_bot(&self, forge: Forge, login: &str, name: &str) -> UserId {
        self.forges().state.account(forge, login, name, true)
    }

    /// Somebody sets their status: busy (GitHub: "limited availability") or not, with a message. No
    /// webhook tells of it, on either forge.
    pub fn set_busy(&self, forge: Forge, login: &str, busy: bool, message: &str) {
        self.set_status(forge, login, busy, message, None);
    }

    /// Somebody sets themselves busy on GitHub until then.
    pub fn set_busy_until(&self, login: &str, until: Timestamp) {
        self.set_status(Forge::Github, login, true, "", Some(until));
    }

    fn set_status(&self, forge: Forge, login: &str, busy: bool, message: &str, until: Option<Timestamp>) {
        let state = &mut self.forges().state;
        let user = state.person(forge, login);
        (user.busy, user.busy_until, user.status_message) = (busy, until, message.to_owned());
    }

    /// Somebody's account cannot act any more; `word` is GitLab's for it (`blocked`, `deactivated`).
    /// GitHub suspends. No project's or organisation's webhook tells of it.
    pub fn block_user(&self, forge: Forge, login: &str, word: &str) {
        self.forges().state.person(forge, login).blocked = Some(word.to_owned());
    }

    /// Somebody changes their login; the id stays, and nobody answers to the old one.
    pub fn rename_user(&self, forge: Forge, login: &str, new: &str) {
        new.clone_into(&mut self.forges().state.person(forge, login).login);
    }
}

/// Tokens.
impl Sandbox {
    /// Lets `token` speak for `login`. Nothing else is authenticated.
    pub fn add_token(&self, forge: Forge, token: &str, login: &str) {
        let state = &mut self.forges().state;
        let user = state.account(forge, login, login, false);
        state.credentials.tokens.insert((forge, token.to_owned()), user);
    }

    /// Makes a token worthless.
    pub fn revoke_token(&self, forge: Forge, token: &str) {
        self.forges().state.credentials.tokens.remove(&(forge, token.to_owned()));
    }

    /// Gives a token scopes and an end. Without this, GitLab's has the scope `api` and no end, and
    /// GitHub's is a fine-grained one, which tells no scopes, without an end.
    pub fn describe_token(&self, forge: Forge, token: &str, scopes: &[&str], expires_at: Option<Timestamp>) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let facts = TokenFacts { scopes, expires_at };
        self.forges().state.credentials.facts.insert((forge, token.to_owned()), facts);
    }

    /// Registers the fake GitHub's one App; it acts as the bot `slug[bot]`. `public_key` is RSA in PEM.
    ///
    /// # Panics
    /// When the key is none.
    pub fn add_app(&self, id: u64, slug: &str, public_key: &str) {
        let key = jsonwebtoken::DecodingKey::from_rsa_pem(public_key.as_bytes());
        let key = key.unwrap_or_else(|error| panic!("no public RSA key in PEM: {error}"));
        let state = &mut self.forges().state;
        let user = state.account(Forge::Github, &format!("{slug}[bot]"), slug, true);
        let (slug, installations, granted) = (slug.to_owned(), BTreeMap::new(), BTreeMap::new());
        let (hook_url, permissions) = (None, github::apps::permissions());
        state.credentials.app =
            Some(App { id, slug, hook_url, permissions, key, user, installations, granted });
    }

    /// Installs the App at an owner, who lets it into every repository there is by then.
    pub fn install_app(&self, owner: &str) {
        let state = &mut self.forges().state;
        let id = state.ids.number();
        if state.user_by_login(Forge::Github, owner).is_none() {
            state.org(owner);
        }
        let Some(app) = &mut state.credentials.app else { return };
        let user = app.user;
        app.installations.insert(owner.to_owned(), Installation { id, suspended_at: None });
        let of_owner = |project: &&mut Project| project.forge == Forge::Github && project.owner() == owner;
        for project in state.projects.values_mut().filter(of_owner) {
            project.members.insert(user, Access::WRITE);
        }
    }

    /// What the GitHub App may do wherever it is installed: `{"pull_requests": "write", …}`.
    pub fn set_app_permissions(&self, permissions: Value) {
        if let Some(app) = &mut self.forges().state.credentials.app {
            app.permissions = permissions;
        }
    }

    /// Where the GitHub App's own webhook leads.
    pub fn set_app_hook(&self, url: &str) {
        if let Some(app) = &mut self.forges().state.credentials.app {
            app.hook_url = Some(url.to_owned());
        }
    }

    /// The tokens that installations of the GitHub App were granted and that still hold.
    pub fn app_tokens(&self) -> Vec<String> {
        self.forges().state.credentials.app.iter().flat_map(|app| app.granted.keys().cloned()).collect()
    }

    /// Makes all tokens worthless that installations of the App were granted.
    pub fn revoke_app_tokens(&self) {
        if let Some(app) = &mut self.forges().state.credentials.app {
            app.granted.clear();
        }
    }
}

/// Groups and teams.
impl Sandbox {
    /// Makes somebody a direct member of a GitLab group; group, ancestors and account are created as
    /// needed. Group hooks (Premium) hear of it.
    pub fn add_group_member(&self, group: &str, login: &str, access: Access) {
        self.act(|state| state.add_group_member(group, login, access));
    }

    /// Takes somebody out of a GitLab group.
    pub fn remove_group_member(&self, group: &str, login: &str) {
        self.act(|state| state.remove_group_member(group, login));
    }

    /// A direct membership of a GitLab group ends with the start of that day (UTC).
    pub fn end_group_membership(&self, group: &str, login: &str, day: Date) {
        let state = &mut self.forges().state;
        let user = state.account(Forge::Gitlab, login, login, false);
        state.group(group).ends.insert(user, day);
    }

    /// Makes somebody an owner of a GitHub organisation; both are created as needed.
    pub fn add_org_owner(&self, org: &str, login: &str) {
        let state = &mut self.forges().state;
        let user = state.account(Forge::Github, login, login, false);
        state.org(org).owners.insert(user);
    }

    /// Adds a GitHub team (and its organisation), below `parent` if given.
    pub fn add_team(&self, org: &str, slug: &str, parent: Option<&str>, members: &[&str]) {
        self.forges().state.add_team(org, slug, parent, members);
    }

    /// Takes somebody into a GitHub team that exists; `actor` does it. Organisation hooks hear of it.
    pub fn join_team(&self, org: &str, slug: &str, login: &str, actor: &str) {
        self.act(|state| state.change_team(org, slug, login, actor, true));
    }

    /// Takes somebody out of a GitHub team.
    pub fn leave_team(&self, org: &str, slug: &str, login: &str, actor: &str) {
        self.act(|state| state.change_team(org, slug, login, actor, false));
    }

    /// Gives a GitHub team access to a repository of its organisation.
    pub fn grant_team(&self, org: &str, slug: &str, project: &str, access: Access) {
        if let Some(team) = self.forges().state.org(org).teams.get_mut(slug) {
            team.repos.insert(project.to_owned(), access);
        }
    }
}
