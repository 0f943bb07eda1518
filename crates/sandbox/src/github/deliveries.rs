//! What became of webhooks: the logs of the App's and of organisations' hooks, and redelivery
//! (OpenAPI description of `/app/hook/deliveries` and `/orgs/{org}/hooks`).

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::replies::not_found;
use super::time::github_time;
use crate::wire::{Call, Reply};
use crate::world::{Attempt, Forge, Refusal, State};

/// Deliveries are kept and sent again for so long; on Enterprise Server for seven days.
const KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);
const PER_PAGE: u64 = 30;

/// What became of the newest delivery of a hook.
pub(super) fn last_attempt(state: &State, hook: u64) -> Option<&Attempt> {
    state.deliveries.attempts().rev().find(|attempt| attempt.hook == hook)
}

/// How an attempt ended, in GitHub's words.
pub(super) fn in_words(attempt: &Attempt) -> String {
    match attempt.status {
        _ if attempt.succeeded() => "OK".to_owned(),
        Some(status) => format!("Invalid HTTP Response: {status}"),
        None => "failed to connect to host".to_owned(),
    }
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "id": attempt.id,
        "guid": attempt.guid,
        "delivered_at": github_time(attempt.at),
        "redelivery": attempt.redelivery,
        "duration": 0.1,
        "status": in_words(attempt),
        "status_code": attempt.status.unwrap_or(502),
        "event": attempt.event,
        "action": attempt.action,
        "installation_id": null,
        "repository_id": null,
        "throttled_at": null,
    })
}

/// `GET …/deliveries` (newest first) and `POST …/deliveries/{id}/attempts` of these hooks.
pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str], hooks: &[u64]) -> Result<Reply, Refusal> {
    let now = state.now(Forge::Github);
    let kept: Vec<_> = state
        .deliveries
        .attempts()
        .filter(|attempt| hooks.contains(&attempt.hook) && now.duration_since(attempt.at) < KEPT)
        .collect();
    match (&call.method, rest) {
        (&Method::GET, ["deliveries"]) => {
            let cursor = call.number("cursor").unwrap_or(u64::MAX);
            let wanted = |attempt: &&&Attempt| match call.text("status") {
                Some("failure") => !attempt.succeeded(),
                Some("success") => attempt.succeeded(),
                _ => true,
            };
            let per_page = call.number("per_page").unwrap_or(PER_PAGE).clamp(1, 100) as usize;
            let found: Vec<_> =
                kept.iter().rev().filter(|attempt| attempt.id < cursor).filter(wanted).collect();
            let page: Vec<Value> = found.iter().take(per_page).map(|attempt| attempt_json(attempt)).collect();
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
            let again = state.deliveries.sent(&attempt.guid).cloned().ok_or_else(not_found)?;
            state.deliveries.queue.push_back(again);
            Ok(Reply::json(202, json!({})))
        }
        _ => Err(not_found()),
    }
}
