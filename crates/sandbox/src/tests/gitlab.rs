use reqwest::Method;
use serde_json::json;

use super::{TOKEN, stage};
use crate::{Access, Forge, NewChange, ReviewerState, Tier, Verdict};

const GL: Forge = Forge::Gitlab;
const MR: &str = "projects/acme%2Fapp/merge_requests/1";

#[tokio::test]
async fn a_request_without_a_known_token_is_401() {
    let stage = stage().await;
    let url = format!("{}/api/v4/user", stage.sandbox.gitlab_url());
    for request in [stage.http.get(&url), stage.http.get(&url).header("PRIVATE-TOKEN", "wrong")] {
        let answer = super::answer(request).await;
        assert_eq!((answer.status, answer.message()), (401, "401 Unauthorized"));
    }
    let answer = super::answer(stage.http.get(&url).header("PRIVATE-TOKEN", TOKEN)).await;
    assert_eq!((answer.status, answer.body["username"].as_str()), (200, Some("usher")));
}

#[tokio::test]
async fn reviewer_ids_replace_the_whole_list() {
    let stage = stage().await;
    stage.open(GL);
    let (rita, ravi) = (stage.id(GL, "rita"), stage.id(GL, "ravi"));
    let answer = stage.form(Method::PUT, MR, &format!("reviewer_ids%5B%5D={rita}")).await;
    assert_eq!(answer.body["reviewers"].as_array().unwrap().len(), 1);
    let answer = stage.json(GL, Method::PUT, MR, json!({ "reviewer_ids": [ravi] })).await;
    assert_eq!(answer.body["reviewers"][0]["username"], "ravi");
    assert_eq!(answer.body["reviewers"].as_array().unwrap().len(), 1, "rita is gone, nobody warned");
    let answer = stage.form(Method::PUT, MR, "reviewer_ids=0").await;
    assert_eq!(answer.body["reviewers"], json!([]));
}

#[tokio::test]
async fn who_cannot_read_is_dropped_in_silence() {
    let stage = stage().await;
    let change = stage.open(GL);
    let (rita, olga) = (stage.id(GL, "rita"), stage.id(GL, "olga"));
    let answer = stage.json(GL, Method::PUT, MR, json!({ "reviewer_ids": [olga, rita] })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().reviewer_logins(), ["rita"]);
    // With nobody left the parameter is ignored, so the list stays.
    let answer = stage.json(GL, Method::PUT, MR, json!({ "reviewer_ids": [olga] })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().reviewer_logins(), ["rita"]);
}

#[tokio::test]
async fn the_free_tier_keeps_the_first_reviewer() {
    let stage = stage().await;
    stage.sandbox.set_gitlab_tier(Tier::Free);
    let change = stage.open(GL);
    let (rita, ravi) = (stage.id(GL, "rita"), stage.id(GL, "ravi"));
    let answer = stage.json(GL, Method::PUT, MR, json!({ "reviewer_ids": [ravi, rita] })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().reviewer_logins(), ["ravi"]);
    stage.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().reviewer_logins(), ["rita"]);
}

#[tokio::test]
async fn labels_are_created_and_scoped_ones_exclude_each_other() {
    let stage = stage().await;
    stage.open(GL);
    let answer = stage.form(Method::PUT, MR, "add_labels=bug%2Creview%3A%3Awaiting").await;
    assert_eq!(answer.body["labels"], json!(["bug", "review::waiting"]));
    let answer = stage.json(GL, Method::PUT, MR, json!({ "add_labels": "review::reviewing" })).await;
    assert_eq!(answer.body["labels"], json!(["bug", "review::reviewing"]));
    let labels = stage.get(GL, "projects/acme%2Fapp/labels").await;
    assert_eq!(labels.each("name"), ["bug", "review::waiting", "review::reviewing"]);
    let again =
        stage.json(GL, Method::POST, "projects/acme%2Fapp/labels", json!({ "name": "bug", "color": "#fff" }));
    assert_eq!(again.await.status, 409);
    stage.sandbox.set_gitlab_tier(Tier::Free);
    let answer = stage.json(GL, Method::PUT, MR, json!({ "add_labels": "review::waiting" })).await;
    assert_eq!(answer.body["labels"], json!(["bug", "review::reviewing", "review::waiting"]));
    let answer = stage.json(GL, Method::PUT, MR, json!({ "labels": "", "remove_labels": "nope" })).await;
    assert_eq!(answer.body["labels"], json!([]));
}

