use reqwest::Method;
use serde_json::json;

use super::{TOKEN, stage};
use crate::{Access, Forge, NewChange, Verdict};

const GH: Forge = Forge::Github;
const REQUESTS: &str = "repos/acme/app/pulls/1/requested_reviewers";
const LABELS: &str = "repos/acme/app/issues/1/labels";

#[tokio::test]
async fn a_request_without_a_known_token_is_401() {
    let stage = stage().await;
    let url = format!("{}/user", stage.sandbox.github_url());
    let answer = super::answer(stage.http.get(&url)).await;
    assert_eq!((answer.status, answer.message()), (401, "Requires authentication"));
    let answer = super::answer(stage.http.get(&url).bearer_auth("wrong")).await;
    assert_eq!((answer.status, answer.message()), (401, "Bad credentials"));
    let answer = super::answer(stage.http.get(&url).header("authorization", format!("token {TOKEN}"))).await;
    assert_eq!((answer.status, answer.body["type"].as_str()), (200, Some("Bot")));
}

#[tokio::test]
async fn the_author_cannot_be_asked_and_one_bad_name_fails_all() {
    let stage = stage().await;
    let change = stage.open(GH);
    for (names, message) in [
        (["rita", "sam"], "Review cannot be requested from pull request author."),
        (["rita", "olga"], "Reviews may only be requested from collaborators."),
        (["rita", "nobody"], "Reviews may only be requested from collaborators."),
    ] {
        let answer = stage.json(GH, Method::POST, REQUESTS, json!({ "reviewers": names })).await;
        assert_eq!(answer.status, 422);
        assert!(answer.message().starts_with(message), "{}", answer.message());
        assert_eq!(stage.sandbox.snapshot(&change).unwrap().reviewer_logins(), [""; 0]);
    }
    let answer = stage.json(GH, Method::POST, REQUESTS, json!({ "reviewers": ["rita"] })).await;
    assert_eq!((answer.status, answer.body["requested_reviewers"][0]["login"].as_str()), (201, Some("rita")));
    let answer = stage.json(GH, Method::POST, REQUESTS, json!({ "reviewers": ["ravi"] })).await;
    assert_eq!(answer.body["requested_reviewers"].as_array().unwrap().len(), 2, "POST adds");
    let answer = stage.json(GH, Method::DELETE, REQUESTS, json!({ "reviewers": ["rita"] })).await;
    assert_eq!((answer.status, answer.body["requested_reviewers"][0]["login"].as_str()), (200, Some("ravi")));
}

#[tokio::test]
async fn whoever_reviews_is_no_longer_requested() {
    let stage = stage().await;
    let change = stage.open(GH);
    stage.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    stage.sandbox.review(&change, "rita", Verdict::RequestChanges, "please").unwrap();
    assert!(stage.sandbox.snapshot(&change).unwrap().reviewers.is_empty());
    let reviews = stage.get(GH, "repos/acme/app/pulls/1/reviews").await;
    assert_eq!(reviews.each("state"), ["CHANGES_REQUESTED"]);
    stage.sandbox.dismiss_review(&change, "sam", "rita").unwrap();
    let reviews = stage.get(GH, "repos/acme/app/pulls/1/reviews").await;
    assert_eq!(reviews.each("state"), ["DISMISSED"]);
    stage.sandbox.re_request_review(&change, "sam", "rita").unwrap();
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().reviewer_logins(), ["rita"]);
    let own = stage.sandbox.review(&change, "sam", Verdict::Approve, "").unwrap_err();
    assert_eq!(own.status, 422);
}

