//! GitLab's dialect, request by request.

use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, ResponseTemplate};

use super::script::{Script, account, change};
use crate::forge::{ForgeFault, Hint, Performed};
use usher_core::model::action::{Comment, DesiredState, Write};
use usher_core::model::change::{ChangeState, ChangedFile, OwnersFile, Verdict};
use usher_core::model::fact::{CommentPlace, Fact, Refusal};

const MR: &str = "/projects/acme%2Fshop/merge_requests/7";
const NOTES: &str = "/projects/acme%2Fshop/merge_requests/7/notes";
const MEMBERS: &str = "/projects/acme%2Fshop/members/all";

pub(super) fn user(id: u64) -> Value {
    json!({"id": id, "username": format!("u{id}"), "state": "active"})
}

pub(super) fn mr(reviewers: &[u64], labels: &[&str]) -> Value {
    json!({
        "iid": 7, "title": "Fix", "web_url": "https://h/acme/shop/-/merge_requests/7", "author": user(1),
        "state": "opened", "draft": false, "labels": labels, "target_branch": "main", "sha": "abc",
        "reviewers": reviewers.iter().map(|id| user(*id)).collect::<Vec<_>>(),
        "created_at": "2026-03-01T08:00:00.000Z", "updated_at": "2026-03-01T09:00:00.000+01:00",
        "references": {"full": "acme/shop!7"}, "user": {"can_merge": true}
    })
}

fn desired(reviewers: &[u64], not_reviewers: &[u64]) -> DesiredState {
    DesiredState {
        reviewers_again: Default::default(),
        reviewers: reviewers.iter().map(|id| account(*id)).collect(),
        not_reviewers: not_reviewers.iter().map(|id| account(*id)).collect(),
        labels: ["support-contribution".to_owned(), "support-review::reviewing".into()].into(),
        not_labels: ["support-review::waiting".to_owned()].into(),
    }
}

fn status() -> Write {
    Write::Comment(Comment::Status { body: "<!-- usher:status -->\nhello".into() })
}

async fn perform(script: &Script, action: Write, hint: Hint) -> Performed {
    script.client.perform(&change(), &action, hint).await.unwrap()
}

const GRAPHQL: &str = "POST /gl/api/graphql";

/// All requests but those to GraphQL, which is not there unless it was scripted.
async fn rest(script: &Script) -> Vec<String> {
    script.requests().await.into_iter().filter(|line| !line.starts_with(GRAPHQL)).collect()
}

fn reviewer_nodes(ids: &[u64]) -> Value {
    let node = |id: &u64| json!({ "id": format!("gid://gitlab/User/{id}"), "username": format!("u{id}") });
    json!({ "nodes": ids.iter().map(node).collect::<Vec<_>>(), "pageInfo": { "hasNextPage": false } })
}

fn label_nodes(labels: &[&str]) -> Value {
    let node = |label: &&str| json!({ "id": format!("gid://gitlab/ProjectLabel/{label}"), "title": label });
    json!({ "nodes": labels.iter().map(node).collect::<Vec<_>>(), "pageInfo": { "hasNextPage": false } })
}

async fn graphql(script: &Script, part: &str, answer: Value, times: u64) {
    let answer = ResponseTemplate::new(200).set_body_json(answer);
    let place = Mock::given(method("POST")).and(path("/gl/api/graphql")).and(body_string_contains(part));
    place.respond_with(answer).up_to_n_times(times).mount(&script.server).await;
}

/// Lets the query answer with this merge request, and with `known` labels of the project.
async fn shows(script: &Script, reviewers: &[u64], labels: &[&str], known: &[&str]) {
    let (reviewers, labels) = (reviewer_nodes(reviewers), label_nodes(labels));
    let seen = json!({ "state": "opened", "reviewers": reviewers, "labels": labels });
    let project = json!({ "mergeRequest": seen, "l0": label_nodes(known), "l1": label_nodes(&[]) });
    graphql(script, "query(", json!({ "data": { "project": project } }), 1).await;
}

/// Lets the next mutation answer.
async fn answers(script: &Script, steps: Value) {
    graphql(script, "mutation(", steps, 1).await;
}

fn kept(ids: &[u64]) -> Value {
    json!({ "errors": [], "mergeRequest": { "reviewers": reviewer_nodes(ids) } })
}

/// The names of the labels that [`shape`] wants.
const WANTED: [&str; 2] = ["support-contribution", "support-review::reviewing"];

