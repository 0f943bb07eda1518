//! Webhooks on their way: who is subscribed, what is queued, how it is signed and sent, and what may
//! go wrong in between.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::access::with_ancestors;
use super::state::{Forge, State};
use super::{Sandbox, limits, sign};

/// How long a forge waits for the receiver (both: 10 s).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Consecutive failures after which GitLab rests a hook, and after which it gives up on it
/// (`auto_disabling.rs`, thresholds 3 and 39).
const FAILURES_UNTIL_REST: u32 = 4;
const FAILURES_UNTIL_DISABLED: u32 = 40;
/// Longest rest of a GitLab hook, in hours.
const REST_HOURS_MAX: i64 = 24;

/// What a webhook is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookTarget {
    /// A GitLab project or GitHub repository, by full path.
    Project(String),
    /// A GitLab group with all below it (Premium), by full path.
    Group(String),
    /// A GitHub organisation.
    Org(String),
}

/// A webhook to be attached.
#[derive(Clone, Debug)]
pub struct NewHook {
    /// Where it sends to.
    pub url: String,
    /// GitLab: `merge_requests_events`, `note_events`, `confidential_note_events`,
    /// `member_events`; GitHub: event names.
    /// Empty means all.
    pub events: Vec<String>,
    /// GitLab's plain secret token, or GitHub's secret.
    pub secret: Option<String>,
    /// GitLab's signing token, `whsec_<base64 of 32 bytes>`.
    pub signing_token: Option<String>,
    /// GitHub: switched on.
    pub active: bool,
    /// GitHub: `content_type` is `json` and not `form`. Only shown: bodies are always JSON.
    pub json: bool,
    /// Whether the receiver's certificate is looked at. Only shown.
    pub verifies_tls: bool,
}

impl NewHook {
    /// A hook for all events without any secret.
    pub fn to(url: &str) -> NewHook {
        NewHook {
            url: url.to_owned(),
            events: Vec::new(),
            secret: None,
            signing_token: None,
            active: true,
            json: true,
            verifies_tls: true,
        }
    }

    /// Only for these events.
    pub fn with_events(self, events: &[&str]) -> NewHook {
        NewHook { events: events.iter().map(|name| (*name).to_owned()).collect(), ..self }
    }

    /// With a GitHub secret or a GitLab secret token.
    pub fn with_secret(self, secret: &str) -> NewHook {
        NewHook { secret: Some(secret.to_owned()), ..self }
    }

    /// With a GitLab signing token.
    pub fn with_signing_token(self, token: &str) -> NewHook {
        NewHook { signing_token: Some(token.to_owned()), ..self }
    }
}

/// An attached webhook and its health.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub id: u64,
    pub forge: Forge,
    pub target: HookTarget,
    pub new: NewHook,
    pub failures: u32,
    pub disabled_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Hook {
    pub fn new(id: u64, forge: Forge, target: HookTarget, new: NewHook, at: Timestamp) -> Hook {
        let (failures, disabled_until) = (0, None);
        Hook { id, forge, target, new, failures, disabled_until, created_at: at, updated_at: at }
    }

    /// Whether it hears what hooks subscribe to under this name.
    pub fn hears(&self, subscription: &str) -> bool {
        let named = |name: &String| name == subscription || (self.forge == Forge::Github && name == "*");
        self.new.events.is_empty() || self.new.events.iter().any(named)
    }

    /// GitLab's `alert_status`.
    pub fn alert_status(&self, now: Timestamp) -> &'static str {
        match self.disabled_until {
            _ if self.failures >= FAILURES_UNTIL_DISABLED => "disabled",
            Some(until) if until > now => "temporarily_disabled",
            _ => "executable",
        }
    }

    /// Counts an answer, as GitLab's auto-disabling does; GitHub never disables a hook by itself.
    fn count(&mut self, succeeded: bool, now: Timestamp) {
        if self.forge == Forge::Github {
            return;
        }
        if succeeded {
            (self.failures, self.disabled_until) = (0, None);
            return;
        }
        self.failures += 1;
        if self.failures >= FAILURES_UNTIL_REST {
            let minutes = 1_i64 << (self.failures - FAILURES_UNTIL_REST).min(11);
            let rest = SignedDuration::from_mins(minutes.min(REST_HOURS_MAX * 60));
            self.disabled_until = Some(now + rest);
        }
    }
}

/// One webhook request not yet signed and sent.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub id: String,
    /// GitLab's `X-Gitlab-Event-UUID`.
    pub event_uuid: String,
    pub forge: Forge,
    pub hook: u64,
    /// `Merge Request Hook`, `pull_request`, …
    pub event: String,
    pub body: Bytes,
}

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
    pub(super) hook: u64,
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