#[tokio::test]
async fn unknown_labels_are_created_and_absent_ones_are_404() {
    let stage = stage().await;
    let change = stage.open(GH);
    let answer = stage.json(GH, Method::POST, LABELS, json!({ "labels": ["Bug", "new"] })).await;
    assert_eq!((answer.status, answer.each("name")), (200, vec!["Bug".to_owned(), "new".to_owned()]));
    let answer = stage.json(GH, Method::POST, LABELS, json!(["bug"])).await;
    assert_eq!(answer.each("name"), ["Bug", "new"], "names differ in case only");
    let gone = stage.json(GH, Method::DELETE, &format!("{LABELS}/new"), json!(null)).await;
    assert_eq!((gone.status, gone.each("name")), (200, vec!["Bug".to_owned()]));
    let gone = stage.json(GH, Method::DELETE, &format!("{LABELS}/new"), json!(null)).await;
    assert_eq!((gone.status, gone.message()), (404, "Label does not exist"));
    let answer = stage.json(GH, Method::PUT, LABELS, json!({ "labels": ["a::b"] })).await;
    assert_eq!(answer.each("name"), ["a::b"], "PUT replaces");
    let again = stage.json(GH, Method::POST, "repos/acme/app/labels", json!({ "name": "bug" })).await;
    assert_eq!((again.status, again.body["errors"][0]["code"].as_str()), (422, Some("already_exists")));
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().labels, ["a::b"]);
    stage.sandbox.add_member(GH, "acme/app", "usher", Access::READ);
    let answer = stage.json(GH, Method::POST, LABELS, json!({ "labels": ["x"] })).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_comment_is_edited_with_patch_and_never_with_post() {
    let stage = stage().await;
    let change = stage.open(GH);
    let comment =
        stage.json(GH, Method::POST, "repos/acme/app/issues/1/comments", json!({ "body": "one" })).await;
    assert_eq!(comment.status, 201);
    let path = format!("repos/acme/app/issues/comments/{}", comment.body["id"]);
    assert_eq!(stage.json(GH, Method::POST, &path, json!({ "body": "two" })).await.status, 404);
    assert_eq!(stage.sandbox.snapshot(&change).unwrap().comments[0].body, "one");
    let edited = stage.json(GH, Method::PATCH, &path, json!({ "body": "two" })).await;
    assert_eq!((edited.status, edited.body["body"].as_str()), (200, Some("two")));
    let reaction = json!({ "content": "+1" });
    assert_eq!(
        stage.json(GH, Method::POST, &format!("{path}/reactions"), reaction.clone()).await.status,
        201
    );
    assert_eq!(stage.json(GH, Method::POST, &format!("{path}/reactions"), reaction).await.status, 200);
    let wrong = stage.json(GH, Method::POST, &format!("{path}/reactions"), json!({ "content": "nod" })).await;
    assert_eq!(wrong.status, 422);
    let gone = stage.json(GH, Method::DELETE, &path, json!(null)).await;
    assert_eq!(gone.status, 204);
    let empty =
        stage.json(GH, Method::POST, "repos/acme/app/issues/1/comments", json!({ "body": " " })).await;
    assert_eq!(empty.status, 422);
}

#[tokio::test]
async fn files_come_by_30_with_a_link_to_the_next_page() {
    let stage = stage().await;
    let mut new = NewChange::by("sam", "Many files");
    new.files = (0..45).map(|at| crate::ChangedFile::new(&format!("docs/{at}.md"), 2, 1)).collect();
    stage.sandbox.open_change(GH, "acme/app", new).unwrap();
    let first = stage.get(GH, "repos/acme/app/pulls/1/files").await;
    assert_eq!(first.each("filename").len(), 30);
    let next =
        first.header("link").split(", ").find(|link| link.contains("rel=\"next\"")).unwrap().to_owned();
    let url = next.trim_start_matches('<').split('>').next().unwrap();
    assert!(url.starts_with(&stage.sandbox.github_url()), "{url} is absolute");
    let second = super::answer(stage.http.get(url).bearer_auth(TOKEN)).await;
    assert_eq!(second.each("filename").len(), 15);
    assert_eq!(second.body[0]["patch"].as_str().unwrap().matches("\n+").count(), 2);
    let all = stage.get(GH, "repos/acme/app/pulls/1/files?per_page=100").await;
    assert_eq!((all.each("filename").len(), all.header("link")), (45, ""));
}

