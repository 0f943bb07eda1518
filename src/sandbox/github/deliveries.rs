//! What became of webhooks: the logs of the App's and of organisations' hooks, and redelivery
//! (OpenAPI description of `/app/hook/deliveries` and `/orgs/{org}/hooks`).

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::rest::not_found;
use crate::sandbox::delivery::SignedRequest;
use crate::sandbox::limits;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::state::{Forge, State, github_time};
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
    action: Option<String>,
    at: Timestamp,
    pub status: Option<u16>,
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
        let action = action_of(&request.body);
        let redelivery = self.attempts.iter().any(|attempt| attempt.guid == guid);
        if self.attempts.len() >= limits::DELIVERIES_KEPT {
            self.attempts.pop_front();
        }
        self.attempts.push_back(Attempt {
            id,
            guid,
            hook: request.hook,
            event,
            action,
            at,
            status,
            redelivery,
        });
    }

    /// What became of the newest delivery of a hook.
    pub fn last_attempt(&self, hook: u64) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.hook == hook)
    }
}

impl Attempt {
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    pub fn words(&self) -> String {
        match self.status {
            _ if self.succeeded() => "OK".to_owned(),
            Some(status) => format!("Invalid HTTP Response: {status}"),
            None => "failed to connect to host".to_owned(),
        }
    }

    fn json(&self) -> Value {
        let attempt = self;
        json!({
            "id": attempt.id,
            "guid": attempt.guid,
            "delivered_at": github_time(attempt.at),
            "redelivery": attempt.redelivery,
            "duration": 0.1,
            "status": attempt.words(),
            "status_code": attempt.status.unwrap_or(502),
            "event": attempt.event,
            "action": attempt.action,
            "installation_id": null,
            "repository_id": null,
            "throttled_at": null,
        })
    }
}

/// `GET …/deliveries` (newest first) and `POST …/deliveries/{id}/attempts` of these hooks.
pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str], hooks: &[u64]) -> Result<Reply, Refusal> {
    let now = state.clock.now();
    let kept: Vec<_> = state
        .attempts
        .iter()
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
            let page: Vec<Value> = found.iter().take(per_page).map(|attempt| attempt.json()).collect();
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

/// GitHub's `action` in a body.
fn action_of(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("action")?.as_str().map(str::to_owned)
}