#[tokio::test]
async fn reviewers_and_labels_are_swapped_one_by_one_in_one_write() {
    let script = Script::gitlab(&[]).await;
    shows(&script, &[9, 4], &["bug", "support-review::waiting"], &[WANTED[0], WANTED[1], "like-it"]).await;
    let labels =
        json!({ "errors": [], "mergeRequest": { "labels": label_nodes(&["bug", WANTED[0], WANTED[1]]) } });
    let steps =
        json!({ "removed": kept(&[9]), "appended": kept(&[9, 3]), "labelled": labels, "unlabelled": labels });
    answers(&script, json!({ "data": steps })).await;
    let done = perform(&script, Write::Desired(desired(&[3], &[4])), Hint::default()).await;
    assert_eq!(done, Performed::default());
    let requests = script.requests().await;
    assert_eq!(requests.len(), 2, "one read, one write: {requests:?}");
    let sent: Value = serde_json::from_str(requests[1].strip_prefix(GRAPHQL).unwrap()).unwrap();
    let step = |mode: &str, list: &str, entries: &[&str]| {
        let mut step = json!({ "projectPath": "acme/shop", "iid": "7", "operationMode": mode });
        step[list] = json!(entries);
        step
    };
    let id = |label: &str| format!("gid://gitlab/ProjectLabel/{label}");
    let expected = json!({
        "removed": step("REMOVE", "reviewerUsernames", &["u4"]),
        "appended": step("APPEND", "reviewerUsernames", &["u3"]),
        "labelled": step("APPEND", "labelIds", &[&id(WANTED[0]), &id(WANTED[1])]),
        "unlabelled": step("REMOVE", "labelIds", &[&id("support-review::waiting")]),
    });
    assert_eq!(sent["variables"], expected);
    let query = sent["query"].as_str().unwrap();
    assert!(query.find("removed:") < query.find("appended:"), "first the place is free: {query}");
    assert!(query.find("labelled:") < query.find("unlabelled:"), "no moment without a stage: {query}");
}

#[tokio::test]
async fn labels_that_are_not_there_yet_are_made_by_rest() {
    let script = Script::gitlab(&[]).await;
    shows(&script, &[9], &[], &[WANTED[0]]).await;
    answers(&script, json!({ "data": { "appended": kept(&[9, 3]) } })).await;
    script.on("PUT", MR, 200, mr(&[9, 3], &[])).await;
    let done = perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    assert_eq!(done, Performed::default());
    let requests = script.requests().await;
    assert!(!requests[1].contains("SetLabels"), "{}", requests[1]);
    let form = "add_labels=support-contribution%2Csupport-review%3A%3Areviewing";
    assert_eq!(requests[2..], [format!("PUT {MR} {form}")], "and reviewers are not written twice");
}

#[tokio::test]
async fn a_step_that_is_refused_is_left_to_rest_and_no_other() {
    let no = json!([{ "message": "you don't have permission to perform this action", "path": ["x"] }]);
    let labels = json!({ "errors": [], "mergeRequest": { "labels": label_nodes(&WANTED) } });
    let lost = json!({ "errors": [], "mergeRequest": { "labels": label_nodes(&WANTED[..1]) } });
    for (steps, expected) in [
        (json!({ "appended": null, "labelled": labels }), "reviewer_ids%5B%5D=9&reviewer_ids%5B%5D=3"),
        (
            json!({ "appended": kept(&[9, 3]), "labelled": null }),
            "add_labels=support-contribution%2Csupport-review%3A%3Areviewing",
        ),
        (json!({ "appended": kept(&[9, 3]), "labelled": lost }), "add_labels=support-review%3A%3Areviewing"),
    ] {
        let script = Script::gitlab(&[]).await;
        shows(&script, &[9], &[], &WANTED).await;
        answers(&script, json!({ "data": steps, "errors": no })).await;
        script.on("PUT", MR, 200, mr(&[9, 3], &[])).await;
        let done = perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
        assert_eq!(done, Performed::default());
        assert_eq!(script.requests().await[2..], [format!("PUT {MR} {expected}")]);
    }
}

#[tokio::test]
async fn labels_alone_and_what_is_well_already_take_no_mutation() {
    let script = Script::gitlab(&[]).await;
    shows(&script, &[3], &["support-contribution"], &WANTED).await;
    script.on("PUT", MR, 200, mr(&[3], &[])).await;
    perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    let requests = script.requests().await;
    assert_eq!(requests[1..], [format!("PUT {MR} add_labels=support-review%3A%3Areviewing")]);
    shows(&script, &[3], &WANTED, &[]).await;
    perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    assert_eq!(script.requests().await.len(), 3, "a read and nothing else");
}

