//! Whether GitLab still sends, and how it is made to.

use jiff::SignedDuration;
use serde_json::json;

use super::script::{Script, start};
use crate::forge::{ForgeFault, HookPlace};

const HOOKS: &str = "/projects/acme%2Fshop/hooks";

fn shop() -> HookPlace {
    HookPlace::Project("acme/shop".into())
}

#[tokio::test]
async fn states_are_read_as_far_as_they_are_told() {
    let script = Script::gitlab(&[]).await;
    let hook = |id: u64, more: serde_json::Value| {
        let mut hook = json!({"id": id, "url": "https://usher/hooks/f", "push_events": true});
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hook
    };
    let until = "2026-03-02T10:01:00.000+01:00";
    let listed = json!([
        hook(1, json!({"alert_status": "executable", "disabled_until": null})),
        hook(2, json!({"alert_status": "temporarily_disabled", "disabled_until": until})),
        hook(3, json!({"alert_status": "disabled"})),
        hook(4, json!({})),
        hook(5, json!({"alert_status": "asleep", "disabled_until": "soon"})),
        {"id": 6, "url": "https://ci/", "alert_status": "disabled"},
    ]);
    script.on("GET", HOOKS, 200, listed).await;
    let found = script.client.own_hooks(&shop()).await.unwrap().unwrap();
    let states: Vec<_> = found.iter().map(|hook| (hook.id, hook.state.phrase())).collect();
    let expected =
        [(1, "in order"), (2, "temporarily disabled"), (3, "disabled"), (4, "in order"), (5, "asleep")];
    assert_eq!(states, expected);
    assert_eq!(found[1].disabled_until, Some(start() + SignedDuration::from_secs(60)));
    assert_eq!(script.requests().await, [format!("GET {HOOKS}?per_page=100")]);
}

#[tokio::test]
async fn a_test_is_one_write_and_a_refusal_is_told() {
    let script = Script::gitlab(&[]).await;
    let test = format!("{HOOKS}/3/test/merge_requests_events");
    script.on("POST", &test, 201, json!({"message": "201 Created"})).await;
    assert_eq!(script.client.test_hook(&shop(), 3).await, Ok(()));
    let group = "/groups/acme%2Ftools/hooks/3/test/merge_requests_events";
    script.on("POST", group, 201, json!({"message": "201 Created"})).await;
    assert_eq!(script.client.test_hook(&HookPlace::Owner("acme/tools".into()), 3).await, Ok(()));
    assert_eq!(script.requests().await, [format!("POST {test}"), format!("POST {group}")]);

    let test = format!("{HOOKS}/4/test/merge_requests_events");
    let words = "Ensure the project has merge requests.";
    script.on("POST", &test, 422, json!({ "message": words })).await;
    let refused = ForgeFault::Refused { status: 422, answer: words.into() };
    assert_eq!(script.client.test_hook(&shop(), 4).await, Err(refused));
}

#[tokio::test]
async fn who_is_no_maintainer_sees_no_hooks() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", HOOKS, 403, json!({"message": "403 Forbidden"})).await;
    assert_eq!(script.client.own_hooks(&shop()).await, Ok(None));
}

#[tokio::test]
async fn gitlab_tells_how_deliveries_went() {
    let script = Script::gitlab(&[]).await;
    let event = |id: u64, status: serde_json::Value, headers: serde_json::Value| {
        json!({
            "id": id, "url": "https://usher/hooks/f", "trigger": "merge_request_hooks",
            "request_headers": headers, "request_data": {"object_kind": "merge_request"},
            "response_headers": {"Date": "Mon, 02 Mar 2026 08:50:00 GMT"}, "response_body": "",
            "execution_duration": 0.1, "response_status": status,
        })
    };
    let stamp = (start() - SignedDuration::from_secs(60)).as_second().to_string();
    // Whatever order they come in.
    let listed = json!([
        event(7, json!("internal error"), json!({"webhook-timestamp": stamp})),
        event(6, json!(401), json!({})),
        event(4, json!("500"), json!({})),
        event(5, json!("302"), json!({})),
    ]);
    let events = format!("{HOOKS}/3/events");
    script.on("GET", &events, 200, listed).await;
    let found = script.client.hook_deliveries(&shop(), 3).await.unwrap().unwrap();
    assert_eq!((found.seen, found.failed, found.failing), (4, 3, 2), "a redirection is none");
    assert_eq!(found.failing_since, "2026-03-02T08:50:00Z".parse().ok());
    let last = found.fails_with().unwrap();
    assert_eq!((last.status, &*last.words, &*last.event), (None, "internal error", "merge_request_hooks"));
    assert_eq!(last.at, Some(start() - SignedDuration::from_secs(60)));
    assert_eq!(script.requests().await, [format!("GET {events}")]);

    script.on("GET", "/groups/acme/hooks/3/events", 200, json!([event(1, json!("200"), json!({}))])).await;
    let group = script.client.hook_deliveries(&HookPlace::Owner("acme".into()), 3).await.unwrap().unwrap();
    assert_eq!((group.seen, group.fails_with()), (1, None));
    script.on("GET", &format!("{HOOKS}/4/events"), 404, json!({"error": "404 Not Found"})).await;
    assert_eq!(script.client.hook_deliveries(&shop(), 4).await, Ok(None), "GitLab before 17.3");
}
