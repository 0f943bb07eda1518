//! Every example of npm `@octokit/webhooks-examples` 7.6.1, recorded from GitHub.
//!
//! `scripts/fetch-webhook-examples` fetches the package; `USHER_WEBHOOK_EXAMPLES` names its folder.
//! Without the variable nothing is read, and the tests say so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use usher::forge::{Incoming, Reading};
use usher_core::model::change::ChangeState;
use usher_core::model::fact::{Act, Fact};

use super::read_github;

/// Events and payloads of github.com in version 7.6.1.
const EVENTS: usize = 58;
const PAYLOADS: usize = 329;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("USHER_WEBHOOK_EXAMPLES").map(PathBuf::from);
    if folder.is_none() {
        println!("NOT RUN: USHER_WEBHOOK_EXAMPLES is not set (see scripts/fetch-webhook-examples)");
    }
    folder
}

/// Event name and payload of every example in an `index.json`.
fn examples(index: &Path) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(index).unwrap_or_else(|error| panic!("{}: {error}", index.display()));
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let payloads = events.into_iter().flat_map(|event| {
        let name = event["name"].as_str().unwrap().to_owned();
        let list = event["examples"].as_array().unwrap().clone();
        list.into_iter().map(move |payload| (name.clone(), payload))
    });
    payloads.collect()
}

/// Signs, verifies and reads one example; a failure names it.
fn read(event: &str, payload: &Value) -> Reading {
    let read = read_github(event, "an-example", payload.to_string().as_bytes());
    read.unwrap_or_else(|error| panic!("{event} {}: {error}", payload["action"]))
}

