//! Every row of the table of answers, with really signed requests of both forges.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::Frame;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};
use usher::store::Commit;
use usher_core::model::people::Roster;
use usher_core::model::review::Review;

use super::*;

#[tokio::test]
async fn a_support_contribution_is_stored_with_facts_and_body() {
    let house = House::new().await;
    let body = sams();
    let answer = house.public(github("d-1", body.clone())).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::ACCEPTED, r#"{"answer":"stored"}"#));
    let rows = house.store.inbox_list(10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].change.to_string(), "github:acme/shop!12");
    assert_eq!(rows[0].delivery_id.as_deref(), Some("d-1"));
    assert_eq!(rows[0].received_at, now());
    assert!(!rows[0].facts.is_empty());
    assert_eq!(house.store.delivery_body(rows[0].id).await.unwrap(), Some(body.into_bytes()));
    let rung = tokio::time::timeout(Duration::from_secs(1), house.wakeups.inbox.listen().woken()).await;
    assert!(rung.is_ok(), "the engine is told");
    assert!(house.counted("github", "stored"));

    let answer = house.public(gitlab("g-1", payload("gitlab/open").to_string())).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(house.store.inbox_list(10).await.unwrap()[0].change.to_string(), "gitlab:acme/shop!12");
}

#[tokio::test]
async fn one_event_is_stored_once_whatever_its_ids() {
    let house = House::new().await;
    assert_eq!(house.public(github("d-1", sams())).await.status, StatusCode::ACCEPTED);
    for id in ["d-1", "from-the-organizations-hook"] {
        let answer = house.public(github(id, sams())).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, r#"{"answer":"duplicate"}"#));
    }
    assert_eq!(house.inbox_rows().await, 1);
}

#[tokio::test]
async fn what_is_none_of_our_business_never_touches_the_disk() {
    let house = House::new().await;
    let mut elsewhere = payload("github/pull_request.opened");
    elsewhere["repository"]["full_name"] = json!("other/shop");
    for (request, word) in [
        (github("d-1", ritas()), "irrelevant"),
        (github("d-2", elsewhere.to_string()), "irrelevant"),
        (github_event("check_suite", "d-3", payload("github/check_suite").to_string()), "unsupported"),
        (github_event("ping", "d-4", payload("github/ping").to_string()), "ping"),
        (gitlab("g-1", payload("gitlab/pipeline").to_string()), "unsupported"),
    ] {
        let answer = house.public(request).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "answer": word })));
    }
    assert_eq!(house.inbox_rows().await, 0);
    assert!(house.counted("github", "irrelevant"));
}

#[tokio::test]
async fn a_tracked_change_stays_our_business_whoever_its_author_is_now() {
    let house = House::new().await;
    let change = "github:acme/shop!12".parse::<usher_core::model::change::ChangeKey>().unwrap();
    let mut review = Review::new(change.clone());
    review.tracked = true;
    let commit = Commit { review: Some(review), ..Commit::empty(change, now()) };
    house.store.commit(commit).await.unwrap();
    assert_eq!(house.public(github("d-1", ritas())).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn while_the_roster_is_unknown_everything_counts() {
    let house = House::with_roster(Roster::default()).await;
    assert_eq!(house.public(github("d-1", ritas())).await.status, StatusCode::ACCEPTED);
    assert_eq!(
        house.public(gitlab("g-1", payload("gitlab/open").to_string())).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(house.inbox_rows().await, 2);
}

#[tokio::test]
async fn news_of_a_team_rings_for_the_roster() {
    let house = House::new().await;
    let mut wakeup = house.wakeups.roster.listen();
    let membership = payload("github/membership.added").to_string();
    let answer = house.public(github_event("membership", "d-1", membership)).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "answer": "roster" })));
    assert!(tokio::time::timeout(Duration::from_secs(1), wakeup.woken()).await.is_ok());
}

#[tokio::test]
async fn without_a_valid_signature_nobody_is_told_anything() {
    let house = House::new().await;
    let change = |request: Request<Body>, name: &'static str, value: Option<&str>| {
        let (mut parts, body) = request.into_parts();
        parts.headers.remove(name);
        if let Some(value) = value {
            parts.headers.insert(name, value.parse().unwrap());
        }
        Request::from_parts(parts, body)
    };
    let sha1 = change(github("d-1", sams()), "x-hub-signature-256", None);
    let sha1 = change(sha1, "x-hub-signature", Some("sha1=6e5a8b6d8d3f8f6f5b3a1c1d2e3f405162738495"));
    let wrong = github_signature(b"something else");
    let open = payload("gitlab/open").to_string();
    for request in [
        change(github("d-1", sams()), "x-hub-signature-256", None),
        change(github("d-1", sams()), "x-hub-signature-256", Some(&wrong)),
        sha1,
        change(github("d-1", "not even JSON"), "x-hub-signature-256", None),
        change(gitlab("g-1", open.clone()), "webhook-signature", None),
        change(gitlab("g-1", open.clone()), "webhook-id", Some("g-2")),
        change(gitlab("g-1", open), "webhook-timestamp", Some("1")),
    ] {
        let answer = house.public(request).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::UNAUTHORIZED, r#"{"error":"unauthorized"}"#)
        );
    }
    assert_eq!(house.inbox_rows().await, 0);

    house.clock.advance_to(now() + jiff::SignedDuration::from_mins(6));
    let answer = house.public(gitlab("g-1", payload("gitlab/open").to_string())).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "too old");
}

