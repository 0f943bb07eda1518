//! Webhooks and what became of their deliveries.

use serde_json::{Value, json};

use super::{Both, Take, sorted};
use crate::forge::{
    DeliveryLog, ForgeFault, HookAddress, HookPlace, HookSecrets, HookState, HookWish, InstalledHook,
};

fn place(take: &Take) -> HookPlace {
    let is_owners = take.row.contains("/orgs/") || take.row.contains("/groups/");
    if is_owners { HookPlace::Owner("acme".into()) } else { HookPlace::Project("acme/shop".into()) }
}

fn read(hook: &InstalledHook) -> Value {
    json!([hook.id, hook.url, hook.active, hook.events.len(), hook.verifies_tls])
}

fn told(take: &Take, hook: &Value) -> Value {
    if take.is_gitlab() {
        let members = hook.as_object().into_iter().flatten();
        let events = members.filter(|(name, value)| name.ends_with("_events") && **value == true).count();
        let verifies = hook["enable_ssl_verification"].as_bool().unwrap_or(true);
        return json!([hook["id"], hook["url"], true, events, verifies]);
    }
    let insecure = hook["config"]["insecure_ssl"] == "1" || hook["config"]["insecure_ssl"] == 1;
    let url = hook["config"]["url"].as_str().unwrap_or_default();
    json!([hook["id"], url, hook["active"], hook["events"].as_array().map_or(0, Vec::len), !insecure])
}

pub(super) async fn listed(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    take.serve(&script, "GET").await;
    let hooks = script.client.hooks_at(&place(take)).await?;
    Ok((sorted(hooks.iter().map(read)), sorted(take.entries().map(|hook| told(take, hook)))))
}

pub(super) async fn put(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    let old = InstalledHook {
        id: 5,
        url: String::new(),
        events: Default::default(),
        active: true,
        json: true,
        verifies_tls: true,
        secret: None,
        signing_token: None,
        state: HookState::Executable,
        disabled_until: None,
        last: None,
    };
    let (verb, old) = match take.row.split_once(' ') {
        Some(("POST", _)) => ("POST", None),
        _ if take.is_gitlab() => ("PUT", Some(&old)),
        _ => ("PATCH", Some(&old)),
    };
    take.serve(&script, verb).await;
    let address = HookAddress::new("https://usher.example.com", "f").expect("an address");
    let secrets = HookSecrets { secret: None, signing_token: None };
    let hook = script.client.put_hook(&place(take), old, &HookWish { address, secrets }).await?;
    Ok((read(&hook), told(take, &take.answer)))
}

pub(super) async fn deliveries(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    take.serve(&script, "GET").await;
    let found = script.client.hook_deliveries(&place(take), 5).await?;
    let log = DeliveryLog(vec!["app".into(), "hook".into()]);
    let since = "2000-01-01T00:00:00Z".parse().expect("an instant");
    let failures = script.client.failed_deliveries(&log, since).await?;
    let failures: Vec<Value> = failures.into_iter().map(|one| json!([one.id, one.guid])).collect();
    let unread = script.client.health().unread_entries;
    let read = found.map_or(Value::Null, |found| json!([found.seen, found.failed, failures, unread]));
    let failed: Vec<Value> = take
        .entries()
        .filter(|one| one["status"] != "OK")
        .map(|one| json!([one["id"], one["guid"]]))
        .collect();
    Ok((read, json!([take.entries().count(), failed.len(), failed, 0])))
}
