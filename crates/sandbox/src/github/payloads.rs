//! GitHub's webhooks: one event per label, per reviewer, per review.

use super::time::github_time;
use crate::wire::{Audience, Payload, merged};
use crate::world::{
    Change, ChangeEvent, Comment, Event, Forge, Happened, Hook, HookTarget, Membership, Project,
    ProjectEvent, State, UserId,
};
use serde_json::{Value, json};

/// The `ping` that greets a new hook.
fn ping(state: &State, hook: &Hook) -> Value {
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

/// What GitHub would send, in the order in which it happened.
pub(crate) fn payloads(state: &State, event: &Event) -> Vec<Payload> {
    match event {
        Event::Change(told) => of_change(state, told),
        Event::TeamMember { org, team, user, actor, what } => {
            let body = state.gh_membership(org, team, *user, *actor, *what);
            let audience = Audience::At(HookTarget::Org(org.clone()));
            vec![Payload { audience, subscription: "membership", event: "membership", body }]
        }
        Event::Project { project, what } => {
            let body = state.gh_repository_event(project, what);
            let audience = Audience::OfProject(project.path.clone());
            vec![Payload { audience, subscription: "repository", event: "repository", body }]
        }
        Event::HookAdded { hook, .. } => {
            let hook = state.hooks.get(hook).into_iter();
            let ping = |hook: &Hook| Payload {
                audience: Audience::Hook(hook.id),
                subscription: "ping",
                event: "ping",
                body: ping(state, hook),
            };
            hook.map(ping).collect()
        }
        Event::GroupMember { .. } | Event::HookTested { .. } => Vec::new(),
    }
}

fn of_change(state: &State, told: &ChangeEvent) -> Vec<Payload> {
    let Ok(project) = state.project(told.at.forge, &told.at.project) else { return Vec::new() };
    let payload = |happened| {
        let (event, body) = state.gh_event(project, &told.after, told.actor, happened)?;
        let audience = Audience::OfProject(project.path.clone());
        Some(Payload { audience, subscription: event, event, body })
    };
    told.happened.iter().filter_map(payload).collect()
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
                let comment = change.comment(*id)?;
                return Some(self.gh_comment_event(project, change, comment, actor, "created", Value::Null));
            }
            Happened::CommentEdited { id, was } => {
                let comment = change.comment(*id)?;
                let changes = json!({ "body": { "from": was } });
                return Some(self.gh_comment_event(project, change, comment, actor, "edited", changes));
            }
            Happened::CommentDeleted(comment) => {
                return Some(self.gh_comment_event(project, change, comment, actor, "deleted", Value::Null));
            }
            Happened::ThreadTurned { id, resolved, .. } => {
                let comment = change.comment(*id)?;
                return Some(self.gh_thread_event(project, change, comment, actor, *resolved));
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

    fn gh_comment_event(
        &self,
        project: &Project,
        change: &Change,
        comment: &Comment,
        actor: UserId,
        action: &str,
        changes: Value,
    ) -> (&'static str, Value) {
        if comment.is_on_a_line() {
            let mut body = json!({
                "action": action,
                "comment": self.gh_line_comment(project, change, comment),
                "pull_request": self.gh_pull(project, change),
            });
            if !changes.is_null() {
                body["changes"] = changes;
            }
            return ("pull_request_review_comment", merged(body, self.gh_common(project, actor)));
        }
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

    fn gh_thread_event(
        &self,
        project: &Project,
        change: &Change,
        comment: &Comment,
        actor: UserId,
        resolved: bool,
    ) -> (&'static str, Value) {
        let body = json!({
            "action": if resolved { "resolved" } else { "unresolved" },
            "pull_request": self.gh_pull(project, change),
            "thread": {
                "node_id": format!("PRRT_{}", comment.id),
                "comments": [self.gh_line_comment(project, change, comment)],
            },
        });
        ("pull_request_review_thread", merged(body, self.gh_common(project, actor)))
    }

    fn gh_review_event(
        &self,
        project: &Project,
        change: &Change,
        actor: UserId,
        id: u64,
        action: &str,
    ) -> Option<(&'static str, Value)> {
        let review = change.review(id)?;
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

    fn gh_membership(&self, org: &str, slug: &str, user: UserId, actor: UserId, what: Membership) -> Value {
        let team = self.orgs.get(org).and_then(|org| org.teams.get(slug));
        let team = team.map(|team| self.gh_team(org, slug, team));
        let body = json!({
            "action": if what == Membership::Removed { "removed" } else { "added" },
            "scope": "team",
            "member": self.gh_user(user),
            "sender": self.gh_user(actor),
            "team": team,
        });
        merged(body, self.gh_organization(org))
    }

    fn gh_repository_event(&self, project: &Project, what: &ProjectEvent) -> Value {
        let (action, more) = match what {
            ProjectEvent::Renamed { from } => {
                ("renamed", json!({ "changes": { "repository": { "name": { "from": from } } } }))
            }
            ProjectEvent::Archived => ("archived", json!({})),
            ProjectEvent::Unarchived => ("unarchived", json!({})),
            ProjectEvent::Deleted => ("deleted", json!({})),
        };
        let sender = self.users.keys().find(|(of, _)| *of == Forge::Github).map(|(_, id)| *id);
        let body = json!({
            "action": action,
            "repository": self.gh_hook_repo(project),
            "sender": self.gh_user(sender.unwrap_or_default()),
        });
        merged(merged(body, self.gh_organization(project.owner())), more)
    }
}
