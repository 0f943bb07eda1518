//! GitLab's webhooks, in the shape of its `webhook_events.md` (19.x).

use serde_json::{Map, Value, json};

use super::json::{detailed_status, gl_state, gl_title, is_approved};
use crate::sandbox::announce::{Happened, merged};
use crate::sandbox::people::ChangeRef;
use crate::sandbox::state::{
    Change, ChangeState, Comment, Forge, Label, Project, State, UserId, Verdict, hook_time,
};

/// How one `merge_request` webhook differs from the plain one.
#[derive(Default)]
struct Update {
    action: &'static str,
    oldrev: Option<String>,
    re_requested: Option<UserId>,
    /// `changes.reviewers` as two lists instead of `previous` and `current`: the documented shape
    /// where a reviewer's state changes.
    reviewers_as_lists: bool,
    system_action: Option<&'static str>,
}

/// Queues what GitLab would send: one `update` for all edits of one request, and events of their own
/// for the rest.
pub(in crate::sandbox) fn announce(
    state: &mut State,
    at: &ChangeRef,
    actor: UserId,
    before: &Change,
    after: &Change,
    happened: &[Happened],
) {
    let Ok(project) = state.project(at.forge, &at.project).cloned() else { return };
    let mut update_sent = false;
    for event in happened {
        let update = match event {
            Happened::Commented(id) => {
                if let Some(note) = after.comments.iter().find(|note| note.id == *id) {
                    queue_note(state, &project, after, note, actor, "create");
                }
                continue;
            }
            Happened::CommentEdited { id, .. } => {
                if let Some(note) = after.comments.iter().find(|note| note.id == *id) {
                    queue_note(state, &project, after, note, actor, "update");
                }
                continue;
            }
            // Nothing is sent for a deleted note.
            Happened::CommentDeleted(_) | Happened::ReviewDismissed(_) => continue,
            Happened::Reviewed(id) if !state.announces_reviews || is_approval(after, *id) => continue,
            Happened::Opened => Update { action: "open", ..Update::default() },
            Happened::Merged => Update { action: "merge", ..Update::default() },
            Happened::Closed => Update { action: "close", ..Update::default() },
            Happened::Reopened => Update { action: "reopen", ..Update::default() },
            Happened::Approved if is_approved(&project, after) => {
                Update { action: "approved", ..Update::default() }
            }
            Happened::Approved => Update { action: "approval", ..Update::default() },
            Happened::Unapproved | Happened::ApprovalsReset => {
                let lost = is_approved(&project, before) && !is_approved(&project, after);
                let reset = matches!(event, Happened::ApprovalsReset).then_some("approvals_reset_on_push");
                let action = if lost { "unapproved" } else { "unapproval" };
                Update { action, system_action: reset, ..Update::default() }
            }
            _ if update_sent => continue,
            _ => {
                update_sent = true;
                the_update(happened)
            }
        };
        let body = state.gl_hook_body(&project, before, after, actor, &update);
        state.queue_event(Forge::Gitlab, &at.project, "merge_requests_events", "Merge Request Hook", &body);
    }
}

/// The body of a merge request webhook about nothing in particular, for hook tests.
pub(super) fn sample(state: &State, project: &Project, change: &Change) -> Value {
    let update = Update { action: "update", ..Update::default() };
    state.gl_hook_body(project, change, change, change.author, &update)
}

fn is_approval(change: &Change, review: u64) -> bool {
    change.reviews.iter().any(|given| given.id == review && given.verdict == Verdict::Approve)
}

/// All edits of one request in one event.
fn the_update(happened: &[Happened]) -> Update {
    let mut update = Update { action: "update", ..Update::default() };
    for event in happened {
        match event {
            Happened::Pushed { before } => update.oldrev = Some(before.clone()),
            Happened::ReRequested(user) => {
                (update.re_requested, update.reviewers_as_lists) = (Some(*user), true);
            }
            Happened::Reviewed(_) => update.reviewers_as_lists = true,
            _ => {}
        }
    }
    update
}

fn queue_note(
    state: &mut State,
    project: &Project,
    change: &Change,
    note: &Comment,
    actor: UserId,
    action: &str,
) {
    // System notes send nothing (`Notes::PostProcessService`).
    if note.system {
        return;
    }
    let body = state.gl_note_body(project, change, note, actor, action);
    let subscription = if note.internal { "confidential_note_events" } else { "note_events" };
    let event = if note.internal { "Confidential Note Hook" } else { "Note Hook" };
    state.queue_event(Forge::Gitlab, &project.path, subscription, event, &body);
}