#[tokio::test]
async fn what_is_signed_and_unreadable_is_told_what_and_where() {
    let house = House::new().await;
    let mut odd = payload("github/pull_request.opened");
    odd["pull_request"]["number"] = json!("twelve");
    for (body, complaint) in [
        (b"null".to_vec(), "body: no JSON object"),
        (b"[]".to_vec(), "body: no JSON object"),
        (b"".to_vec(), "body: empty"),
        (b"{\"a\":\"\xff\"}".to_vec(), "body: no UTF-8"),
        (b"{\"action\":".to_vec(), "EOF while parsing"),
        (odd.to_string().into_bytes(), "pull_request.number: invalid type"),
    ] {
        let answer = house.public(github("d-1", body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(complaint), "{error}");
    }
    assert!(house.counted("github", "unreadable"));
}

#[tokio::test]
async fn odd_but_honest_deliveries_are_understood() {
    let house = House::new().await;
    let mut unheard_of = payload("github/pull_request.opened");
    unheard_of["action"] = json!("teleported");
    assert_eq!(house.public(github("d-1", unheard_of.to_string())).await.status, StatusCode::ACCEPTED);

    let form: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &sams()).finish();
    let (mut parts, body) = github("d-2", form).into_parts();
    parts.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    assert_eq!(house.public(Request::from_parts(parts, body)).await.status, StatusCode::ACCEPTED);

    let (mut parts, body) = github("d-3", sams()).into_parts();
    parts.headers.remove("x-github-event");
    let status = house.public(Request::from_parts(parts, body)).await.status;
    assert!(status.is_success() || status == StatusCode::BAD_REQUEST, "no event header: {status}");
}

#[tokio::test]
async fn unknown_forges_and_methods_are_turned_away() {
    let house = House::new().await;
    let stranger = Request::post("/hooks/bitbucket").body(Body::from("{}")).unwrap();
    assert_eq!(house.public(stranger).await.status, StatusCode::NOT_FOUND);
    assert!(house.counted("-", "no_such_forge"), "a stranger's word is no label");
    for method in ["GET", "PUT", "DELETE"] {
        let request = Request::builder().method(method).uri("/hooks/github").body(Body::empty()).unwrap();
        assert_eq!(house.public(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

/// A body in chunks that does not announce its length.
struct Chunks(usize);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.0.checked_sub(1) else { return std::task::Poll::Ready(None) };
        self.0 = left;
        std::task::Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b' '; 1 << 20])))))
    }
}

#[tokio::test]
async fn large_bodies_are_taken_up_to_the_limit() {
    let house = House::new().await;
    let mut large = payload("github/pull_request.opened");
    large["pull_request"]["body"] = json!("x".repeat(3_000_000));
    assert_eq!(house.public(github("d-1", large.to_string())).await.status, StatusCode::ACCEPTED);

    for body in [Body::from(vec![b' '; LIMIT + 1]), Body::new(Chunks(5))] {
        let answer = house.public(Request::post("/hooks/github").body(body).unwrap()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let exact = Request::post("/hooks/github").body(Body::new(Chunks(4))).unwrap();
    assert_eq!(house.public(exact).await.status, StatusCode::UNAUTHORIZED, "not too large");
}

#[tokio::test]
async fn a_store_that_fails_is_waited_for_and_then_the_sender_comes_again() {
    let house = House::new().await;
    house.store.close().await;
    let answer = house.public(github("d-1", sams())).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("30"));
    assert!(!answer.text.contains("usher.db"), "{}", answer.text);
    assert!(house.counted("github", "store_fails"));
}

#[tokio::test]
async fn a_sender_who_leaves_while_the_store_is_busy_is_stored_all_the_same() {
    let house = House::new().await;
    let file = house.folder.path().join("usher.db");
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(20), house.public(github("d-1", sams()))).await;
    assert!(waiting.is_err(), "answered before it was stored");
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    let rung = tokio::time::timeout(Duration::from_secs(10), house.wakeups.inbox.listen().woken()).await;
    assert!(rung.is_ok(), "it was dropped with its request");
    assert_eq!(house.inbox_rows().await, 1);
    assert!(house.counted("github", "stored"));
}

