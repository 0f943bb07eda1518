//! What GitLab's REST API answers with.

use std::collections::BTreeMap;

use super::time::rest_time;
use crate::wire::merged;
use crate::world::{
    APPROVED, Access, Change, ChangeState, ChangedFile, Comment, FeatureAccess, Forge, Label, Project,
    Reaction, State, UserId, digest,
};
use jiff::civil::Date;
use serde_json::{Value, json};

/// Lines of a synthetic diff above which GitLab would call the file too large to show.
const DIFF_LINES_MAX: u64 = 2_000;

impl State {
    pub(super) fn gl_user(&self, id: UserId) -> Value {
        let Some(user) = self.user(Forge::Gitlab, id) else { return Value::Null };
        let pages = self.pages(Forge::Gitlab);
        json!({
            "id": user.id,
            "username": user.login,
            "public_email": "",
            "name": user.name,
            "state": user.blocked.as_deref().unwrap_or("active"),
            "locked": false,
            "avatar_url": format!("{pages}/uploads/-/system/user/avatar/{id}/avatar.png"),
            "web_url": format!("{pages}/{}", user.login),
        })
    }

    /// What `GET /user` and `GET /users/:id` add to the basic user.
    pub(super) fn gl_full_user(&self, id: UserId) -> Value {
        let bot = self.user(Forge::Gitlab, id).is_some_and(|user| user.bot);
        merged(self.gl_user(id), json!({ "bot": bot, "created_at": "2024-01-01T00:00:00.000Z", "bio": "" }))
    }

    /// A member of a group or project; `ends` is the day with whose start the membership ends.
    pub(super) fn gl_member(&self, id: UserId, access: Access, ends: Option<Date>) -> Value {
        let membership = json!({
            "access_level": access.0,
            "membership_state": "active",
            "expires_at": ends.map(|day| day.to_string()),
            "created_at": "2024-01-01T00:00:00.000Z",
        });
        merged(self.gl_user(id), membership)
    }

    /// Members by whatever way, as `members/all` lists them.
    pub(super) fn gl_members(&self, members: &BTreeMap<UserId, Access>) -> Vec<Value> {
        members.iter().map(|(user, access)| self.gl_member(*user, *access, None)).collect()
    }

    pub(super) fn gl_project(&self, project: &Project, user: UserId) -> Value {
        let url = format!("{}/{}", self.pages(Forge::Gitlab), project.path);
        let namespace = self.groups.get(project.owner());
        json!({
            "id": project.id,
            "description": null,
            "name": project.name(),
            "name_with_namespace": project.path.replace('/', " / "),
            "path": project.name(),
            "path_with_namespace": project.path,
            "created_at": rest_time(project.created_at),
            "default_branch": "main",
            "web_url": url,
            "http_url_to_repo": format!("{url}.git"),
            "visibility": if project.public { "public" } else { "private" },
            "archived": project.archived,
            "merge_requests_enabled": project.settings.changes != FeatureAccess::Disabled,
            "repository_access_level": word(project.settings.code),
            "merge_requests_access_level": word(project.settings.changes),
            "forking_access_level": word(project.settings.forks),
            "reviewer_assignment_strategy": project.settings.reviewer_assignment,
            "shared_with_groups": self.gl_shared(project),
            "namespace": {
                "id": namespace.map(|group| group.id),
                "name": project.owner(),
                "path": project.owner(),
                "kind": "group",
                "full_path": project.owner(),
            },
            "permissions": {
                "project_access": self.access(project, user).map(|access| json!({ "access_level": access.0 })),
                "group_access": null,
            },
        })
    }

    /// The groups that a project is shared with.
    fn gl_shared(&self, project: &Project) -> Vec<Value> {
        let shared = project.settings.shared_with.iter().map(|(path, access)| {
            json!({
                "group_id": self.groups.get(path).map(|group| group.id),
                "group_name": path.rsplit('/').next(),
                "group_full_path": path,
                "group_access_level": access.0,
                "expires_at": null,
            })
        });
        shared.collect()
    }

