use axum::http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Receiver, Stage, stage};
use crate::webhooks::{github_sha256, gitlab_signature};
use crate::{Access, Forge, HookTarget, NewHook, Tier, Verdict};

const SIGNING_TOKEN: &str = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=";
const MR: &str = "projects/acme%2Fapp/merge_requests/1";

fn project() -> HookTarget {
    HookTarget::Project("acme/app".to_owned())
}

async fn hooked(forge: Forge) -> (Stage, Receiver, u64) {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let hook = NewHook::to(&receiver.url).with_secret("s3cret");
    let hook = if forge == Forge::Gitlab { hook.with_signing_token(SIGNING_TOKEN) } else { hook };
    let hook = stage.sandbox.add_hook(forge, project(), hook);
    stage.sandbox.deliver_pending().await;
    receiver.take();
    (stage, receiver, hook)
}

/// Delivers and returns the bodies.
async fn bodies(stage: &Stage, receiver: &Receiver) -> Vec<Value> {
    stage.sandbox.deliver_pending().await;
    receiver.take().iter().map(super::Received::json).collect()
}

fn actions(bodies: &[Value]) -> Vec<&str> {
    bodies
        .iter()
        .map(|body| body["action"].as_str().or(body["object_attributes"]["action"].as_str()).unwrap())
        .collect()
}

#[tokio::test]
async fn gitlab_signs_what_it_sends() {
    let (stage, receiver, _) = hooked(Forge::Gitlab).await;
    stage.open(Forge::Gitlab);
    stage.pass_seconds(3_600);
    let outcomes = stage.sandbox.deliver_pending().await;
    assert_eq!((outcomes.len(), outcomes[0].status), (1, Some(202)));
    let [received] = receiver.take().try_into().unwrap();
    let id = received.header("webhook-id");
    assert_eq!(id, outcomes[0].delivery_id);
    assert_eq!(received.header("idempotency-key"), id);
    assert_eq!(received.header("x-gitlab-event"), "Merge Request Hook");
    assert_eq!(received.header("x-gitlab-token"), "s3cret");
    assert_eq!(received.header("x-gitlab-instance"), stage.sandbox.gitlab_url());
    let sent_at: i64 = received.header("webhook-timestamp").parse().unwrap();
    assert_eq!(sent_at, stage.now().as_second(), "signed when sent, not when it happened");
    let signature = gitlab_signature(SIGNING_TOKEN, id, sent_at, &received.body);
    assert_eq!(Some(received.header("webhook-signature").to_owned()), signature);
    let body = received.json();
    assert_eq!(body["object_attributes"]["author_id"], stage.id(Forge::Gitlab, "sam"));
    assert_eq!(body["object_attributes"]["updated_at"], "2026-11-23 09:00:00 UTC");
}

#[tokio::test]
async fn gitlab_lists_how_deliveries_went() {
    let (stage, receiver, hook) = hooked(Forge::Gitlab).await;
    stage.open(Forge::Gitlab);
    receiver.answers(StatusCode::UNAUTHORIZED);
    stage.sandbox.deliver_pending().await;
    let events = format!("projects/acme%2Fapp/hooks/{hook}/events");
    let listed = stage.get(Forge::Gitlab, &events).await;
    assert_eq!(
        (listed.each("response_status"), listed.each("trigger")),
        (vec!["401".into()], vec!["merge_request_hooks".into()])
    );
    assert_eq!(listed.body[0]["request_headers"]["X-Gitlab-Token"], "[REDACTED]");
    assert_eq!(stage.get(Forge::Gitlab, &format!("{events}?status=successful,500")).await.body, json!([]));
    assert_eq!(stage.get(Forge::Gitlab, &format!("{events}?per_page=21")).await.status, 400);
    stage.sandbox.add_member(Forge::Gitlab, "acme/app", "usher", Access::WRITE);
    assert_eq!(stage.get(Forge::Gitlab, &events).await.status, 403);
}