#[tokio::test]
async fn new_secrets_take_effect_at_once() {
    let house = House::new().await;
    let secrets = usher::forge::Secrets { webhook_secrets: vec!["new".into()], ..Default::default() };
    let inbound = Inbound::new("github", ForgeKind::GitHub, &secrets, Vec::new()).unwrap();
    house.door.reload(vec![inbound]);
    assert_eq!(house.public(github("d-1", sams())).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.public(gitlab("g-1", "{}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_webhooks_address_may_end_in_a_slash() {
    let house = House::new().await;
    let (mut parts, body) = github("d-1", sams()).into_parts();
    parts.uri = "/hooks/github/".parse().unwrap();
    let answer = house.public(Request::from_parts(parts, body)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert!(house.counted("github", "stored"));
}

#[tokio::test]
async fn a_delivery_to_a_wrong_path_is_counted() {
    let house = House::new().await;
    for path in ["/hook/github", "/", "/hooks", "/hooks/github/pull"] {
        let (mut parts, body) = github("d-1", sams()).into_parts();
        parts.uri = path.parse().unwrap();
        let answer = house.public(Request::from_parts(parts, body)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("/hooks/"), "{path}: {}", answer.text);
    }
    let text = house.metrics.text();
    assert!(text.contains("usher_deliveries_total{forge=\"-\",answer=\"wrong_path\"} 4"), "{text}");
    assert!(text.contains("usher_refused_deliveries_total{forge=\"-\",reason=\"wrong_path\"} 4"), "{text}");
    // Who only tries doors is no forge.
    let stranger = Request::post("/wp-login.php").body(Body::empty()).unwrap();
    assert_eq!(house.public(stranger).await.json(), json!({ "error": "no such page" }));
    assert!(house.metrics.text().contains("answer=\"wrong_path\"} 4"));
}

#[tokio::test]
async fn refused_deliveries_are_counted_by_forge_and_reason() {
    let house = House::new().await;
    let refused = |forge: &str, reason: &str| {
        let line = format!("usher_refused_deliveries_total{{forge=\"{forge}\",reason=\"{reason}\"}} ");
        let text = house.metrics.text();
        text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned)
    };
    let mut wrong = github("d-1", sams());
    wrong.headers_mut().insert("x-hub-signature-256", github_signature(b"other").parse().unwrap());
    house.public(wrong).await;
    let mut missing = github("d-2", sams());
    missing.headers_mut().remove("x-hub-signature-256");
    house.public(missing).await;
    let mut old = gitlab("g-1", "{}");
    let stamp = (now().as_second() - 301).to_string();
    let content = [b"g-1.", stamp.as_bytes(), b".{}"].concat();
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac(&GITLAB_KEY, &content));
    old.headers_mut().insert("webhook-timestamp", stamp.parse().unwrap());
    old.headers_mut().insert("webhook-signature", format!("v1,{signature}").parse().unwrap());
    house.public(old).await;
    house.public(github("d-3", "[]")).await;
    house.public(Request::post("/hooks/nowhere").body(Body::empty()).unwrap()).await;
    house.public(github("d-4", sams())).await;
    for (forge, reason) in [
        ("github", "wrong"),
        ("github", "missing"),
        ("gitlab", "too_old"),
        ("github", "unreadable"),
        ("-", "no_such_forge"),
    ] {
        assert_eq!(refused(forge, reason).as_deref(), Some("1"), "{forge} {reason}");
    }
    assert_eq!(
        house.metrics.text().matches("usher_refused_deliveries_total{").count(),
        5,
        "and the good one not"
    );
}

#[tokio::test]
async fn refused_deliveries_are_a_fault_with_a_remedy_after_a_working_hour_and_never_in_public() {
    let house = House::new().await;
    let refuse = async |id: &str| {
        let mut wrong = github(id, sams());
        wrong.headers_mut().insert("x-hub-signature-256", github_signature(b"other").parse().unwrap());
        assert_eq!(house.public(wrong).await.status, StatusCode::UNAUTHORIZED);
    };
    refuse("d-1").await;
    let page = house.admin("/").await.text;
    assert!(page.contains("1 delivery was refused at 2026-01-16 09:00 UTC"), "{page}");
    assert!(page.contains("Any stranger can send some") && !page.contains("forge faulty"), "{page}");
    // One without the headers of the forge is nobody's.
    let mut bare = github("d-2", sams());
    bare.headers_mut().remove("x-github-event");
    bare.headers_mut().remove("x-hub-signature-256");
    house.public(bare).await;
    house.clock.advance_to(now() + jiff::SignedDuration::from_mins(61));
    refuse("d-3").await;
    let page = house.admin("/").await.text;
    for expected in [
        "has deliveries that do not come through",
        "2 deliveries were refused since 2026-01-16 09:00 UTC, the last at 2026-01-16 10:01 UTC",
        "the secret there is not one of `webhook_secrets`",
        "usher hooks install --forge github",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    let ready = house.public(Request::get("/readyz").body(Body::empty()).unwrap()).await.text;
    assert!(!ready.contains("refused") && !ready.contains("secret"), "{ready}");
    house.public(github("d-4", sams())).await;
    let page = house.admin("/").await.text;
    assert!(!page.contains("refused") && !page.contains("do not come through"), "{page}");
}

#[tokio::test]
async fn a_byte_order_mark_before_the_body_is_passed_over() {
    let house = House::new().await;
    let body = format!("\u{feff}{}", sams());
    let answer = house.public(github("d-1", body)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
}
