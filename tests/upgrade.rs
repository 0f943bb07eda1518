//! What an earlier version stored is read by this one, and decided on as if nothing had happened.

use jiff::Timestamp;
use serde_json::{Map, Value};
use usher_core::model::action::{Action, Comment};
use usher_core::model::candidate::Judgement;
use usher_core::model::change::{Account, ForgeKind};
use usher_core::model::fact::{Act, Fact};
use usher_core::model::reason::Reason;
use usher_core::model::review::{Review, Stage};

use crate::support::company::{Company, account};
use crate::support::forge::Forge;
use crate::support::play::Play;

/// A review as 0.1.0 wrote it, before routes, sizes, tickets, scope and the queue were remembered.
const REVIEW: &str = r#"{
    "change": {"forge": "forge", "project": "acme/shop", "number": 7},
    "title": "Fix the rounding", "url": "https://forge.example/7",
    "author": {"id": 11, "login": "sam"}, "author_name": "sam", "tracked": true,
    "target_branch": "main", "state": "open", "draft": false, "head": "aaa",
    "opened_at": "2026-11-20T09:00:00Z", "ready_at": "2026-11-20T09:00:00Z", "done_at": null,
    "seen_at": "2026-11-20T09:00:00Z", "seen_first_at": "2026-11-20T09:00:00Z", "whole": true,
    "seen_labels": ["support-contribution", "support-review::reviewing"],
    "seen_reviewers": [{"id": 21, "login": "rita"}],
    "pools": [{
        "pool": "backend", "lines": 0,
        "waiting_box": {"spent_millis": 0, "running_since": null, "ran_out": false, "turn": 0},
        "widened": false, "escalated": false, "not_before": null,
        "candidates": [
            {"person": "ravi", "standing": {"verdict": "away", "until": "2026-11-22"}},
            {"person": "rita", "standing": {"verdict": "chosen", "free_at": "2026-11-20T09:00:00Z", "open": 0, "capacity": 5}}
        ]
    }],
    "parts_made": 0, "routing": "routed",
    "assignments": [{
        "pool": "backend", "person": "rita", "account": {"id": 21, "login": "rita"},
        "since": "2026-11-20T09:00:00Z", "origin": "picked",
        "reviewing_box": {"spent_millis": 0, "running_since": "2026-11-20T09:00:00Z", "ran_out": false, "turn": 0},
        "ran_out": false, "listed": true, "told": false, "accepted": false, "named_at": null, "ended": null
    }],
    "voices": {"21": {"verdict": null, "commented_at": null, "verdict_at_most": false, "commented_at_most": false}},
    "author_acted_at": null, "stage": "reviewing", "stage_since": "2026-11-20T09:00:00Z",
    "stage_set": null, "hold": null, "overdue": false,
    "author_box": {"spent_millis": 0, "running_since": null, "ran_out": false, "turn": 0},
    "merge_box": {"spent_millis": 0, "running_since": null, "ran_out": false, "turn": 0},
    "court_pings": 0, "retry_at": null, "hands_off": [],
    "asked": {
        "reviewers": [{"id": 21, "login": "rita"}], "not_reviewers": [],
        "labels": ["support-contribution", "support-review::reviewing"], "not_labels": []
    },
    "overwritten": [], "set_labels": ["support-contribution", "support-review::reviewing"],
    "reshapes": 0, "reshaped_at": null,
    "held_pings": {"reviewing-rita-0-remind-100-rita": "2026-11-23T09:00:00Z"},
    "obeyed": [[900, 12345]], "unskip": false, "status_fingerprint": 42,
    "wake": "2026-11-23T09:00:00Z"
}"#;

