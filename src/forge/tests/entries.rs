//! One entry of a list that cannot be read hides none of the others.

use serde_json::json;

use super::script::{Script, change};
use crate::forge::{ForgeFault, Hint, Since};
use usher_core::model::action::{Comment, Write};
use usher_core::model::change::ChangeKey;

const MR: &str = "/projects/acme%2Fshop/merge_requests/7";
const PULL: &str = "/repos/acme/shop/pulls/7";

fn status() -> Write {
    Write::Comment(Comment::Status { body: "<!-- usher:status -->\nhello".into() })
}

#[tokio::test]
async fn a_list_of_changes_goes_on_after_one_that_cannot_be_read() {
    let gitlab = Script::gitlab(&["acme/shop"]).await;
    let mr = |iid: u64, updated_at: &str| json!({"iid": iid, "state": "opened", "updated_at": updated_at, "references": {"full": format!("acme/shop!{iid}")}});
    let listed =
        json!([mr(7, "2026-03-01T08:00:00Z"), mr(8, "soon"), "what?", mr(9, "2026-03-01T09:00:00Z")]);
    gitlab.on("GET", "/projects/acme%2Fshop/merge_requests", 200, listed).await;
    let github = Script::github(&["acme/shop"]).await;
    let pull =
        |number: u64, updated_at: &str| json!({"number": number, "state": "open", "updated_at": updated_at});
    let listed =
        json!([pull(7, "2026-03-01T08:00:00Z"), pull(8, "soon"), null, pull(9, "2026-03-01T09:00:00Z")]);
    github.on("GET", "/repos/acme/shop/pulls", 200, listed).await;
    for script in [gitlab, github] {
        let listing = script.client.list(&Since::default()).await.unwrap();
        let numbers: Vec<u64> = listing.changes.iter().map(|(key, _)| key.number).collect();
        assert_eq!((numbers, listing.unread, listing.truncated), (vec![7, 9], 2, false));
        assert!(!listing.is_complete(), "8 is not gone");
        assert_eq!(script.client.health().unread_entries, 2);
    }
}

#[tokio::test]
async fn an_app_signs_in_where_it_is_installed_beside_one_that_cannot_be_read() {
    let github = Script::github(&[]).await;
    let app = github.as_app(&["acme/shop", "beta/site"]);
    let installed = |id: u64, owner: &str| json!({"id": id, "account": {"login": owner}});
    // An enterprise has no login, and no repositories (OpenAPI: `account` is a simple user or an enterprise).
    let enterprise = json!({"id": 5, "account": {"id": 1, "slug": "acme-inc", "name": "Acme"}});
    let strange = json!({"id": 8, "account": {"login": "beta"}, "suspended_at": "soon"});
    let listed = json!([enterprise, strange, "what?", installed(7, "Acme")]);
    github.on("GET", "/app/installations", 200, listed).await;
    let token = json!({"token": "t", "expires_at": "2026-03-02T10:00:00Z"});
    github.on("POST", "/app/installations/7/access_tokens", 200, token).await;
    let pull = json!({"number": 7, "updated_at": "2026-03-01T08:00:00Z", "requested_reviewers": []});
    github.on("GET", PULL, 200, pull).await;
    github.on("GET", &format!("{PULL}/reviews"), 200, json!([])).await;
    app.observe(&change()).await.unwrap();
    assert_eq!(app.health().unread_entries, 2, "an enterprise is no fault");
    let elsewhere = ChangeKey { project: "beta/site".into(), ..change() };
    let fault = app.observe(&elsewhere).await.unwrap_err().to_string();
    assert!(
        fault.contains("at `beta`") && fault.contains("one of 2 of the list that cannot be read"),
        "{fault}"
    );
}

#[tokio::test]
async fn one_page_of_installations_is_as_long_as_what_the_forge_sent() {
    let github = Script::github(&[]).await;
    let app = github.as_app(&["acme/shop"]);
    let broken = json!({"id": "one", "account": {"login": "broken"}});
    let first: Vec<_> = (0..100).map(|_| broken.clone()).collect();
    github.on("GET", "/app/installations?page=1", 200, first.into()).await;
    let second = json!([{"id": 7, "account": {"login": "acme"}}]);
    github.on("GET", "/app/installations?page=2", 200, second).await;
    let token = json!({"token": "t", "expires_at": "2026-03-02T10:00:00Z"});
    github.on("POST", "/app/installations/7/access_tokens", 200, token).await;
    let pull = json!({"number": 7, "updated_at": "2026-03-01T08:00:00Z", "requested_reviewers": []});
    github.on("GET", PULL, 200, pull).await;
    github.on("GET", &format!("{PULL}/reviews"), 200, json!([])).await;
    app.observe(&change()).await.unwrap();
    assert_eq!(app.health().unread_entries, 100);
}

#[tokio::test]
async fn reviewers_that_cannot_all_be_read_are_no_complete_list() {
    let gitlab = Script::gitlab(&[]).await;
    gitlab.on("GET", MR, 200, json!({"iid": 7, "updated_at": "2026-03-01T08:00:00Z"})).await;
    let reviewers = json!([{"user": {"id": 3, "username": "u3"}, "state": "unreviewed"}, {"user": null}]);
    gitlab.on("GET", &format!("{MR}/reviewers"), 200, reviewers).await;
    let github = Script::github(&[]).await;
    let pull = json!({"number": 7, "updated_at": "2026-03-01T08:00:00Z", "requested_reviewers": [{"id": 3, "login": "u3"}, {"id": "4"}]});
    github.on("GET", PULL, 200, pull).await;
    github.on("GET", &format!("{PULL}/reviews"), 200, json!([])).await;
    for script in [gitlab, github] {
        let seen = script.client.observe(&change()).await.unwrap().reviewers.unwrap();
        let ids: Vec<u64> = seen.list.iter().map(|seen| seen.account.id).collect();
        assert_eq!((ids, seen.complete), (vec![3], false));
        assert_eq!(script.client.health().unread_entries, 1);
    }
}

#[tokio::test]
async fn a_comment_that_may_be_ours_and_cannot_be_read_is_not_written_again() {
    let gitlab = Script::gitlab(&[]).await;
    gitlab.on("GET", "/user", 200, json!({"id": 99, "username": "usher"})).await;
    gitlab.on("GET", &format!("{MR}/notes"), 200, json!([{"id": "5"}])).await;
    let github = Script::github(&[]).await;
    github.on("GET", "/user", 200, json!({"id": 99, "login": "usher"})).await;
    github.on("GET", "/repos/acme/shop/issues/7/comments", 200, json!([{"id": "5"}])).await;
    for script in [gitlab, github] {
        let hint = Hint { look_up: true, ..Hint::default() };
        let fault = script.client.perform(&change(), &status(), hint).await.unwrap_err();
        assert!(matches!(fault, ForgeFault::Retry { outcome_unknown: false, .. }), "{fault}");
        assert!(script.requests().await.iter().all(|line| line.starts_with("GET")), "nothing is written");
    }
}
