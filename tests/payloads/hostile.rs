//! Bodies that are broken, mutilated or meant to hurt.

use proptest::prelude::*;
use serde_json::Value;
use usher::forge::Reading;

use super::{SECRET, github, gitlab, headers, payload, read_github, read_gitlab, read_stored, stored};

#[test]
fn what_is_no_json_object_is_unreadable_and_says_why() {
    let open = payload("gitlab", "open");
    let cut = &open.as_bytes()[..open.len() / 2];
    let nested = [b"{\"a\":".repeat(100_000), b"1".to_vec()].concat();
    let cases: [(&[u8], &str); 11] = [
        (b"", "body: empty"),
        (b"  \n", "body: empty"),
        (b"null", "body: no JSON object"),
        (b"[]", "body: no JSON object"),
        (b"[{\"object_kind\":\"merge_request\"}]", "body: no JSON object"),
        (b"\"{}\"", "body: no JSON object"),
        (b"true", "body: no JSON object"),
        (b"{\"a\":\"\xff\"}", "body: no UTF-8: invalid utf-8 sequence of 1 bytes from index 6"),
        (b"{} {}", "body: more than one JSON object"),
        (cut, "EOF while parsing"),
        (&nested, "EOF while parsing"),
    ];
    for (body, expected) in cases {
        for read in [
            read_github("pull_request", "d", body),
            read_github("ping", "d", body),
            read_github("star", "d", body),
            read_github("membership", "d", body),
            read_gitlab("Merge Request Hook", "d", body),
        ] {
            let error =
                read.expect_err(&format!("{:?}", String::from_utf8_lossy(&body[..body.len().min(40)])));
            assert!(error.to_string().contains(expected), "{error}, not {expected}");
        }
    }
}

#[test]
fn an_impossible_identity_is_unreadable_and_says_where() {
    for (forge, name, pointer, wrong, expected) in [
        ("gitlab", "open", "/object_attributes/iid", "\"twelve\"", "object_attributes.iid: invalid type"),
        ("gitlab", "open", "/object_attributes/author_id", "-1", "object_attributes.author_id: invalid"),
        ("gitlab", "note", "/merge_request/iid", "[]", "merge_request.iid: invalid type"),
        ("github", "pull_request.opened", "/pull_request/number", "1.5", "pull_request.number: invalid"),
        ("github", "pull_request.opened", "/repository/full_name", "7", "repository.full_name: invalid"),
    ] {
        let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
        *body.pointer_mut(pointer).unwrap() = serde_json::from_str(wrong).unwrap();
        let error = read_stored(forge, name, "d", &body.to_string()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}, not {expected}");
        assert!(error.len() < 500);
    }
    let early = br#"{"changes":{"a":1},"object_kind":"merge_request","object_attributes":{"iid":{}}}"#;
    let error = read_gitlab("Merge Request Hook", "d", early).unwrap_err().to_string();
    assert!(error.starts_with("object_attributes.iid: invalid type"), "{error}");
}

