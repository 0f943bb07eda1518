//! Filling the forges: accounts, groups, organisations, projects, webhooks.

use super::accounts::{Group, Org, User, UserId, with_ancestors};
use super::event::Event;
use super::forge::Forge;
use super::project::Project;
use super::state::State;
use super::webhook::{Hook, HookTarget, NewHook};

impl State {
    /// The account with this login, made if it is missing.
    pub(crate) fn account(&mut self, forge: Forge, login: &str, name: &str, bot: bool) -> UserId {
        if let Some(user) = self.user_by_login(forge, login) {
            return user.id;
        }
        // Far apart, so that an id of one forge used on the other finds nobody.
        let id = self.ids.number() + if forge == Forge::Gitlab { 0 } else { 5_000_000 };
        self.users.insert((forge, id), User::new(id, login, name, bot));
        id
    }

    /// The person with this login, made if they are missing, to be changed.
    pub(crate) fn person(&mut self, forge: Forge, login: &str) -> &mut User {
        let id = self.account(forge, login, login, false);
        self.users.entry((forge, id)).or_insert_with(|| User::new(id, login, login, false))
    }

    /// The GitLab group of this path; it and its ancestors are made if they are missing.
    pub(crate) fn group(&mut self, path: &str) -> &mut Group {
        for ancestor in with_ancestors(path) {
            let id = self.ids.number();
            self.groups.entry(ancestor.to_owned()).or_insert(Group::new(id));
        }
        let id = self.ids.number();
        self.groups.entry(path.to_owned()).or_insert(Group::new(id))
    }

    /// The GitHub organisation of this name, made if it is missing.
    pub(crate) fn org(&mut self, name: &str) -> &mut Org {
        let id = self.ids.number();
        self.orgs.entry(name.to_owned()).or_insert(Org::new(id))
    }

    /// The id of the project at this path, made if it is missing.
    pub(crate) fn new_project(&mut self, forge: Forge, path: &str) -> u64 {
        if let Ok(project) = self.project(forge, path) {
            return project.id;
        }
        let owner = path.rsplit_once('/').map_or("", |(owner, _)| owner);
        if self.user_by_login(forge, owner).is_none() {
            let _made_if_missing = match forge {
                Forge::Gitlab => self.group(owner).id,
                Forge::Github => self.org(owner).id,
            };
        }
        let id = self.ids.number();
        self.projects.insert((forge, path.to_owned()), Project::new(id, forge, path, self.now(forge)));
        id
    }

    /// A new webhook; GitHub greets it with a `ping`.
    pub(crate) fn attach(&mut self, forge: Forge, target: HookTarget, new: NewHook) -> u64 {
        let id = self.ids.number();
        self.hooks.insert(id, Hook::new(id, forge, target, new, self.now(forge)));
        self.events.push(Event::HookAdded { forge, hook: id });
        id
    }
}
