//! The server from outside: what it answers to forges, browsers and rude strangers.

mod dry_run;
mod held;
mod intake;
mod names;
mod pages;
mod sockets;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;
use tower::ServiceExt;
use usher::clock::Clock;
use usher::engine::{Parts, SharedState};
use usher::forge::{Inbound, Secrets};
use usher::metrics::Metrics;
use usher::store::Store;
use usher::tasks::Tasks;
use usher::wakeups::Wakeups;
use usher::web::{self, Door, IntakePatience, Settings};
use usher_core::model::change::{Account, ForgeKind};
use usher_core::model::people::Roster;
use usher_core::model::policy::{ForgePolicy, Pattern, Policy, Pool, Support};

const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITLAB_KEY: [u8; 32] = [7; 32];
/// The author of the stored payloads, who is in support.
const SAM: u64 = 101;
/// A developer.
const RITA: u64 = 202;
const LIMIT: usize = 4 << 20;

/// A server without forges, its store in a temporary folder.
struct House {
    door: Arc<Door>,
    store: Store,
    shared: Arc<SharedState>,
    wakeups: Arc<Wakeups>,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl House {
    /// Both forges' rosters are known.
    async fn new() -> House {
        let account = |id, login: &str| (login.to_owned(), Account::new(id, login));
        let roster = Roster {
            fetched_at: Some(now()),
            accounts: [account(SAM, "sam"), account(RITA, "rita")].into(),
            unknown: vec!["lena".into()],
            ..Roster::default()
        };
        House::with_roster(roster).await
    }

    async fn with_roster(roster: Roster) -> House {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("usher.db").display());
        let store = Store::open(&url).await.unwrap();
        let remembered = ["github", "gitlab"].map(|forge| (forge.to_owned(), roster.clone(), now()));
        let shared = Arc::new(SharedState::new(Arc::new(policy()), remembered.into()));
        let (clock, wakeups, metrics) =
            (Clock::virtual_at(now()), Arc::new(Wakeups::default()), Metrics::new());
        let pauses = vec![Duration::from_millis(1); 2];
        let settings = Settings {
            body_limit: LIMIT,
            keep_bodies: true,
            admin_names: vec!["usher.example.com".into()],
            metrics_token: Some("for-the-scraper".into()),
            patience: IntakePatience { pauses, ..IntakePatience::default() },
        };
        let tasks = Tasks::default();
        let parts = Parts {
            store: store.clone(),
            shared: shared.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            wakeups: wakeups.clone(),
            tasks: tasks.clone(),
            dry_run: false,
        };
        let door = Door::new(parts, inbounds(), settings);
        House { door, store, shared, wakeups, metrics, tasks, clock, folder }
    }

    async fn public(&self, request: Request<Body>) -> Answer {
        Answer::of(web::public(self.door.clone()).oneshot(request).await.unwrap()).await
    }

    async fn admin(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Answer::of(web::admin(self.door.clone()).oneshot(request).await.unwrap()).await
    }

    async fn inbox_rows(&self) -> usize {
        self.store.inbox_list(100).await.unwrap().len()
    }

    /// How often an answer was counted for a forge.
    fn counted(&self, forge: &str, answer: &str) -> bool {
        self.metrics
            .text()
            .contains(&format!("usher_deliveries_total{{forge=\"{forge}\",answer=\"{answer}\"}} "))
    }
}

/// An answer, read.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    async fn of(response: Response) -> Answer {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

fn now() -> Timestamp {
    "2026-01-16T09:00:00Z".parse().unwrap()
}

fn policy() -> Policy {
    let forge = |name: &str, kind| ForgePolicy::new(name, kind, vec![Pattern::new("acme/*").unwrap()]);
    let backend = Pool {
        name: "backend".into(),
        members: vec!["rita".into()],
        leads: vec!["lena".into()],
        ..Pool::default()
    };
    Policy {
        forges: vec![forge("github", ForgeKind::GitHub), forge("gitlab", ForgeKind::GitLab)],
        support: Support { members: vec!["sam".into()], ..Support::default() },
        pools: vec![backend],
        routes: vec![usher_core::model::policy::Route { pool: "backend".into(), ..Default::default() }],
        ..Policy::default()
    }
}

fn inbounds() -> Vec<Inbound> {
    let base64 = base64::engine::general_purpose::STANDARD;
    let github = Secrets { webhook_secrets: vec![GITHUB_SECRET.into()], ..Secrets::default() };
    let token = format!("whsec_{}", base64.encode(GITLAB_KEY));
    let gitlab = Secrets { signing_tokens: vec![token.into()], ..Secrets::default() };
    vec![
        Inbound::new("github", ForgeKind::GitHub, &github, Vec::new()).unwrap(),
        Inbound::new("gitlab", ForgeKind::GitLab, &gitlab, Vec::new()).unwrap(),
    ]
}

fn hmac(key: &[u8], content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().into()
}

fn github_signature(body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac(GITHUB_SECRET.as_bytes(), body)))
}

/// A signed GitHub delivery of a `pull_request`.
fn github(id: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    github_event("pull_request", id, body)
}

fn github_event(event: &str, id: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    let body = body.into();
    Request::post("/hooks/github")
        .header("X-GitHub-Event", event)
        .header("X-GitHub-Delivery", id)
        .header("X-Hub-Signature-256", github_signature(&body))
        .body(body.into())
        .unwrap()
}

/// A signed GitLab delivery.
fn gitlab(id: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    let (body, stamp) = (body.into(), now().as_second().to_string());
    let content = [id.as_bytes(), b".", stamp.as_bytes(), b".", &body].concat();
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac(&GITLAB_KEY, &content));
    Request::post("/hooks/gitlab")
        .header("X-Gitlab-Event", "Merge Request Hook")
        .header("webhook-id", id)
        .header("webhook-timestamp", stamp)
        .header("webhook-signature", format!("v1,{signature}"))
        .body(body.into())
        .unwrap()
}

/// A stored payload.
fn payload(name: &str) -> Value {
    let path = format!("{}/tests/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Sam's pull request in `acme/shop`, opened.
fn sams() -> String {
    payload("github/pull_request.opened").to_string()
}

/// The same, written by a developer.
fn ritas() -> String {
    let mut opened = payload("github/pull_request.opened");
    opened["pull_request"]["user"] = serde_json::json!({ "id": RITA, "login": "rita", "type": "User" });
    opened.to_string()
}
