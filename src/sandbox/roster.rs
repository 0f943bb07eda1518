//! Who belongs to a GitLab group or a GitHub team, and the webhooks that tell of a change in it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::Sandbox;
use super::access::with_ancestors;
use super::announce::merged;
use super::delivery::HookTarget;
use super::state::{Access, Forge, State, Team, UserId, hook_time};

impl Sandbox {
    /// Makes somebody a direct member of a GitLab group; group, ancestors and account are created as
    /// needed. Group hooks (Premium) hear of it.
    pub fn add_group_member(&self, group: &str, login: &str, access: Access) {
        let mut state = self.state();
        let user = state.account(Forge::Gitlab, login, login, false);
        let was = state.group(group).members.insert(user, access);
        let event = if was.is_some() { "user_update_for_group" } else { "user_add_to_group" };
        state.tell_group(group, user, access, event);
    }

    /// Takes somebody out of a GitLab group.
    pub fn remove_group_member(&self, group: &str, login: &str) {
        let mut state = self.state();
        let user = state.account(Forge::Gitlab, login, login, false);
        if let Some(access) = state.group(group).members.remove(&user) {
            state.tell_group(group, user, access, "user_remove_from_group");
        }
    }

    /// Adds a GitHub team (and its organisation), below `parent` if given.
    pub fn add_team(&self, org: &str, slug: &str, parent: Option<&str>, members: &[&str]) {
        let mut state = self.state();
        let members = members.iter().map(|login| state.account(Forge::Github, login, login, false)).collect();
        let parent = parent.map(str::to_owned);
        let id = state.new_id();
        let team = Team { id, parent, members, repos: BTreeMap::new() };
        state.org(org).teams.insert(slug.to_owned(), team);
    }

    /// Takes somebody into a GitHub team that exists; `actor` does it. Organisation hooks hear of it.
    pub fn join_team(&self, org: &str, slug: &str, login: &str, actor: &str) {
        self.change_team(org, slug, login, actor, true);
    }

    /// Takes somebody out of a GitHub team.
    pub fn leave_team(&self, org: &str, slug: &str, login: &str, actor: &str) {
        self.change_team(org, slug, login, actor, false);
    }

    /// Gives a GitHub team access to a repository of its organisation.
    pub fn grant_team(&self, org: &str, slug: &str, project: &str, access: Access) {
        if let Some(team) = self.state().org(org).teams.get_mut(slug) {
            team.repos.insert(project.to_owned(), access);
        }
    }

    /// A direct membership of a GitLab group ends with the start of that day (UTC).
    pub fn end_group_membership(&self, group: &str, login: &str, day: Date) {
        let mut state = self.state();
        let user = state.account(Forge::Gitlab, login, login, false);
        state.group(group).ends.insert(user, day);
    }

    /// Somebody's account cannot act any more; `word` is GitLab's for it (`blocked`, `deactivated`).
    /// GitHub suspends. No project's or organisation's webhook tells of it.
    pub fn block_user(&self, forge: Forge, login: &str, word: &str) {
        let mut state = self.state();
        let id = state.account(forge, login, login, false);
        if let Some(user) = state.users.get_mut(&(forge, id)) {
            user.blocked = Some(word.to_owned());
        }
    }

    /// Somebody changes their login; the id stays, and nobody answers to the old one.
    pub fn rename_user(&self, forge: Forge, login: &str, new: &str) {
        let mut state = self.state();
        let id = state.account(forge, login, login, false);
        if let Some(user) = state.users.get_mut(&(forge, id)) {
            new.clone_into(&mut user.login);
        }
    }

    fn change_team(&self, org: &str, slug: &str, login: &str, actor: &str, joins: bool) {
        let mut state = self.state();
        let user = state.account(Forge::Github, login, login, false);
        let actor = state.account(Forge::Github, actor, actor, false);
        let Some(team) = state.org(org).teams.get_mut(slug) else { return };
        if team.members.contains(&user) == joins {
            return;
        }
        if joins {
            team.members.push(user);
        } else {
            team.members.retain(|member| *member != user);
        }
        let body = state.membership(org, slug, user, actor, joins);
        let target = HookTarget::Org(org.to_owned());
        state.queue_for(Forge::Github, "membership", "membership", &body, |hook| hook.target == target);
    }
}

impl State {
    /// GitLab's group member event: it has no `object_kind`.
    fn tell_group(&mut self, path: &str, user: UserId, access: Access, event: &str) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let now = hook_time(self.clock.now());
        let body = json!({
            "created_at": now,
            "updated_at": now,
            "group_name": name,
            "group_path": name,
            "group_id": self.groups.get(path).map(|group| group.id),
            "user_username": self.login(Forge::Gitlab, user),
            "user_name": self.user(Forge::Gitlab, user).map(|user| &user.name),
            "user_email": "[REDACTED]",
            "user_id": user,
            "group_access": role(access),
            "group_plan": null,
            "expires_at": null,
            "event_name": event,
        });
        let premium = self.is_premium();
        let hears = |target: &HookTarget| match target {
            HookTarget::Group(group) => premium && with_ancestors(path).any(|ancestor| ancestor == group),
            HookTarget::Project(_) | HookTarget::Org(_) => false,
        };
        self.queue_for(Forge::Gitlab, "member_events", "Member Hook", &body, |hook| hears(&hook.target));
    }

    fn membership(&self, org: &str, slug: &str, user: UserId, actor: UserId, joins: bool) -> Value {
        let team = self.orgs.get(org).and_then(|org| org.teams.get(slug));
        let team = team.map(|team| self.gh_team(org, slug, team));
        let body = json!({
            "action": if joins { "added" } else { "removed" },
            "scope": "team",
            "member": self.gh_user(user),
            "sender": self.gh_user(actor),
            "team": team,
        });
        merged(body, self.gh_organization(org))
    }
}

/// GitLab's name of an access level.
fn role(access: Access) -> &'static str {
    match access.0 {
        0..=19 => "Guest",
        20..=29 => "Reporter",
        30..=39 => "Developer",
        40..=49 => "Maintainer",
        _ => "Owner",
    }
}
