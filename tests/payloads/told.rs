//! Every stored payload, and what Usher makes of it, as text.

use std::fmt::Write as _;

use usher::forge::{Incoming, Reading};
use usher_core::model::change::{Account, SeenReviewers, Snapshot};
use usher_core::model::fact::{Act, Fact};

use super::{payload, read_gitlab, read_stored, stored};

fn who(account: &Account) -> String {
    match account.login.as_str() {
        "" => format!("#{}", account.id),
        login => format!("{login}#{}", account.id),
    }
}

fn reviewers(seen: &SeenReviewers) -> String {
    let list = seen.list.iter().map(|reviewer| match reviewer.verdict {
        Some((verdict, at)) => format!("{} {verdict:?} {at}", who(&reviewer.account)),
        None => who(&reviewer.account),
    });
    let list: Vec<String> = list.collect();
    format!("{}[{}]", if seen.complete { "all" } else { "asked" }, list.join(", "))
}

fn snapshot(seen: &Snapshot) -> String {
    let head = seen.head.as_deref().map(|head| &head[..4]);
    let mut text = format!("{:?} by {} at {}", seen.state, who(&seen.author), seen.updated_at);
    let draft = seen.draft.map(|draft| if draft { "draft" } else { "ready" });
    let labels = seen.labels.as_ref().map(|labels| format!("labels {labels:?}"));
    let seen_reviewers = seen.reviewers.as_ref().map(reviewers);
    let target = seen.target_branch.as_ref().map(|branch| format!("into {branch}"));
    let head = head.map(|head| format!("head {head}"));
    let parts = [draft.map(str::to_owned), labels, seen_reviewers, target, head];
    for part in parts.into_iter().flatten() {
        write!(text, ", {part}").unwrap();
    }
    text
}

fn act(act: &Act) -> String {
    match act {
        Act::Dismissed { reviewer } => format!("Dismissed {}", who(reviewer)),
        Act::Requested { reviewer } => format!("Requested {}", who(reviewer)),
        Act::Unrequested { reviewer } => format!("Unrequested {}", who(reviewer)),
        Act::ThreadTurned { thread, resolved } => {
            let opener = thread.as_ref().map_or_else(|| "somebody".into(), |thread| who(&thread.opener));
            format!("{} a thread of {opener}", if *resolved { "Resolved" } else { "Reopened" })
        }
        Act::Reviewed { verdict } => format!("Reviewed {verdict:?}"),
        Act::Commanded { command, comment, also, .. } => {
            let more: String = also.iter().map(|command| format!(" and {command:?}")).collect();
            format!("Commanded {command:?}{more} in {comment}")
        }
        Act::Labelled { labels } => format!("Labelled {labels:?}"),
        Act::Touched | Act::Pushed | Act::Commented => format!("{act:?}"),
    }
}

fn change(incoming: &Incoming) -> String {
    let mut text = format!("{} {}", incoming.event, incoming.change);
    for (index, fact) in incoming.facts.iter().enumerate() {
        let Fact::Told { act: done, by, at, snapshot: seen } = fact else { panic!("{fact:?}") };
        assert_eq!(seen.author, incoming.author);
        assert_eq!((seen.title.ends_with("Round the total once"), seen.url.contains("12")), (true, true));
        if index == 0 {
            write!(text, "\n    {}", snapshot(seen)).unwrap();
        }
        let bot = if by.bot { " (bot)" } else { "" };
        write!(text, "\n    {} by {}{bot} at {at}", act(done), who(&by.account)).unwrap();
    }
    text
}

fn reading(reading: &Reading) -> String {
    match reading {
        Reading::Unsupported { event } => format!("unsupported {event}"),
        Reading::Ping => "ping".into(),
        Reading::Roster { what } => format!("roster {what}"),
        Reading::Change(incoming) => change(incoming),
    }
}

/// All stored payloads of a forge, one paragraph each.
fn told(forge: &str) -> String {
    let paragraphs = stored(forge).iter().map(|(name, body)| {
        let read = read_stored(forge, name, "d-1", body).unwrap_or_else(|error| panic!("{name}: {error}"));
        format!("{name}: {}\n", reading(&read))
    });
    paragraphs.collect()
}

#[track_caller]
fn compare(forge: &str, expected: &str) {
    let told = told(forge);
    for (told, expected) in told.lines().zip(expected.lines()) {
        assert_eq!(told, expected, "{forge} now tells:\n{told}");
    }
    assert_eq!(told.lines().count(), expected.lines().count(), "{forge} now tells:\n{told}");
}

#[test]
fn github_payloads_are_told() {
    compare("github", include_str!("github.told.txt"));
}

#[test]
fn gitlab_payloads_are_told() {
    compare("gitlab", include_str!("gitlab.told.txt"));
}

#[test]
fn a_system_hook_is_told_by_its_kind_not_by_its_header() {
    let body = payload("gitlab", "open");
    let usual = read_gitlab("Merge Request Hook", "d-1", body.as_bytes());
    assert!(matches!(usual, Ok(Reading::Change(_))));
    assert_eq!(read_gitlab("System Hook", "d-1", body.as_bytes()), usual);
    assert_eq!(read_gitlab("Whatever Hook", "d-1", body.as_bytes()), usual);
}