#[tokio::test]
async fn an_update_needs_rights_and_a_hidden_project_does_not_exist() {
    let stage = stage().await;
    stage.open(GL);
    stage.sandbox.add_member(GL, "acme/app", "usher", Access::READ);
    let answer = stage.json(GL, Method::PUT, MR, json!({ "add_labels": "bug" })).await;
    assert_eq!((answer.status, answer.message()), (403, "403 Forbidden"));
    stage.sandbox.remove_member(GL, "acme/app", "usher");
    let answer = stage.get(GL, MR).await;
    assert_eq!((answer.status, answer.message()), (404, "404 Project Not Found"));
}

#[tokio::test]
async fn notes_are_written_edited_and_found_past_system_notes() {
    let stage = stage().await;
    let change = stage.open(GL);
    stage.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    let note = stage.form(Method::POST, &format!("{MR}/notes"), "body=Hello+%26+welcome").await;
    assert_eq!((note.status, note.body["body"].as_str()), (201, Some("Hello & welcome")));
    let path = format!("{MR}/notes/{}", note.body["id"]);
    assert_eq!(stage.json(GL, Method::PUT, &path, json!({ "body": "Hi" })).await.status, 200);
    let snapshot = stage.sandbox.snapshot(&change).unwrap();
    assert_eq!(snapshot.comments.len(), 1);
    assert_eq!((snapshot.comments[0].body.as_str(), snapshot.comments[0].edits), ("Hi", 1));
    let all = stage.get(GL, &format!("{MR}/notes?sort=asc")).await;
    assert_eq!(all.each("system"), ["true", "false"]);
    let theirs = stage.sandbox.comment(&change, "sam", "mine").unwrap();
    let path = format!("{MR}/notes/{theirs}");
    assert_eq!(stage.json(GL, Method::PUT, &path, json!({ "body": "yours" })).await.status, 403);
    assert_eq!(stage.json(GL, Method::POST, &path, json!({ "body": "yours" })).await.status, 405);
    assert_eq!(stage.json(GL, Method::POST, &format!("{MR}/notes"), json!({})).await.status, 400);
}

#[tokio::test]
async fn an_emoji_is_awarded_once() {
    let stage = stage().await;
    let change = stage.open(GL);
    let note = stage.sandbox.comment(&change, "sam", "@usher help").unwrap();
    let path = format!("{MR}/notes/{note}/award_emoji");
    assert_eq!(stage.form(Method::POST, &path, "name=thumbsup").await.status, 201);
    let again = stage.form(Method::POST, &path, "name=thumbsup").await;
    assert_eq!(again.status, 404);
    assert!(again.message().contains("Award Emoji Name has already been taken"));
    let reactions = &stage.sandbox.snapshot(&change).unwrap().comments[0].reactions;
    assert_eq!(*reactions, [("usher".to_owned(), "thumbsup".to_owned())]);
}

#[tokio::test]
async fn lists_are_paged_filtered_and_scoped() {
    let stage = stage().await;
    for number in 1..=5 {
        stage.pass_seconds(60);
        let title = format!("Fix {number}");
        stage.sandbox.open_change(GL, "acme/app", NewChange::by("sam", &title)).unwrap();
    }
    let first = stage.get(GL, "projects/acme%2Fapp/merge_requests?per_page=2&state=opened").await;
    assert_eq!(first.each("iid"), ["5", "4"], "newest first");
    assert_eq!((first.header("x-next-page"), first.header("x-total")), ("2", "5"));
    let next = first.header("link").split(", ").find(|link| link.contains("next")).unwrap().to_owned();
    let url = next.trim_start_matches('<').split('>').next().unwrap();
    assert!(url.starts_with(&format!("{}/api/v4/projects/acme%2Fapp/", stage.sandbox.gitlab_url())), "{url}");
    let second = super::answer(stage.http.get(url).bearer_auth(TOKEN)).await;
    assert_eq!(second.each("iid"), ["3", "2"]);
    assert_eq!(stage.get(GL, "merge_requests").await.body, json!([]), "the bot created none");
    assert_eq!(stage.get(GL, "merge_requests?scope=all").await.each("iid").len(), 5);
    let after =
        "projects/acme%2Fapp/merge_requests?updated_after=2026-11-23T09:04:00Z&order_by=updated_at&sort=asc";
    assert_eq!(stage.get(GL, after).await.each("iid"), ["4", "5"]);
    let by = format!("projects/acme%2Fapp/merge_requests?author_id={}", stage.id(GL, "rita"));
    assert_eq!(stage.get(GL, &by).await.body, json!([]));
}