#[test]
fn a_time_that_cannot_be_read_is_made_good_by_another() {
    for (forge, name, change, remark) in [
        ("gitlab", "open", "/object_attributes", None),
        ("gitlab", "note", "/merge_request", Some("/object_attributes")),
        ("github", "pull_request.opened", "/pull_request", None),
        ("github", "pull_request_review.approved", "/pull_request", Some("/review")),
        ("github", "issue_comment.created", "/issue", Some("/comment")),
    ] {
        for wrong in ["\"\"", "\"noon\"", "0", "1768543582", "null", "[]", "\"2026-13-16T05:56:22Z\""] {
            let wrong: Value = serde_json::from_str(wrong).unwrap();
            let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
            body.pointer_mut(change).unwrap()["updated_at"] = wrong.clone();
            let read = read_stored(forge, name, "d", &body.to_string());
            let Ok(Reading::Change(incoming)) = &read else { panic!("{forge}/{name} {wrong}: {read:?}") };
            let snapshot = incoming.facts[0].snapshot().unwrap();
            assert!(snapshot.created_at.is_some_and(|at| at <= snapshot.updated_at));
            if remark.is_some() {
                assert!(snapshot.created_at != Some(snapshot.updated_at), "the remark's time is nearer");
            }
            for place in [Some(change), remark].into_iter().flatten() {
                for time in ["created_at", "updated_at", "submitted_at", "merged_at", "actioned_at"] {
                    body.pointer_mut(place).unwrap()[time] = wrong.clone();
                }
            }
            let error = read_stored(forge, name, "d", &body.to_string()).unwrap_err().to_string();
            let place = change.trim_start_matches('/');
            assert!(error.starts_with(&format!("{place}.updated_at: no instant")), "{error}");
        }
        let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
        body.pointer_mut(change).unwrap()["updated_at"] = "2026-01-16T09:00:00.1234567891Z".into();
        let Ok(Reading::Change(incoming)) = read_stored(forge, name, "d", &body.to_string()) else {
            panic!()
        };
        let seen = incoming.facts[0].snapshot().unwrap().updated_at;
        assert_eq!(seen, "2026-01-16T09:00:00.123456789Z".parse().unwrap());
    }
}

#[test]
fn an_event_that_names_no_change_is_passed_over() {
    for (forge, name, pointer) in [
        ("gitlab", "open", "/object_kind"),
        ("gitlab", "open", "/object_attributes"),
        ("gitlab", "open", "/object_attributes/iid"),
        ("gitlab", "note", "/merge_request"),
        ("gitlab", "note", "/object_attributes/noteable_type"),
        ("github", "pull_request.opened", "/pull_request"),
        ("github", "pull_request.opened", "/repository"),
        ("github", "issue_comment.created", "/issue/pull_request"),
    ] {
        let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
        *body.pointer_mut(pointer).unwrap() = Value::Null;
        let read = read_stored(forge, name, "d", &body.to_string());
        assert!(matches!(read, Ok(Reading::Unsupported { .. })), "{forge}/{name}{pointer}: {read:?}");
    }
}

#[test]
fn an_event_about_a_change_of_nobody_is_heard_and_moves_what_is_tracked() {
    for (forge, name, pointer, nobody) in [
        ("gitlab", "open", "/object_attributes/author_id", 0),
        ("gitlab", "note", "/merge_request/author_id", 0),
        ("github", "pull_request.opened", "/pull_request/user", 10_137),
        ("github", "pull_request_review.approved", "/pull_request/user", 10_137),
        ("github", "issue_comment.created", "/issue/user", 10_137),
    ] {
        let read = |author: bool| {
            let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
            if !author {
                *body.pointer_mut(pointer).unwrap() = Value::Null;
            }
            match read_stored(forge, name, "d", &body.to_string()) {
                Ok(Reading::Change(incoming)) => incoming,
                other => panic!("{forge}/{name}: {other:?}"),
            }
        };
        let (named, orphaned) = (read(true), read(false));
        assert_eq!(orphaned.author.id, nobody, "{forge}/{name}");
        assert_ne!(named.author, orphaned.author);
        assert_eq!((named.change, named.facts.len()), (orphaned.change, orphaned.facts.len()));
        assert_eq!(named.facts[0].snapshot().unwrap().state, orphaned.facts[0].snapshot().unwrap().state);
    }
}

#[test]
fn a_github_form_is_read_like_json() {
    let json = payload("github", "pull_request.opened");
    let plain = read_github("pull_request", "d", json.as_bytes()).unwrap();
    let form: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
    assert_eq!(read_github("pull_request", "d", form.as_bytes()).unwrap(), plain);
    let kind = headers(&[
        ("X-GitHub-Event", "pull_request"),
        ("X-GitHub-Delivery", "d"),
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
    ]);
    let shifted = format!("a=b&{form}");
    assert_eq!(github().read(&kind, shifted.as_bytes()).unwrap(), plain);
    let error = github().read(&kind, b"a=b").unwrap_err();
    assert_eq!(error.to_string(), "payload: is missing in the form");
    assert_eq!(read_github("ping", "d", b"payload=%5B%5D").unwrap_err().to_string(), "body: no JSON object");
}