/// The review with the accounts of the company in these tests.
fn stored() -> Review {
    let id = |name: &str| account(name).unwrap().id.to_string();
    let text = REVIEW.replace("\"id\": 11", &format!("\"id\": {}", id("sam")));
    let text = text.replace("\"id\": 21", &format!("\"id\": {}", id("rita")));
    let text = text.replace("\"21\":", &format!("\"{}\":", id("rita")));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_review_of_the_first_version_goes_on() {
    let mut company = Company::new();
    company.first_seen = "2026-11-01T00:00:00Z".parse().unwrap();
    let forge = Forge::new(ForgeKind::GitLab, account("sam").unwrap());
    let monday: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut play = Play::new(company, forge, monday);
    play.review = stored();
    assert!(matches!(play.review.planned.pools[0].candidates[0].standing, Judgement::Away { .. }));
    let actions = play.decide(&Fact::Tick);
    // Eight working hours since Friday morning are over: exactly one reminder, and nobody else is asked.
    let pings = actions.iter().filter(|action| action.names().is_some_and(|named| named.person == "rita"));
    assert_eq!(pings.count(), 1, "{actions:?}");
    assert_eq!(play.asked(), ["rita"]);
    assert_eq!((play.review.done.stage, play.review.done.overdue), (Stage::Reviewing, true));
    let said = play.ledger.iter().flat_map(|entry| &entry.reasons);
    assert!(said.clone().all(|reason| !matches!(reason, Reason::Picked { .. } | Reason::Routed { .. })));
    // Written by this version, it is read again as it is.
    let text = serde_json::to_string(&play.review).unwrap();
    assert_eq!(serde_json::from_str::<Review>(&text).unwrap(), play.review);
}

/// The first version remembered commands by how they were printed, which no other version can repeat.
#[test]
fn a_comment_that_was_obeyed_before_is_obeyed_no_more() {
    let sam = account("sam").unwrap();
    let forge = Forge::new(ForgeKind::GitLab, sam.clone());
    let monday: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut play = Play::new(Company::new(), forge, monday);
    let opened = play.forge.opened(play.now);
    play.tell(opened);
    let said = play.forge.said(play.now, &sam, "@usher snooze 1d\n@usher skip").remove(0);
    let Fact::Told { act: Act::Commanded { comment, .. }, .. } = &said else { panic!("{said:?}") };
    play.review.said.comments_obeyed = vec![(*comment, 0x5eed)];
    assert_eq!(play.decide(&said), []);
    assert_eq!((play.review.said.hold, play.review.said.commands.len()), (None, 0));
    let later = play.forge.said(play.now, &sam, "@usher skip").remove(0);
    assert_ne!(play.decide(&later), [], "another comment is obeyed");
}

#[test]
fn a_review_is_kept_under_the_names_of_the_first_version() {
    let known: Map<String, Value> = serde_json::from_str(REVIEW).unwrap();
    let Value::Object(written) = serde_json::to_value(stored()).unwrap() else { panic!("no object") };
    let kept = |name: &str| written.get(name).is_some();
    let lost: Vec<_> = known.keys().filter(|name| !kept(name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    // What each part keeps, not only its name.
    for name in
        ["seen_at", "seen_labels", "done_at", "ready_at", "stage", "obeyed", "status_fingerprint", "wake"]
    {
        assert_eq!(written.get(name), known.get(name), "{name}");
    }
}

#[test]
fn facts_and_actions_of_the_first_version_are_read() {
    let files: Fact =
        serde_json::from_str(r#"{"fact": "files", "files": [{"path": "a", "lines": 1}]}"#).unwrap();
    assert!(matches!(files, Fact::Files { files, .. } if files[0].owners.is_empty()));
    let read: Action = serde_json::from_str(r#"{"action": "read_files"}"#).unwrap();
    assert_eq!(read, Action::ReadFiles { codeowners: None });
    let act: Act =
        serde_json::from_str(r#"{"act": "commanded", "command": {"command": "why"}, "comment": 3}"#).unwrap();
    assert!(matches!(act, Act::Commanded { comment: 3, also, .. } if also.is_empty()));
    let ping: Action =
        serde_json::from_str(r#"{"action": "ping", "key": "k", "person": "rita", "body": "b"}"#).unwrap();
    assert!(matches!(ping, Action::Comment(Comment::Ping { not_after, .. }) if not_after == Timestamp::MAX));
    let account: Account = serde_json::from_str(r#"{"id": 1, "login": "x"}"#).unwrap();
    assert_eq!(account, Account::new(1, "x"));
}
