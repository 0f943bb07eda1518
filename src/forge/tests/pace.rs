//! The transport's manners: how long it waits, how much it sends at once, and for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use super::script::{Script, TOKEN, account, change, start};
use crate::clock::Clock;
use crate::forge::transport::http::Transport;
use crate::forge::{Credentials, ForgeFault, Network};
use usher_core::model::change::ForgeKind;

fn transport(listener: &TcpListener, timeout: Duration) -> Transport {
    let api = format!("http://{}/api/v3/", listener.local_addr().unwrap()).parse().unwrap();
    let credentials = Credentials::Token(TOKEN.into());
    let clock = Clock::virtual_at(start());
    Transport::new(ForgeKind::GitHub, api, credentials, "usher/test", &Network::default(), timeout, clock)
        .unwrap()
}

async fn read_request(peer: &mut tokio::net::TcpStream) {
    let mut request = [0; 4_096];
    let _ = peer.read(&mut request).await;
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up_and_its_outcome_is_unknown_for_a_write() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = transport(&listener, Duration::from_millis(200));
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut peer, _)) = listener.accept().await {
            read_request(&mut peer).await;
            let _ = peer.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":").await;
            open.push(peer);
        }
    });
    for (verb, unknown) in [("POST", true), ("GET", false)] {
        let request =
            Request::builder().method(verb).uri("/api/v3/repos/a/b/issues/1/comments").body(Vec::new());
        let fault = transport.send(request.unwrap()).await.unwrap_err();
        assert!(
            matches!(fault, ForgeFault::Retry { outcome_unknown, .. } if outcome_unknown == unknown),
            "{fault}"
        );
        assert!(fault.to_string().contains("timed out"), "{fault}");
    }
}

/// The most requests that were under way at once while `purpose` sent twenty.
async fn most_at_once(background: bool, expected: usize) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = transport(&listener, Duration::from_secs(20));
    let line = Arc::new(if background { line.background() } else { line });
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, highest) = (open.clone(), most.clone());
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let (seen, highest) = (seen.clone(), highest.clone());
            tokio::spawn(async move {
                read_request(&mut peer).await;
                highest.fetch_max(seen.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Answered once all that may come at once have come, and some patience more.
                while highest.load(Ordering::SeqCst) < expected {
                    tokio::task::yield_now().await;
                }
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
                seen.fetch_sub(1, Ordering::SeqCst);
                let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n[]";
                let _ = peer.write_all(answer.as_bytes()).await;
            });
        }
    });
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let line = line.clone();
        sent.spawn(async move {
            line.send(Request::get("/api/v3/user").body(Vec::new()).unwrap()).await.map(drop)
        });
    }
    assert!(sent.join_all().await.iter().all(Result::is_ok));
    most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn few_requests_are_under_way_at_once_and_background_traffic_takes_half() {
    assert_eq!(most_at_once(false, 8).await, 8);
    assert_eq!(most_at_once(true, 4).await, 4);
}

#[tokio::test]
async fn a_query_that_is_too_complex_is_asked_in_parts() {
    let script = Script::gitlab(&[]).await;
    let answer = |request: &wiremock::Request| {
        let query: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let ids: Vec<&str> =
            query["variables"]["ids"].as_array().unwrap().iter().filter_map(|id| id.as_str()).collect();
        let body = if ids.len() > 3 {
            json!({ "errors": [{ "message": "Query has complexity of 301, which exceeds max complexity of 250" }] })
        } else {
            let nodes: Vec<_> =
                ids.iter().map(|id| json!({ "id": id, "status": { "availability": "BUSY" } })).collect();
            json!({ "data": { "users": { "nodes": nodes } } })
        };
        ResponseTemplate::new(200).set_body_json(body)
    };
    let graphql = Mock::given(method("POST")).and(path("/gl/api/graphql"));
    graphql.respond_with(answer).mount(&script.server).await;
    let people: Vec<_> = (1..=10).map(account).collect();
    let busy = script.client.busy(&people).await.unwrap();
    assert_eq!(busy.keys().copied().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn background_traffic_waits_for_a_pace_where_people_are_told_to_come_later() {
    let script = Script::github(&[]).await;
    script.on("GET", "/repos/acme/shop/pulls/7", 404, json!({ "message": "Not Found" })).await;
    let background = script.client.background();
    for _ in 0..720 {
        assert_eq!(background.observe(&change()).await, Err(ForgeFault::Gone));
    }
    let waiting = tokio::spawn(async move { background.observe(&change()).await });
    while script.client.health().waits_until.is_none() {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert_eq!(script.client.observe(&change()).await, Err(ForgeFault::Gone), "people go first");
    let until = script.client.health().waits_until.unwrap();
    assert_eq!(until, start() + jiff::SignedDuration::from_secs(60));
    script.clock.advance_to(until);
    assert_eq!(waiting.await.unwrap(), Err(ForgeFault::Gone));
    assert_eq!(script.requests().await.len(), 722);
}
