//! Tickets from descriptions, the queue they make, and the announcement of a merge: with the real
//! clients and the real store.

use http::HeaderMap;
use jiff::SignedDuration;
use usher::forge::{Inbound, Secrets};
use usher_core::model::change::ForgeKind;
use usher_core::model::review::{Review, Stage};
use usher_sandbox::{ChangeRef, Forge, NewChange, Verdict};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::harness::{BOTH, House, SECRETS, Settings};

const SYSTEMS: &str = r#"
[[tickets.system]]
name = "zendesk"
kind = "zendesk"
[[tickets.system]]
name = "jira"
kind = "jira"
projects = ["SUP"]
"#;

fn described(author: &str, title: &str, description: &str) -> NewChange {
    NewChange { description: description.to_owned(), ..NewChange::by(author, title) }
}

fn tickets(review: &Review) -> Vec<String> {
    review.seen.tickets.iter().map(|ticket| format!("{} {}", ticket.system, ticket.reference)).collect()
}

fn status(house: &House, change: &ChangeRef) -> String {
    let seen = house.seen(change);
    let status = seen.comments.iter().find(|comment| comment.body.starts_with("<!-- usher:status -->"));
    status.expect("a status comment").body.clone()
}

#[tokio::test]
async fn tickets_come_with_the_webhook_and_nothing_else_of_the_description() {
    let mut house = House::with(Settings { more: SYSTEMS, ..Settings::default() }).await;
    for forge in BOTH {
        let text = "Reported by Globex in ZD-12.\r\n\r\nAlso \"SUP-7\". <!-- e.g. ZD-99 -->";
        let change = house.open_with(forge, described("sam", "Round VAT", text));
        house.quiet().await;
        house.minute().await;
        let review = house.review(&change).await;
        assert_eq!(tickets(&review), ["jira SUP-7", "zendesk 12"], "{change}");
        assert!(status(&house, &change).contains("For 2 customer tickets: `jira SUP-7`, `zendesk 12`."));
        house.assert_one_status_comment(&change);
    }
    for row in house.service.store.inbox_list(100).await.unwrap() {
        let facts = serde_json::to_string(&row.facts).unwrap();
        assert!(!facts.contains("Globex"), "{facts}");
    }
}

#[tokio::test]
async fn a_reload_brings_new_rules_to_webhooks_and_sweeps_alike() {
    let mut house = House::new().await;
    let mut changes = Vec::new();
    for forge in BOTH {
        let change = house.open_with(forge, described("sam", "Round VAT", "ZD-12"));
        house.quiet().await;
        assert!(house.review(&change).await.seen.tickets.is_empty(), "nothing is looked for yet");
        changes.push(change);
    }
    house.minute().await;
    let config = house.config(&Settings { more: SYSTEMS, ..Settings::default() });
    house.service.reload(&config).await.unwrap();
    // Nothing happens to the changes: the sweep looks into them anew.
    house.sweep().await;
    house.quiet().await;
    for change in &changes {
        assert_eq!(tickets(&house.review(change).await), ["zendesk 12"], "{change}");
    }
    for forge in BOTH {
        let change = house.open_with(forge, described("sam", "Round it", "SUP-1"));
        house.quiet().await;
        assert_eq!(tickets(&house.review(&change).await), ["jira SUP-1"], "{change}");
    }
}

