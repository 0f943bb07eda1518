//! What GitLab's GraphQL API answers with: a merge request and its labels.

use serde_json::{Value, json};

use super::json::gl_state;
use crate::world::{ChangeRef, Forge, Label, State};

/// Most nodes of one page, asked for or not.
pub(super) const NODES_MAX: usize = 100;

/// One page of a connection.
pub(super) fn connection(mut nodes: Vec<Value>) -> Value {
    let has_next_page = nodes.len() > NODES_MAX;
    nodes.truncate(NODES_MAX);
    json!({ "nodes": nodes, "pageInfo": { "hasNextPage": has_next_page } })
}

pub(super) fn label_id(label: &Label) -> String {
    format!("gid://gitlab/ProjectLabel/{}", label.id)
}

pub(super) fn label_node(label: &Label) -> Value {
    json!({ "id": label_id(label), "title": label.name })
}

impl State {
    /// A `MergeRequest`.
    pub(super) fn gl_change_node(&self, at: &ChangeRef) -> Option<Value> {
        let (change, project) = (self.change(at).ok()?, self.project(at.forge, &at.project).ok()?);
        let reviewers = change.reviewers.iter().map(|reviewer| {
            let login = self.login(Forge::Gitlab, reviewer.user);
            json!({ "id": format!("gid://gitlab/User/{}", reviewer.user), "username": login })
        });
        let labels = change.labels.iter().filter_map(|name| project.label(name)).map(label_node);
        Some(json!({
            "iid": at.number.to_string(),
            "state": gl_state(change.state),
            "reviewers": connection(reviewers.collect()),
            "labels": connection(labels.collect()),
        }))
    }
}