#[tokio::test]
async fn github_signs_what_it_sends_and_pings_first() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    stage.sandbox.add_hook(Forge::Github, project(), NewHook::to(&receiver.url).with_secret("s3cret"));
    stage.open(Forge::Github);
    stage.sandbox.deliver_pending().await;
    let [ping, opened] = receiver.take().try_into().unwrap();
    assert_eq!((ping.header("x-github-event"), opened.header("x-github-event")), ("ping", "pull_request"));
    let signature = github_sha256("s3cret", &opened.body);
    assert_eq!(Some(opened.header("x-hub-signature-256").to_owned()), signature);
    let read = octocrab::models::webhook_events::WebhookEvent::try_from_header_and_body("ping", &ping.body);
    assert!(read.is_ok(), "octocrab reads the ping: {:?}", read.err());
    assert_ne!(ping.header("x-github-delivery"), opened.header("x-github-delivery"));
    let body = opened.json();
    assert_eq!((&body["action"], &body["pull_request"]["user"]["login"]), (&json!("opened"), &json!("sam")));
}

#[tokio::test]
async fn a_bots_edit_is_one_gitlab_update_with_what_changed() {
    let (stage, receiver, _) = hooked(Forge::Gitlab).await;
    stage.open(Forge::Gitlab);
    bodies(&stage, &receiver).await;
    let edit = json!({ "reviewer_ids": [stage.id(Forge::Gitlab, "rita")], "add_labels": "bug" });
    stage.json(Forge::Gitlab, Method::PUT, MR, edit.clone()).await;
    let [update] = bodies(&stage, &receiver).await.try_into().unwrap();
    assert_eq!(update["object_attributes"]["action"], "update");
    assert_eq!(update["user"]["username"], "usher");
    assert_eq!(update["changes"]["labels"]["current"][0]["title"], "bug");
    assert_eq!(update["changes"]["reviewers"]["previous"], json!([]));
    assert_eq!(update["changes"]["reviewers"]["current"][0]["username"], "rita");
    stage.json(Forge::Gitlab, Method::PUT, MR, edit).await;
    assert_eq!(stage.sandbox.pending(), 0, "nothing changed, nothing sent");
    stage.json(Forge::Gitlab, Method::POST, &format!("{MR}/notes"), json!({ "body": "hi" })).await;
    let [note] = bodies(&stage, &receiver).await.try_into().unwrap();
    assert_eq!((&note["object_kind"], &note["merge_request"]["iid"]), (&json!("note"), &json!(1)));
}

#[tokio::test]
async fn gitlab_tells_a_life_in_its_own_words() {
    let (stage, receiver, _) = hooked(Forge::Gitlab).await;
    let change = stage.open(Forge::Gitlab);
    let sandbox = &stage.sandbox;
    sandbox.set_approval_rules("acme/app", 2, true);
    sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    sandbox.review(&change, "rita", Verdict::Approve, "").unwrap();
    sandbox.review(&change, "ravi", Verdict::Approve, "fine").unwrap();
    sandbox.push(&change, "sam").unwrap();
    sandbox.mark_draft(&change, "sam").unwrap();
    sandbox.mark_ready(&change, "sam").unwrap();
    sandbox.close(&change, "sam").unwrap();
    sandbox.reopen(&change, "sam").unwrap();
    sandbox.merge(&change, "ravi").unwrap();
    let sent = bodies(&stage, &receiver).await;
    assert_eq!(
        actions(&sent),
        [
            "open",
            "update",
            "approval",
            "create",
            "approved",
            "update",
            "unapproved",
            "update",
            "update",
            "close",
            "reopen",
            "merge"
        ]
    );
    let push = &sent[5]["object_attributes"];
    assert_eq!(push["oldrev"].as_str().unwrap().len(), 40);
    assert_ne!(push["oldrev"], push["last_commit"]["id"]);
    assert_eq!(sent[6]["object_attributes"]["system_action"], "approvals_reset_on_push");
    assert_eq!(sent[7]["changes"]["draft"], json!({ "previous": false, "current": true }));
    assert_eq!(sent[7]["object_attributes"]["title"], "Draft: Fix the typo");
    assert_eq!(sent[11]["object_attributes"]["state"], "merged");
}

