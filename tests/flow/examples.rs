//! All recorded payloads of npm `@octokit/webhooks-examples` 7.6.1, signed and posted to the real
//! process. `scripts/fetch-webhook-examples` fetches them; `USHER_WEBHOOK_EXAMPLES` names the folder.

use std::collections::BTreeMap;

use serde_json::Value;
use usher_sandbox::Forge;

use super::harness::Settings;
use super::server::Server;
use super::sign;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_payload_is_answered_by_the_real_server() {
    let Some(folder) = std::env::var_os("USHER_WEBHOOK_EXAMPLES") else {
        println!("NOT RUN: USHER_WEBHOOK_EXAMPLES is not set (see scripts/fetch-webhook-examples)");
        return;
    };
    let index = std::path::Path::new(&folder).join("api.github.com/index.json");
    let events: Vec<Value> = serde_json::from_slice(&std::fs::read(index).unwrap()).unwrap();
    // While GitHub cannot be asked who is who, all that is about a change is relevant.
    let mut server = Server::planned(Settings::default()).await;
    server.sandbox.stop_listening(Forge::Github).await;
    server.start().await;
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut posted = 0;
    for event in &events {
        let name = event["name"].as_str().unwrap();
        for payload in event["examples"].as_array().unwrap() {
            posted += 1;
            let answer = post(&server, name, &format!("example-{posted}"), payload).await;
            *counts.entry((name, answer)).or_default() += 1;
        }
    }
    let total = |wanted: &str| -> usize {
        counts.iter().filter(|((_, answer), _)| answer == wanted).map(|(_, times)| times).sum()
    };
    let words: std::collections::BTreeSet<&str> = counts.keys().map(|(_, answer)| answer.as_str()).collect();
    let words: Vec<_> = words.into_iter().map(|answer| (answer, total(answer))).collect();
    println!("{posted} payloads of {} events: {words:?}", events.len());
    println!(
        "about changes: {:?}",
        counts.iter().filter(|((name, _), _)| name.starts_with("pull_")).collect::<Vec<_>>()
    );
    assert_eq!((posted, events.len()), (329, 58));
    for (name, times) in [
        ("pull_request", 29),
        ("pull_request_review", 4),
        ("pull_request_review_comment", 5),
        ("pull_request_review_thread", 3),
    ] {
        // Some recordings tell the same event twice.
        let read = ["stored", "duplicate"]
            .map(|answer| counts.get(&(name, answer.to_owned())).copied().unwrap_or_default());
        assert_eq!(read.iter().sum::<usize>(), times, "{name}: {counts:?}");
    }
    let store = server.store().await;
    let inbox = store.inbox_list(1_000).await.unwrap();
    assert_eq!(inbox.len(), total("stored"), "every 202 is in the store");
    assert!(
        inbox.iter().all(|row| !row.facts.is_empty() && row.event.starts_with("pull_request")),
        "{inbox:?}"
    );
    // The forge comes back, who is who is known, and every one of them is decided.
    server.sandbox.resume(Forge::Github).await.unwrap();
    server.at_rest().await;
    assert_eq!(server.http.get(server.public("/readyz")).send().await.unwrap().status(), 200);
    assert!(!server.log().contains("panicked"));
    assert_eq!(server.stop().await, Some(0));
}

/// Signs and posts one payload; the word of the answer, which is never a refusal.
async fn post(server: &Server, event: &str, id: &str, payload: &Value) -> String {
    let (body, now) = (payload.to_string(), usher::clock::Clock::system().now().as_second());
    let mut request = server.http.post(server.public("/hooks/github"));
    for (name, value) in sign::headers(Forge::Github, event, id, now, body.as_bytes()) {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.unwrap();
    assert!(matches!(answer.status().as_u16(), 200 | 202), "{event} {}: {answer:?}", payload["action"]);
    let answer: Value = answer.json().await.unwrap();
    answer["answer"].as_str().unwrap().to_owned()
}
