//! The forges' rules, tried over the wire.

mod faults;
mod github;
mod gitlab;
mod graphql;
mod in_process;
mod webhooks;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::{Access, ChangeRef, Clock, Forge, ManualClock, NewChange, Sandbox, Verdict};

const TOKEN: &str = "bot-token";

/// A small company on both forges: `sam` writes, `rita` and `ravi` review, `olga` is an outsider, and
/// `usher` is the bot.
struct Stage {
    sandbox: Sandbox,
    clock: ManualClock,
    http: reqwest::Client,
}

/// An answer, taken apart.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// One member of every element of the list.
    fn each(&self, member: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.body.as_array().unwrap().iter().map(|item| text(&item[member])).collect()
    }
}

async fn stage() -> Stage {
    let clock = ManualClock::at("2026-11-23T09:00:00Z".parse().unwrap());
    let sandbox = Sandbox::start(clock.clone()).await.unwrap();
    for forge in [Forge::Gitlab, Forge::Github] {
        for login in ["sam", "rita", "ravi"] {
            sandbox.add_user(forge, login, login);
            sandbox.add_member(forge, "acme/app", login, Access::WRITE);
        }
        sandbox.add_user(forge, "olga", "Olga Outsider");
        sandbox.add_bot(forge, "usher", "Usher");
        sandbox.add_token(forge, TOKEN, "usher");
        sandbox.add_member(forge, "acme/app", "usher", Access::MAINTAIN);
    }
    Stage { sandbox, clock, http: reqwest::Client::builder().no_proxy().build().unwrap() }
}

impl Stage {
    fn open(&self, forge: Forge) -> ChangeRef {
        self.sandbox.open_change(forge, "acme/app", NewChange::by("sam", "Fix the typo")).unwrap()
    }

    fn id(&self, forge: Forge, login: &str) -> u64 {
        self.sandbox.add_user(forge, login, login)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass_seconds(&self, seconds: i64) {
        self.clock.move_to(self.now() + jiff::SignedDuration::from_secs(seconds));
    }

    /// A request as the bot, to a path below the API.
    fn request(&self, forge: Forge, method: Method, path: &str) -> RequestBuilder {
        let url = match forge {
            Forge::Gitlab => format!("{}/api/v4/{path}", self.sandbox.gitlab_url()),
            Forge::Github => format!("{}/{path}", self.sandbox.github_url()),
        };
        self.http.request(method, url).bearer_auth(TOKEN)
    }

    async fn get(&self, forge: Forge, path: &str) -> Answer {
        answer(self.request(forge, Method::GET, path)).await
    }

    async fn json(&self, forge: Forge, method: Method, path: &str, body: Value) -> Answer {
        answer(self.request(forge, method, path).json(&body)).await
    }

    /// A form, as the `gitlab` crate sends.
    async fn form(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = self.request(Forge::Gitlab, method, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        answer(request.body(body.to_owned())).await
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

/// What a receiver of webhooks was sent.
#[derive(Clone, Debug)]
struct Received {
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver of webhooks with an answer to choose.
#[derive(Clone)]
struct Receiver {
    url: String,
    seen: Arc<Mutex<Vec<Received>>>,
    status: Arc<Mutex<StatusCode>>,
}

impl Receiver {
    async fn start() -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            url: format!("http://{}/hooks/forge", listener.local_addr().unwrap()),
            seen: Arc::default(),
            status: Arc::new(Mutex::new(StatusCode::ACCEPTED)),
        };
        let router = Router::new().route("/hooks/forge", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn answers(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    /// What was received since the last call.
    fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn take(Shared(receiver): Shared<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.seen.lock().unwrap().push(Received { headers, body });
    *receiver.status.lock().unwrap()
}

/// Both forges of one sandbox never share a delivery id or user id, and neither do two sandboxes.
#[tokio::test]
async fn ids_are_not_shared() {
    let (one, two) = (stage().await, stage().await);
    assert_ne!(one.id(Forge::Gitlab, "sam"), one.id(Forge::Github, "sam"));
    let uuid = |stage: &Stage| stage.sandbox.forges().state.ids.uuid();
    assert_ne!(uuid(&one), uuid(&two));
    let uuid = uuid(&one);
    assert_eq!((uuid.len(), uuid.matches('-').count()), (36, 4), "{uuid} looks like a UUID");
}

#[tokio::test]
async fn two_acts_in_one_instant_keep_their_order() {
    let stage = stage().await;
    let change = stage.open(Forge::Gitlab);
    let updated = async || {
        let answer = stage.get(Forge::Gitlab, "projects/acme%2Fapp/merge_requests/1").await;
        answer.body["updated_at"].as_str().unwrap().parse::<Timestamp>().unwrap()
    };
    let opened = updated().await;
    stage.sandbox.push(&change, "sam").unwrap();
    let pushed = updated().await;
    stage.sandbox.comment(&change, "sam", "done").unwrap();
    assert!(opened < pushed && pushed < updated().await);
}

#[tokio::test]
async fn the_log_tells_who_did_what_to_which_change() {
    let stage = stage().await;
    let change = stage.open(Forge::Github);
    let known = stage.sandbox.log_since(0).len();
    stage.pass_seconds(60);
    let body = serde_json::json!({ "body": "<!-- usher:status -->\nHello **Rita**" });
    stage.json(Forge::Github, Method::POST, "repos/acme/app/issues/1/comments", body).await;
    stage.sandbox.review(&change, "rita", Verdict::Approve, "").unwrap();
    let told: Vec<String> = stage
        .sandbox
        .log_since(known)
        .iter()
        .map(|entry| {
            let who = if entry.by_bot { "bot" } else { "human" };
            format!("{} {} ({who}) {}: {}", entry.at, entry.actor, entry.change, entry.what)
        })
        .collect();
    assert_eq!(
        told,
        [
            "2026-11-23T09:01:00Z usher (bot) acme/app#1: commented: Hello **Rita**",
            "2026-11-23T09:01:00Z rita (human) acme/app#1: approved",
        ]
    );
}