    /// A merge request as lists show it.
    pub(super) fn gl_change(&self, project: &Project, change: &Change) -> Value {
        let url =
            format!("{}/{}/-/merge_requests/{}", self.pages(Forge::Gitlab), project.path, change.number);
        let ended = change.ended_at.map(rest_time);
        let ended_by = change.ended_by.map(|user| self.gl_user(user));
        let (merged_state, closed_state) =
            (change.state == ChangeState::Merged, change.state == ChangeState::Closed);
        let people = json!({
            "author": self.gl_user(change.author),
            "assignees": [],
            "assignee": null,
            "reviewers": change.reviewers.iter().map(|reviewer| self.gl_user(reviewer.user)).collect::<Vec<_>>(),
            "merged_by": ended_by.as_ref().filter(|_| merged_state),
            "merge_user": ended_by.as_ref().filter(|_| merged_state),
            "merged_at": ended.as_ref().filter(|_| merged_state),
            "closed_by": ended_by.as_ref().filter(|_| closed_state),
            "closed_at": ended.as_ref().filter(|_| closed_state),
        });
        let text = json!({
            "id": change.id,
            "iid": change.number,
            "project_id": project.id,
            "title": gl_title(change),
            "description": change.description,
            "state": gl_state(change.state),
            "created_at": rest_time(change.created_at),
            "updated_at": rest_time(change.updated_at),
            "prepared_at": rest_time(change.created_at),
            "labels": sorted(&change.labels),
            "draft": change.draft,
            "work_in_progress": change.draft,
            "reference": format!("!{}", change.number),
            "references": {
                "short": format!("!{}", change.number),
                "relative": format!("!{}", change.number),
                "full": format!("{}!{}", project.path, change.number),
            },
            "web_url": url,
        });
        let rest = json!({
            "source_branch": change.source_branch,
            "target_branch": change.target_branch,
            "source_project_id": project.id,
            "target_project_id": project.id,
            "user_notes_count": change.comments.iter().filter(|note| !note.system).count(),
            "upvotes": 0,
            "downvotes": 0,
            "milestone": null,
            "merge_when_pipeline_succeeds": false,
            "merge_status": "can_be_merged",
            "detailed_merge_status": detailed_status(project, change),
            "sha": change.head,
            "merge_commit_sha": if merged_state { Some(&change.head) } else { None },
            "discussion_locked": null,
            "has_conflicts": false,
            "blocking_discussions_resolved": true,
            "squash": false,
        });
        merged(merged(text, people), rest)
    }

    /// A single merge request, as `GET` and `PUT` answer.
    pub(super) fn gl_single_change(&self, project: &Project, change: &Change, user: UserId) -> Value {
        let more = json!({
            "subscribed": false,
            "changes_count": change.files.len().to_string(),
            "head_pipeline": null,
            "merge_error": null,
            "first_contribution": false,
            "diff_refs": { "base_sha": change.head, "head_sha": change.head, "start_sha": change.head },
            "user": { "can_merge": self.access(project, user).is_some_and(|access| access >= Access::WRITE) },
        });
        merged(self.gl_change(project, change), more)
    }

    /// A note, in the thread that it is.
    pub(super) fn gl_discussion(&self, project: &Project, change: &Change, note: &Comment) -> Value {
        let mut shown = self.gl_note(project, change, note);
        if note.is_on_a_line() {
            shown["resolved"] = json!(note.resolved.is_some());
            shown["resolved_by"] = json!(note.resolved.map(|(by, _)| self.gl_user(by)));
            shown["resolved_at"] = json!(note.resolved.map(|(_, at)| rest_time(at)));
        }
        json!({
            "id": digest(&format!("discussion {}", note.id)),
            "individual_note": !note.is_on_a_line(),
            "notes": [shown],
        })
    }

    pub(super) fn gl_note(&self, project: &Project, change: &Change, note: &Comment) -> Value {
        json!({
            "id": note.id,
            "type": note.is_on_a_line().then_some("DiffNote"),
            "body": note.body,
            "author": self.gl_user(note.author),
            "created_at": rest_time(note.created_at),
            "updated_at": rest_time(note.updated_at),
            "system": note.system,
            "noteable_id": change.id,
            "noteable_type": "MergeRequest",
            "noteable_iid": change.number,
            "project_id": project.id,
            "resolvable": note.is_on_a_line(),
            "confidential": note.internal,
            "internal": note.internal,
            "imported": false,
            "commands_changes": {},
        })
    }