#[tokio::test]
async fn a_re_request_comes_as_two_lists_and_a_submitted_review_only_when_announced() {
    let (stage, receiver, _) = hooked(Forge::Gitlab).await;
    let change = stage.open(Forge::Gitlab);
    stage.sandbox.request_reviewer(&change, "sam", "rita").unwrap();
    bodies(&stage, &receiver).await;
    stage.sandbox.review(&change, "rita", Verdict::RequestChanges, "").unwrap();
    assert_eq!(stage.sandbox.pending(), 0, "GitLab is silent about it");
    stage.sandbox.re_request_review(&change, "sam", "rita").unwrap();
    let [again] = bodies(&stage, &receiver).await.try_into().unwrap();
    assert_eq!(again["changes"]["reviewers"][0][0]["state"], "requested_changes");
    assert_eq!(again["changes"]["reviewers"][1][0]["re_requested"], true);
    stage.sandbox.gitlab_announces_reviews(true);
    stage.sandbox.review(&change, "rita", Verdict::RequestChanges, "").unwrap();
    let [review] = bodies(&stage, &receiver).await.try_into().unwrap();
    assert_eq!(review["changes"]["reviewers"][1][0]["state"], "requested_changes");
}

#[tokio::test]
async fn github_tells_a_life_in_its_own_words() {
    let (stage, receiver, _) = hooked(Forge::Github).await;
    let change = stage.open(Forge::Github);
    let sandbox = &stage.sandbox;
    let both = json!({ "reviewers": ["rita", "ravi"] });
    stage.json(Forge::Github, Method::POST, "repos/acme/app/pulls/1/requested_reviewers", both).await;
    let labels = json!({ "labels": ["a", "b"] });
    stage.json(Forge::Github, Method::POST, "repos/acme/app/issues/1/labels", labels).await;
    let comment = sandbox.comment(&change, "sam", "hello").unwrap();
    sandbox.edit_comment(&change, "sam", comment, "hello!").unwrap();
    sandbox.review(&change, "rita", Verdict::Approve, "").unwrap();
    sandbox.dismiss_review(&change, "ravi", "rita").unwrap();
    sandbox.push(&change, "sam").unwrap();
    sandbox.retitle(&change, "sam", "Better").unwrap();
    sandbox.mark_draft(&change, "sam").unwrap();
    sandbox.mark_ready(&change, "sam").unwrap();
    sandbox.merge(&change, "ravi").unwrap();
    stage.sandbox.deliver_pending().await;
    let received = receiver.take();
    for one in &received {
        let event = octocrab::models::webhook_events::WebhookEvent::try_from_header_and_body(
            one.header("x-github-event"),
            &one.body,
        );
        assert!(event.is_ok(), "octocrab reads {}: {:?}", one.json()["action"], event.err());
    }
    let sent: Vec<Value> = received.iter().map(super::Received::json).collect();
    assert_eq!(
        actions(&sent),
        [
            "opened",
            "review_requested",
            "review_requested",
            "labeled",
            "labeled",
            "created",
            "edited",
            "submitted",
            "dismissed",
            "synchronize",
            "edited",
            "converted_to_draft",
            "ready_for_review",
            "closed"
        ]
    );
    assert_eq!(sent[2]["requested_reviewer"]["login"], "ravi");
    assert_eq!(sent[1]["sender"]["login"], "usher");
    assert!(sent[5]["issue"]["pull_request"]["url"].is_string(), "a comment on a pull request");
    assert_eq!(sent[6]["changes"]["body"]["from"], "hello");
    assert_eq!(sent[7]["review"]["state"], "approved", "lower case in webhooks");
    assert_eq!(sent[10]["changes"]["title"]["from"], "Fix the typo");
    assert_eq!(sent[13]["pull_request"]["merged"], true);
}

#[tokio::test]
async fn nobody_is_told_without_a_hook_and_group_hooks_are_premium() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let change = stage.open(Forge::Gitlab);
    assert_eq!(stage.sandbox.pending(), 0);
    let group = HookTarget::Group("acme".to_owned());
    stage.sandbox.add_hook(Forge::Gitlab, group, NewHook::to(&receiver.url));
    stage.sandbox.add_hook(Forge::Gitlab, project(), NewHook::to(&receiver.url));
    stage.sandbox.push(&change, "sam").unwrap();
    let both = stage.sandbox.take_pending();
    assert_eq!((both.len(), &both[0].body), (2, &both[1].body));
    assert_ne!(both[0].delivery_id, both[1].delivery_id, "one event, two ids");
    stage.sandbox.set_gitlab_tier(Tier::Free);
    stage.sandbox.push(&change, "sam").unwrap();
    assert_eq!(stage.sandbox.pending(), 1);
}

