//! GitLab's webhooks over REST: `doc/api/project_webhooks.md`, `doc/api/group_webhooks.md`, and the
//! code behind them (`lib/api/helpers/web_hooks_helpers.rb`). Nothing ever shows a secret.

use base64::Engine as _;
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::hook_events;
use super::replies::{INVALID_URL, no_route, paged, wrong_method};
use super::time::rest_time;
use crate::wire::{Call, Reply};
use crate::world::{Forge, Hook, HookTarget, NewHook, Refusal, State};

/// Hooks of a project and of a group, at most (`instance_limits.md`).
const PROJECT_HOOKS_MAX: usize = 100;
const GROUP_HOOKS_MAX: usize = 50;

/// What a hook may hear, and whether a new one does unless told otherwise.
const EVENTS: [(&str, bool); 15] = [
    ("push_events", true),
    ("tag_push_events", false),
    ("merge_requests_events", false),
    ("note_events", false),
    ("confidential_note_events", false),
    ("issues_events", false),
    ("confidential_issues_events", false),
    ("job_events", false),
    ("pipeline_events", false),
    ("wiki_page_events", false),
    ("deployment_events", false),
    ("releases_events", false),
    ("emoji_events", false),
    ("milestone_events", false),
    ("resource_access_token_events", false),
];
/// Of groups alone.
const GROUP_EVENTS: [(&str, bool); 3] =
    [("member_events", false), ("subgroup_events", false), ("project_events", false)];
/// What a hook of [`NewHook::to`] hears.
const USUAL: [&str; 4] =
    ["merge_requests_events", "note_events", "confidential_note_events", "member_events"];

/// Requests below `…/hooks`, by somebody who may make them.
pub(super) fn answer(
    state: &mut State,
    call: &Call,
    target: &HookTarget,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    match (&call.method, rest) {
        (&Method::GET, []) => Ok(paged(call, all(state, target))),
        (&Method::POST, []) => create(state, call, target),
        (&Method::GET, [id]) => Ok(Reply::ok(hook_json(state, known(state, target, id)?))),
        (&Method::PUT, [id]) => {
            let id = known(state, target, id)?.id;
            edit(state, call, target, id)
        }
        (&Method::DELETE, [id]) => {
            let id = known(state, target, id)?.id;
            state.hooks.remove(&id);
            Ok(Reply::empty(204))
        }
        (&Method::GET, [id, "events"]) => hook_events::list(state, call, known(state, target, id)?),
        (_, [] | [_]) => Err(wrong_method()),
        _ => Err(no_route()),
    }
}

/// The hook of that number, if it is the target's.
pub(super) fn known<'a>(state: &'a State, target: &HookTarget, id: &str) -> Result<&'a Hook, Refusal> {
    let hook = id.parse().ok().and_then(|id: u64| state.hooks.get(&id));
    hook.filter(|hook| hook.forge == Forge::Gitlab && hook.target == *target)
        .ok_or_else(|| Refusal::new(404, "404 Not found"))
}

fn all(state: &State, target: &HookTarget) -> Vec<Value> {
    let here = state.hooks.values().filter(|hook| hook.forge == Forge::Gitlab && hook.target == *target);
    here.map(|hook| hook_json(state, hook)).collect()
}

fn events(target: &HookTarget) -> impl Iterator<Item = (&'static str, bool)> {
    let group = matches!(target, HookTarget::Group(_));
    EVENTS.into_iter().chain(GROUP_EVENTS.into_iter().filter(move |_| group))
}

fn create(state: &mut State, call: &Call, target: &HookTarget) -> Result<Reply, Refusal> {
    let (most, kind) = match target {
        HookTarget::Project(_) => (PROJECT_HOOKS_MAX, "project"),
        HookTarget::Group(_) | HookTarget::Org(_) => (GROUP_HOOKS_MAX, "group"),
    };
    if all(state, target).len() >= most {
        let what = format!("Maximum number of {kind} hooks ({most}) exceeded");
        return Err(Refusal::new(422, what));
    }
    let heard = |(name, default): (&'static str, bool)| {
        call.text(name).map_or(default, |given| given == "true").then_some(name)
    };
    let events: Vec<&str> = events(target).filter_map(heard).collect();
    let new = NewHook {
        secret: given(call, "token"),
        signing_token: signing_token(call)?,
        verifies_tls: call.text("enable_ssl_verification") != Some("false"),
        ..NewHook::to(&address(call)?).with_events(&events)
    };
    let id = state.attach(Forge::Gitlab, target.clone(), new);
    shown(state, id, 201)
}

/// What is not given stays, except the secret token, which is cleared.
fn edit(state: &mut State, call: &Call, target: &HookTarget, id: u64) -> Result<Reply, Refusal> {
    let (url, signing_token, now) = (address(call)?, signing_token(call)?, state.now(Forge::Gitlab));
    if let Some(hook) = state.hooks.get_mut(&id) {
        let heard = |(name, _): (&'static str, bool)| {
            call.text(name).map_or(listens(hook, name), |given| given == "true").then_some(name)
        };
        let events: Vec<String> = events(target).filter_map(heard).map(str::to_owned).collect();
        let tls = call.text("enable_ssl_verification").map_or(hook.new.verifies_tls, |given| given == "true");
        hook.new = NewHook {
            url,
            events,
            secret: given(call, "token"),
            signing_token: signing_token.or(hook.new.signing_token.take()),
            verifies_tls: tls,
            ..hook.new.clone()
        };
        hook.updated_at = now;
    }
    shown(state, id, 200)
}

fn shown(state: &State, id: u64, status: u16) -> Result<Reply, Refusal> {
    let hook = state.hooks.get(&id).ok_or_else(no_route)?;
    Ok(Reply::json(status, hook_json(state, hook)))
}

fn given(call: &Call, name: &str) -> Option<String> {
    call.text(name).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn address(call: &Call) -> Result<String, Refusal> {
    let url = call.text("url").ok_or_else(|| Refusal::new(400, "url is missing"))?;
    let fits = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    fits.then(|| url.to_owned()).ok_or_else(|| Refusal::new(422, INVALID_URL))
}

/// `whsec_` and exactly 32 bytes; how GitLab words its refusal is not known.
fn signing_token(call: &Call) -> Result<Option<String>, Refusal> {
    let Some(token) = given(call, "signing_token") else { return Ok(None) };
    let encoded = token.strip_prefix("whsec_").unwrap_or_default();
    let key = base64::engine::general_purpose::STANDARD.decode(encoded);
    if key.is_ok_and(|key| key.len() == 32) {
        return Ok(Some(token));
    }
    Err(Refusal::new(422, "Signing token is invalid"))
}

fn listens(hook: &Hook, name: &str) -> bool {
    if hook.new.events.is_empty() {
        return USUAL.contains(&name);
    }
    hook.hears(name)
}

fn hook_json(state: &State, hook: &Hook) -> Value {
    let mut json = json!({
        "id": hook.id,
        "url": hook.new.url,
        "name": "",
        "description": "",
        "created_at": rest_time(hook.created_at),
        "enable_ssl_verification": hook.new.verifies_tls,
        "token_present": hook.new.secret.is_some(),
        "signing_token_present": hook.new.signing_token.is_some(),
        "alert_status": hook.alert_status(state.now(Forge::Gitlab)),
        "disabled_until": hook.disabled_until.map(rest_time),
        "url_variables": [],
    });
    for (name, _) in events(&hook.target) {
        json[name] = listens(hook, name).into();
    }
    json
}