impl State {
    fn gl_hook_body(
        &self,
        project: &Project,
        before: &Change,
        after: &Change,
        actor: UserId,
        update: &Update,
    ) -> Value {
        let mut attributes = merged(
            self.gl_hook_change(project, after),
            json!({
                "action": update.action,
                "actioned_at": hook_time(self.clock.now()),
                "system": update.system_action.is_some(),
            }),
        );
        if let Some(oldrev) = &update.oldrev {
            attributes["oldrev"] = json!(oldrev);
        }
        if let Some(system_action) = update.system_action {
            attributes["system_action"] = json!(system_action);
        }
        json!({
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "user": self.gl_hook_user(actor),
            "project": self.gl_hook_project(project),
            "object_attributes": attributes,
            "labels": self.gl_hook_labels(project, &after.labels),
            "changes": self.gl_hook_changes(project, before, after, update),
            "repository": self.gl_hook_repository(project),
            "assignees": [],
            "reviewers": self.gl_hook_reviewers(after, update.re_requested),
        })
    }

    /// What differs, as `{field: {previous, current}}`.
    fn gl_hook_changes(&self, project: &Project, before: &Change, after: &Change, update: &Update) -> Value {
        let mut changes = Map::new();
        let mut differ = |field: &str, previous: Value, current: Value| {
            if previous != current {
                changes.insert(field.to_owned(), json!({ "previous": previous, "current": current }));
            }
        };
        differ("title", json!(gl_title(before)), json!(gl_title(after)));
        differ("draft", json!(before.draft), json!(after.draft));
        differ("description", json!(before.description), json!(after.description));
        differ("state_id", json!(state_id(before.state)), json!(state_id(after.state)));
        differ("updated_at", json!(hook_time(before.updated_at)), json!(hook_time(after.updated_at)));
        if before.labels != after.labels {
            let labels = |names| self.gl_hook_labels(project, names);
            differ("labels", labels(&before.labels), labels(&after.labels));
        }
        let previous = self.gl_hook_reviewers(before, None);
        let current = self.gl_hook_reviewers(after, update.re_requested);
        if update.reviewers_as_lists {
            changes.insert("reviewers".to_owned(), json!([previous, current]));
        } else if update.action == "update" && update.oldrev.is_none() {
            differ("reviewers", previous, current);
        }
        Value::Object(changes)
    }

    fn gl_hook_user(&self, id: UserId) -> Value {
        let Some(user) = self.user(Forge::Gitlab, id) else { return Value::Null };
        json!({
            "id": user.id,
            "name": user.name,
            "username": user.login,
            "avatar_url": format!("{}/uploads/-/system/user/avatar/{id}/avatar.png", self.pages(Forge::Gitlab)),
            "email": "[REDACTED]",
        })
    }

    fn gl_hook_reviewers(&self, change: &Change, re_requested: Option<UserId>) -> Value {
        let reviewers = change.reviewers.iter().map(|reviewer| {
            let state = json!({
                "state": reviewer.state.as_str(),
                "re_requested": re_requested == Some(reviewer.user),
            });
            merged(self.gl_hook_user(reviewer.user), state)
        });
        reviewers.collect()
    }

    fn gl_hook_project(&self, project: &Project) -> Value {
        let url = format!("{}/{}", self.pages(Forge::Gitlab), project.path);
        json!({
            "id": project.id,
            "name": project.name(),
            "description": null,
            "web_url": url,
            "avatar_url": null,
            "git_ssh_url": format!("ssh://git@127.0.0.1/{}.git", project.path),
            "git_http_url": format!("{url}.git"),
            "namespace": project.owner(),
            "visibility_level": if project.public { 20 } else { 0 },
            "path_with_namespace": project.path,
            "default_branch": "main",
            "ci_config_path": null,
            "homepage": url,
            "url": format!("{url}.git"),
            "ssh_url": format!("ssh://git@127.0.0.1/{}.git", project.path),
            "http_url": format!("{url}.git"),
        })
    }

    fn gl_hook_repository(&self, project: &Project) -> Value {
        let url = format!("{}/{}", self.pages(Forge::Gitlab), project.path);
        json!({ "name": project.name(), "url": format!("{url}.git"), "description": null, "homepage": url })
    }

    fn gl_hook_labels(&self, project: &Project, names: &[String]) -> Value {
        names.iter().filter_map(|name| Some(hook_label(project, project.label(name)?))).collect()
    }

