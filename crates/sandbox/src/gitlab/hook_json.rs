//! What the payloads of GitLab's webhooks are made of, in the shape of its `webhook_events.md` (19.x).

use serde_json::{Value, json};

use super::json::{detailed_status, gl_state, gl_title};
use super::time::hook_time;
use crate::wire::merged;
use crate::world::{Change, ChangeState, Forge, Label, Project, State, UserId};

impl State {
    pub(super) fn gl_hook_user(&self, id: UserId) -> Value {
        let Some(user) = self.user(Forge::Gitlab, id) else { return Value::Null };
        json!({
            "id": user.id,
            "name": user.name,
            "username": user.login,
            "avatar_url": format!("{}/uploads/-/system/user/avatar/{id}/avatar.png", self.pages(Forge::Gitlab)),
            "email": "[REDACTED]",
        })
    }

    pub(super) fn gl_hook_reviewers(&self, change: &Change, re_requested: Option<UserId>) -> Value {
        let reviewers = change.reviewers.iter().map(|reviewer| {
            let state = json!({
                "state": reviewer.state.as_str(),
                "re_requested": re_requested == Some(reviewer.user),
            });
            merged(self.gl_hook_user(reviewer.user), state)
        });
        reviewers.collect()
    }

    pub(super) fn gl_hook_project(&self, project: &Project) -> Value {
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

    pub(super) fn gl_hook_repository(&self, project: &Project) -> Value {
        let url = format!("{}/{}", self.pages(Forge::Gitlab), project.path);
        json!({ "name": project.name(), "url": format!("{url}.git"), "description": null, "homepage": url })
    }

    pub(super) fn gl_hook_labels(&self, project: &Project, names: &[String]) -> Value {
        names.iter().filter_map(|name| Some(hook_label(project, project.label(name)?))).collect()
    }

    /// The merge request's attributes as both kinds of webhook carry them.
    pub(super) fn gl_hook_change(&self, project: &Project, change: &Change) -> Value {
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

    pub(super) fn gl_hook_commit(&self, project: &Project, change: &Change) -> Value {
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
}

pub(super) fn state_id(state: ChangeState) -> u8 {
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
