//! Projects that get another name or place, are archived, or deleted.

use serde_json::{Value, json};

use super::Sandbox;
use super::announce::merged;
use super::delivery::HookTarget;
use super::state::{Forge, State};
use super::wire::{Call, Reply};

impl Sandbox {
    /// Renames or moves a project. By its old path both forges answer 301 from now on. GitHub tells of
    /// it by webhook (`repository`, `renamed`); GitLab tells nobody but system hooks.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn rename_project(&self, forge: Forge, from: &str, to: &str) {
        let mut state = self.state();
        let key = (forge, from.to_owned());
        let Some(mut project) = state.projects.remove(&key) else { panic!("there is no project {from}") };
        project.path = to.to_owned();
        state.renamed.insert(key, project.id);
        state.projects.insert((forge, to.to_owned()), project);
        for hook in state.hooks.values_mut().filter(|hook| hook.forge == forge) {
            if hook.target == HookTarget::Project(from.to_owned()) {
                hook.target = HookTarget::Project(to.to_owned());
            }
        }
        let name = from.rsplit('/').next().unwrap_or_default();
        let changes = json!({ "repository": { "name": { "from": name } } });
        state.tell_of_repository(forge, to, "renamed", json!({ "changes": changes }));
    }

    /// Archives a project, or opens it again.
    pub fn archive_project(&self, forge: Forge, path: &str, archived: bool) {
        let mut state = self.state();
        if let Ok(project) = state.project_mut(forge, path) {
            project.archived = archived;
        }
        state.tell_of_repository(forge, path, if archived { "archived" } else { "unarchived" }, json!({}));
    }

    /// Deletes a project with everything in it.
    pub fn delete_project(&self, forge: Forge, path: &str) {
        let mut state = self.state();
        state.tell_of_repository(forge, path, "deleted", json!({}));
        state.projects.remove(&(forge, path.to_owned()));
    }
}

impl State {
    /// GitHub's `repository` event; GitLab has none for project and group hooks.
    fn tell_of_repository(&mut self, forge: Forge, path: &str, action: &str, more: Value) {
        let Ok(project) = self.project(forge, path) else { return };
        if forge == Forge::Github {
            let sender = self.users.keys().find(|(of, _)| *of == forge).map(|(_, id)| *id);
            let common = self.gh_organization(project.owner());
            let body = json!({
                "action": action,
                "repository": self.gh_hook_repo(project),
                "sender": self.gh_user(sender.unwrap_or_default()),
            });
            let (path, body) = (project.path.clone(), merged(merged(body, common), more));
            self.queue_event(forge, &path, "repository", "repository", &body);
        }
    }

    /// The answer to a request by a project's old path. `rest`: what follows the project in the path.
    pub(super) fn moved(&self, call: &Call, forge: Forge, path: &str, rest: &[&str]) -> Option<Reply> {
        let id = self.renamed.get(&(forge, path.to_owned()))?;
        if self.projects.contains_key(&(forge, path.to_owned())) {
            return None;
        }
        let below: String = rest.iter().map(|part| format!("/{part}")).collect();
        let root = if forge == Forge::Github { "repositories" } else { "projects" };
        let place = format!("{}/{root}/{id}{below}", self.api(forge));
        let read = call.method == http::Method::GET;
        let (status, message) = match (forge, read) {
            (Forge::Github, true) => (301, "Moved Permanently"),
            (Forge::Github, false) => (307, "Temporary Redirect"),
            (Forge::Gitlab, true) => (301, "This resource has been moved permanently"),
            (Forge::Gitlab, false) => {
                return Some(Reply::json(
                    405,
                    json!({ "message": "405 Non GET methods are not allowed for moved projects" }),
                ));
            }
        };
        let mut reply = Reply::json(status, json!({ "message": message, "url": place }));
        reply.header("location", place);
        Some(reply)
    }
}
