//! What GitLab's GraphQL API answers with: a merge request and its labels.

use serde_json::{Value, json};

use super::json::gl_state;
use crate::world::{Access, ChangeRef, Forge, Label, Project, State, UserId};

/// Most nodes of one page, asked for or not.
pub(super) const NODES_MAX: usize = 100;

/// Whether a merge request may have several reviewers; not in every version's schema.
pub(super) const LIMIT: &str = "allowsMultipleReviewers";

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
    /// A `ProjectPermissions`.
    pub(super) fn gl_permissions(&self, project: &Project, user: UserId) -> Value {
        let access = self.access(project, user).unwrap_or(Access(0));
        let writes = access >= Access::WRITE || project.settings.widened.contains(&user);
        json!({
            "createLabel": writes || access >= Access::TRIAGE,
            "createMergeRequestFrom": writes,
            "pushCode": writes,
            "readMergeRequest": self.can_read(project, user),
        })
    }

    /// A `MergeRequest`.
    pub(super) fn gl_change_node(&self, at: &ChangeRef) -> Option<Value> {
        let (change, project) = (self.change(at).ok()?, self.project(at.forge, &at.project).ok()?);
        let reviewers = change.reviewers.iter().map(|reviewer| {
            let login = self.login(Forge::Gitlab, reviewer.user);
            json!({ "id": format!("gid://gitlab/User/{}", reviewer.user), "username": login })
        });
        let labels = change.labels.iter().filter_map(|name| project.label(name)).map(label_node);
        let mut node = json!({
            "iid": at.number.to_string(),
            "state": gl_state(change.state),
            "reviewers": connection(reviewers.collect()),
            "labels": connection(labels.collect()),
        });
        if self.gitlab.tells_limit {
            node[LIMIT] = self.is_premium().into();
        }
        Some(node)
    }
}
