//! The forges without a network: requests are handed over, webhooks are taken out.

use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::TOKEN;
use crate::{
    Access, Body, ChangeRef, Clock, ConnectionDropped, Fault, Forge, HookTarget, ManualClock, NewChange,
    NewHook, Sandbox,
};

const BOTH: [Forge; 2] = [Forge::Gitlab, Forge::Github];

/// `sam` writes, and the bot `usher` asks.
fn company() -> (Sandbox, ManualClock) {
    let clock = ManualClock::at("2026-11-23T09:00:00Z".parse().unwrap());
    let sandbox = Sandbox::in_process(clock.clone());
    for forge in BOTH {
        for login in ["sam", "usher"] {
            sandbox.add_member(forge, "acme/app", login, Access::WRITE);
        }
        sandbox.add_token(forge, TOKEN, "usher");
        let hook = NewHook::to("https://bot.example/hooks").with_secret("hush");
        sandbox.add_hook(forge, HookTarget::Project("acme/app".to_owned()), hook);
    }
    sandbox.take_pending();
    (sandbox, clock)
}

fn open(sandbox: &Sandbox, forge: Forge) -> ChangeRef {
    sandbox.open_change(forge, "acme/app", NewChange::by("sam", "Fix the typo")).unwrap()
}

/// Where comments on the first change are.
fn comments(forge: Forge) -> &'static str {
    match forge {
        Forge::Gitlab => "/gl/api/v4/projects/acme%2Fapp/merge_requests/1/notes",
        Forge::Github => "/api/v3/repos/acme/app/issues/1/comments",
    }
}

async fn say(sandbox: &Sandbox, forge: Forge, body: &Value) -> Result<Response<Body>, ConnectionDropped> {
    let request = Request::builder().method(Method::POST).uri(comments(forge));
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    sandbox.service(forge).oneshot(request.body(body.to_string()).unwrap()).await
}

#[tokio::test]
async fn a_forge_answers_and_tells_without_a_socket() {
    for forge in BOTH {
        let (sandbox, clock) = company();
        let change = open(&sandbox, forge);
        sandbox.take_pending();
        clock.move_to(clock.now() + Duration::from_secs(60));
        let response = say(&sandbox, forge, &json!({ "body": "hello" })).await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["date"], "Mon, 23 Nov 2026 09:01:00 GMT");
        let answer = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["body"], "hello");
        assert_eq!(sandbox.snapshot(&change).unwrap().comments_by("usher").len(), 1);
        let [webhook] = sandbox.take_pending().try_into().unwrap();
        assert_eq!((webhook.forge, webhook.url.as_str()), (forge, "https://bot.example/hooks"));
        assert_eq!(sandbox.requests().last().unwrap().path, comments(forge));
    }
}

#[tokio::test]
async fn a_dropped_connection_is_an_error() {
    let (sandbox, _) = company();
    let change = open(&sandbox, Forge::Github);
    sandbox.fail_next(Forge::Github, "POST", "/comments", Fault::DropConnectionAfterApplying, 1);
    assert!(say(&sandbox, Forge::Github, &json!({ "body": "hello" })).await.is_err());
    assert_eq!(sandbox.snapshot(&change).unwrap().comments.len(), 1, "done, but the client cannot know");
}

#[tokio::test]
async fn who_sends_by_other_means_tells_the_forge_how_it_ended() {
    let (sandbox, _) = company();
    let change = open(&sandbox, Forge::Gitlab);
    let hook = sandbox.hooks_at(Forge::Gitlab, &HookTarget::Project("acme/app".to_owned()))[0];
    for _ in 0..3 {
        sandbox.push(&change, "sam").unwrap();
    }
    for webhook in sandbox.take_pending() {
        assert_eq!(sandbox.hook_status(hook), Some("executable"));
        sandbox.settle(&webhook, Some(500));
    }
    assert_eq!(sandbox.hook_status(hook), Some("temporarily_disabled"));
}
