//! GitHub's webhooks: one event per label, per reviewer, per review.

use serde_json::{Value, json};

use crate::sandbox::announce::{Happened, merged};
use crate::sandbox::people::ChangeRef;
use crate::sandbox::state::{Change, Comment, Forge, Project, State, UserId};

/// Queues what GitHub would send, in the order in which it happened.
pub(in crate::sandbox) fn announce(
    state: &mut State,
    at: &ChangeRef,
    actor: UserId,
    after: &Change,
    happened: &[Happened],
) {
    let Ok(project) = state.project(at.forge, &at.project).cloned() else { return };
    for event in happened {
        if let Some((name, body)) = state.gh_event(&project, after, actor, event) {
            state.queue_event(Forge::Github, &project.path, name, name, &body);
        }
    }
}

impl State {
    /// The event's name and body; `None` for what GitHub does not know.
    fn gh_event(
        &self,
        project: &Project,
        change: &Change,
        actor: UserId,
        event: &Happened,
    ) -> Option<(&'static str, Value)> {
        let (action, own) = match event {
            Happened::Commented(id) => {
                let comment = change.comments.iter().find(|comment| comment.id == *id)?;
                return Some(self.gh_comment_event(project, change, comment, actor, "created", Value::Null));
            }
            Happened::CommentEdited { id, was } => {
                let comment = change.comments.iter().find(|comment| comment.id == *id)?;
                let changes = json!({ "body": { "from": was } });
                return Some(self.gh_comment_event(project, change, comment, actor, "edited", changes));
            }
            Happened::CommentDeleted(comment) => {
                return Some(self.gh_comment_event(project, change, comment, actor, "deleted", Value::Null));
            }
            Happened::Reviewed(id) => return self.gh_review_event(project, change, actor, *id, "submitted"),
            Happened::ReviewDismissed(id) => {
                return self.gh_review_event(project, change, actor, *id, "dismissed");
            }
            Happened::Opened => ("opened", json!({})),
            Happened::Readied => ("ready_for_review", json!({})),
            Happened::Drafted => ("converted_to_draft", json!({})),
            Happened::Pushed { before } => ("synchronize", json!({ "before": before, "after": change.head })),
            Happened::Edited { title_was, description_was } => {
                let from = |was: &Option<String>| was.as_ref().map(|was| json!({ "from": was }));
                let mut changes = json!({});
                for (field, was) in [("title", title_was), ("body", description_was)] {
                    if let Some(was) = from(was) {
                        changes[field] = was;
                    }
                }
                ("edited", json!({ "changes": changes }))
            }
            Happened::Labeled(name) => ("labeled", json!({ "label": self.gh_hook_label(project, name) })),
            Happened::Unlabeled(name) => ("unlabeled", json!({ "label": self.gh_hook_label(project, name) })),
            Happened::Requested(user) | Happened::ReRequested(user) => {
                ("review_requested", json!({ "requested_reviewer": self.gh_user(*user) }))
            }
            Happened::Unrequested(user) => {
                ("review_request_removed", json!({ "requested_reviewer": self.gh_user(*user) }))
            }
            Happened::Merged | Happened::Closed => ("closed", json!({})),
            Happened::Reopened => ("reopened", json!({})),
            Happened::Approved | Happened::Unapproved | Happened::ApprovalsReset => return None,
        };
        let body = json!({
            "action": action,
            "number": change.number,
            "pull_request": self.gh_full_pull(project, change),
        });
        Some(("pull_request", merged(merged(body, own), self.gh_common(project, actor))))
    }

    fn gh_hook_label(&self, project: &Project, name: &str) -> Value {
        project.label(name).map_or(Value::Null, |label| self.gh_label(project, label))
    }

    /// What every event ends with.
    fn gh_common(&self, project: &Project, actor: UserId) -> Value {
        let owner = project.owner();
        let url = format!("{}/orgs/{owner}", self.api(Forge::Github));
        let id = self.orgs.get(owner).map(|org| org.id);
        json!({
            "repository": self.gh_repo(project),
            "organization": {
                "login": owner,
                "id": id,
                "node_id": format!("O_{}", id.unwrap_or_default()),
                "url": url,
                "repos_url": format!("{url}/repos"),
                "events_url": format!("{url}/events"),
                "hooks_url": format!("{url}/hooks"),
                "issues_url": format!("{url}/issues"),
                "members_url": format!("{url}/members{{/member}}"),
                "public_members_url": format!("{url}/public_members{{/member}}"),
                "avatar_url": format!("{}/avatars/u/{}", self.pages(Forge::Github), id.unwrap_or_default()),
                "description": "",
            },
            "sender": self.gh_user(actor),
        })
    }

    fn gh_comment_event(
        &self,
        project: &Project,
        change: &Change,
        comment: &Comment,
        actor: UserId,
        action: &str,
        changes: Value,
    ) -> (&'static str, Value) {
        let mut body = json!({
            "action": action,
            "issue": self.gh_issue(project, change),
            "comment": self.gh_comment(project, change, comment),
        });
        if !changes.is_null() {
            body["changes"] = changes;
        }
        ("issue_comment", merged(body, self.gh_common(project, actor)))
    }

    fn gh_review_event(
        &self,
        project: &Project,
        change: &Change,
        actor: UserId,
        id: u64,
        action: &str,
    ) -> Option<(&'static str, Value)> {
        let review = change.reviews.iter().find(|review| review.id == id)?;
        let mut review = self.gh_review(project, change, review);
        // The webhook spells the state in lower case, REST in upper case.
        review["state"] = json!(review["state"].as_str().unwrap_or_default().to_lowercase());
        let body = json!({
            "action": action,
            "review": review,
            "pull_request": self.gh_pull(project, change),
        });
        Some(("pull_request_review", merged(body, self.gh_common(project, actor))))
    }
}
