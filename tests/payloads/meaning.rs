//! Delivery ids and meanings: what makes two deliveries one event.

use serde_json::Value;
use usher::forge::{Inbound, Incoming, Reading, Secrets};
use usher_core::model::change::ForgeKind;
use usher_core::model::fact::{Act, Fact};

use super::{github, gitlab, headers, payload, read_stored, stored};

#[track_caller]
fn incoming(forge: &str, name: &str, delivery: &str, body: &str) -> Incoming {
    match read_stored(forge, name, delivery, body) {
        Ok(Reading::Change(incoming)) => incoming,
        other => panic!("{forge}/{name}: {other:?}"),
    }
}

/// The payload's meaning after a change to it.
#[track_caller]
fn meaning(forge: &str, name: &str, edit: impl Fn(&mut Value)) -> String {
    let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
    edit(&mut body);
    incoming(forge, name, "d-1", &body.to_string()).meaning
}

#[test]
fn one_event_under_two_ids_has_one_meaning() {
    for forge in ["github", "gitlab"] {
        for (name, body) in stored(forge) {
            let Ok(Reading::Change(first)) = read_stored(forge, name, "d-1", body) else { continue };
            // Another hook sends the keys in another order, with other white space.
            let again = serde_json::from_str::<Value>(body).unwrap().to_string();
            let second = incoming(forge, name, "d-2", &again);
            assert_eq!((first.delivery_id.as_str(), second.delivery_id.as_str()), ("d-1", "d-2"));
            assert_eq!(first.meaning, second.meaning, "{forge}/{name}");
        }
    }
}

#[test]
fn no_two_stored_events_have_one_meaning() {
    for forge in ["github", "gitlab"] {
        let mut seen = std::collections::BTreeMap::new();
        for (name, body) in stored(forge) {
            let Ok(Reading::Change(incoming)) = read_stored(forge, name, "d-1", body) else { continue };
            if let Some(other) = seen.insert(incoming.meaning.clone(), name.clone()) {
                panic!("{forge}: {name} and {other} are both {}", incoming.meaning);
            }
        }
    }
}

#[test]
fn events_of_one_second_differ_by_what_was_done() {
    let base = meaning("gitlab", "labels_by_a_bot", |_| ());
    type Edit = fn(&mut Value);
    let gitlab: [(&str, Edit); 5] = [
        ("another label", |body| body["changes"]["labels"]["current"][1]["title"] = "other".into()),
        ("another action", |body| body["object_attributes"]["action"] = "close".into()),
        ("another actor", |body| body["user"]["id"] = 201.into()),
        ("a push", |body| body["object_attributes"]["oldrev"] = "b83d".into()),
        ("another merge request", |body| body["object_attributes"]["id"] = 9_913.into()),
    ];
    for (what, edit) in gitlab {
        assert_ne!(meaning("gitlab", "labels_by_a_bot", edit), base, "{what}");
    }
    let name = "re_request_without_changes";
    let other = meaning("gitlab", name, |body| {
        body["reviewers"][0]["re_requested"] = false.into();
        body["reviewers"][1]["re_requested"] = true.into();
    });
    assert_ne!(meaning("gitlab", name, |_| ()), other, "another person asked again");
    let base = meaning("github", "pull_request.review_requested", |_| ());
    let github: [(&str, Edit); 5] = [
        ("another reviewer", |body| body["requested_reviewer"]["id"] = 203.into()),
        ("a label", |body| body["label"] = serde_json::json!({"name": "bug"})),
        ("another head", |body| body["pull_request"]["head"]["sha"] = "b83d".into()),
        ("a later time", |body| body["pull_request"]["updated_at"] = "2026-01-16T06:20:01Z".into()),
        ("other changes", |body| body["changes"] = serde_json::json!({"title": {"from": "x"}})),
    ];
    for (what, edit) in github {
        assert_ne!(meaning("github", "pull_request.review_requested", edit), base, "{what}");
    }
}

#[test]
fn a_remark_keeps_its_meaning_whatever_happens_to_the_change_meanwhile() {
    let base = meaning("github", "issue_comment.created", |_| ());
    let labelled = meaning("github", "issue_comment.created", |body| {
        body["issue"]["updated_at"] = "2026-01-16T08:31:00Z".into();
        body["issue"]["labels"] = Value::Null;
    });
    assert_eq!(base, labelled);
    let edited = meaning("github", "issue_comment.created", |body| body["comment"]["body"] = "Done".into());
    assert_ne!(base, edited);
    let base = meaning("gitlab", "note", |_| ());
    let labelled = meaning("gitlab", "note", |body| {
        body["merge_request"]["updated_at"] = "2026-01-16 08:31:00 UTC".into();
    });
    assert_eq!(base, labelled);
    let other = meaning("gitlab", "note", |body| body["object_attributes"]["id"] = 5_502.into());
    assert_ne!(base, other);
}

#[test]
fn the_delivery_id_is_the_header_that_stays_when_a_delivery_is_sent_again() {
    let body = payload("gitlab", "open");
    let id = |pairs: &[(&str, &str)]| match gitlab().read(&headers(pairs), body.as_bytes()) {
        Ok(Reading::Change(incoming)) => incoming.delivery_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(&[("Idempotency-Key", "key"), ("webhook-id", "id")]), "id");
    assert_eq!(id(&[("Idempotency-Key", "key"), ("webhook-id", "  ")]), "key");
    assert_eq!(id(&[("IDEMPOTENCY-KEY", "key")]), "key");
    let fresh = id(&[("X-Gitlab-Webhook-UUID", "fresh"), ("X-Gitlab-Event-UUID", "fresh too")]);
    assert!(fresh.starts_with("sha256:"), "{fresh}");
    assert_eq!(id(&[]), fresh, "the same body has the same id");
    let long = "x".repeat(5_000);
    assert_eq!(id(&[("webhook-id", &long)]), fresh, "an endless id is not kept");

    let body = payload("github", "pull_request.opened");
    let pairs = headers(&[("X-GitHub-Event", "pull_request"), ("x-github-delivery", "guid")]);
    let Ok(Reading::Change(incoming)) = github().read(&pairs, body.as_bytes()) else { panic!() };
    assert_eq!(incoming.delivery_id, "guid");
}

#[test]
fn commands_are_addressed_to_any_of_the_configured_handles() {
    let body = payload("gitlab", "note_old_gitlab");
    let commanded = |handles: &[&str]| {
        let handles = handles.iter().map(|handle| (*handle).to_owned()).collect();
        let inbound = Inbound::new("gitlab", ForgeKind::GitLab, &Secrets::default(), handles).unwrap();
        let Ok(Reading::Change(incoming)) = inbound.read(&headers(&[]), body.as_bytes()) else { panic!() };
        matches!(&incoming.facts[..], [Fact::Told { act: Act::Commanded { .. }, .. }])
    };
    assert!(commanded(&[]) && commanded(&["acme-bot", "@Usher"]) && commanded(&["", "@"]));
    assert!(!commanded(&["acme-bot"]));
}