impl State {
    /// Queues one delivery for every subscribed hook of a project. `subscription` is the name under
    /// which hooks subscribe, `event` what the header says.
    pub fn queue_event(
        &mut self,
        forge: Forge,
        project: &str,
        subscription: &str,
        event: &str,
        body: &Value,
    ) {
        let premium = self.is_premium();
        self.queue_for(forge, subscription, event, body, |hook| covers(hook, project, premium));
    }

    /// Queues one delivery for every subscribed hook that `hears` it.
    pub fn queue_for(
        &mut self,
        forge: Forge,
        subscription: &str,
        event: &str,
        body: &Value,
        hears: impl Fn(&Hook) -> bool,
    ) {
        let now = self.clock.now();
        let hooks: Vec<u64> = self
            .hooks
            .values()
            .filter(|hook| hook.forge == forge && hook.new.active && hears(hook) && hook.hears(subscription))
            // A resting hook gets nothing, now or later: GitLab drops in silence.
            .filter(|hook| hook.alert_status(now) == "executable")
            .map(|hook| hook.id)
            .collect();
        let event_uuid = self.new_uuid();
        for hook in hooks {
            self.queue_for_hook(hook, forge, event, &event_uuid, body);
        }
    }

    /// Queues one delivery for one hook, healthy or not.
    pub fn queue_for_hook(&mut self, hook: u64, forge: Forge, event: &str, event_uuid: &str, body: &Value) {
        let id = self.new_uuid();
        let body = Bytes::from(body.to_string());
        let (event, event_uuid) = (event.to_owned(), event_uuid.to_owned());
        if self.lost_next(forge) {
            return;
        }
        self.queue.push_back(Delivery { id, event_uuid, forge, hook, event, body });
    }

