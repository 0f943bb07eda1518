//! The lists of GitHub's webhooks, which only administrators see.

use serde_json::{Value, json};

use super::rest::{not_found, paged};
use crate::sandbox::delivery::{Hook, HookTarget};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::state::{Access, Forge, Project, State, UserId, github_time};
use crate::sandbox::wire::{Call, Reply};

pub(super) fn of_repository(
    state: &State,
    call: &Call,
    me: UserId,
    project: &Project,
) -> Result<Reply, Refusal> {
    if state.access(project, me) < Some(Access::ADMIN) {
        return Err(not_found());
    }
    Ok(list(state, call, &HookTarget::Project(project.path.clone()), &format!("repos/{}", project.path)))
}

/// Who administers one of an organisation's repositories here passes for its owner.
pub(super) fn of_organization(state: &State, call: &Call, me: UserId, org: &str) -> Result<Reply, Refusal> {
    let here = state.projects.values().filter(|one| one.forge == Forge::Github && one.owner() == org);
    let is_owner = here.map(|project| state.access(project, me)).any(|access| access >= Some(Access::ADMIN));
    if !is_owner {
        return Err(not_found());
    }
    Ok(list(state, call, &HookTarget::Org(org.to_owned()), &format!("orgs/{org}")))
}

fn list(state: &State, call: &Call, target: &HookTarget, place: &str) -> Reply {
    let own = state.hooks.values().filter(|hook| hook.forge == Forge::Github && hook.target == *target);
    paged(call, own.map(|hook| hook_json(state, hook, place)).collect())
}

fn hook_json(state: &State, hook: &Hook, place: &str) -> Value {
    let url = format!("{}/{place}/hooks/{}", state.api(Forge::Github), hook.id);
    let events = if hook.new.events.is_empty() { vec!["*".to_owned()] } else { hook.new.events.clone() };
    let mut body = json!({
        "type": if place.starts_with("repos/") { "Repository" } else { "Organization" },
        "id": hook.id,
        "name": "web",
        "active": true,
        "events": events,
        "config": { "content_type": "json", "url": hook.new.url, "insecure_ssl": "0", "secret": "********" },
        "created_at": github_time(hook.created_at),
        "updated_at": github_time(hook.created_at),
        "url": url,
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
    });
    if place.starts_with("repos/") {
        body["test_url"] = json!(format!("{url}/test"));
        let failed = hook.failures > 0;
        body["last_response"] = json!({
            "code": if failed { json!(500) } else { Value::Null },
            "status": if failed { "failed" } else { "unused" },
            "message": null,
        });
    }
    body
}