#[tokio::test]
async fn a_team_lists_its_child_teams_and_grants_access() {
    let stage = stage().await;
    stage.sandbox.add_team("acme", "support", None, &["sam"]);
    stage.sandbox.add_team("acme", "support-emea", Some("support"), &["siobhan"]);
    let members = stage.get(GH, "orgs/acme/teams/support/members").await;
    assert_eq!(members.each("login"), ["sam", "siobhan"]);
    assert_eq!(members.each("inherited"), ["false", "true"]);
    let everybody = stage.get(GH, "orgs/acme/members").await;
    assert_eq!(everybody.each("login"), ["sam", "siobhan"]);
    let permission = "repos/acme/app/collaborators/siobhan/permission";
    assert_eq!(stage.get(GH, permission).await.body["permission"], "none");
    stage.sandbox.grant_team("acme", "support", "acme/app", Access::TRIAGE);
    let answer = stage.get(GH, permission).await;
    assert_eq!((&answer.body["permission"], &answer.body["role_name"]), (&json!("read"), &json!("triage")));
    assert_eq!(stage.get(GH, "repos/acme/app/collaborators/olga").await.status, 404);
}

#[tokio::test]
async fn an_unchanged_answer_is_304() {
    let stage = stage().await;
    let change = stage.open(GH);
    let path = "repos/acme/app/pulls/1";
    let etag = stage.get(GH, path).await.header("etag").to_owned();
    let again = || stage.request(GH, Method::GET, path).header("if-none-match", etag.clone());
    assert_eq!(super::answer(again()).await.status, 304);
    stage.sandbox.push(&change, "sam").unwrap();
    assert_eq!(super::answer(again()).await.status, 200);
}

#[tokio::test]
async fn a_users_repository_belongs_to_no_organisation() {
    let stage = stage().await;
    stage.sandbox.add_member(GH, "sam/tool", "usher", Access::WRITE);
    assert_eq!(stage.get(GH, "orgs/sam/repos").await.status, 404);
    assert_eq!(stage.get(GH, "users/sam/repos").await.each("full_name"), ["sam/tool"]);
    assert_eq!(stage.get(GH, "user/repos").await.each("full_name"), ["acme/app", "sam/tool"]);
    assert_eq!(stage.get(GH, "repos/sam/tool").await.body["owner"]["type"], "User");
}

/// The typed client the product uses understands the answers.
#[tokio::test]
async fn octocrab_reads_what_the_fake_says() {
    let stage = stage().await;
    let mut new = NewChange::by("sam", "Fix");
    new.labels = vec!["bug".to_owned()];
    let change = stage.sandbox.open_change(GH, "acme/app", new).unwrap();
    stage.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    stage.sandbox.review(&change, "ravi", Verdict::Comment, "hm").unwrap();
    let builder = octocrab::Octocrab::builder().base_uri(stage.sandbox.github_url()).unwrap();
    let crab = builder.personal_token(TOKEN).build_with_reqwest(stage.http.clone()).unwrap();
    let pulls = crab.pulls("acme", "app");
    let pull = pulls.get(1).await.unwrap();
    assert_eq!(pull.requested_reviewers.unwrap()[0].login, "rita");
    assert_eq!(pulls.list().send().await.unwrap().items.len(), 1);
    assert_eq!(pulls.list_files(1).await.unwrap().items[0].filename, "src/lib.rs");
    assert_eq!(pulls.list_reviews(1).send().await.unwrap().items.len(), 1);
    let issues = crab.issues("acme", "app");
    let comment = issues.create_comment(1, "hello").await.unwrap();
    assert_eq!(comment.user.login, "usher");
    let labels = issues.add_labels(1, &["docs".to_owned()]).await.unwrap();
    assert_eq!(labels.len(), 2);
    assert!(issues.update_comment(comment.id, "edited").await.is_err(), "octocrab POSTs instead of PATCHing");
}
