use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::stage;
use crate::{Fault, Forge};

const COMMENTS: &str = "repos/acme/app/issues/1/comments";
const GH: Forge = Forge::Github;

#[tokio::test]
async fn a_planned_status_is_answered_and_nothing_is_done() {
    let stage = stage().await;
    let change = stage.open(GH);
    stage.sandbox.fail_next(GH, "POST", "/comments", Fault::retry_after(429, 7), 1);
    assert_eq!(stage.get(GH, COMMENTS).await.status, 200, "another method");
    let refused = stage.json(GH, Method::POST, COMMENTS, json!({ "body": "hi" })).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "7"));
    assert!(stage.sandbox.snapshot(&change).unwrap().comments.is_empty());
    assert_eq!(stage.json(GH, Method::POST, COMMENTS, json!({ "body": "hi" })).await.status, 201);
}

#[tokio::test]
async fn a_connection_drops_before_or_after_the_deed() {
    let stage = stage().await;
    let change = stage.open(GH);
    let comment = || stage.request(GH, Method::POST, COMMENTS).json(&json!({ "body": "hi" })).send();
    let count = || stage.sandbox.snapshot(&change).unwrap().comments.len();
    stage.sandbox.fail_next(GH, "*", "comments", Fault::DropConnectionBeforeApplying, 1);
    stage.sandbox.fail_next(GH, "*", "comments", Fault::DropConnectionAfterApplying, 1);
    assert!(comment().await.is_err());
    assert_eq!(count(), 0);
    assert!(comment().await.is_err());
    assert_eq!(count(), 1, "done, but the client cannot know");
    let seen = stage.sandbox.requests();
    assert_eq!(seen.iter().map(|request| request.status).collect::<Vec<_>>(), [None, None]);
    assert_eq!((stage.sandbox.reads(), stage.sandbox.writes()), (0, 2));
    assert_eq!(seen[0].user.as_deref(), Some("usher"));
}

#[tokio::test]
async fn a_delayed_answer_waits_for_the_clock() {
    let stage = stage().await;
    stage.sandbox.fail_next(Forge::Gitlab, "GET", "/version", Fault::Delay(Duration::from_secs(30)), 1);
    let request = stage.request(Forge::Gitlab, Method::GET, "version");
    let asked = tokio::spawn(super::answer(request));
    // The request has arrived once the fault is used up.
    while stage.sandbox.forges().plan.faults_left() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!asked.is_finished());
    // Moved until the answer is there: the request may read the clock after the first move.
    while !asked.is_finished() {
        stage.pass_seconds(30);
        tokio::task::yield_now().await;
    }
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_forge_goes_away_and_comes_back_with_its_state() {
    let stage = stage().await;
    stage.open(Forge::Gitlab);
    let path = "projects/acme%2Fapp/merge_requests";
    assert_eq!(stage.get(Forge::Gitlab, path).await.status, 200);
    stage.sandbox.stop_listening(Forge::Gitlab).await;
    assert!(stage.request(Forge::Gitlab, Method::GET, path).send().await.is_err());
    assert_eq!(stage.get(GH, "user").await.status, 200, "the other forge is up");
    stage.sandbox.resume(Forge::Gitlab).await.unwrap();
    assert_eq!(stage.get(Forge::Gitlab, path).await.each("iid"), ["1"]);
}

#[tokio::test]
async fn an_enforced_budget_refuses_until_the_window_ends() {
    let stage = stage().await;
    stage.sandbox.limit_requests(GH, 2);
    assert_eq!(stage.get(GH, "user").await.header("x-ratelimit-remaining"), "1");
    assert_eq!(stage.get(GH, "user").await.header("x-ratelimit-remaining"), "0");
    let refused = stage.get(GH, "user").await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, "0"));
    let reset: i64 = refused.header("x-ratelimit-reset").parse().unwrap();
    stage.pass_seconds(reset - stage.now().as_second());
    assert_eq!(stage.get(GH, "user").await.status, 200);
}
