//! What every request to a forge must withstand, whatever it asks.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use super::script::{Script, TOKEN, change, config, start};
use crate::clock::Clock;
use crate::forge::{Client, ForgeFault, Hint, Meaning, Urgency};
use usher_core::model::action::{Comment, Write};
use usher_core::model::change::ForgeKind;

const COMMENTS: &str = "/repos/acme/shop/issues/7/comments";
const NOTES: &str = "/projects/acme%2Fshop/merge_requests/7/notes";

fn status() -> Write {
    Write::Comment(Comment::Status { body: "<!-- usher:status -->\nhello".into() })
}

async fn write(client: &Client) -> ForgeFault {
    client.perform(&change(), &status(), Hint::default()).await.expect_err("a fault")
}

fn unknown(fault: &ForgeFault) -> bool {
    matches!(fault, ForgeFault::Retry { outcome_unknown: true, .. })
}

fn later(seconds: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_secs(seconds)
}

/// Both forges, scripted to answer the creation of a comment in the same way.
async fn both(answer: ResponseTemplate) -> [Script; 2] {
    let (gitlab, github) = (Script::gitlab(&[]).await, Script::github(&[]).await);
    gitlab.answer("POST", NOTES, answer.clone()).await;
    github.answer("POST", COMMENTS, answer).await;
    [gitlab, github]
}

#[tokio::test]
async fn a_failed_write_is_sent_exactly_once() {
    for status in [500, 502, 503, 504] {
        for script in both(ResponseTemplate::new(status)).await {
            let fault = write(&script.client).await;
            assert!(unknown(&fault), "{fault}");
            assert_eq!(script.requests().await.len(), 1, "{status}");
        }
    }
}

#[tokio::test]
async fn a_limit_closes_the_gate_until_its_time() {
    let limited = |header: &str| ResponseTemplate::new(429).insert_header("retry-after", header);
    let reset = later(90).as_second().to_string();
    let budget = |status: u16, prefix: &str| {
        let answer = ResponseTemplate::new(status).insert_header(format!("{prefix}-remaining"), "0");
        answer.insert_header(format!("{prefix}-reset"), reset.as_str())
    };
    let secondary = ResponseTemplate::new(403)
        .set_body_json(json!({"message": "You have exceeded a secondary rate limit. Please wait."}));
    for (answer, wait) in [
        (limited("7"), 7),
        (limited("Mon, 02 Mar 2026 09:00:42 GMT"), 42),
        (budget(403, "x-ratelimit"), 90),
        (budget(429, "RateLimit"), 90),
        (secondary, 60),
    ] {
        for script in both(answer.clone()).await {
            let fault = write(&script.client).await;
            let ForgeFault::Later { at, .. } = &fault else { panic!("{fault}") };
            assert_eq!(*at, later(wait));
            assert_eq!(script.client.health().blocked_until, Some(later(wait)));
            let read = script.client.observe(&change()).await.unwrap_err();
            assert!(
                matches!(read, ForgeFault::Later { at, .. } if at == later(wait)),
                "reads wait too: {read}"
            );
            assert_eq!(script.requests().await.len(), 1, "and cost no request");
            script.clock.advance_to(later(wait));
            write(&script.client).await;
            assert_eq!(script.requests().await.len(), 2);
        }
    }
}

#[tokio::test]
async fn the_last_request_of_a_budget_is_noticed_before_the_first_refusal() {
    let answer = ResponseTemplate::new(201).set_body_json(json!({"id": 5}));
    let answer = answer.insert_header("x-ratelimit-remaining", "0");
    let answer = answer.insert_header("x-ratelimit-reset", later(30).as_second().to_string().as_str());
    for script in both(answer).await {
        let done = script.client.perform(&change(), &status(), Hint::default()).await.unwrap();
        assert_eq!(done.comment, Some(5));
        assert!(matches!(write(&script.client).await, ForgeFault::Later { at, .. } if at == later(30)));
    }
}

