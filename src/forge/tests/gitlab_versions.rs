//! What GitLab tells in some versions and not in others.

use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, ResponseTemplate};

use super::script::{Script, account, change};
use crate::forge::{BotRole, Hint};
use usher_core::model::action::{DesiredState, Write};
use usher_core::model::change::Verdict;
use usher_core::model::fact::{Fact, Refusal};

const MR: &str = "/projects/acme%2Fshop/merge_requests/7";
const ASKED: &str = "2026-03-01T08:01:00Z";

async fn reviewers(script: &Script, states: &[(u64, &str)]) {
    script.on("GET", MR, 200, json!({"iid": 7, "updated_at": "2026-03-01T08:00:00Z"})).await;
    let entry = |(id, state): &(u64, &str)| json!({"user": {"id": id, "username": format!("u{id}")}, "state": state, "created_at": ASKED});
    let entries: Value = states.iter().map(entry).collect();
    script.on("GET", &format!("{MR}/reviewers"), 200, entries).await;
}

async fn verdicts(script: &Script) -> Vec<(u64, Verdict, String)> {
    let seen = script.client.observe(&change()).await.unwrap().reviewers.unwrap();
    let told = |seen: &usher_core::model::change::SeenReviewer| {
        let (verdict, at) = seen.verdict?;
        Some((seen.account.id, verdict, at.to_string()))
    };
    seen.list.iter().filter_map(told).collect()
}

#[tokio::test]
async fn the_time_of_an_approval_is_read_where_gitlab_tells_it() {
    let script = Script::gitlab(&[]).await;
    reviewers(&script, &[(3, "approved"), (4, "unreviewed")]).await;
    let given = "2026-03-01T11:22:33Z";
    let approvals = json!({"approved_by": [
        {"user": {"id": 8, "username": "u8"}, "approved_at": ASKED},
        {"user": {"id": 3, "username": "u3"}, "approved_at": given}
    ]});
    script.on("GET", &format!("{MR}/approvals"), 200, approvals).await;
    assert_eq!(verdicts(&script).await, [(3, Verdict::Approved, given.to_owned())]);
    assert_eq!(script.requests().await.len(), 3, "no notes have to be read for it");
    let seen = script.client.observe(&change()).await.unwrap().reviewers.unwrap();
    let beside: Vec<u64> = seen.beside.unwrap().iter().map(|one| one.account.id).collect();
    assert_eq!(beside, [8], "who approves need not be a reviewer");
}

/// Who is put on the list after they approved is `unreviewed`, and who remarks on something `reviewed`: the
/// approval stands. Only being asked again removes it (GitLab's request-review service).
#[tokio::test]
async fn an_approval_stands_whatever_the_state_says_but_for_a_request_for_changes() {
    let script = Script::gitlab(&[]).await;
    let states = [(3, "unreviewed"), (4, "reviewed"), (5, "requested_changes"), (6, "unreviewed")];
    reviewers(&script, &states).await;
    let given = "2026-03-01T11:22:33Z";
    let approved = |id: u64| json!({"user": {"id": id, "username": "x"}, "approved_at": given});
    let approvals = json!({"approved_by": [approved(3), approved(4), approved(5)]});
    script.on("GET", &format!("{MR}/approvals"), 200, approvals).await;
    script.on("GET", &format!("{MR}/notes"), 200, json!([])).await;
    let expected = [
        (3, Verdict::Approved, given.into()),
        (4, Verdict::Approved, given.into()),
        (5, Verdict::ChangesRequested, ASKED.into()),
    ];
    assert_eq!(verdicts(&script).await, expected);
}

/// A GitLab that does not tell all approvals tells of none that it was taken back.
#[tokio::test]
async fn approvals_that_are_not_told_are_not_taken_for_none() {
    for (code, approvals) in [(403, json!({})), (404, json!({})), (200, json!({}))] {
        let script = Script::gitlab(&[]).await;
        reviewers(&script, &[(4, "unreviewed")]).await;
        script.on("GET", &format!("{MR}/approvals"), code, approvals).await;
        let seen = script.client.observe(&change()).await.unwrap().reviewers.unwrap();
        assert!(seen.complete && seen.beside.is_none(), "{code}");
    }
}

/// `GET …/reviewers` answers 404 where the version does not have it.
#[tokio::test]
async fn a_gitlab_without_states_of_reviewers_is_read_all_the_same() {
    let script = Script::gitlab(&[]).await;
    let listed = json!([{"id": 3, "username": "u3"}, {"id": 4, "username": "u4"}]);
    let seen = json!({"iid": 7, "updated_at": "2026-03-01T08:00:00Z", "reviewers": listed});
    script.on("GET", MR, 200, seen).await;
    script.on("GET", &format!("{MR}/reviewers"), 404, json!({"error": "404 Not Found"})).await;
    let approvals = json!({"approved_by": [{"user": {"id": 3, "username": "u3"}, "approved_at": ASKED}]});
    script.on("GET", &format!("{MR}/approvals"), 200, approvals).await;
    let seen = script.client.observe(&change()).await.unwrap().reviewers.unwrap();
    assert_eq!(seen.list.iter().map(|one| one.account.id).collect::<Vec<_>>(), [3, 4]);
    assert!(seen.complete);
    assert_eq!(verdicts(&script).await, [(3, Verdict::Approved, ASKED.to_owned())]);
}

