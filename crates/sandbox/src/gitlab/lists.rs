//! GitLab's lists of merge requests and projects, with their filters.

use jiff::Timestamp;
use serde_json::Value;

use super::json::gl_state;
use super::replies::paged;
use crate::wire::{Call, Reply};
use crate::world::{Change, Forge, Project, State, UserId, with_ancestors};

/// `GET /projects/:id/merge_requests`.
pub(super) fn project(state: &State, call: &Call, me: UserId, project: &Project) -> Reply {
    list(state, call, me, "all", |other| other.path == project.path)
}

/// `GET /groups/:id/merge_requests`, subgroups included.
pub(super) fn group(state: &State, call: &Call, me: UserId, path: &str) -> Reply {
    // `non_archived` is true unless said otherwise ("List group merge requests").
    let archived_too = call.text("non_archived") == Some("false");
    list(state, call, me, "all", |project| {
        (archived_too || !project.archived) && with_ancestors(project.owner()).any(|group| group == path)
    })
}

/// `GET /merge_requests`. Shows the caller's own unless another scope is asked for.
pub(super) fn instance(state: &State, call: &Call, me: UserId) -> Reply {
    list(state, call, me, "created_by_me", |_| true)
}

/// `GET /projects` and `GET /groups/:id/projects`; a group's without its subgroups' unless
/// `include_subgroups` is set.
pub(super) fn projects(state: &State, call: &Call, me: UserId, group: &str) -> Reply {
    let deep = call.text("include_subgroups") == Some("true");
    let in_group = |project: &Project| {
        group.is_empty()
            || project.owner() == group
            || (deep && with_ancestors(project.owner()).any(|owner| owner == group))
    };
    let member = call.text("membership") == Some("true");
    let is_member = |project: &Project| !member || state.gitlab_members(project).contains_key(&me);
    let visible = state.projects.values().filter(|project| {
        project.forge == Forge::Gitlab
            && state.access(project, me).is_some()
            && in_group(project)
            && is_member(project)
    });
    paged(call, visible.map(|project| state.gl_project(project, me)).collect())
}

fn list(
    state: &State,
    call: &Call,
    me: UserId,
    default_scope: &str,
    in_place: impl Fn(&Project) -> bool,
) -> Reply {
    let scope = call.text("scope").unwrap_or(default_scope);
    let readable = |project: &&Project| project.forge == Forge::Gitlab && state.can_read(project, me);
    let places = state.projects.values().filter(readable).filter(|project| in_place(project));
    let mut found: Vec<(&Project, &Change)> = places
        .flat_map(|project| project.changes.values().map(move |change| (project, change)))
        .filter(|(_, change)| in_scope(scope, change, me) && matches(state, call, change))
        .collect();
    let by_update = call.text("order_by") == Some("updated_at");
    found.sort_by_key(|(_, change)| {
        (if by_update { change.updated_at } else { change.created_at }, change.id)
    });
    if call.text("sort") != Some("asc") {
        found.reverse();
    }
    let items: Vec<Value> = found.iter().map(|(project, change)| state.gl_change(project, change)).collect();
    paged(call, items)
}

fn in_scope(scope: &str, change: &Change, me: UserId) -> bool {
    match scope {
        "created_by_me" | "created-by-me" => change.author == me,
        "reviews_for_me" => change.is_requested(me),
        "assigned_to_me" | "assigned-to-me" => false,
        _ => true,
    }
}

fn matches(state: &State, call: &Call, change: &Change) -> bool {
    let login = |user: UserId| state.login(Forge::Gitlab, user);
    let text = |name: &str, test: &dyn Fn(&str) -> bool| call.text(name).is_none_or(test);
    let number = |name: &str, test: &dyn Fn(u64) -> bool| call.number(name).is_none_or(test);
    let instant = |name: &str, test: &dyn Fn(Timestamp) -> bool| call.instant(name).is_none_or(test);
    text("state", &|wanted| wanted == "all" || wanted == gl_state(change.state))
        && text("author_username", &|wanted| wanted == login(change.author))
        && number("author_id", &|wanted| wanted == change.author)
        && number("reviewer_id", &|wanted| change.is_requested(wanted))
        && text("reviewer_username", &|wanted| {
            change.reviewers.iter().any(|reviewer| login(reviewer.user) == wanted)
        })
        && text("wip", &|wanted| (wanted == "yes") == change.draft)
        && text("draft", &|wanted| (wanted == "true") == change.draft)
        && call.comma_list("labels").is_none_or(|all| all.iter().all(|label| change.labels.contains(label)))
        && instant("updated_after", &|after| change.updated_at >= after)
        && instant("updated_before", &|before| change.updated_at <= before)
        && instant("created_after", &|after| change.created_at >= after)
        && instant("created_before", &|before| change.created_at <= before)
}