#[tokio::test]
async fn who_becomes_free_goes_to_the_head_of_the_queue_at_once() {
    let settings = Settings { members: r#"["rita"]"#, capacity: 1, more: SYSTEMS, ..Settings::default() };
    let mut house = House::with(settings).await;
    let first = house.opened(Forge::Gitlab, "sam").await;
    assert_eq!(house.reviewer(&first), "rita");
    let plain = house.opened(Forge::Gitlab, "sam").await;
    let with_ticket = house.open_with(Forge::Github, described("siobhan", "Round it", "ZD-1"));
    house.quiet().await;
    for change in [&plain, &with_ticket] {
        assert_eq!(house.stage(change).await, Stage::Waiting, "{change}");
    }
    let ahead = |review: &Review| review.planned.pools[0].queued.as_ref().map(|queued| queued.ahead);
    assert_eq!(ahead(&house.review(&plain).await), Some(0), "it was the first when it came");
    assert_eq!(ahead(&house.review(&with_ticket).await), Some(0), "the ticket puts it ahead");
    house.sandbox.review(&first, "rita", Verdict::Approve, "").unwrap();
    house.quiet().await;
    // Not a minute later, and the one with the ticket, although the other came first.
    assert_eq!(house.reviewers(&with_ticket), ["rita"]);
    assert_eq!(house.stage(&plain).await, Stage::Waiting);
    assert!(house.reviewers(&plain).is_empty());
    house.sandbox.merge(&with_ticket, "rita").unwrap();
    house.quiet().await;
    assert_eq!(house.reviewers(&plain), ["rita"], "and then the next one");
}

/// A ticket system on loopback, and the configuration that leads to it.
async fn desk() -> (MockServer, Settings) {
    let desk = MockServer::start().await;
    let more = format!(
        "{SYSTEMS}\n[tickets.webhook]\nurl = \"{}/hooks/usher\"\nsigning_token = \"env:SIGNING_TOKEN\"\n",
        desk.uri()
    );
    // A test's settings live as long as the test.
    let settings = Settings { more: Box::leak(more.into_boxed_str()), ..Settings::default() };
    (desk, settings)
}

async fn merged(house: &mut House, forge: Forge) -> ChangeRef {
    let change = house.open_with(forge, described("sam", "Fix it for Globex", "ZD-12 and SUP-7"));
    house.quiet().await;
    house.minute().await;
    let who = house.reviewer(&change);
    house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
    house.quiet().await;
    house.sandbox.merge(&change, &who).unwrap();
    house.quiet().await;
    change
}

#[tokio::test]
async fn a_merge_is_announced_signed_and_without_names() {
    let (desk, settings) = desk().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&desk).await;
    let mut house = House::with(settings).await;
    for (forge, text) in BOTH.into_iter().zip(["gitlab:acme/shop!", "github:acme/sdk!"]) {
        let change = merged(&mut house, forge).await;
        house.pass(SignedDuration::from_hours(1)).await;
        let requests = desk.received_requests().await.unwrap();
        let [request] = requests.as_slice() else { panic!("{change}: {} requests", requests.len()) };
        // By the same rules by which GitLab's webhooks are verified.
        let secrets = Secrets { signing_tokens: vec![SECRETS[2].1.into()], ..Secrets::default() };
        let judge = Inbound::new("desk", ForgeKind::GitLab, &secrets, Vec::new()).unwrap();
        let headers: HeaderMap = request.headers.clone();
        let signed_at = house.clock.now() - SignedDuration::from_hours(1);
        assert_eq!(judge.verify(&headers, &request.body, signed_at), Ok(()));
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["type"], "support_contribution.merged");
        assert!(body["data"]["change"].as_str().unwrap().starts_with(text), "{body}");
        assert_eq!(body["data"]["tickets"][0]["reference"], "SUP-7");
        assert_eq!(body["data"]["tickets"][1]["system"], "zendesk");
        assert_eq!(body["data"]["approvals"], 1);
        assert!(body["data"]["took_seconds"].as_i64().unwrap() >= 60, "{body}");
        assert!(!String::from_utf8_lossy(&request.body).contains("Globex"), "no title, no names");
        desk.reset().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&desk).await;
    }
}

#[tokio::test]
async fn an_announcement_is_repeated_under_one_id_and_holds_up_no_forge() {
    let (desk, settings) = desk().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&desk).await;
    let mut house = House::with(settings).await;
    let change = merged(&mut house, Forge::Gitlab).await;
    assert!(status(&house, &change).contains("Merged"), "the status comment does not wait for it");
    house.pass(SignedDuration::from_mins(1)).await;
    let tried = desk.received_requests().await.unwrap();
    assert!(tried.len() >= 2, "{} attempts", tried.len());
    desk.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&desk).await;
    // A crash leaves open what the other side has seen: it is told again, under the same id.
    house.service.store.release_leases().await.unwrap();
    house.pass(SignedDuration::from_hours(2)).await;
    let told = desk.received_requests().await.unwrap();
    assert_eq!(told.len(), 1);
    let id = |request: &wiremock::Request| request.headers["webhook-id"].clone();
    assert!(tried.iter().all(|request| id(request) == id(&told[0])), "one merge, one id");
    assert!(house.service.store.outbox_list(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_ticket_system_refuses_is_a_dead_letter_and_redirects_are_not_followed() {
    let (desk, settings) = desk().await;
    let away = ResponseTemplate::new(307).insert_header("location", format!("{}/elsewhere", desk.uri()));
    Mock::given(method("POST")).respond_with(away).mount(&desk).await;
    let mut house = House::with(settings).await;
    merged(&mut house, Forge::Github).await;
    house.pass(SignedDuration::from_hours(1)).await;
    assert_eq!(desk.received_requests().await.unwrap().len(), 1);
    let dead = house.service.store.outbox_list(10).await.unwrap();
    let [letter] = dead.as_slice() else { panic!("{dead:?}") };
    assert_eq!(letter.kind, "announce");
    let error = letter.error.as_deref().unwrap_or_default();
    assert!(error.contains("redirect") && !error.contains("whsec"), "{error}");
}
