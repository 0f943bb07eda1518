//! Who joins a GitLab group or a GitHub team, and who leaves it.

use std::collections::BTreeMap;

use super::accounts::{Access, Team};
use super::event::{Event, Membership};
use super::forge::Forge;
use super::state::State;

impl State {
    /// Makes somebody a direct member of a GitLab group.
    pub(crate) fn add_group_member(&mut self, path: &str, login: &str, access: Access) {
        let user = self.account(Forge::Gitlab, login, login, false);
        let was = self.group(path).members.insert(user, access);
        let what = if was.is_some() { Membership::Updated } else { Membership::Added };
        self.events.push(Event::GroupMember { group: path.to_owned(), user, access, what });
    }

    /// Takes somebody out of a GitLab group.
    pub(crate) fn remove_group_member(&mut self, path: &str, login: &str) {
        let user = self.account(Forge::Gitlab, login, login, false);
        if let Some(access) = self.group(path).members.remove(&user) {
            let what = Membership::Removed;
            self.events.push(Event::GroupMember { group: path.to_owned(), user, access, what });
        }
    }

    /// A GitHub team with these members, below `parent` if given.
    pub(crate) fn add_team(&mut self, org: &str, slug: &str, parent: Option<&str>, members: &[&str]) {
        let members = members.iter().map(|login| self.account(Forge::Github, login, login, false)).collect();
        let parent = parent.map(str::to_owned);
        let id = self.ids.number();
        let team = Team { id, parent, members, repos: BTreeMap::new() };
        self.org(org).teams.insert(slug.to_owned(), team);
    }

    /// Takes somebody into a GitHub team, or out of it; `actor` does it. Nothing happens if it is so
    /// already.
    pub(crate) fn change_team(&mut self, org: &str, slug: &str, login: &str, actor: &str, joins: bool) {
        let user = self.account(Forge::Github, login, login, false);
        let actor = self.account(Forge::Github, actor, actor, false);
        let Some(team) = self.org(org).teams.get_mut(slug) else { return };
        if team.members.contains(&user) == joins {
            return;
        }
        if joins {
            team.members.push(user);
        } else {
            team.members.retain(|member| *member != user);
        }
        let what = if joins { Membership::Added } else { Membership::Removed };
        let (org, team) = (org.to_owned(), slug.to_owned());
        self.events.push(Event::TeamMember { org, team, user, actor, what });
    }
}