#[tokio::test]
async fn lasting_answers_are_told_in_the_forges_own_words() {
    let html = ResponseTemplate::new(403).set_body_string("<html><title>Access denied</title>…");
    let plain = |status: u16| ResponseTemplate::new(status).set_body_json(json!({"message": "no"}));
    let moved = plain(301).insert_header("location", "https://elsewhere/api?private=1");
    let refused = |status, answer: &str| ForgeFault::Refused { status, answer: answer.into() };
    let words = "moved to https://elsewhere/api; redirects are not followed, correct the name or url";
    for (answer, expected) in [
        (html, refused(403, "an HTML page titled \"Access denied\"")),
        (plain(400), refused(400, "no")),
        (plain(404), ForgeFault::Gone),
        (moved, refused(301, words)),
    ] {
        for script in both(answer.clone()).await {
            assert_eq!(write(&script.client).await, expected);
            assert_eq!(script.requests().await.len(), 1);
        }
    }
}

/// The request that tells whether the token is good.
const NEUTRAL: [&str; 2] = ["/user", "/rate_limit"];

#[tokio::test]
async fn a_401_is_the_tokens_fault_only_if_a_neutral_request_says_so() {
    let plain = |status: u16| ResponseTemplate::new(status).set_body_json(json!({"message": "no"}));
    for (script, neutral) in both(plain(401)).await.into_iter().zip(NEUTRAL) {
        script.answer("GET", neutral, plain(401)).await;
        assert_eq!(write(&script.client).await, ForgeFault::Unauthorized);
        assert_eq!(script.requests().await.len(), 2);
        assert_eq!(write(&script.client).await, ForgeFault::Unauthorized);
        assert_eq!(script.client.observe(&change()).await, Err(ForgeFault::Unauthorized), "reads wait, too");
        assert_eq!(script.requests().await.len(), 2, "and cost no request");
        assert!(script.client.health().token_refused);
        assert_eq!(script.client.may_begin(Urgency::Now), Some(later(60)));
        script.clock.advance_to(later(60));
        assert_eq!(write(&script.client).await, ForgeFault::Unauthorized);
        let places = script.places().await;
        assert_eq!(
            (places.len(), &places[2]),
            (3, &format!("GET {neutral}")),
            "one neutral request a minute"
        );
        script.server.reset().await;
        script.answer("GET", neutral, plain(200)).await;
        script.clock.advance_to(later(120));
        script.client.ask_again().await.unwrap();
        assert!(!script.client.health().token_refused);
        assert_eq!(script.client.may_begin(Urgency::Ordinary), None, "what waits is due at once");
    }
    for (script, neutral) in both(plain(401)).await.into_iter().zip(NEUTRAL) {
        script.answer("GET", neutral, plain(200)).await;
        let fault = write(&script.client).await;
        assert_eq!(fault.meaning(), Meaning::Hidden, "the token is good, and not for this: {fault}");
        assert!(!script.client.health().token_refused);
    }
}