#[tokio::test]
async fn group_members_are_direct_and_subgroups_inherit() {
    let stage = stage().await;
    stage.sandbox.add_group_member("acme", "lena", Access::ADMIN);
    stage.sandbox.add_group_member("acme/support", "sam", Access::WRITE);
    let direct = stage.get(GL, "groups/acme%2Fsupport/members").await;
    assert_eq!(direct.each("username"), ["sam"]);
    let all = stage.get(GL, "groups/acme%2Fsupport/members/all").await;
    assert_eq!(all.each("username").len(), 2);
    let lena = stage.get(GL, &format!("projects/acme%2Fapp/members/all/{}", stage.id(GL, "lena"))).await;
    assert_eq!(lena.body["access_level"], 50);
    stage.sandbox.add_member(GL, "acme/docs/site", "sam", Access::WRITE);
    stage.sandbox.add_group_member("acme", "usher", Access::WRITE);
    stage.sandbox.open_change(GL, "acme/docs/site", NewChange::by("sam", "Docs")).unwrap();
    stage.sandbox.add_member(GL, "sam/tool", "usher", Access::WRITE);
    assert_eq!(stage.get(GL, "groups/sam/merge_requests").await.status, 404, "sam is no group");
    assert_eq!(stage.get(GL, "users/sam/projects").await.each("path_with_namespace"), ["sam/tool"]);
    let changes = stage.get(GL, "groups/acme/merge_requests").await;
    assert_eq!(changes.body[0]["references"]["full"], "acme/docs/site!1", "subgroups included");
}

#[tokio::test]
async fn approvals_and_reviewer_states_follow_a_review() {
    let stage = stage().await;
    let change = stage.open(GL);
    stage.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    stage.sandbox.review(&change, "rita", Verdict::Approve, "").unwrap();
    let approvals = stage.get(GL, &format!("{MR}/approvals")).await;
    assert_eq!(approvals.body["approved_by"][0]["user"]["username"], "rita");
    stage.sandbox.review(&change, "rita", Verdict::RequestChanges, "no").unwrap();
    let snapshot = stage.sandbox.snapshot(&change).unwrap();
    assert!(snapshot.approved_by.is_empty(), "asking for changes takes the approval back");
    assert_eq!(snapshot.reviewers, [("rita".to_owned(), ReviewerState::RequestedChanges)]);
    let reviewers = stage.get(GL, &format!("{MR}/reviewers")).await;
    assert_eq!(reviewers.each("state"), ["requested_changes"]);
    stage.sandbox.re_request_review(&change, "sam", "rita").unwrap();
    let snapshot = stage.sandbox.snapshot(&change).unwrap();
    assert_eq!(snapshot.reviewers, [("rita".to_owned(), ReviewerState::Unreviewed)]);
    assert_eq!(stage.sandbox.review(&change, "sam", Verdict::Approve, "").unwrap_err().status, 401);
}

/// The client crate the product uses is understood, form bodies and path prefix included.
#[tokio::test]
async fn the_gitlab_crate_is_understood() {
    use gitlab::api::projects::merge_requests::{EditMergeRequest, MergeRequests};
    use gitlab::api::{AsyncQuery, Pagination, paged};

    let stage = stage().await;
    let change = stage.open(GL);
    let host = stage.sandbox.gitlab_url().replace("http://", "");
    let client = gitlab::GitlabBuilder::new(host, TOKEN).insecure().build_async().await.unwrap();
    let mut edit = EditMergeRequest::builder();
    edit.project("acme/app").merge_request(1).reviewer(stage.id(GL, "rita")).add_label("a b");
    let edited: serde_json::Value = edit.build().unwrap().query_async(&client).await.unwrap();
    assert_eq!(edited["reviewers"][0]["username"], "rita");
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().labels, ["a b"]);
    let unset = EditMergeRequest::builder().project("acme/app").merge_request(1).without_reviewer().build();
    let edited: serde_json::Value = unset.unwrap().query_async(&client).await.unwrap();
    assert_eq!(edited["reviewers"], json!([]));
    let list = MergeRequests::builder().project("acme/app").build().unwrap();
    let all: Vec<serde_json::Value> = paged(list, Pagination::All).query_async(&client).await.unwrap();
    assert_eq!(all.len(), 1);
}