    /// The merge request's attributes as both kinds of webhook carry them.
    fn gl_hook_change(&self, project: &Project, change: &Change) -> Value {
        let url =
            format!("{}/{}/-/merge_requests/{}", self.pages(Forge::Gitlab), project.path, change.number);
        let project_json = self.gl_hook_project(project);
        let merged_at = change.ended_at.filter(|_| change.state == ChangeState::Merged);
        let identity = json!({
            "id": change.id,
            "iid": change.number,
            "author_id": change.author,
            "title": gl_title(change),
            "description": change.description,
            "created_at": hook_time(change.created_at),
            "updated_at": hook_time(change.updated_at),
            "prepared_at": hook_time(change.created_at),
            "last_edited_at": null,
            "last_edited_by_id": null,
            "updated_by_id": null,
            "draft": change.draft,
            "work_in_progress": change.draft,
            "state": gl_state(change.state),
            "state_id": state_id(change.state),
            "merge_status": "can_be_merged",
            "detailed_merge_status": detailed_status(project, change),
            "merged_at": merged_at.map(hook_time),
            "merge_commit_sha": merged_at.map(|_| change.head.clone()),
            "merge_user_id": change.ended_by.filter(|_| merged_at.is_some()),
            "merge_error": null,
        });
        let content = json!({
            "source_branch": change.source_branch,
            "target_branch": change.target_branch,
            "source_project_id": project.id,
            "target_project_id": project.id,
            "source": project_json,
            "target": project_json,
            "head_pipeline_id": null,
            "milestone_id": null,
            "merge_params": { "force_remove_source_branch": "1" },
            "merge_when_pipeline_succeeds": false,
            "assignee_id": null,
            "assignee_ids": [],
            "reviewer_ids": change.reviewers.iter().map(|reviewer| reviewer.user).collect::<Vec<_>>(),
            "labels": self.gl_hook_labels(project, &change.labels),
            "last_commit": self.gl_hook_commit(project, change),
            "blocking_discussions_resolved": true,
            "first_contribution": false,
            "url": url,
        });
        let time = json!({
            "time_change": 0,
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_change": null,
            "human_time_estimate": null,
            "human_total_time_spent": null,
            "target_branch_protected": true,
            "squash_commit_sha": null,
        });
        merged(merged(identity, content), time)
    }

    fn gl_hook_commit(&self, project: &Project, change: &Change) -> Value {
        let author = self.user(Forge::Gitlab, change.author);
        json!({
            "id": change.head,
            "message": change.title,
            "title": change.title,
            "timestamp": change.updated_at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
            "url": format!("{}/{}/-/commit/{}", self.pages(Forge::Gitlab), project.path, change.head),
            "author": { "name": author.map(|user| &user.name), "email": "[REDACTED]" },
        })
    }

    fn gl_note_body(
        &self,
        project: &Project,
        change: &Change,
        note: &Comment,
        actor: UserId,
        action: &str,
    ) -> Value {
        let url = format!(
            "{}/{}/-/merge_requests/{}#note_{}",
            self.pages(Forge::Gitlab),
            project.path,
            change.number,
            note.id
        );
        let kind = if note.internal { "confidential_note" } else { "note" };
        json!({
            "object_kind": "note",
            "event_type": kind,
            "user": self.gl_hook_user(actor),
            "project_id": project.id,
            "project": self.gl_hook_project(project),
            "repository": self.gl_hook_repository(project),
            "object_attributes": {
                "id": note.id,
                "note": note.body,
                "description": note.body,
                "noteable_type": "MergeRequest",
                "noteable_id": change.id,
                "author_id": note.author,
                "created_at": hook_time(note.created_at),
                "updated_at": hook_time(note.updated_at),
                "project_id": project.id,
                "attachment": null,
                "line_code": null,
                "commit_id": "",
                "type": null,
                "system": note.system,
                "internal": note.internal,
                "st_diff": null,
                "discussion_id": crate::sandbox::sign::digest(&format!("discussion {}", note.id)),
                "action": action,
                "url": url,
            },
            "merge_request": self.gl_hook_change(project, change),
        })
    }
}

fn state_id(state: ChangeState) -> u8 {
    match state {
        ChangeState::Open => 1,
        ChangeState::Closed => 2,
        ChangeState::Merged => 3,
    }
}

fn hook_label(project: &Project, label: &Label) -> Value {
    json!({
        "id": label.id,
        "title": label.name,
        "color": format!("#{}", label.color),
        "project_id": project.id,
        "created_at": hook_time(label.created_at),
        "updated_at": hook_time(label.created_at),
        "template": false,
        "description": label.description,
        "type": "ProjectLabel",
        "group_id": null,
    })
}