    pub(super) fn gl_award(&self, note: u64, award: &Reaction) -> Value {
        json!({
            "id": award.id,
            "name": award.name,
            "user": self.gl_user(award.user),
            "created_at": rest_time(award.created_at),
            "updated_at": rest_time(award.created_at),
            "awardable_id": note,
            "awardable_type": "Note",
            "url": null,
        })
    }

    pub(super) fn gl_approvals(&self, project: &Project, change: &Change, user: UserId) -> Value {
        let required = project.approvals_required;
        let given = |user: UserId| {
            let says_so = |note: &&Comment| note.system && note.author == user && note.body == APPROVED;
            change.comments.iter().filter(says_so).map(|note| rest_time(note.created_at)).next_back()
        };
        let entry = |id: &UserId| json!({ "user": self.gl_user(*id), "approved_at": given(*id) });
        let by = change.approvals.iter().map(entry).collect::<Vec<_>>();
        json!({
            "id": change.id,
            "iid": change.number,
            "project_id": project.id,
            "title": gl_title(change),
            "state": gl_state(change.state),
            "created_at": rest_time(change.created_at),
            "updated_at": rest_time(change.updated_at),
            "merge_status": "can_be_merged",
            "approved": is_approved(project, change),
            "approvals_required": required,
            "approvals_left": required.saturating_sub(change.approvals.len()),
            "approved_by": by,
            "user_has_approved": change.approvals.contains(&user),
            "user_can_approve": user != change.author && !change.approvals.contains(&user),
        })
    }
}

pub(super) fn gl_label(label: &Label) -> Value {
    json!({
        "id": label.id,
        "name": label.name,
        "description": label.description,
        "description_html": "",
        "text_color": "#FFFFFF",
        "color": format!("#{}", label.color),
        "subscribed": false,
        "priority": null,
        "is_project_label": true,
    })
}

/// A file of `GET …/diffs`, with a diff of as many lines as the file claims.
pub(super) fn gl_diff(file: &ChangedFile) -> Value {
    let too_large = file.added + file.deleted > DIFF_LINES_MAX;
    let diff = if too_large { String::new() } else { file.hunk() };
    json!({
        "old_path": file.path,
        "new_path": file.path,
        "a_mode": "100644",
        "b_mode": "100644",
        "new_file": false,
        "renamed_file": false,
        "deleted_file": false,
        "generated_file": false,
        "collapsed": false,
        "too_large": too_large,
        "diff": diff,
    })
}

pub(super) fn gl_title(change: &Change) -> String {
    format!("{}{}", if change.draft { "Draft: " } else { "" }, change.title)
}

pub(super) fn gl_state(state: ChangeState) -> &'static str {
    match state {
        ChangeState::Open => "opened",
        ChangeState::Closed => "closed",
        ChangeState::Merged => "merged",
    }
}

/// Enough approvals; at least one, even where none is required.
pub(super) fn is_approved(project: &Project, change: &Change) -> bool {
    change.approvals.len() >= project.approvals_required.max(1)
}

pub(super) fn detailed_status(project: &Project, change: &Change) -> &'static str {
    match change.state {
        ChangeState::Closed | ChangeState::Merged => "not_open",
        ChangeState::Open if change.draft => "draft_status",
        ChangeState::Open if project.approvals_required > change.approvals.len() => "not_approved",
        ChangeState::Open => "mergeable",
    }
}

/// To whom a feature is open (GL `doc/api/projects.md`).
fn word(access: FeatureAccess) -> &'static str {
    match access {
        FeatureAccess::Disabled => "disabled",
        FeatureAccess::Private => "private",
        FeatureAccess::Enabled => "enabled",
    }
}

fn sorted(labels: &[String]) -> Vec<&String> {
    let mut labels: Vec<_> = labels.iter().collect();
    labels.sort();
    labels
}
