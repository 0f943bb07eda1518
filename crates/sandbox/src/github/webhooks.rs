//! GitHub's webhooks over REST: `hook`, `org-hook` and `hook-delivery-item` of its description. Secrets
//! are shown as stars.

use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::deliveries;
use super::replies::{not_found, paged};
use super::time::github_time;
use crate::wire::{Call, Reply, strings};
use crate::world::{Access, Forge, Hook, HookTarget, NewHook, Refusal, State, UserId};

/// Events that only organisations have.
const OF_OWNERS: [&str; 3] = ["membership", "organization", "org_block"];

/// Requests below `/repos/{owner}/{repo}/hooks`, which are for administrators.
pub(super) fn of_repository(
    state: &mut State,
    call: &Call,
    me: UserId,
    path: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let project = state.project(Forge::Github, path)?;
    if state.access(project, me) < Some(Access::ADMIN) {
        return Err(not_found());
    }
    answer(state, call, &HookTarget::Project(path.to_owned()), rest)
}

/// Requests below `/orgs/{org}/hooks`, which are for owners.
pub(super) fn of_organization(
    state: &mut State,
    call: &Call,
    me: UserId,
    org: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    if !state.orgs.get(org).is_some_and(|org| org.owners.contains(&me)) {
        return Err(not_found());
    }
    answer(state, call, &HookTarget::Org(org.to_owned()), rest)
}

fn answer(state: &mut State, call: &Call, target: &HookTarget, rest: &[&str]) -> Result<Reply, Refusal> {
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let here = here(state, target).map(|hook| hook_json(state, hook));
            Ok(paged(call, here.collect()))
        }
        (&Method::POST, []) => create(state, call, target),
        (&Method::GET, [id]) => Ok(Reply::ok(hook_json(state, known(state, target, id)?))),
        (&Method::PATCH, [id]) => {
            let id = known(state, target, id)?.id;
            edit(state, call, target, id)
        }
        (&Method::DELETE, [id]) => {
            let id = known(state, target, id)?.id;
            state.hooks.remove(&id);
            Ok(Reply::empty(204))
        }
        (_, [id, rest @ ..]) if rest.first() == Some(&"deliveries") => {
            let id = known(state, target, id)?.id;
            deliveries::answer(state, call, rest, &[id])
        }
        _ => Err(not_found()),
    }
}

fn here<'a>(state: &'a State, target: &'a HookTarget) -> impl Iterator<Item = &'a Hook> {
    state.hooks.values().filter(move |hook| hook.forge == Forge::Github && hook.target == *target)
}

fn known<'a>(state: &'a State, target: &HookTarget, id: &str) -> Result<&'a Hook, Refusal> {
    let hook = id.parse().ok().and_then(|id: u64| state.hooks.get(&id));
    hook.filter(|hook| hook.forge == Forge::Github && hook.target == *target).ok_or_else(not_found)
}

fn invalid(message: &str) -> Refusal {
    Refusal::invalid(json!([{ "resource": "Hook", "code": "custom", "message": message }]))
}

fn create(state: &mut State, call: &Call, target: &HookTarget) -> Result<Reply, Refusal> {
    let body = &call.json;
    if matches!(target, HookTarget::Org(_)) && body["name"] != "web" {
        return Err(invalid("name must be web"));
    }
    let config = &body["config"];
    let new = configured(NewHook { json: false, ..NewHook::to("") }, config)?;
    let new = NewHook {
        events: subscribed(body, target)?.unwrap_or_else(|| vec!["push".to_owned()]),
        active: body["active"].as_bool().unwrap_or(true),
        ..new
    };
    if here(state, target).any(|hook| hook.new.url == new.url) {
        let place = if matches!(target, HookTarget::Project(_)) { "repository" } else { "organization" };
        return Err(invalid(&format!("Hook already exists on this {place}")));
    }
    let id = state.attach(Forge::Github, target.clone(), new);
    shown(state, id, 201)
}

/// What is not given stays; a `config` replaces the whole old one, secret included.
fn edit(state: &mut State, call: &Call, target: &HookTarget, id: u64) -> Result<Reply, Refusal> {
    let (body, now) = (&call.json, state.now(Forge::Github));
    let Some(hook) = state.hooks.get_mut(&id) else { return Err(not_found()) };
    let mut new = hook.new.clone();
    if body["config"].is_object() {
        new = configured(NewHook { secret: None, json: false, verifies_tls: true, ..new }, &body["config"])?;
    }
    if let Some(events) = subscribed(body, target)? {
        new.events = events;
    }
    new.active = body["active"].as_bool().unwrap_or(new.active);
    (hook.new, hook.updated_at) = (new, now);
    shown(state, id, 200)
}

fn configured(hook: NewHook, config: &Value) -> Result<NewHook, Refusal> {
    let text = |name: &str| config[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let url = text("url").ok_or_else(|| invalid("url cannot be blank"))?;
    let fits = Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !fits {
        return Err(invalid("url is not a valid URL"));
    }
    Ok(NewHook {
        url,
        secret: text("secret"),
        json: text("content_type").as_deref() == Some("json"),
        verifies_tls: !matches!(config["insecure_ssl"].to_string().trim_matches('"'), "1"),
        ..hook
    })
}

fn subscribed(body: &Value, target: &HookTarget) -> Result<Option<Vec<String>>, Refusal> {
    if body["events"].is_null() {
        return Ok(None);
    }
    let events = strings(&body["events"]).ok_or_else(|| invalid("events must be names"))?;
    let strange = events.iter().find(|event| OF_OWNERS.contains(&event.as_str()));
    match (strange, target) {
        (Some(event), HookTarget::Project(_)) => {
            Err(invalid(&format!("The following event is not valid: '{event}'")))
        }
        _ => Ok(Some(events)),
    }
}

fn shown(state: &State, id: u64, status: u16) -> Result<Reply, Refusal> {
    let hook = state.hooks.get(&id).ok_or_else(not_found)?;
    Ok(Reply::json(status, hook_json(state, hook)))
}

fn hook_json(state: &State, hook: &Hook) -> Value {
    let (kind, place) = match &hook.target {
        HookTarget::Project(path) => ("Repository", format!("repos/{path}")),
        HookTarget::Org(name) | HookTarget::Group(name) => ("Organization", format!("orgs/{name}")),
    };
    let url = format!("{}/{place}/hooks/{}", state.api(Forge::Github), hook.id);
    let new = &hook.new;
    let mut config = json!({
        "url": new.url,
        "content_type": if new.json { "json" } else { "form" },
        "insecure_ssl": if new.verifies_tls { "0" } else { "1" },
    });
    if new.secret.is_some() {
        config["secret"] = json!("********");
    }
    let mut json = json!({
        "type": kind,
        "id": hook.id,
        "name": "web",
        "active": new.active,
        "events": if new.events.is_empty() { vec!["*".to_owned()] } else { new.events.clone() },
        "config": config,
        "created_at": github_time(hook.created_at),
        "updated_at": github_time(hook.updated_at),
        "url": url,
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
    });
    if matches!(hook.target, HookTarget::Project(_)) {
        json["test_url"] = json!(format!("{url}/test"));
        json["last_response"] = match deliveries::last_attempt(state, hook.id) {
            None => json!({ "code": null, "status": "unused", "message": null }),
            Some(last) => {
                let status = if last.succeeded() { "active" } else { "misconfigured" };
                json!({ "code": last.status, "status": status, "message": deliveries::in_words(last) })
            }
        };
    }
    json
}