#[test]
fn a_github_delivery_without_an_event_is_unreadable() {
    let error = github().read(&headers(&[]), b"{}").unwrap_err();
    assert_eq!(error.to_string(), "X-GitHub-Event: the header is missing");
}

#[test]
fn a_name_without_end_is_not_repeated() {
    let long = "x".repeat(100_000);
    let body = format!("{{\"object_kind\":\"{long}\"}}");
    let Ok(Reading::Unsupported { event }) = read_gitlab("X", "d", body.as_bytes()) else { panic!() };
    assert_eq!(event.len(), 200);
}

/// Every place in a JSON value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let at = format!("{at}/{key}");
        places(value, &at, found);
        found.push(at);
    }
}

#[test]
fn whatever_single_field_is_missing_or_null_no_delivery_fails() {
    for forge in ["github", "gitlab"] {
        for (name, text) in stored(forge) {
            let body: Value = serde_json::from_str(text).unwrap();
            let mut found = Vec::new();
            places(&body, "", &mut found);
            for place in found {
                let (parent, key) = place.rsplit_once('/').unwrap();
                let mut nulled = body.clone();
                *nulled.pointer_mut(&place).unwrap() = Value::Null;
                let mut dropped = body.clone();
                if let Some(Value::Object(map)) = dropped.pointer_mut(parent) {
                    map.remove(key);
                }
                for body in [nulled, dropped] {
                    let read = read_stored(forge, name, "d", &body.to_string());
                    assert!(read.is_ok(), "{forge}/{name}{place}: {read:?}");
                }
            }
        }
    }
}

/// Fields that name the change or its time: a wrong type there may be refused, never elsewhere.
const IDENTITY: [&str; 5] = ["/number", "/iid", "/author_id", "/updated_at", "/full_name"];

fn another() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Bool(true)),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(serde_json::json!([])),
        Just(serde_json::json!([[1], {"id": "x"}, null])),
        Just(serde_json::json!({})),
        Just(serde_json::json!({"id": -1, "state": [], "previous": 1})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fields_of_other_types_are_survived(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), another()), 1..4),
    ) {
        let payloads: Vec<(&str, &str, &str)> = ["github", "gitlab"]
            .into_iter()
            .flat_map(|forge| stored(forge).iter().map(move |(name, body)| (forge, name.as_str(), body.as_str())))
            .collect();
        let (forge, name, text) = *which.get(&payloads);
        let mut body: Value = serde_json::from_str(text).unwrap();
        let mut harmless = true;
        for (place, value) in edits {
            let mut found = Vec::new();
            places(&body, "", &mut found);
            // A template may have shrunk to nothing.
            if found.is_empty() { continue; }
            let place = place.get(&found);
            let path = place.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/');
            harmless &= !IDENTITY.iter().any(|field| path.ends_with(field))
                && !path.ends_with("path_with_namespace")
                && !value.is_object();
            *body.pointer_mut(place).unwrap() = value;
        }
        let read = read_stored(forge, name, "d", &body.to_string());
        prop_assert!(read.is_ok() || !harmless, "{}/{}: {:?}", forge, name, read);
    }

    #[test]
    fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..200), event in "[a-z_]{0,20}") {
        let pairs = headers(&[("X-GitHub-Event", "pull_request"), ("X-Gitlab-Token", SECRET)]);
        let _ = github().read(&pairs, &body);
        let _ = gitlab().read(&pairs, &body);
        let _ = github().read(&headers(&[("X-GitHub-Event", &event)]), &body);
    }

    #[test]
    fn flipped_and_cut_bytes_are_survived(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        for forge in ["github", "gitlab"] {
            let (name, text) = which.get(stored(forge));
            let mut body = text.clone().into_bytes();
            let at = at.index(body.len());
            if cut { body.truncate(at) } else { body[at] = byte }
            let event = name.split('.').next().unwrap();
            let _ = github().read(&headers(&[("X-GitHub-Event", event)]), &body);
            let _ = gitlab().read(&headers(&[]), &body);
        }
    }
}
