//! What GitLab's webhooks carry, in the shape of its `webhook_events.md` (19.x).

use serde_json::{Map, Value, json};

use super::hook_json::state_id;
use super::json::{gl_title, is_approved};
use super::time::hook_time;
use crate::wire::{Audience, Payload, merged};
use crate::world::{
    Access, Change, ChangeEvent, Comment, Event, Forge, Happened, Membership, Project, State, UserId,
    Verdict, digest,
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

/// What GitLab would send: one `update` for all edits of one request, and payloads of their own for the
/// rest.
pub(crate) fn payloads(state: &State, event: &Event) -> Vec<Payload> {
    match event {
        Event::Change(told) => of_change(state, told),
        Event::GroupMember { group, user, access, what } => {
            let body = state.gl_member_body(group, *user, *access, *what);
            let audience = Audience::OfGroup(group.clone());
            vec![Payload { audience, subscription: "member_events", event: "Member Hook", body }]
        }
        Event::HookTested { hook, project } => sample(state, *hook, project).into_iter().collect(),
        // Project and group hooks hear nothing of these.
        Event::Project { .. } | Event::TeamMember { .. } | Event::HookAdded { .. } => Vec::new(),
    }
}

fn of_change(state: &State, told: &ChangeEvent) -> Vec<Payload> {
    let Ok(project) = state.project(told.at.forge, &told.at.project) else { return Vec::new() };
    let mut payloads = Vec::new();
    let mut update_sent = false;
    for happened in &told.happened {
        match happened {
            Happened::Commented(id) => payloads.extend(of_note(state, project, told, *id, "create")),
            Happened::CommentEdited { id, .. } => {
                payloads.extend(of_note(state, project, told, *id, "update"));
            }
            // Nothing is sent for a deleted note, nor for a thread while others are open.
            Happened::ThreadTurned { resolved, all, .. } if !(*resolved && *all) => {}
            Happened::CommentDeleted(_) | Happened::ReviewDismissed(_) => {}
            Happened::Reviewed(id) if !state.gitlab.announces_reviews || is_approval(&told.after, *id) => {}
            happened => {
                let update = own_update(project, told, happened);
                if update.is_none() && std::mem::replace(&mut update_sent, true) {
                    continue;
                }
                let update = update.unwrap_or_else(|| the_update(&told.happened));
                let body = state.gl_hook_body(project, &told.before, &told.after, told.actor, &update);
                payloads.push(about_change(Audience::OfProject(project.path.clone()), body));
            }
        }
    }
    payloads
}

fn about_change(audience: Audience, body: Value) -> Payload {
    Payload { audience, subscription: "merge_requests_events", event: "Merge Request Hook", body }
}

/// How the webhook of its own differs that some things have; `None` for those that share one.
fn own_update(project: &Project, told: &ChangeEvent, happened: &Happened) -> Option<Update> {
    let was_approved = is_approved(project, &told.before);
    let approved = is_approved(project, &told.after);
    let (action, system_action) = match happened {
        Happened::Opened => ("open", None),
        Happened::Merged => ("merge", None),
        Happened::Closed => ("close", None),
        Happened::Reopened => ("reopen", None),
        Happened::Approved => (if approved { "approved" } else { "approval" }, None),
        Happened::Unapproved | Happened::ApprovalsReset => {
            let reset = matches!(happened, Happened::ApprovalsReset).then_some("approvals_reset_on_push");
            (if was_approved && !approved { "unapproved" } else { "unapproval" }, reset)
        }
        _ => return None,
    };
    Some(Update { action, system_action, ..Update::default() })
}

/// A merge request webhook about nothing in particular, for a hook that is tested.
fn sample(state: &State, hook: u64, project: &str) -> Option<Payload> {
    let project = state.project(Forge::Gitlab, project).ok()?;
    let change = project.changes.values().next_back()?;
    let update = Update { action: "update", ..Update::default() };
    let body = state.gl_hook_body(project, change, change, change.author, &update);
    Some(about_change(Audience::Hook(hook), body))
}

fn is_approval(change: &Change, review: u64) -> bool {
    change.review(review).is_some_and(|given| given.verdict == Verdict::Approve)
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

fn of_note(state: &State, project: &Project, told: &ChangeEvent, id: u64, action: &str) -> Option<Payload> {
    // System notes send nothing (`Notes::PostProcessService`).
    let note = told.after.comment(id).filter(|note| !note.system)?;
    let body = state.gl_note_body(project, &told.after, note, told.actor, action);
    let (subscription, event) = match note.internal {
        true => ("confidential_note_events", "Confidential Note Hook"),
        false => ("note_events", "Note Hook"),
    };
    Some(Payload { audience: Audience::OfProject(project.path.clone()), subscription, event, body })
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
                "actioned_at": hook_time(self.now(Forge::Gitlab)),
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
                "type": note.is_on_a_line().then_some("DiffNote"),
                "system": note.system,
                "internal": note.internal,
                "st_diff": null,
                "discussion_id": digest(&format!("discussion {}", note.id)),
                "action": action,
                "url": url,
            },
            "merge_request": self.gl_hook_change(project, change),
        })
    }

    /// GitLab's group member event: it has no `object_kind`.
    fn gl_member_body(&self, path: &str, user: UserId, access: Access, what: Membership) -> Value {
        let name = path.rsplit('/').next().unwrap_or_default();
        let now = hook_time(self.now(Forge::Gitlab));
        let event = match what {
            Membership::Added => "user_add_to_group",
            Membership::Updated => "user_update_for_group",
            Membership::Removed => "user_remove_from_group",
        };
        json!({
            "created_at": now,
            "updated_at": now,
            "group_name": name,
            "group_path": name,
            "group_id": self.groups.get(path).map(|group| group.id),
            "user_username": self.login(Forge::Gitlab, user),
            "user_name": self.user(Forge::Gitlab, user).map(|user| &user.name),
            "user_email": "[REDACTED]",
            "user_id": user,
            "group_access": role(access),
            "group_plan": null,
            "expires_at": null,
            "event_name": event,
        })
    }
}

/// GitLab's name of an access level.
fn role(access: Access) -> &'static str {
    match access.0 {
        0..=19 => "Guest",
        20..=29 => "Reporter",
        30..=39 => "Developer",
        40..=49 => "Maintainer",
        _ => "Owner",
    }
}