#[tokio::test]
async fn what_graphql_hides_or_cuts_is_read_by_rest() {
    let cut = json!({ "nodes": [], "pageInfo": { "hasNextPage": true } });
    let seen = json!({ "state": "opened", "reviewers": reviewer_nodes(&[]), "labels": cut });
    for project in [json!(null), json!({ "mergeRequest": null }), json!({ "mergeRequest": seen })] {
        let script = Script::gitlab(&[]).await;
        graphql(&script, "query(", json!({ "data": { "project": project } }), 1).await;
        script.on("GET", MR, 200, mr(&[3], &WANTED)).await;
        perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
        assert_eq!(rest(&script).await, [format!("GET {MR}")], "{project}");
    }
}

#[tokio::test]
async fn who_was_renamed_is_asked_by_the_new_name() {
    let script = Script::gitlab(&[]).await;
    shows(&script, &[], &WANTED, &[]).await;
    for ids in [&[][..], &[3]] {
        answers(&script, json!({ "data": { "appended": kept(ids) } })).await;
    }
    script.on("GET", &format!("{MEMBERS}/3"), 200, json!({ "id": 3, "username": "better-name" })).await;
    let done = perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    assert_eq!(done.facts, []);
    assert!(script.requests().await[3].contains("better-name"));
}

#[tokio::test]
async fn a_refusal_of_the_mutation_is_no_answer_of_the_forge() {
    let script = Script::gitlab(&[]).await;
    script.on("PUT", MR, 200, mr(&[3], &[])).await;
    for _ in 0..2 {
        shows(&script, &[], &[], &[]).await;
        let no = json!({ "errors": [{ "message": "you don't have permission to perform this action" }] });
        answers(&script, no).await;
        assert_eq!(perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await.facts, []);
    }
    assert_eq!(rest(&script).await.len(), 2, "REST was asked instead, both times");
    assert_eq!(script.requests().await.len(), 6, "and the mutation is tried again");
}

#[tokio::test]
async fn a_gitlab_that_adds_no_single_reviewers_is_asked_once_and_gets_whole_lists() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", MR, 200, mr(&[9], &["bug", "support-review::waiting"])).await;
    script.on("PUT", MR, 200, mr(&[9, 3], &[])).await;
    script.on("POST", NOTES, 201, json!({"id": 70})).await;
    let done = perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    assert_eq!(done, Performed::default());
    assert_eq!(perform(&script, status(), Hint::default()).await.comment, Some(70));
    let form = "reviewer_ids%5B%5D=9&reviewer_ids%5B%5D=3\
                &add_labels=support-contribution%2Csupport-review%3A%3Areviewing\
                &remove_labels=support-review%3A%3Awaiting";
    let expected = [
        format!("GET {MR}"),
        format!("PUT {MR} {form}"),
        format!("POST {NOTES} body=%3C%21--+usher%3Astatus+--%3E%0Ahello"),
    ];
    assert_eq!(rest(&script).await, expected, "whoever is there comes first");
    perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    let asked = script.places().await.into_iter().filter(|place| place == GRAPHQL).count();
    assert_eq!(asked, 1, "its 404 is remembered");
}

#[tokio::test]
async fn nothing_is_written_when_nothing_differs() {
    let script = Script::gitlab(&[]).await;
    let labels = ["support-contribution", "support-review::reviewing", "bug"];
    script.on("GET", MR, 200, mr(&[9, 3], &labels)).await;
    perform(&script, Write::Desired(desired(&[3], &[4])), Hint::default()).await;
    assert_eq!(rest(&script).await, [format!("GET {MR}")]);
}

#[tokio::test]
async fn the_last_reviewer_is_taken_off_with_a_zero() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", MR, 200, mr(&[4], &["support-contribution", "support-review::reviewing"])).await;
    script.on("PUT", MR, 200, mr(&[], &[])).await;
    perform(&script, Write::Desired(desired(&[], &[4])), Hint::default()).await;
    assert_eq!(rest(&script).await[1], format!("PUT {MR} reviewer_ids=0"));
}

