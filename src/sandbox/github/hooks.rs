//! GitHub's webhooks: one event per label, per reviewer, per review.

use serde_json::{Value, json};

use crate::sandbox::announce::{Happened, merged};
use crate::sandbox::delivery::{Hook, HookTarget};
use crate::sandbox::people::ChangeRef;
use crate::sandbox::state::{Change, Comment, Forge, Project, State, UserId, github_time};

/// The `ping` that greets a new hook.
pub(in crate::sandbox) fn ping(state: &State, hook: &Hook) -> Value {
    let api = state.api(Forge::Github);
    let (kind, place) = match &hook.target {
        HookTarget::Project(path) => ("Repository", format!("repos/{path}")),
        HookTarget::Org(name) | HookTarget::Group(name) => ("Organization", format!("orgs/{name}")),
    };
    let url = format!("{api}/{place}/hooks/{}", hook.id);
    let events = if hook.new.events.is_empty() { vec!["*".to_owned()] } else { hook.new.events.clone() };
    let mut body = json!({
        "zen": "Keep it logically awesome.",
        "hook_id": hook.id,
        "hook": {
            "type": kind,
            "id": hook.id,
            "name": "web",
            "active": true,
            "events": events,
            "config": { "content_type": "json", "url": hook.new.url, "insecure_ssl": "0" },
            "created_at": github_time(hook.created_at),
            "updated_at": github_time(hook.created_at),
            "url": url,
            "test_url": format!("{url}/test"),
            "ping_url": format!("{url}/pings"),
            "deliveries_url": format!("{url}/deliveries"),
            "last_response": { "code": null, "status": "unused", "message": null },
        },
    });
    if let HookTarget::Project(path) = &hook.target
        && let Ok(project) = state.project(Forge::Github, path)
    {
        body["repository"] = state.gh_hook_repo(project);
    }
    body
}

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
        let common = json!({ "repository": self.gh_hook_repo(project), "sender": self.gh_user(actor) });
        merged(common, self.gh_organization(project.owner()))
    }

    /// The member `organization`, or nothing where a user is the owner.
    pub(in crate::sandbox) fn gh_organization(&self, owner: &str) -> Value {
        let Some(org) = self.orgs.get(owner) else { return json!({}) };
        let url = format!("{}/orgs/{owner}", self.api(Forge::Github));
        json!({ "organization": {
            "login": owner,
            "id": org.id,
            "node_id": format!("O_{}", org.id),
            "url": url,
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"),
            "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/u/{}", self.pages(Forge::Github), org.id),
            "description": "",
        } })
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
