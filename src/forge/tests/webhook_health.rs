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
