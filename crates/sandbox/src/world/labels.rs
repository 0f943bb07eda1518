//! Labels of a project and of a change, with each forge's rules.

use serde_json::json;

use super::accounts::UserId;
use super::change::{Change, ChangeRef};
use super::event::Happened;
use super::forge::Forge;
use super::project::{Label, Project};
use super::refusal::Refusal;
use super::state::State;

impl State {
    /// Somebody adds a label.
    pub(crate) fn add_label(&mut self, at: &ChangeRef, actor: UserId, label: &str) -> Result<(), Refusal> {
        let label = self.ensure_label(at.forge, &at.project, label)?;
        self.act(at, actor, |state, change| {
            let project = state.project(at.forge, &at.project)?;
            Ok(((), state.add_labels(project, change, &[label])))
        })
    }

    /// Somebody removes the labels that are to go.
    pub(crate) fn remove_labels(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        goes: impl Fn(&String) -> bool,
    ) -> Result<(), Refusal> {
        self.act(at, actor, |_, change| {
            let gone = change.labels.extract_if(.., |label| goes(label));
            Ok(((), gone.map(Happened::Unlabeled).collect()))
        })
    }

    /// Adds labels, creating unknown ones. On GitLab Premium a scoped label replaces the one of its
    /// scope.
    pub(crate) fn add_labels(
        &self,
        project: &Project,
        change: &mut Change,
        names: &[String],
    ) -> Vec<Happened> {
        let mut happened = Vec::new();
        for name in names {
            if change.labels.contains(name) {
                continue;
            }
            let scope = name.rsplit_once("::").map(|(scope, _)| format!("{scope}::"));
            if let Some(scope) = scope.filter(|_| project.forge == Forge::Gitlab && self.is_premium()) {
                let same_scope =
                    |label: &String| label.starts_with(&scope) && !label[scope.len()..].contains("::");
                happened
                    .extend(change.labels.extract_if(.., |label| same_scope(label)).map(Happened::Unlabeled));
            }
            change.labels.push(name.clone());
            happened.push(Happened::Labeled(name.clone()));
        }
        happened
    }

    /// The label's name as the project spells it; created if unknown, as both forges do.
    pub(crate) fn ensure_label(
        &mut self,
        forge: Forge,
        project: &str,
        name: &str,
    ) -> Result<String, Refusal> {
        if let Some(label) = self.project(forge, project)?.label(name) {
            return Ok(label.name.clone());
        }
        let color = if forge == Forge::Gitlab { "6699cc" } else { "ededed" };
        self.create_label(forge, project, name, color, None)?;
        Ok(name.to_owned())
    }

    pub(crate) fn create_label(
        &mut self,
        forge: Forge,
        project: &str,
        name: &str,
        color: &str,
        description: Option<String>,
    ) -> Result<Label, Refusal> {
        if self.project(forge, project)?.label(name).is_some() {
            return Err(match forge {
                Forge::Gitlab => Refusal::new(409, "Label already exists"),
                Forge::Github => Refusal::invalid(
                    json!([{ "resource": "Label", "code": "already_exists", "field": "name" }]),
                ),
            });
        }
        let (id, created_at) = (self.ids.number(), self.now(forge));
        let color = color.trim_start_matches('#').to_owned();
        let label = Label { id, name: name.to_owned(), color, description, created_at };
        self.project_mut(forge, project)?.labels.push(label.clone());
        Ok(label)
    }
}
