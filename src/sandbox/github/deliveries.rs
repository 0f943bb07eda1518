//! What became of webhooks: the logs of the App's and of organisations' hooks, and redelivery
//! (OpenAPI description of `/app/hook/deliveries` and `/orgs/{org}/hooks`).

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::rest::not_found;
use crate::sandbox::delivery::{HookTarget, SignedRequest};
use crate::sandbox::limits;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::state::{Access, Forge, State, UserId, github_time};
use crate::sandbox::wire::{Call, Reply};

/// Deliveries are kept and sent again for so long; on Enterprise Server for seven days.
const KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);
const PER_PAGE: u64 = 30;

/// One try to deliver.
pub(in crate::sandbox) struct Attempt {
    id: u64,
    /// `X-GitHub-Delivery`.
    guid: String,
    hook: u64,
    event: String,
    at: Timestamp,
    status: Option<u16>,
    redelivery: bool,
}

impl State {
    /// Writes down how a delivery of GitHub's ended.
    pub fn note_attempt(&mut self, request: &SignedRequest, status: Option<u16>) {
        if request.forge != Forge::Github {
            return;
        }
        let (id, at) = (self.new_id(), self.clock.now());
        let (guid, event) = (request.delivery_id.clone(), request.event.clone());
        let redelivery = self.attempts.iter().any(|attempt| attempt.guid == guid);
        if self.attempts.len() >= limits::DELIVERIES_KEPT {
            self.attempts.pop_front();
        }
        self.attempts.push_back(Attempt { id, guid, hook: request.hook, event, at, status, redelivery });
    }

    fn succeeded(attempt: &Attempt) -> bool {
        attempt.status.is_some_and(|status| (200..300).contains(&status))
    }

    fn gh_attempt(&self, attempt: &Attempt) -> Value {
        let words = match attempt.status {
            Some(200..300) => "OK".to_owned(),
            Some(status) => format!("Invalid HTTP Response: {status}"),
            None => "failed to connect to host".to_owned(),
        };
        json!({
            "id": attempt.id,
            "guid": attempt.guid,
            "delivered_at": github_time(attempt.at),
            "redelivery": attempt.redelivery,
            "duration": 0.1,
            "status": words,
            "status_code": attempt.status.unwrap_or(502),
            "event": attempt.event,
            "action": null,
            "installation_id": null,
            "repository_id": null,
            "throttled_at": null,
        })
    }
}

/// `GET …/deliveries` (newest first) and `POST …/deliveries/{id}/attempts` of the hooks that are `ours`.
pub(super) fn answer(
    state: &mut State,
    call: &Call,
    rest: &[&str],
    ours: impl Fn(&HookTarget) -> bool,
) -> Result<Reply, Refusal> {
    let now = state.clock.now();
    let hooks: Vec<u64> =
        state.hooks.values().filter(|hook| ours(&hook.target)).map(|hook| hook.id).collect();
    let kept: Vec<_> = state
        .attempts
        .iter()
        .filter(|attempt| hooks.contains(&attempt.hook) && now.duration_since(attempt.at) < KEPT)
        .collect();
    match (&call.method, rest) {
        (&Method::GET, ["deliveries"]) => {
            let cursor = call.number("cursor").unwrap_or(u64::MAX);
            let wanted = |attempt: &&&Attempt| match call.text("status") {
                Some("failure") => !State::succeeded(attempt),
                Some("success") => State::succeeded(attempt),
                _ => true,
            };
            let per_page = call.number("per_page").unwrap_or(PER_PAGE).clamp(1, 100) as usize;
            let found: Vec<_> =
                kept.iter().rev().filter(|attempt| attempt.id < cursor).filter(wanted).collect();
            let page: Vec<Value> =
                found.iter().take(per_page).map(|attempt| state.gh_attempt(attempt)).collect();
            let last = found.get(per_page.wrapping_sub(1)).filter(|_| found.len() > per_page);
            let link = last.map(|last| {
                let path = call.target.split('?').next().unwrap_or_default();
                let status =
                    call.text("status").map(|status| format!("&status={status}")).unwrap_or_default();
                format!(
                    "<{}{path}?per_page={per_page}{status}&cursor={}>; rel=\"next\"",
                    call.origin, last.id
                )
            });
            let mut reply = Reply::ok(Value::Array(page));
            if let Some(link) = link {
                reply.header("link", link);
            }
            Ok(reply)
        }
        (&Method::POST, ["deliveries", id, "attempts"]) => {
            let attempt = kept.iter().find(|attempt| attempt.id.to_string() == *id).ok_or_else(not_found)?;
            let sent = state.sent.iter().rev().find(|sent| sent.id == attempt.guid);
            let again = sent.cloned().ok_or_else(not_found)?;
            state.queue.push_back(again);
            Ok(Reply::json(202, json!({})))
        }
        _ => Err(not_found()),
    }
}

/// An organisation's hooks, for its owners (classic tokens: `admin:org_hook`).
pub(super) fn of_org(
    state: &mut State,
    call: &Call,
    me: UserId,
    org: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let owns = |state: &State| {
        let mut projects = state.projects.values().filter(|project| project.owner() == org);
        projects
            .any(|project| project.forge == Forge::Github && project.members.get(&me) >= Some(&Access::ADMIN))
    };
    if !owns(state) {
        return Err(not_found());
    }
    let target = HookTarget::Org(org.to_owned());
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let hooks = state.hooks.values().filter(|hook| hook.target == target);
            let hooks: Vec<Value> = hooks
                .map(|hook| {
                    json!({
                        "id": hook.id, "name": "web", "active": true, "events": hook.new.events,
                        "type": "Organization",
                        "url": format!("{}/orgs/{org}/hooks/{}", state.api(Forge::Github), hook.id),
                        "ping_url": format!("{}/orgs/{org}/hooks/{}/pings", state.api(Forge::Github), hook.id),
                        "config": { "url": hook.new.url, "content_type": "json", "insecure_ssl": "0" },
                        "created_at": github_time(hook.created_at),
                        "updated_at": github_time(hook.created_at),
                    })
                })
                .collect();
            Ok(super::rest::paged(call, hooks))
        }
        (_, [id, rest @ ..]) => {
            let id: u64 = id.parse().map_err(|_| not_found())?;
            if state.hooks.get(&id).is_none_or(|hook| hook.target != target) {
                return Err(not_found());
            }
            answer(state, call, rest, |other| *other == target)
        }
        _ => Err(not_found()),
    }
}