#[test]
fn every_recorded_payload_of_github_is_read() {
    let Some(folder) = folder() else { return };
    let examples = examples(&folder.join("api.github.com/index.json"));
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (event, payload) in &examples {
        let kind = match read(event, payload) {
            Reading::Change(incoming) => {
                check(event, payload, &incoming);
                "change"
            }
            Reading::Roster { .. } => "roster",
            Reading::Ping => "ping",
            Reading::Unsupported { event: named } => {
                assert_eq!(named, *event);
                "unsupported"
            }
        };
        *counts.entry((kind, if kind == "unsupported" { "" } else { event })).or_default() += 1;
    }
    println!("{} payloads: {counts:?}", examples.len());
    assert_eq!(examples.len(), PAYLOADS);
    assert_eq!(
        examples.iter().map(|(event, _)| event).collect::<std::collections::BTreeSet<_>>().len(),
        EVENTS
    );
    let expected = [
        (("change", "pull_request"), 29),
        (("change", "pull_request_review"), 4),
        (("change", "pull_request_review_comment"), 5),
        (("change", "pull_request_review_thread"), 3),
        (("ping", "ping"), 4),
        (("roster", "membership"), 5),
        (("roster", "organization"), 4),
        (("roster", "repository"), 4),
        (("roster", "team"), 6),
        // All 9 `issue_comment` examples are about plain issues.
        (("unsupported", ""), 265),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn every_recorded_comment_is_read_when_its_issue_is_a_pull_request() {
    let Some(folder) = folder() else { return };
    let mut comments = 0;
    for (event, mut payload) in examples(&folder.join("api.github.com/index.json")) {
        if event != "issue_comment" {
            continue;
        }
        payload["issue"]["pull_request"] =
            serde_json::json!({"url": "https://api.github.com/x", "merged_at": null});
        let Reading::Change(incoming) = read(&event, &payload) else { panic!("{payload}") };
        check(&event, &payload, &incoming);
        comments += 1;
    }
    assert_eq!(comments, 9);
}

#[test]
fn every_recorded_payload_of_enterprise_server_is_read() {
    let Some(folder) = folder() else { return };
    let mut payloads = 0;
    for version in ["ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"] {
        for (event, payload) in examples(&folder.join(version).join("index.json")) {
            let read = read(&event, &payload);
            if event.starts_with("pull_request") {
                let Reading::Change(incoming) = read else { panic!("{event}: {payload}") };
                check(&event, &payload, &incoming);
            }
            payloads += 1;
        }
    }
    println!("{payloads} payloads of Enterprise Server");
    assert!(payloads > 300);
}

/// Nothing that Usher needs is lost on the way from the payload to the facts.
#[track_caller]
fn check(event: &str, payload: &Value, incoming: &Incoming) {
    let pull = if event == "issue_comment" { &payload["issue"] } else { &payload["pull_request"] };
    assert_eq!(incoming.event, event);
    assert_eq!(incoming.change.project, payload["repository"]["full_name"]);
    assert_eq!(incoming.change.number, pull["number"]);
    assert_eq!(incoming.author.id, pull["user"]["id"]);
    assert_eq!(incoming.author.login, pull["user"]["login"]);
    assert_eq!(incoming.facts.len(), 1);
    let Fact::Told { act, by, at, snapshot } = &incoming.facts[0] else { panic!("{:?}", incoming.facts) };
    assert_eq!(snapshot.updated_at, pull["updated_at"].as_str().unwrap().parse().unwrap());
    assert_eq!(snapshot.title, pull["title"]);
    let labels =
        pull["labels"].as_array().unwrap().iter().map(|label| label["name"].as_str().unwrap().to_owned());
    assert_eq!(snapshot.labels, Some(labels.collect()));
    let closed = pull["state"] == "closed";
    assert_eq!(snapshot.state, if closed { ChangeState::Closed } else { ChangeState::Open });
    assert_eq!(snapshot.draft, pull["draft"].as_bool());
    assert_eq!(snapshot.head.as_deref(), pull["head"]["sha"].as_str());
    assert_eq!(snapshot.target_branch.as_deref(), pull["base"]["ref"].as_str());
    assert_eq!(by.account.id, payload["sender"]["id"]);
    assert!(!by.bot);
    assert!(*at <= snapshot.updated_at, "nothing is done after it was told");
    let asked = pull["requested_reviewers"].as_array().map(Vec::len);
    assert_eq!(snapshot.reviewers.as_ref().map(|seen| seen.list.len()), asked);
    assert_eq!(words(act), expected(event, payload), "{event} {}", payload["action"]);
}

fn words(act: &Act) -> String {
    match act {
        Act::Touched => "touched".into(),
        Act::Pushed => "pushed".into(),
        Act::Labelled { labels } => format!("labelled {labels:?}"),
        Act::Commented => "commented".into(),
        Act::Reviewed { verdict } => format!("reviewed {verdict:?}"),
        Act::Dismissed { reviewer } => format!("dismissed {}", reviewer.id),
        Act::Requested { reviewer } => format!("requested {}", reviewer.id),
        Act::Unrequested { reviewer } => format!("unrequested {}", reviewer.id),
        Act::ThreadTurned { resolved, .. } => format!("thread {resolved}"),
        Act::Commanded { command, .. } => format!("commanded {command:?}"),
    }
}

/// What the event must be told as. In the recorded reviews the author answers on their own change,
/// which counts as a comment; without a text it only wraps answers on lines, which tell of themselves.
fn expected(event: &str, payload: &Value) -> String {
    let reviewer = &payload["requested_reviewer"]["id"];
    match (event, payload["action"].as_str().unwrap()) {
        ("pull_request", "synchronize") => "pushed".into(),
        ("pull_request", "labeled") => format!("labelled {{{}}}", payload["label"]["name"]),
        ("pull_request", "review_requested") => format!("requested {reviewer}"),
        ("pull_request", "review_request_removed") => format!("unrequested {reviewer}"),
        ("pull_request_review", "dismissed") => format!("dismissed {}", payload["review"]["user"]["id"]),
        ("pull_request_review", "submitted")
            if payload["review"]["state"] == "commented"
                && payload["review"]["body"].as_str().unwrap_or_default().trim().is_empty() =>
        {
            "touched".into()
        }
        ("pull_request_review", "submitted")
            if payload["review"]["user"] == payload["pull_request"]["user"] =>
        {
            "commented".into()
        }
        ("pull_request_review", "submitted") => "reviewed Commented".into(),
        ("issue_comment" | "pull_request_review_comment", "created") => "commented".into(),
        ("pull_request_review_thread", "resolved") => "thread true".into(),
        ("pull_request_review_thread", "unresolved") => "thread false".into(),
        _ => "touched".into(),
    }
}
