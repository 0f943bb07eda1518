//! The events that Usher subscribes to, on either forge.

use usher_core::model::change::ForgeKind;

/// An event that [`Inbound`](crate::forge::inbound::Inbound) reads; to no other is subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HookEvent {
    /// As the forge's API spells it.
    pub name: &'static str,
    /// As the forge's settings page spells it.
    pub title: &'static str,
    /// Only groups (GitLab) and organisations (GitHub) have it.
    pub owners_only: bool,
}

const fn event(name: &'static str, title: &'static str) -> HookEvent {
    HookEvent { name, title, owners_only: false }
}

const fn of_owners(name: &'static str, title: &'static str) -> HookEvent {
    HookEvent { name, title, owners_only: true }
}

/// GitLab's, by the names of `doc/api/project_webhooks.md` and `group_webhooks.md`. Commands in internal
/// notes are obeyed, so those are heard too.
const GITLAB: &[HookEvent] = &[
    event("merge_requests_events", "Merge request events"),
    event("note_events", "Comments"),
    event("confidential_note_events", "Confidential comments"),
    of_owners("member_events", "Member events"),
];

/// GitHub's, by the names of its `webhook-events-and-payloads.md`.
const GITHUB: &[HookEvent] = &[
    event("pull_request", "Pull requests"),
    event("pull_request_review", "Pull request reviews"),
    event("pull_request_review_comment", "Pull request review comments"),
    event("pull_request_review_thread", "Pull request review threads"),
    event("issue_comment", "Issue comments"),
    event("repository", "Repositories"),
    of_owners("membership", "Memberships"),
    of_owners("team", "Teams"),
    of_owners("organization", "Organizations"),
];

/// Every event that Usher reads on a forge of this kind.
pub(crate) fn events(kind: ForgeKind) -> &'static [HookEvent] {
    match kind {
        ForgeKind::GitLab => GITLAB,
        ForgeKind::GitHub => GITHUB,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::forge::inbound::{Inbound, Reading, Secrets};

    fn read(kind: ForgeKind, header: &str, body: &serde_json::Value) -> Reading {
        let inbound = Inbound::new("f", kind, &Secrets::default(), Vec::new()).unwrap();
        let mut headers = HeaderMap::new();
        let name = if kind == ForgeKind::GitHub { "x-github-event" } else { "x-gitlab-event" };
        headers.insert(name, header.parse().unwrap());
        inbound.read(&headers, body.to_string().as_bytes()).unwrap()
    }

    /// Every event name of GitHub's that the OpenAPI description's webhooks begin with, and a few of
    /// tomorrow's; only those of the table may be read.
    const OTHERS_OF_GITHUB: [&str; 24] = [
        "branch_protection_rule",
        "check_run",
        "check_suite",
        "commit_comment",
        "create",
        "delete",
        "deployment",
        "discussion",
        "fork",
        "issues",
        "label",
        "member",
        "merge_group",
        "milestone",
        "ping",
        "public",
        "push",
        "release",
        "repository",
        "star",
        "status",
        "team_add",
        "workflow_run",
        "pull_request_target",
    ];

    #[test]
    fn the_table_and_githubs_reader_agree() {
        let at = "2026-03-02T09:00:00Z";
        let body = json!({
            "action": "member_removed",
            "pull_request": {"number": 1, "user": {"id": 1, "login": "a"}, "updated_at": at},
            "issue": {"number": 1, "user": {"id": 1, "login": "a"}, "updated_at": at, "pull_request": {}},
            "review": {"id": 3, "user": {"id": 2, "login": "b"}, "state": "approved", "submitted_at": at},
            "comment": {"id": 3, "user": {"id": 2, "login": "b"}, "created_at": at, "updated_at": at},
            "repository": {"full_name": "acme/sdk"}, "sender": {"id": 2, "login": "b"},
        });
        for event in events(ForgeKind::GitHub) {
            let mut body = body.clone();
            if event.name == "repository" {
                body["action"] = "renamed".into();
            }
            let read = read(ForgeKind::GitHub, event.name, &body);
            let right = if event.owners_only || event.name == "repository" {
                matches!(read, Reading::Roster { .. })
            } else {
                matches!(read, Reading::Change(_))
            };
            assert!(right, "{event:?}: {read:?}");
        }
        for name in OTHERS_OF_GITHUB {
            let read = read(ForgeKind::GitHub, name, &body);
            assert!(matches!(read, Reading::Unsupported { .. } | Reading::Ping), "{name}: {read:?}");
        }
    }

    #[test]
    fn the_table_and_gitlabs_reader_agree() {
        let at = "2026-01-16 05:56:22 UTC";
        let change = json!({"id": 5, "iid": 1, "author_id": 1, "state": "opened", "updated_at": at,
            "target": {"path_with_namespace": "acme/shop"}});
        let project = json!({"path_with_namespace": "acme/shop", "id": 9});
        let merge = json!({"object_kind": "merge_request", "project": project, "user": {"id": 1},
            "object_attributes": change});
        let note = |internal: bool| {
            json!({"object_kind": "note", "event_type": if internal { "confidential_note" } else { "note" },
                "project": project, "user": {"id": 1}, "merge_request": change,
                "object_attributes": {"id": 3, "noteable_type": "MergeRequest", "author_id": 1,
                    "internal": internal, "note": "x", "created_at": at, "updated_at": at}})
        };
        let member = json!({"event_name": "user_add_to_group", "group_path": "acme", "user_id": 1});
        let bodies = [
            ("merge_requests_events", "Merge Request Hook", merge, false),
            ("note_events", "Note Hook", note(false), false),
            ("confidential_note_events", "Confidential Note Hook", note(true), false),
            ("member_events", "Member Hook", member, true),
        ];
        let named: Vec<_> = events(ForgeKind::GitLab).iter().map(|event| event.name).collect();
        assert_eq!(named, bodies.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
        for ((name, header, body, roster), event) in bodies.iter().zip(events(ForgeKind::GitLab)) {
            let read = read(ForgeKind::GitLab, header, body);
            assert!(matches!(read, Reading::Roster { .. }) == *roster, "{name}: {read:?}");
            assert!(matches!(read, Reading::Change(_)) != *roster, "{name}: {read:?}");
            assert_eq!(event.owners_only, *roster, "{name}");
        }
        for kind in
            ["push", "tag_push", "issue", "pipeline", "build", "wiki_page", "deployment", "release", "emoji"]
        {
            let read = read(ForgeKind::GitLab, "X", &json!({"object_kind": kind, "object_attributes": {}}));
            assert!(matches!(read, Reading::Unsupported { .. }), "{kind}: {read:?}");
        }
    }

    #[test]
    fn the_readmes_table_names_exactly_these_events() {
        let readme = include_str!("../../../README.md");
        let row = readme.lines().find(|line| line.starts_with("| events |")).expect("a row of events");
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for (kind, cell) in [(ForgeKind::GitLab, cells[1]), (ForgeKind::GitHub, cells[2])] {
            let (everywhere, owners) = cell.split_once("; on a").expect("what only groups have");
            let title = |owners_only: bool| -> BTreeSet<&str> {
                let of = events(kind).iter().filter(|event| event.owners_only == owners_only);
                of.map(|event| event.title).collect()
            };
            assert_eq!(everywhere.split(", ").collect::<BTreeSet<_>>(), title(false), "{kind:?}");
            let (_, owners) = owners.split_once(" too: ").expect("`… too: `");
            assert_eq!(owners.split(", ").collect::<BTreeSet<_>>(), title(true), "{kind:?}");
        }
    }
}