#[tokio::test]
async fn who_was_left_out_comes_back_as_a_fact() {
    let told = async |kept: &[u64], wish: &[u64], members: &[u64]| {
        let script = Script::gitlab(&[]).await;
        script.on("GET", MR, 200, mr(kept, &[])).await;
        script.on("PUT", MR, 200, mr(kept, &[])).await;
        for id in members {
            script.on("GET", &format!("{MEMBERS}/{id}"), 200, json!({ "id": id })).await;
        }
        perform(&script, Write::Desired(desired(wish, &[])), Hint::default()).await.facts
    };
    let refused = |id, refusal| Fact::Refused { reviewer: account(id), refusal };
    let (one_only, dropped) = (Refusal::OneReviewerOnly, Refusal::Dropped);
    assert_eq!(told(&[9], &[3], &[3]).await, [refused(3, one_only)]);
    assert_eq!(told(&[9], &[3], &[]).await, [refused(3, dropped)], "no member, so it is not the tier");
    let several = told(&[3], &[2, 3, 5], &[2, 5]).await;
    assert_eq!(several, [refused(2, one_only), refused(5, one_only)], "the first of several stayed");
    assert_eq!(told(&[], &[3], &[3]).await, [refused(3, dropped)]);
}

#[tokio::test]
async fn a_merged_change_gets_its_labels_and_no_reviewer() {
    let script = Script::gitlab(&[]).await;
    let mut merged = mr(&[], &["support-review::waiting"]);
    merged["state"] = "merged".into();
    script.on("GET", MR, 200, merged.clone()).await;
    script.on("PUT", MR, 200, merged).await;
    let done = perform(&script, Write::Desired(desired(&[3], &[])), Hint::default()).await;
    assert_eq!(done.facts, []);
    assert!(!rest(&script).await[1].contains("reviewer_ids"));
}

#[tokio::test]
async fn a_known_comment_is_edited_and_written_anew_once_it_is_gone() {
    let script = Script::gitlab(&[]).await;
    let note = format!("{NOTES}/70");
    script.answer_times("PUT", &note, ResponseTemplate::new(200).set_body_json(json!({"id": 70})), 1).await;
    script.on("POST", NOTES, 201, json!({"id": 71})).await;
    script.on("GET", "/user", 200, json!({"id": 99, "username": "usher"})).await;
    script.on("GET", NOTES, 200, json!([])).await;
    let known = Hint { comment_id: Some(70), look_up: false };
    assert_eq!(perform(&script, status(), known).await.comment, Some(70));
    assert_eq!(perform(&script, status(), known).await.comment, Some(71), "404 now");
    let places = script.places().await;
    assert_eq!(places[..2], [format!("PUT {note}"), format!("PUT {note}")]);
    assert_eq!(places.last(), Some(&format!("POST {NOTES}")));
    assert!(places[2..places.len() - 1].iter().all(|place| place.starts_with("GET ")), "{places:?}");
}

#[tokio::test]
async fn a_comment_of_unknown_fate_is_looked_up_before_it_is_repeated() {
    let ping = |key: &str| {
        Write::Comment(Comment::Ping {
            key: key.into(),
            person: "rita".into(),
            body: "@rita".into(),
            not_after: jiff::Timestamp::MAX,
        })
    };
    let script = Script::gitlab(&[]).await;
    script.on("GET", "/user", 200, user(99)).await;
    let note = |id: u64, by: u64, body: &str| json!({"id": id, "body": body, "author": user(by)});
    let first = json!([note(1, 5, "<!-- usher:ping:a -->"), note(2, 99, "`<!-- usher:ping:a -->`")]);
    // A short page with more behind it: hidden notes are taken out after paging.
    let first = ResponseTemplate::new(200).set_body_json(first).insert_header("x-next-page", "2");
    script.answer("GET", NOTES, first).await;
    script
        .on("GET", &format!("{NOTES}?page=2"), 200, json!([note(3, 99, "<!-- usher:ping:a -->\n@rita")]))
        .await;
    script.on("POST", NOTES, 201, json!({"id": 4})).await;
    let look = Hint { comment_id: None, look_up: true };
    assert_eq!(perform(&script, ping("a"), look).await.comment, Some(3), "not the stranger's");
    assert!(!script.places().await.contains(&format!("POST {NOTES}")));
    assert_eq!(perform(&script, ping("b"), look).await.comment, Some(4), "not there: written");
    let asked_who = script.places().await.iter().filter(|place| *place == "GET /user").count();
    assert_eq!(asked_who, 1, "our own account is asked for once");
}

