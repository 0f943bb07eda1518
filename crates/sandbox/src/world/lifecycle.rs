//! Projects that are renamed, archived, or deleted.

use super::event::{Event, ProjectEvent};
use super::forge::Forge;
use super::state::State;
use super::webhook::HookTarget;

impl State {
    /// Gives a project another path; whether there was one at the old path.
    pub(crate) fn rename_project(&mut self, forge: Forge, from: &str, to: &str) -> bool {
        let key = (forge, from.to_owned());
        let Some(mut project) = self.projects.remove(&key) else { return false };
        project.path = to.to_owned();
        self.renamed.insert(key, project.id);
        self.projects.insert((forge, to.to_owned()), project);
        for hook in self.hooks.values_mut().filter(|hook| hook.forge == forge) {
            if hook.target == HookTarget::Project(from.to_owned()) {
                hook.target = HookTarget::Project(to.to_owned());
            }
        }
        let name = from.rsplit('/').next().unwrap_or_default();
        self.tell_of_project(forge, to, ProjectEvent::Renamed { from: name.to_owned() });
        true
    }

    /// Archives a project, or opens it again.
    pub(crate) fn archive_project(&mut self, forge: Forge, path: &str, archived: bool) {
        if let Ok(project) = self.project_mut(forge, path) {
            project.archived = archived;
        }
        let what = if archived { ProjectEvent::Archived } else { ProjectEvent::Unarchived };
        self.tell_of_project(forge, path, what);
    }

    /// Deletes a project with everything in it.
    pub(crate) fn delete_project(&mut self, forge: Forge, path: &str) {
        self.tell_of_project(forge, path, ProjectEvent::Deleted);
        self.projects.remove(&(forge, path.to_owned()));
    }

    fn tell_of_project(&mut self, forge: Forge, path: &str, what: ProjectEvent) {
        if let Ok(project) = self.project(forge, path) {
            let project = Box::new(project.clone());
            self.events.push(Event::Project { project, what });
        }
    }
}