/// Neither states nor times are told: who approves does so since the change's last news at the latest, and
/// must not be taken for somebody who took it back.
#[tokio::test]
async fn an_approval_without_a_time_counts_from_the_changes_last_news() {
    let news = "2026-03-01T08:00:00Z";
    let script = Script::gitlab(&[]).await;
    let listed = json!([{"id": 3, "username": "u3"}, {"id": 4, "username": "u4"}]);
    script.on("GET", MR, 200, json!({"iid": 7, "updated_at": news, "reviewers": listed})).await;
    script.on("GET", &format!("{MR}/reviewers"), 404, json!({"error": "404 Not Found"})).await;
    let approved = |id: u64| json!({"user": {"id": id, "username": format!("u{id}")}});
    let approvals = json!({"approved_by": [approved(3), approved(8)]});
    script.on("GET", &format!("{MR}/approvals"), 200, approvals).await;
    assert_eq!(verdicts(&script).await, [(3, Verdict::Approved, news.to_owned())]);
    let seen = script.client.observe(&change()).await.unwrap().reviewers.unwrap();
    let beside = seen.beside.unwrap();
    let beside: Vec<_> = beside.iter().map(|one| (one.account.id, one.verdict)).collect();
    assert_eq!(beside, [(8, Some((Verdict::Approved, news.parse().unwrap())))]);
}

#[tokio::test]
async fn an_older_gitlab_tells_it_by_its_notes_alone() {
    let said = "2026-03-01T10:00:00Z";
    for approvals in [json!({"approved_by": [{"user": {"id": 3, "username": "u3"}}]}), json!({})] {
        let script = Script::gitlab(&[]).await;
        reviewers(&script, &[(3, "approved"), (4, "requested_changes")]).await;
        script.on("GET", &format!("{MR}/approvals"), 200, approvals).await;
        let note = |id: u64| json!({"id": id, "author": {"id": id, "username": "x"}, "body": "approved this merge request", "created_at": said});
        script.on("GET", &format!("{MR}/notes"), 200, json!([note(3), note(4)])).await;
        let expected = [(3, Verdict::Approved, said.into()), (4, Verdict::ChangesRequested, said.into())];
        assert_eq!(verdicts(&script).await, expected);
    }
}

/// A change as GraphQL shows it; `limit` is what it says of several reviewers.
fn seen(reviewers: &[u64], limit: bool) -> Value {
    let node = |id: &u64| json!({"id": format!("gid://gitlab/User/{id}"), "username": format!("u{id}")});
    json!({"data": {"project": {"mergeRequest": {
        "state": "opened", "allowsMultipleReviewers": limit,
        "reviewers": {"nodes": reviewers.iter().map(node).collect::<Vec<_>>(), "pageInfo": {"hasNextPage": false}},
        "labels": {"nodes": [], "pageInfo": {"hasNextPage": false}}
    }}}})
}

async fn graphql(script: &Script, contains: &str, answer: Value) {
    let mock = Mock::given(method("POST")).and(path("/gl/api/graphql")).and(body_string_contains(contains));
    mock.respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&script.server).await;
}

fn wish(reviewers: &[u64], not_reviewers: &[u64]) -> Write {
    let set = |ids: &[u64]| ids.iter().map(|id| account(*id)).collect();
    Write::Desired(DesiredState {
        reviewers: set(reviewers),
        not_reviewers: set(not_reviewers),
        ..DesiredState::default()
    })
}