#[tokio::test]
async fn deliveries_can_be_lost_doubled_reordered_and_repeated() {
    let (stage, receiver, _) = hooked(Forge::Github).await;
    let sandbox = &stage.sandbox;
    sandbox.lose_next(Forge::Github, 1);
    let change = stage.open(Forge::Github);
    sandbox.push(&change, "sam").unwrap();
    sandbox.close(&change, "sam").unwrap();
    sandbox.reverse_pending();
    sandbox.duplicate_pending();
    let outcomes = sandbox.deliver_pending().await;
    let sent: Vec<Value> = receiver.take().iter().map(super::Received::json).collect();
    assert_eq!(actions(&sent), ["closed", "closed", "synchronize", "synchronize"]);
    assert_eq!(outcomes[0].delivery_id, outcomes[1].delivery_id);
    assert!(sandbox.redeliver(&outcomes[0].delivery_id));
    assert!(!sandbox.redeliver("unknown"));
    sandbox.duplicate_pending_under_new_ids();
    let again = sandbox.take_pending();
    assert_eq!(again[0].delivery_id, outcomes[0].delivery_id);
    assert_ne!(again[1].delivery_id, outcomes[0].delivery_id);
    assert_eq!(sandbox.send(&again[1]).await, Some(202));
}

#[tokio::test]
async fn gitlab_rests_a_failing_hook_and_a_test_revives_it() {
    let (stage, receiver, hook) = hooked(Forge::Gitlab).await;
    let change = stage.open(Forge::Gitlab);
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    for _ in 0..3 {
        stage.sandbox.push(&change, "sam").unwrap();
    }
    assert_eq!(stage.sandbox.deliver_pending().await.len(), 4);
    assert_eq!(stage.sandbox.hook_status(hook), Some("temporarily_disabled"));
    stage.sandbox.push(&change, "sam").unwrap();
    assert_eq!(stage.sandbox.pending(), 0, "dropped in silence");
    let hooks = stage.get(Forge::Gitlab, "projects/acme%2Fapp/hooks").await;
    assert_eq!(hooks.each("alert_status"), ["temporarily_disabled"]);
    receiver.answers(StatusCode::OK);
    let test = format!("projects/acme%2Fapp/hooks/{hook}/test/merge_requests_events");
    assert_eq!(stage.json(Forge::Gitlab, Method::POST, &test, json!({})).await.status, 201);
    stage.sandbox.deliver_pending().await;
    assert_eq!(stage.sandbox.hook_status(hook), Some("executable"));
}

#[tokio::test]
async fn members_come_and_go_with_a_webhook() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let sandbox = &stage.sandbox;
    sandbox.add_team("acme", "support", None, &["sam"]);
    sandbox.add_hook(Forge::Github, HookTarget::Org("acme".to_owned()), NewHook::to(&receiver.url));
    sandbox.add_hook(Forge::Gitlab, HookTarget::Group("acme".to_owned()), NewHook::to(&receiver.url));
    sandbox.deliver_pending().await;
    receiver.take();
    sandbox.add_group_member("acme/support", "siobhan", Access::WRITE);
    sandbox.remove_group_member("acme/support", "siobhan");
    sandbox.join_team("acme", "support", "siobhan", "sam");
    sandbox.join_team("acme", "support", "siobhan", "sam");
    sandbox.deliver_pending().await;
    let [added, removed, joined] = receiver.take().try_into().unwrap();
    assert_eq!(added.header("x-gitlab-event"), "Member Hook");
    assert_eq!(added.json()["event_name"], "user_add_to_group");
    assert_eq!(added.json()["object_kind"], Value::Null);
    assert_eq!(removed.json()["event_name"], "user_remove_from_group");
    assert_eq!(joined.header("x-github-event"), "membership");
    assert_eq!(joined.json()["member"]["login"], "siobhan");
    let read =
        octocrab::models::webhook_events::WebhookEvent::try_from_header_and_body("membership", &joined.body);
    assert!(read.is_ok(), "{:?}", read.err());
}