#[tokio::test]
async fn an_answer_that_says_something_else_is_our_mistake_and_one_that_is_cut_off_the_networks() {
    let pull = "/repos/acme/shop/pulls/7";
    for (body, meaning) in [
        (r#"{"number": "seven"}"#, Meaning::Mistake),
        (r#"{"number": 7"#, Meaning::Ill),
        ("<p>", Meaning::Ill),
    ] {
        let script = Script::github(&[]).await;
        script.answer("GET", pull, ResponseTemplate::new(200).set_body_string(body)).await;
        let fault = script.client.observe(&change()).await.unwrap_err();
        assert_eq!(fault.meaning(), meaning, "{body}: {fault}");
    }
}

#[tokio::test]
async fn a_comment_that_is_hidden_for_a_moment_is_not_written_a_second_time() {
    let script = Script::github(&[]).await;
    let gone = || ResponseTemplate::new(404).set_body_json(json!({"message": "Not Found"}));
    script.answer("PATCH", "/repos/acme/shop/issues/comments/5", gone()).await;
    script.on("GET", "/user", 200, json!({"id": 1, "login": "usher"})).await;
    let ours = json!([{"id": 5, "user": {"id": 1, "login": "usher"}, "body": "<!-- usher:status -->"}]);
    script.on("GET", COMMENTS, 200, ours).await;
    let hint = Hint { comment_id: Some(5), ..Hint::default() };
    let fault = script.client.perform(&change(), &status(), hint).await.unwrap_err();
    assert_eq!(fault, ForgeFault::Gone);
    assert!(script.requests().await.iter().all(|line| !line.starts_with("POST")));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_the_outcome_unknown() {
    for body in ["{\"id\": 5", "<html>sign in</html>", "", "[]"] {
        for script in both(ResponseTemplate::new(201).set_body_string(body)).await {
            let fault = write(&script.client).await;
            assert!(unknown(&fault), "{body}: {fault}");
        }
    }
}

/// A server that reads one request and then says `answer` (if anything) and hangs up.
async fn rude_server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = peer.read(&mut request).await;
            let _ = peer.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_refused_connection_is_not() {
    let truncated = "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":5}";
    for kind in [ForgeKind::GitLab, ForgeKind::GitHub] {
        for answer in ["", truncated] {
            let config = config(kind, rude_server(answer).await, &[]);
            let client = Client::new(config, Clock::virtual_at(start())).unwrap();
            let fault = write(&client).await;
            assert!(unknown(&fault), "{fault}");
            let read = client.observe(&change()).await.unwrap_err();
            assert!(
                matches!(read, ForgeFault::Retry { outcome_unknown: false, .. }),
                "a read changes nothing"
            );
        }
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let client = Client::new(config(kind, nobody, &[]), Clock::virtual_at(start())).unwrap();
        let fault = write(&client).await;
        assert!(matches!(fault, ForgeFault::Retry { outcome_unknown: false, .. }), "{fault}");
        assert!(client.health().last_fault.is_some_and(|fault| fault.contains("refused")));
    }
}

#[tokio::test]
async fn the_token_travels_in_one_header_and_is_printed_nowhere() {
    let echo = format!("token {TOKEN} lacks the scope");
    for script in both(ResponseTemplate::new(403).set_body_json(json!({"message": echo}))).await {
        let fault = write(&script.client).await;
        let printed = format!("{fault} {fault:?} {:?} {:?}", script.client, script.client.health());
        assert!(!printed.contains(TOKEN), "{printed}");
        assert!(printed.contains("token [token] lacks the scope"));
        let request = &script.server.received_requests().await.unwrap()[0];
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}").as_str());
        assert_eq!(request.headers["user-agent"], "usher/test");
        assert_eq!(request.headers.get_all("authorization").iter().count(), 1);
    }
    let bad = config(ForgeKind::GitHub, "https://h".into(), &[]);
    let bad =
        crate::forge::ClientConfig { credentials: crate::forge::Credentials::Token("ab\ncd".into()), ..bad };
    let error = Client::new(bad, Clock::system()).unwrap_err().to_string();
    assert!(error.contains("line break") && !error.contains("ab"), "{error}");
}

/// The courier runs them on tasks of their own.
#[tokio::test]
async fn everything_a_client_does_can_be_spawned() {
    let script = Script::github(&[]).await;
    let client = script.client.clone();
    let all = async move {
        let _ = client.perform(&change(), &status(), Hint::default()).await;
        let _ = client.observe(&change()).await;
        let _ = client.list(&crate::forge::Since::default()).await;
        client.roster(&usher_core::model::people::RosterWish::default()).await
    };
    assert_eq!(tokio::spawn(all).await.unwrap(), Err(ForgeFault::Gone));
}

#[tokio::test]
async fn health_remembers_the_last_good_answer_and_the_fault_since() {
    let [script, _] = both(ResponseTemplate::new(502)).await;
    assert_eq!(script.client.health(), crate::forge::Health::default());
    write(&script.client).await;
    assert!(script.client.health().last_fault.unwrap().contains("502"));
    script.server.reset().await;
    script.clock.advance_to(later(2));
    script
        .answer("POST", NOTES, ResponseTemplate::new(StatusCode::CREATED).set_body_json(json!({"id": 1})))
        .await;
    script.client.perform(&change(), &status(), Hint::default()).await.unwrap();
    let health = script.client.health();
    assert_eq!((health.last_ok, health.last_fault), (Some(later(2)), None));
}