    fn lost_next(&mut self, forge: Forge) -> bool {
        match self.losses.get_mut(&forge) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Signs as of now, which is when a forge signs: not when the event happened.
    fn sign(&mut self, delivery: &Delivery) -> Option<SignedRequest> {
        let hook = self.hooks.get(&delivery.hook)?.clone();
        let headers = match delivery.forge {
            Forge::Gitlab => self.gitlab_headers(&hook, delivery),
            Forge::Github => self.github_headers(&hook, delivery),
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

    fn gitlab_headers(&mut self, hook: &Hook, delivery: &Delivery) -> Vec<(&'static str, String)> {
        let sent_at = self.clock.now().as_second();
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("User-Agent", "GitLab/19.5.0".to_owned()),
            ("X-Gitlab-Event", delivery.event.clone()),
            // Despite its name a fresh one for every request (`web_hook_service.rb`).
            ("X-Gitlab-Webhook-UUID", self.new_uuid()),
            ("X-Gitlab-Instance", self.pages(Forge::Gitlab)),
            ("X-Gitlab-Event-UUID", delivery.event_uuid.clone()),
            ("Idempotency-Key", delivery.id.clone()),
            ("webhook-id", delivery.id.clone()),
            ("webhook-timestamp", sent_at.to_string()),
        ];
        let sign = |token: &String| sign::gitlab_signature(token, &delivery.id, sent_at, &delivery.body);
        headers
            .extend(hook.new.signing_token.as_ref().and_then(sign).map(|value| ("webhook-signature", value)));
        headers.extend(hook.new.secret.clone().map(|value| ("X-Gitlab-Token", value)));
        headers
    }

    fn github_headers(&self, hook: &Hook, delivery: &Delivery) -> Vec<(&'static str, String)> {
        let (target, kind) = match &hook.target {
            HookTarget::Project(path) => {
                (self.projects.get(&(Forge::Github, path.clone())).map(|project| project.id), "repository")
            }
            HookTarget::Org(name) | HookTarget::Group(name) => {
                (self.orgs.get(name).map(|org| org.id), "organization")
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

    fn settle(&mut self, request: &SignedRequest, status: Option<u16>) {
        let (hook, forge) = (request.hook, request.forge);
        // GitLab counts redirects as success, GitHub does not.
        let succeeded = status.is_some_and(|status| match forge {
            Forge::Gitlab => (200..400).contains(&status),
            Forge::Github => (200..300).contains(&status),
        });
        let now = self.clock.now();
        if let Some(hook) = self.hooks.get_mut(&hook) {
            hook.count(succeeded, now);
        }
    }

    fn remember(&mut self, delivery: Delivery) {
        if self.sent.len() >= limits::DELIVERIES_KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back(delivery);
    }
}

/// Whether a hook hears of a project's events.
fn covers(hook: &Hook, project: &str, premium: bool) -> bool {
    let owner = project.rsplit_once('/').map_or("", |(owner, _)| owner);
    match &hook.target {
        HookTarget::Project(path) => path == project,
        HookTarget::Group(path) => premium && with_ancestors(owner).any(|group| group == path),
        HookTarget::Org(name) => name == owner,
    }
}

/// Sending. Nothing is sent by itself: a driver decides when, and in which order.
impl Sandbox {
    /// How many webhook requests wait to be sent.
    pub fn pending(&self) -> usize {
        self.state().queue.len()
    }

    /// Sends what is queued, in order, one at a time, including what gets queued meanwhile. The
    /// receiver has 10 s for each. No retries: neither forge has any.
    pub async fn deliver_pending(&self) -> Vec<DeliveryOutcome> {
        let mut outcomes = Vec::new();
        while let Some(request) = self.take_one() {
            let status = self.send(&request).await;
            let SignedRequest { forge, event, delivery_id, .. } = request;
            outcomes.push(DeliveryOutcome { forge, event, delivery_id, status });
        }
        outcomes
    }

    /// Takes all queued requests out, signed as of now, to be sent by hand with [`Sandbox::send`] or
    /// any other client, in any order, as often as wanted.
    pub fn take_pending(&self) -> Vec<SignedRequest> {
        std::iter::from_fn(|| self.take_one()).collect()
    }

    fn take_one(&self) -> Option<SignedRequest> {
        let mut state = self.state();
        loop {
            let delivery = state.queue.pop_front()?;
            let request = state.sign(&delivery);
            state.remember(delivery);
            // A hook that was removed meanwhile sends nothing.
            if let Some(request) = &request {
                state.tape_webhook(request);
            }
            if request.is_some() {
                return request;
            }
        }
    }

    /// Sends one request and returns the receiver's status, `None` if there was no answer in 10 s.
    pub async fn send(&self, request: &SignedRequest) -> Option<u16> {
        let mut post = self.http().post(&request.url).timeout(ANSWER_TIMEOUT).body(request.body.clone());
        for (name, value) in &request.headers {
            post = post.header(name, value);
        }
        let status = post.send().await.ok().map(|answer| answer.status().as_u16());
        let mut state = self.state();
        state.settle(request, status);
        state.note_attempt(request, status);
        drop(state);
        status
    }

    /// The forge will lose its next `count` webhook requests without a trace.
    pub fn lose_next(&self, forge: Forge, count: u32) {
        *self.state().losses.entry(forge).or_default() += count;
    }

    /// Every queued request will be sent twice, under the same id.
    pub fn duplicate_pending(&self) {
        let mut state = self.state();
        let twice = state.queue.iter().flat_map(|delivery| [delivery.clone(), delivery.clone()]).collect();
        state.queue = twice;
    }

    /// Every queued request will be sent again under a new id, as if two hooks were subscribed.
    pub fn duplicate_pending_under_new_ids(&self) {
        let mut state = self.state();
        let mut twice = Vec::new();
        for delivery in std::mem::take(&mut state.queue) {
            let copy = Delivery { id: state.new_uuid(), ..delivery.clone() };
            twice.extend([delivery, copy]);
        }
        state.queue = twice.into();
    }

    /// Queued requests will be sent in the opposite order.
    pub fn reverse_pending(&self) {
        let mut state = self.state();
        let queue = std::mem::take(&mut state.queue);
        state.queue = queue.into_iter().rev().collect();
    }

    /// Queued requests will be sent in an order that depends on the seed alone.
    pub fn shuffle_pending(&self, seed: u64) {
        let mut state = self.state();
        let queue = std::mem::take(&mut state.queue);
        let mut numbered: Vec<_> = queue.into_iter().enumerate().collect();
        numbered.sort_by_cached_key(|(at, _)| sign::digest(&format!("{seed} {at}")));
        state.queue = numbered.into_iter().map(|(_, delivery)| delivery).collect();
    }

    /// Queues a past delivery again under the id it had: GitHub's redelivery, GitLab's resend (which
    /// gets a new event UUID). `false` if no such delivery is remembered.
    pub fn redeliver(&self, delivery_id: &str) -> bool {
        let mut state = self.state();
        let found = state.sent.iter().rev().find(|sent| sent.id == delivery_id);
        let Some(delivery) = found.cloned() else { return false };
        let event_uuid = state.new_uuid();
        state.queue.push_back(Delivery { event_uuid, ..delivery });
        true
    }
}
