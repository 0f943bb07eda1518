//! Webhook requests as they go out: signed when they are taken, and settled by the receiver's answer.

use bytes::Bytes;
use serde_json::Value;

use super::sign;
use crate::world::{Attempt, Delivery, Forge, Hook, HookTarget, State};

/// A webhook request as it goes over the wire, signed at the time it was taken.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// The forge that sends it.
    pub forge: Forge,
    /// `Merge Request Hook`, `pull_request`, …
    pub event: String,
    /// `webhook-id` or `X-GitHub-Delivery`.
    pub delivery_id: String,
    /// Where it goes.
    pub url: String,
    /// All headers, `Content-Type` included.
    pub headers: Vec<(String, String)>,
    /// The signed bytes.
    pub body: Bytes,
    pub(crate) hook: u64,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// The forge that sent it.
    pub forge: Forge,
    /// `Merge Request Hook`, `pull_request`, …
    pub event: String,
    /// `webhook-id` or `X-GitHub-Delivery`.
    pub delivery_id: String,
    /// The receiver's answer; `None` if there was none within 10 s.
    pub status: Option<u16>,
}

/// Takes the next webhook request out of the queue, signed as of now.
pub(crate) fn take_next(state: &mut State) -> Option<SignedRequest> {
    loop {
        let delivery = state.deliveries.queue.pop_front()?;
        let request = signed(state, &delivery);
        state.deliveries.remember(delivery);
        // A hook that was removed meanwhile sends nothing.
        if request.is_some() {
            return request;
        }
    }
}

/// Signs as of now, which is when a forge signs: not when the event happened.
fn signed(state: &mut State, delivery: &Delivery) -> Option<SignedRequest> {
    let hook = state.hooks.get(&delivery.hook)?.clone();
    let headers = match delivery.forge {
        Forge::Gitlab => gitlab_headers(state, &hook, delivery),
        Forge::Github => github_headers(state, &hook, delivery),
    };
    Some(SignedRequest {
        forge: delivery.forge,
        event: delivery.event.clone(),
        delivery_id: delivery.id.clone(),
        url: hook.new.url.clone(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: delivery.body.clone(),
        hook: hook.id,
    })
}

fn gitlab_headers(state: &mut State, hook: &Hook, delivery: &Delivery) -> Vec<(&'static str, String)> {
    let sent_at = state.now(Forge::Gitlab).as_second();
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "GitLab/19.5.0".to_owned()),
        ("X-Gitlab-Event", delivery.event.clone()),
        // Despite its name a fresh one for every request (`web_hook_service.rb`).
        ("X-Gitlab-Webhook-UUID", state.ids.uuid()),
        ("X-Gitlab-Instance", state.pages(Forge::Gitlab)),
        ("X-Gitlab-Event-UUID", delivery.event_uuid.clone()),
        ("Idempotency-Key", delivery.id.clone()),
        ("webhook-id", delivery.id.clone()),
        ("webhook-timestamp", sent_at.to_string()),
    ];
    let sign = |token: &String| sign::gitlab_signature(token, &delivery.id, sent_at, &delivery.body);
    headers.extend(hook.new.signing_token.as_ref().and_then(sign).map(|value| ("webhook-signature", value)));
    headers.extend(hook.new.secret.clone().map(|value| ("X-Gitlab-Token", value)));
    headers
}

fn github_headers(state: &State, hook: &Hook, delivery: &Delivery) -> Vec<(&'static str, String)> {
    let (target, kind) = match &hook.target {
        HookTarget::Project(path) => {
            (state.projects.get(&(Forge::Github, path.clone())).map(|project| project.id), "repository")
        }
        HookTarget::Org(name) | HookTarget::Group(name) => {
            (state.orgs.get(name).map(|org| org.id), "organization")
        }
    };
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "GitHub-Hookshot/044aadd".to_owned()),
        ("X-GitHub-Event", delivery.event.clone()),
        ("X-GitHub-Delivery", delivery.id.clone()),
        ("X-GitHub-Hook-ID", hook.id.to_string()),
        ("X-GitHub-Hook-Installation-Target-ID", target.unwrap_or_default().to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", kind.to_owned()),
        ("X-GitHub-Enterprise-Version", "3.19.0".to_owned()),
    ];
    let sign = |secret: &String| sign::github_sha256(secret, &delivery.body);
    headers.extend(hook.new.secret.as_ref().and_then(sign).map(|value| ("X-Hub-Signature-256", value)));
    headers
}

/// Takes the receiver's answer in; `None` if there was none.
pub(crate) fn settle(state: &mut State, request: &SignedRequest, status: Option<u16>) {
    let (forge, now) = (request.forge, state.now(request.forge));
    // GitLab counts redirects as success, GitHub does not.
    let succeeded = status.is_some_and(|status| match forge {
        Forge::Gitlab => (200..400).contains(&status),
        Forge::Github => (200..300).contains(&status),
    });
    if let Some(hook) = state.hooks.get_mut(&request.hook) {
        hook.count(succeeded, now);
    }
    let guid = request.delivery_id.clone();
    let (id, action, redelivery) = match forge {
        Forge::Gitlab => (state.deliveries.number(), None, false),
        Forge::Github => {
            let redelivery = state.deliveries.attempts().any(|earlier| earlier.guid == guid);
            (state.ids.number(), action_of(&request.body), redelivery)
        }
    };
    let (hook, event) = (request.hook, request.event.clone());
    state.deliveries.note(Attempt { id, guid, hook, event, action, at: now, status, redelivery });
}

/// GitHub's `action` in a body.
fn action_of(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("action")?.as_str().map(str::to_owned)
}