#[tokio::test]
async fn gitlab_free_is_known_before_the_write_where_it_tells() {
    let one_only = |id| Fact::Refused { reviewer: account(id), refusal: Refusal::OneReviewerOnly };
    let script = Script::gitlab(&[]).await;
    graphql(&script, "query(", seen(&[9], false)).await;
    let facts = script.client.perform(&change(), &wish(&[3, 4], &[]), Hint::default()).await.unwrap().facts;
    assert_eq!(facts, [one_only(3), one_only(4)]);
    assert_eq!(script.requests().await.len(), 1, "the one place is taken, so nothing is written");

    let script = Script::gitlab(&[]).await;
    graphql(&script, "query(", seen(&[9], false)).await;
    let after = json!({"data": {
        "removed": {"errors": [], "mergeRequest": {"reviewers": {"nodes": []}}},
        "appended": {"errors": [], "mergeRequest": {"reviewers": {"nodes": [{"id": "gid://gitlab/User/3", "username": "u3"}]}}}
    }});
    graphql(&script, "mutation(", after).await;
    let facts = script.client.perform(&change(), &wish(&[3, 4], &[9]), Hint::default()).await.unwrap().facts;
    assert_eq!(facts, [one_only(4)], "3 takes the place that 9 leaves");
    let write = script.requests().await.pop().unwrap();
    assert!(write.contains(r#"["u3"]"#) && !write.contains("u4"), "{write}");
}

#[tokio::test]
async fn whom_a_gitlab_with_several_reviewers_leaves_out_is_not_taken_for_its_limit() {
    let script = Script::gitlab(&[]).await;
    graphql(&script, "query(", seen(&[9], true)).await;
    let kept = json!({"nodes": [{"id": "gid://gitlab/User/9", "username": "u9"}]});
    graphql(
        &script,
        "mutation(",
        json!({"data": {"appended": {"errors": [], "mergeRequest": {"reviewers": kept}}}}),
    )
    .await;
    script.on("GET", "/projects/acme%2Fshop/members/all/3", 200, json!({"id": 3, "username": "u3"})).await;
    let facts = script.client.perform(&change(), &wish(&[3], &[]), Hint::default()).await.unwrap().facts;
    assert_eq!(facts, [Fact::Refused { reviewer: account(3), refusal: Refusal::Dropped }]);
}

/// Found by the simulation: a reviewer lost access, so GitLab changes nothing of the list and whom Usher takes
/// off stays on it.
#[tokio::test]
async fn who_cannot_read_the_change_any_more_and_keeps_others_on_the_list_is_refused() {
    // GitLab shows the change as it is beside its errors, or not at all.
    let kept = json!([
        {"id": "gid://gitlab/User/3", "username": "u3"}, {"id": "gid://gitlab/User/9", "username": "u9"}
    ]);
    for shown in [json!(null), json!({"reviewers": {"nodes": kept}})] {
        keeps_others(shown).await;
    }
}

async fn keeps_others(shown: Value) {
    let script = Script::gitlab(&[]).await;
    graphql(&script, "query(", seen(&[3, 9], true)).await;
    let held = json!({"errors": ["Reviewers must be able to read the merge request"], "mergeRequest": shown});
    graphql(&script, "mutation(", json!({"data": {"removed": held}})).await;
    let list = json!([{"id": 3, "username": "u3"}, {"id": 9, "username": "u9"}]);
    script.on("PUT", MR, 200, json!({"iid": 7, "updated_at": ASKED, "reviewers": list})).await;
    script.on("GET", "/projects/acme%2Fshop/members/all/3", 404, json!({"message": "404 Not found"})).await;
    let refused = Fact::Refused { reviewer: account(3), refusal: Refusal::Dropped };
    let wanted = wish(&[3], &[9]);
    let facts = script.client.perform(&change(), &wanted, Hint::default()).await.unwrap().facts;
    assert_eq!(facts, [refused]);

    // Who is no member may be somebody whom a person put there: people have to take them off.
    let fault = script.client.perform(&change(), &wish(&[], &[9]), Hint::default()).await.unwrap_err();
    assert!(fault.to_string().contains("u9 stays a reviewer"), "{fault}");
}

#[tokio::test]
async fn a_schema_without_the_limit_is_asked_for_it_once_an_hour() {
    let script = Script::gitlab(&[]).await;
    let lacks = json!({"errors": [{"message": "Field 'allowsMultipleReviewers' doesn't exist on type 'MergeRequest'"}]});
    let mock = Mock::given(method("POST")).and(body_string_contains("allowsMultipleReviewers"));
    mock.respond_with(ResponseTemplate::new(200).set_body_json(lacks))
        .with_priority(1)
        .mount(&script.server)
        .await;
    graphql(&script, "query(", seen(&[3], true)).await;
    for expected in [2, 3, 4] {
        script.client.perform(&change(), &wish(&[3], &[]), Hint::default()).await.unwrap();
        assert_eq!(script.requests().await.len(), expected);
    }
    script.clock.advance_to(super::script::start() + jiff::SignedDuration::from_hours(1));
    script.client.perform(&change(), &wish(&[3], &[]), Hint::default()).await.unwrap();
    assert_eq!(script.requests().await.len(), 6, "it may have been updated");
}

#[tokio::test]
async fn a_role_of_the_companys_own_counts_by_its_permissions() {
    for (level, permissions, expected) in [
        (20, json!({"createLabel": true, "createMergeRequestFrom": true}), BotRole::Writes),
        (20, json!({"createLabel": true, "createMergeRequestFrom": false}), BotRole::Labels),
        (10, json!({"createLabel": true, "createMergeRequestFrom": false}), BotRole::Labels),
        (10, json!({"createLabel": false, "createMergeRequestFrom": false}), BotRole::Reads),
        (30, json!({}), BotRole::Writes),
    ] {
        let script = Script::gitlab(&[]).await;
        script.on("GET", "/user", 200, json!({"id": 99, "username": "usher"})).await;
        script
            .on("GET", "/projects/acme%2Fshop", 200, json!({"reviewer_assignment_strategy": "disabled"}))
            .await;
        let member = json!({"id": 99, "username": "usher", "access_level": level});
        script.on("GET", "/projects/acme%2Fshop/members/all/99", 200, member).await;
        graphql(&script, "userPermissions", json!({"data": {"project": {"userPermissions": permissions}}}))
            .await;
        let seen = script.client.project("acme/shop").await.unwrap();
        assert_eq!((seen.role, seen.assigns_reviewers), (expected, None), "{level} {permissions}");
    }
}
