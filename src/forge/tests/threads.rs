//! Threads as each forge tells of them.

use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method};
use wiremock::{Mock, ResponseTemplate};

use super::script::{Script, account, change};
use crate::forge::{ForgeFault, Hint};
use usher_core::model::action::Write;
use usher_core::model::fact::Fact;
use usher_core::model::threads::{Resolved, Thread};

const EARLY: &str = "2026-03-01T08:01:00Z";
const LATE: &str = "2026-03-01T09:30:00Z";

async fn read(script: &Script) -> Result<Vec<Fact>, ForgeFault> {
    let read = script.client.perform(&change(), &Write::ReadThreads, Hint::default()).await;
    read.map(|performed| performed.facts)
}

fn thread(opener: u64, opened_at: &str, resolved: Option<(Option<u64>, Option<&str>)>) -> Thread {
    let at = |text: &str| text.parse().unwrap();
    let resolved = resolved.map(|(by, when)| Resolved { by: by.map(account), at: when.map(at) });
    Thread { opener: account(opener), opened_at: at(opened_at), resolved }
}

#[tokio::test]
async fn gitlab_lists_them_among_its_discussions() {
    let script = Script::gitlab(&[]).await;
    let user = |id: u64| json!({"id": id, "username": format!("u{id}")});
    let note = |id: u64, resolved: Value, at: Value| {
        json!({"author": user(3), "created_at": EARLY, "resolvable": true, "resolved": !resolved.is_null(),
            "resolved_by": resolved, "resolved_at": at, "id": id})
    };
    let discussions = json!([
        {"notes": [{"author": user(4), "created_at": EARLY, "resolvable": false}]},
        {"notes": [note(1, user(7), json!(EARLY)), note(2, user(8), json!(LATE))]},
        {"notes": [note(3, user(7), json!(EARLY)), note(4, json!(null), json!(null))]},
        {"notes": [note(5, user(7), json!(null))]},
        {"notes": []}
    ]);
    script.on("GET", "/projects/acme%2Fshop/merge_requests/7/discussions", 200, discussions).await;
    let threads = vec![
        thread(3, EARLY, Some((Some(8), Some(LATE)))),
        thread(3, EARLY, None),
        thread(3, EARLY, Some((Some(7), None))),
    ];
    assert_eq!(read(&script).await.unwrap(), [Fact::Threads { threads }]);
}

/// Answers the page after `cursor`.
async fn page(script: &Script, cursor: Value, nodes: Value, next: Option<&str>) {
    let page = json!({"hasNextPage": next.is_some(), "endCursor": next});
    let threads = json!({"pageInfo": page, "nodes": nodes});
    let answer = json!({"data": {"repository": {"pullRequest": {"reviewThreads": threads}}}});
    let after = json!({"variables": {"owner": "acme", "name": "shop", "number": 7, "after": cursor}});
    let mock = Mock::given(method("POST")).and(body_partial_json(after));
    mock.respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&script.server).await;
}

#[tokio::test]
async fn github_tells_by_graphql_page_by_page() {
    let script = Script::github(&[]).await;
    let person = |id: u64| json!({"databaseId": id, "login": format!("u{id}")});
    let node = |author: Value, resolved: Value, review: Value| {
        json!({"isResolved": !resolved.is_null(), "resolvedBy": resolved, "comments": {"nodes": [
            {"author": author, "createdAt": EARLY, "pullRequestReview": review}
        ]}})
    };
    let submitted = json!({"submittedAt": LATE});
    // A bot is no user, and an account may be gone.
    let first = json!([
        node(person(3), person(7), submitted.clone()),
        null,
        node(json!({}), json!(null), submitted.clone()),
        node(json!(null), json!(null), submitted.clone())
    ]);
    page(&script, json!(null), first, Some("next")).await;
    page(&script, json!("next"), json!([node(person(4), json!(null), json!(null))]), None).await;
    let threads = vec![thread(3, LATE, Some((Some(7), None))), thread(4, EARLY, None)];
    assert_eq!(read(&script).await.unwrap(), [Fact::Threads { threads }]);
}

#[tokio::test]
async fn a_change_that_github_hides_is_gone() {
    let script = Script::github(&[]).await;
    let answer = json!({"data": {"repository": null}, "errors": [{"type": "NOT_FOUND", "message": "no"}]});
    let mock = Mock::given(method("POST"));
    mock.respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&script.server).await;
    assert!(matches!(read(&script).await, Err(ForgeFault::Gone)));
}