#[tokio::test]
async fn reacting_twice_is_done() {
    let script = Script::gitlab(&[]).await;
    let place = format!("{NOTES}/70/award_emoji");
    script.answer_times("POST", &place, ResponseTemplate::new(201).set_body_json(json!({"id": 1})), 1).await;
    let taken = json!({"message": "404 Award Emoji Name has already been taken Not Found"});
    script.on("POST", &place, 404, taken).await;
    for _ in 0..2 {
        perform(&script, Write::React { comment: 70, place: CommentPlace::Conversation }, Hint::default())
            .await;
    }
    assert_eq!(script.requests().await[0], format!("POST {place} name=thumbsup"));
}

#[tokio::test]
async fn changed_lines_are_counted_over_all_pages() {
    let script = Script::gitlab(&[]).await;
    let place = format!("{MR}/diffs");
    let diff = "@@ -1,3 +1,3 @@\n-old\n+new\n context\n+++ not a header\n";
    let first = json!([{"new_path": "src/a.rs", "old_path": "src/a.rs", "diff": diff}]);
    let first = ResponseTemplate::new(200).set_body_json(first).insert_header("x-next-page", "2");
    script.answer("GET", &place, first).await;
    let second = json!([{"new_path": "big.bin", "old_path": "big.bin", "diff": ""}]);
    script.on("GET", &format!("{place}?page=2"), 200, second).await;
    let facts = perform(&script, Write::ReadFiles { codeowners: None }, Hint::default()).await.facts;
    let file = |path: &str, lines| ChangedFile { path: path.into(), lines, owners: vec![] };
    assert_eq!(
        facts,
        [Fact::Files {
            files: vec![file("src/a.rs", 3), file("big.bin", 0)],
            codeowners: OwnersFile::NotAsked
        }]
    );
}

#[tokio::test]
async fn a_diff_that_is_not_prepared_is_waited_for_and_an_empty_one_is_believed() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", &format!("{MR}/diffs"), 200, json!([])).await;
    let mut fresh = mr(&[], &[]);
    fresh["detailed_merge_status"] = "preparing".into();
    script.answer_times("GET", MR, ResponseTemplate::new(200).set_body_json(&fresh), 1).await;
    script.on("GET", MR, 200, mr(&[], &[])).await;
    let fault = script
        .client
        .perform(&change(), &Write::ReadFiles { codeowners: None }, Hint::default())
        .await
        .unwrap_err();
    assert!(matches!(fault, ForgeFault::NotYet { .. }), "{fault}");
    let facts = perform(&script, Write::ReadFiles { codeowners: None }, Hint::default()).await.facts;
    assert_eq!(facts, [Fact::Files { files: Vec::new(), codeowners: OwnersFile::NotAsked }]);
}

#[tokio::test]
async fn observing_tells_who_said_what_and_when() {
    let script = Script::gitlab(&[]).await;
    script.on("GET", MR, 200, mr(&[3, 4], &["bug"])).await;
    let asked = "2026-03-01T08:01:00Z";
    let reviewers = json!([
        {"user": user(3), "state": "requested_changes", "created_at": asked},
        {"user": user(4), "state": "unreviewed", "created_at": asked},
        {"user": user(5), "state": "approved", "created_at": asked},
        {"user": user(6), "state": "something_new", "created_at": asked}
    ]);
    script.on("GET", &format!("{MR}/reviewers"), 200, reviewers).await;
    let said = json!([{"id": 1, "author": user(3), "system": true, "body": "requested changes",
                       "created_at": "2026-03-01T10:00:00Z"}]);
    script.on("GET", NOTES, 200, said).await;
    let seen = script.client.observe(&change()).await.unwrap();
    let reviewers = seen.reviewers.unwrap();
    assert!(reviewers.complete);
    let verdicts: Vec<_> = reviewers.list.iter().map(|r| (r.account.id, r.verdict)).collect();
    let at = |text: &str| text.parse().unwrap();
    let expected = [
        (3, Some((Verdict::ChangesRequested, at("2026-03-01T10:00:00Z")))),
        (4, None),
        (5, Some((Verdict::Approved, at(asked)))),
        (6, None),
    ];
    assert_eq!(verdicts, expected, "nobody tells when 5 approved");
    assert_eq!((seen.state, seen.draft, seen.author.id), (ChangeState::Open, Some(false), 1));
    assert_eq!((seen.head.as_deref(), seen.target_branch.as_deref()), (Some("abc"), Some("main")));
    assert_eq!(seen.updated_at, at("2026-03-01T08:00:00Z"));
}
