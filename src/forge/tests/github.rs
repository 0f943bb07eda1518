//! GitHub's dialect, request by request.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::script::{Script, account, change};
use crate::forge::transport::meaning::Meaning;
use crate::forge::{ForgeFault, Hint, Performed, Since};
use usher_core::model::action::{Comment, DesiredState, Write};
use usher_core::model::change::{ChangeState, ChangedFile, OwnersFile, Verdict};
use usher_core::model::fact::{CommentPlace, Fact, Refusal};
use usher_core::model::people::RosterWish;

const PULL: &str = "/repos/acme/shop/pulls/7";
const REQUESTS: &str = "/repos/acme/shop/pulls/7/requested_reviewers";
const LABELS: &str = "/repos/acme/shop/issues/7/labels";
const COMMENTS: &str = "/repos/acme/shop/issues/7/comments";

fn user(id: u64) -> Value {
    json!({"id": id, "login": format!("u{id}"), "type": "User"})
}

fn users(ids: &[u64]) -> Value {
    ids.iter().map(|id| user(*id)).collect()
}

/// A pull request as it is right after it was opened.
fn pull(requested: &[u64], labels: &[&str]) -> Value {
    json!({
        "number": 7, "title": "Fix", "html_url": "https://h/acme/shop/pull/7", "user": user(1),
        "state": "open", "merged_at": null, "draft": false, "requested_reviewers": users(requested),
        "labels": labels.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "base": {"ref": "main", "sha": "000"}, "head": {"ref": "fix", "sha": "abc", "repo": null},
        "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:10Z",
        "comments": 0, "review_comments": 0, "author_association": "SOMETHING_NEW"
    })
}

fn shape(reviewers: &[u64], not_reviewers: &[u64]) -> DesiredState {
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

async fn shaped(script: &Script, reviewers: &[u64]) -> Vec<Fact> {
    perform(script, Write::Desired(shape(reviewers, &[])), Hint::default()).await.facts
}

fn refused(id: u64, refusal: Refusal) -> Fact {
    Fact::Refused { reviewer: account(id), refusal }
}

#[tokio::test]
async fn opening_costs_one_read_and_three_writes() {
    let script = Script::github(&[]).await;
    script.on("GET", PULL, 200, pull(&[9], &["bug"])).await;
    script.on("POST", LABELS, 200, json!([])).await;
    script.on("POST", REQUESTS, 201, pull(&[9, 3], &[])).await;
    script.on("POST", COMMENTS, 201, json!({"id": 70})).await;
    assert_eq!(shaped(&script, &[3]).await, []);
    assert_eq!(perform(&script, status(), Hint::default()).await.comment, Some(70));
    let expected = [
        format!("GET {PULL}"),
        format!(r#"POST {LABELS} {{"labels":["support-contribution","support-review::reviewing"]}}"#),
        format!(r#"POST {REQUESTS} {{"reviewers":["u3"]}}"#),
        format!(r#"POST {COMMENTS} {{"body":"<!-- usher:status -->\nhello"}}"#),
    ];
    assert_eq!(script.requests().await, expected);
    let version = &script.server.received_requests().await.unwrap()[0].headers["x-github-api-version"];
    assert_eq!(version, "2022-11-28");
}

#[tokio::test]
async fn nothing_is_written_when_nothing_differs() {
    let script = Script::github(&[]).await;
    let labels = ["Support-Contribution", "support-review::reviewing", "bug"];
    script.on("GET", PULL, 200, pull(&[3, 9], &labels)).await;
    assert_eq!(shaped(&script, &[3]).await, []);
    assert_eq!(script.places().await, [format!("GET {PULL}")], "GitHub's labels ignore case");
}

#[tokio::test]
async fn who_has_answered_is_not_asked_again() {
    let mut commented = pull(&[], &[]);
    commented["review_comments"] = 2.into();
    let mut touched = pull(&[], &[]);
    touched["updated_at"] = "2026-03-01T08:05:00Z".into();
    let shaped_before = pull(&[], &["support-review::waiting"]);
    for fresh in [commented, touched, shaped_before] {
        let script = Script::github(&[]).await;
        script.on("GET", PULL, 200, fresh).await;
        script.on("POST", LABELS, 200, json!([])).await;
        script.on("DELETE", &format!("{LABELS}/support-review::waiting"), 200, json!([])).await;
        let reviews = json!([
            {"user": user(3), "state": "APPROVED", "submitted_at": "2026-03-01T08:01:00Z"},
            {"user": user(4), "state": "PENDING"}
        ]);
        script.on("GET", &format!("{PULL}/reviews"), 200, reviews).await;
        script.on("POST", REQUESTS, 201, pull(&[4], &[])).await;
        assert_eq!(shaped(&script, &[3, 4]).await, []);
        let asked: Vec<_> =
            script.requests().await.into_iter().filter(|line| line.contains(REQUESTS)).collect();
        assert_eq!(asked, [format!(r#"POST {REQUESTS} {{"reviewers":["u4"]}}"#)]);
    }
}

/// A refusal of one part keeps nothing else from being done.
#[tokio::test]
async fn a_refused_removal_or_label_keeps_nobody_from_being_asked() {
    let no = || ResponseTemplate::new(422).set_body_json(json!({"message": "Validation Failed"}));
    let wish = Write::Desired(shape(&[3], &[8, 9]));
    let asked = format!(r#"POST {REQUESTS} {{"reviewers":["u3"]}}"#);
    let script = Script::github(&[]).await;
    script.on("GET", PULL, 200, pull(&[8, 9], &[])).await;
    script.on("POST", LABELS, 200, json!([])).await;
    script.answer_times("DELETE", REQUESTS, no(), 2).await;
    script.on("DELETE", REQUESTS, 200, json!({})).await;
    script.on("GET", &format!("{PULL}/reviews"), 200, json!([])).await;
    script.on("POST", REQUESTS, 201, pull(&[3], &[])).await;
    assert_eq!(perform(&script, wish, Hint::default()).await.facts, []);
    let requests = script.requests().await;
    let removals = requests.iter().filter(|line| line.starts_with("DELETE")).count();
    assert_eq!(removals, 3, "all at once, then each on its own: {requests:?}");
    assert!(requests.contains(&asked), "{requests:?}");
    let script = Script::github(&[]).await;
    script.on("GET", PULL, 200, pull(&[], &[])).await;
    script.answer("POST", LABELS, no()).await;
    script.on("GET", &format!("{PULL}/reviews"), 200, json!([])).await;
    script.on("POST", REQUESTS, 201, pull(&[3], &[])).await;
    let wish = Write::Desired(shape(&[3], &[]));
    let refused = script.client.perform(&change(), &wish, Hint::default()).await;
    assert_eq!(refused.unwrap_err().meaning(), Meaning::Refused, "somebody learns of it");
    assert!(script.requests().await.contains(&asked));
}

#[tokio::test]
async fn one_bad_name_does_not_fail_the_others() {
    let script = Script::github(&[]).await;
    script.on("GET", PULL, 200, pull(&[], &[])).await;
    script.on("POST", LABELS, 200, json!([])).await;
    let no = json!({"message": "Reviews may only be requested from collaborators."});
    let no = ResponseTemplate::new(422).set_body_json(no);
    script.answer_times("POST", REQUESTS, no.clone(), 1).await;
    script.answer_times("POST", REQUESTS, ResponseTemplate::new(201).set_body_json(pull(&[2], &[])), 1).await;
    script.answer_times("POST", REQUESTS, no, 1).await;
    script.answer_times("POST", REQUESTS, ResponseTemplate::new(201).set_body_json(pull(&[2], &[])), 1).await;
    let facts = shaped(&script, &[2, 3, 4]).await;
    assert_eq!(facts, [refused(3, Refusal::NotAllowed), refused(4, Refusal::Dropped)]);
    let asked: Vec<_> = script.requests().await.into_iter().filter(|line| line.contains(REQUESTS)).collect();
    let post = |names: &str| format!(r#"POST {REQUESTS} {{"reviewers":[{names}]}}"#);
    assert_eq!(asked, [post(r#""u2","u3","u4""#), post(r#""u2""#), post(r#""u3""#), post(r#""u4""#)]);
}

#[tokio::test]
async fn a_single_bad_name_is_asked_for_once() {
    let script = Script::github(&[]).await;
    script.on("GET", PULL, 200, pull(&[], &[])).await;
    script.on("POST", LABELS, 200, json!([])).await;
    script.on("POST", REQUESTS, 422, json!({"message": "no"})).await;
    assert_eq!(shaped(&script, &[3]).await, [refused(3, Refusal::NotAllowed)]);
    assert_eq!(script.requests().await.len(), 3);
}

#[tokio::test]
async fn what_is_unwanted_goes_and_what_has_gone_is_no_fault() {
    let script = Script::github(&[]).await;
    let labels = ["support-contribution", "support-review::reviewing", "support-review::waiting"];
    script.on("GET", PULL, 200, pull(&[3, 4, 9], &labels)).await;
    let label = format!("{LABELS}/support-review::waiting");
    script.on("DELETE", &label, 404, json!({"message": "Label does not exist"})).await;
    script.on("DELETE", REQUESTS, 200, pull(&[3, 9], &[])).await;
    perform(&script, Write::Desired(shape(&[3], &[4, 5])), Hint::default()).await;
    let expected = [
        format!("GET {PULL}"),
        format!("DELETE {label}"),
        format!(r#"DELETE {REQUESTS} {{"reviewers":["u4"]}}"#),
    ];
    assert_eq!(script.requests().await, expected);
}

#[tokio::test]
async fn a_merged_change_gets_its_labels_and_no_reviewer() {
    let script = Script::github(&[]).await;
    let mut merged = pull(&[], &[]);
    merged["state"] = "closed".into();
    merged["merged_at"] = "2026-03-02T08:00:00Z".into();
    script.on("GET", PULL, 200, merged).await;
    script.on("POST", LABELS, 200, json!([])).await;
    assert_eq!(shaped(&script, &[3]).await, []);
    assert_eq!(script.places().await, [format!("GET {PULL}"), format!("POST {LABELS}")]);
}

#[tokio::test]
async fn a_change_that_is_not_there_is_gone() {
    let script = Script::github(&[]).await;
    let done =
        script.client.perform(&change(), &Write::Desired(DesiredState::default()), Hint::default()).await;
    assert_eq!(done, Err(ForgeFault::Gone));
}

#[tokio::test]
async fn a_known_comment_is_patched_and_written_anew_once_it_is_gone() {
    let script = Script::github(&[]).await;
    let place = "/repos/acme/shop/issues/comments/70";
    script.answer_times("PATCH", place, ResponseTemplate::new(200).set_body_json(json!({"id": 70})), 1).await;
    script.on("POST", COMMENTS, 201, json!({"id": 71})).await;
    script.on("GET", "/user", 200, user(99)).await;
    script.on("GET", COMMENTS, 200, json!([])).await;
    let known = Hint { comment_id: Some(70), look_up: true };
    assert_eq!(perform(&script, status(), known).await.comment, Some(70));
    assert_eq!(perform(&script, status(), known).await.comment, Some(71), "404 now");
    let patch = format!("PATCH {place}");
    let looked = ["GET /user".to_owned(), format!("GET {COMMENTS}")];
    let [user, list] = looked;
    assert_eq!(script.places().await, [patch.clone(), patch, user, list, format!("POST {COMMENTS}")]);
}

#[tokio::test]
async fn a_comment_of_unknown_fate_is_looked_up_before_it_is_repeated() {
    let reply = |key: &str| Write::Comment(Comment::Reply { key: key.into(), body: "no".into() });
    let script = Script::github(&[]).await;
    script.on("GET", "/user", 200, user(99)).await;
    let comment = |id: u64, by: u64, body: &str| json!({"id": id, "body": body, "user": user(by)});
    let next = format!("<{}/api/v3{COMMENTS}?per_page=100&page=2>; rel=\"next\"", script.server.uri());
    let first = json!([comment(1, 5, "<!-- usher:ping:a -->"), {"id": 2, "body": null, "user": null}]);
    let first = ResponseTemplate::new(200).set_body_json(first).insert_header("link", next.as_str());
    script.answer("GET", COMMENTS, first).await;
    let repeats = comment(5, 99, "<!-- usher:ping:c -->\nI do not know `<!-- usher:ping:a -->`");
    let second = json!([repeats, comment(3, 99, "<!-- usher:ping:a -->\nno")]);
    script.on("GET", &format!("{COMMENTS}?page=2"), 200, second).await;
    script.on("POST", COMMENTS, 201, json!({"id": 4})).await;
    let look = Hint { comment_id: None, look_up: true };
    assert_eq!(perform(&script, reply("a"), look).await.comment, Some(3));
    assert!(!script.places().await.contains(&format!("POST {COMMENTS}")));
    assert_eq!(perform(&script, reply("b"), look).await.comment, Some(4));
}

#[tokio::test]
async fn files_come_a_hundred_a_page_and_short_pages_do_not_end_the_list() {
    let script = Script::github(&[]).await;
    let place = format!("{PULL}/files");
    let file = |name: &str| json!({"filename": name, "additions": 2, "deletions": 3, "status": "renamed"});
    let page = |name: &str, next: &str| {
        let page = ResponseTemplate::new(200).set_body_json(json!([file(name)]));
        // Another host and path, as behind a proxy: only the query counts.
        page.insert_header("link", format!("<https://inner/x?{next}>; rel=\"next\"").as_str())
    };
    script.answer("GET", &place, page("a.rs", "per_page=100&page=2")).await;
    script.answer("GET", &format!("{place}?page=2"), page("b.rs", "per_page=100&page=3")).await;
    script.on("GET", &format!("{place}?page=3"), 200, json!([file("c.md")])).await;
    let facts = perform(&script, Write::ReadFiles { codeowners: None }, Hint::default()).await.facts;
    let file = |path: &str| ChangedFile { path: path.into(), lines: 5, owners: vec![] };
    assert_eq!(
        facts,
        [Fact::Files {
            files: vec![file("a.rs"), file("b.rs"), file("c.md")],
            codeowners: OwnersFile::NotAsked
        }]
    );
    let requests = script.requests().await;
    assert_eq!(requests[0], format!("GET {place}?per_page=100"));
    assert_eq!(requests[2], format!("GET {place}?per_page=100&page=3"));
}

#[tokio::test]
async fn observing_joins_the_requested_with_those_who_answered() {
    let script = Script::github(&[]).await;
    script.on("GET", PULL, 200, pull(&[4], &["bug"])).await;
    let reviews = json!([
        {"user": user(3), "state": "APPROVED", "submitted_at": "2026-03-01T08:01:00Z"},
        {"user": user(1), "state": "COMMENTED", "submitted_at": "2026-03-01T08:02:00Z"}
    ]);
    script.on("GET", &format!("{PULL}/reviews"), 200, reviews).await;
    let seen = script.client.observe(&change()).await.unwrap();
    let reviewers = seen.reviewers.unwrap();
    let verdicts: Vec<_> = reviewers.list.iter().map(|r| (r.account.id, r.verdict)).collect();
    let at = "2026-03-01T08:01:00Z".parse().unwrap();
    assert_eq!(verdicts, [(3, Some((Verdict::Approved, at))), (4, None)]);
    assert!(reviewers.complete);
    assert_eq!((seen.state, seen.head.as_deref()), (ChangeState::Open, Some("abc")));
}

#[tokio::test]
async fn a_sweep_looks_into_each_project_down_to_the_watermark() {
    let script = Script::github(&["acme/*", "beta/one"]).await;
    let repository = |name: &str, archived, open| json!({"full_name": name, "archived": archived, "open_issues_count": open});
    let found = json!([
        repository("acme/shop", false, 2),
        repository("acme/old", true, 2),
        repository("acme/quiet", false, 0)
    ]);
    script.on("GET", "/orgs/acme/repos", 200, found).await;
    let dated = |number: u64, day: &str| {
        let mut pull = pull(&[3], &[]);
        pull["number"] = number.into();
        pull["updated_at"] = format!("2026-03-{day}T00:00:00Z").into();
        pull
    };
    let page = json!([dated(3, "05"), dated(2, "03"), dated(1, "01")]);
    let page = ResponseTemplate::new(200).set_body_json(page);
    let page = page.insert_header("link", "<https://h/x?page=2>; rel=\"next\"");
    script.answer("GET", "/repos/acme/shop/pulls", page).await;
    script.on("GET", "/repos/acme/quiet/pulls", 200, json!([])).await;
    let listing =
        script.client.list(&Since::mark(Some("2026-03-03T00:00:00Z".parse().unwrap()))).await.unwrap();
    let keys: Vec<String> = listing.changes.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["f:acme/shop!3", "f:acme/shop!2"]);
    assert!(!listing.truncated && !listing.changes[0].1.reviewers.as_ref().unwrap().complete);
    let expected = [
        "/search/issues",
        "/orgs/acme/repos",
        "/repos/acme/shop/pulls",
        "/repos/acme/quiet/pulls",
        "/repos/beta/one/pulls",
    ];
    assert_eq!(script.places().await, expected.map(|place| format!("GET {place}")), "the search is off");
    assert_eq!(listing.refused, ["beta/one".to_owned()].into(), "it is not there");
    assert!(script.requests().await[2].contains("state=all&sort=updated&direction=desc&per_page=100"));
}

#[tokio::test]
async fn later_sweeps_search_an_owner_and_go_on_from_the_last_hit() {
    let script = Script::github(&["acme/s*"]).await;
    let hit = |number: u64, project: &str| {
        json!({
            "number": number, "title": "Fix", "html_url": "https://h/x", "user": user(1), "state": "closed",
            "draft": false, "labels": [{"name": "bug"}], "body": null,
            "repository_url": format!("https://h/api/v3/repos/acme/{project}"),
            "pull_request": {"merged_at": "2026-03-02T08:00:00Z"},
            "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-02T08:00:00Z"
        })
    };
    let full: Vec<Value> = (0..100).map(|number| hit(number, "shop")).collect();
    let last = vec![hit(7, "shop"), hit(8, "tool")];
    let answer = move |request: &wiremock::Request| {
        let query = request.url.query_pairs().find(|(key, _)| key == "q").unwrap().1.into_owned();
        let second = request.url.query_pairs().any(|(key, page)| key == "page" && page == "2");
        // A hundred are of one second: those are told apart by page.
        let ended = second && query.ends_with("updated:>=2026-03-02T08:00:00Z");
        let items = if ended { &last } else { &full };
        ResponseTemplate::new(200).set_body_json(json!({"incomplete_results": false, "items": items}))
    };
    script.answer("GET", "/search/issues", answer).await;
    let since = Since::mark(Some("2026-03-01T00:15:00Z".parse().unwrap()));
    let listing = script.client.list(&since).await.unwrap();
    let asked = script.requests().await;
    assert_eq!(asked.len(), 3, "a page, then from its last hit on");
    let query = "q=is%3Apr+archived%3Afalse+org%3Aacme+updated%3A%3E%3D2026-03-01T00%3A00%3A00Z";
    assert!(asked[0].contains(query), "further back than asked, for the index lags: {}", asked[0]);
    assert!(!listing.truncated && listing.covered_until.is_none());
    assert_eq!(listing.changes.len(), 100, "each once, and acme/tool is not watched");
    let (key, seen) = &listing.changes[7];
    assert_eq!((key.to_string().as_str(), seen.state), ("f:acme/shop!7", ChangeState::Merged));
    assert!(seen.reviewers.is_none() && seen.target_branch.is_none(), "a search does not show these");
}

#[tokio::test]
async fn an_endless_search_is_cut_and_says_how_far_it_came() {
    let script = Script::github(&["acme/*"]).await;
    let counted = std::sync::atomic::AtomicU32::new(0);
    let answer = move |_: &wiremock::Request| {
        let at = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let hit = |number: u32| {
            json!({
                "number": at * 100 + number, "repository_url": "https://h/repos/acme/shop", "state": "open",
                "updated_at": format!("2026-03-02T08:{:02}:00Z", at)
            })
        };
        let items: Vec<Value> = (0..100).map(hit).collect();
        ResponseTemplate::new(200).set_body_json(json!({"items": items}))
    };
    script.answer("GET", "/search/issues", answer).await;
    let since = Since::mark(Some("2026-03-01T00:15:00Z".parse().unwrap()));
    let listing = script.client.list(&since).await.unwrap();
    assert_eq!(script.requests().await.len(), 20, "GitHub allows 30 searches a minute");
    assert_eq!(listing.covered_until, Some("2026-03-02T08:19:00Z".parse().unwrap()));
    assert!(!listing.truncated, "the watermark moves on to there");
}

#[tokio::test]
async fn a_first_sweep_lists_what_is_open_and_passes_over_empty_projects() {
    let script = Script::github(&["sam/*"]).await;
    let mine = json!([
        {"full_name": "sam/tool", "open_issues_count": 1}, {"full_name": "sam/quiet", "open_issues_count": 0},
        {"full_name": "other/tool", "open_issues_count": 1}
    ]);
    script.on("GET", "/user/repos", 200, mine).await;
    script.on("GET", "/repos/sam/tool/pulls", 200, json!([pull(&[], &[])])).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    assert_eq!(listing.changes.len(), 1);
    let expected = ["/orgs/sam/repos", "/user/repos", "/repos/sam/tool/pulls"];
    assert_eq!(script.places().await, expected.map(|place| format!("GET {place}")));
    assert!(script.requests().await[2].contains("state=open"));
}

#[tokio::test]
async fn a_roster_reads_teams_and_organisations() {
    let script = Script::github(&[]).await;
    script.on("GET", "/user", 200, user(99)).await;
    let first = ResponseTemplate::new(200).set_body_json(users(&[10]));
    let first = first.insert_header("link", "<https://h/x?page=2>; rel=\"next\"");
    script.answer("GET", "/orgs/acme/teams/support/members", first).await;
    script.on("GET", "/orgs/acme/teams/support/members?page=2", 200, users(&[11])).await;
    script.on("GET", "/orgs/acme/members", 200, users(&[10, 12])).await;
    script.on("GET", "/users/Rita", 200, json!({"id": 20, "login": "rita", "type": "User"})).await;
    script.on("GET", "/users/acme", 200, json!({"id": 21, "login": "acme", "type": "Organization"})).await;
    let wish = RosterWish {
        logins: ["u10", "Rita", "nobody", "acme"].map(str::to_owned).into(),
        groups: ["acme/support", "acme", "acme/none"].map(str::to_owned).into(),
    };
    let roster = script.client.roster(&wish).await.unwrap();
    let ids = |group: &str| roster.groups[group].iter().map(|account| account.id).collect::<Vec<_>>();
    assert_eq!((ids("acme/support"), ids("acme")), (vec![10, 11], vec![10, 12]));
    let known: Vec<_> = roster.accounts.iter().map(|(login, account)| (login.as_str(), account.id)).collect();
    assert_eq!(known, [("rita", 20), ("u10", 10)]);
    assert_eq!(roster.unknown, ["acme/none", "acme", "nobody"]);
}

#[tokio::test]
async fn a_reaction_says_done() {
    let script = Script::github(&[]).await;
    let place = "/repos/acme/shop/issues/comments/70/reactions";
    script.on("POST", place, 201, json!({"id": 1})).await;
    perform(&script, Write::React { comment: 70, place: CommentPlace::Conversation }, Hint::default()).await;
    perform(&script, Write::React { comment: 71, place: CommentPlace::Conversation }, Hint::default()).await;
    assert_eq!(script.requests().await[0], format!(r#"POST {place} {{"content":"+1"}}"#));
}

#[tokio::test]
async fn a_project_that_is_not_shown_does_not_keep_the_others_from_being_listed() {
    let script = Script::github(&["acme/closed", "acme/moved", "acme/shop", "beta/*"]).await;
    script.on("GET", "/repos/acme/closed/pulls", 403, json!({"message": "Resource not accessible"})).await;
    let moved = ResponseTemplate::new(301).insert_header("location", "https://h/repositories/4/pulls");
    script.answer("GET", "/repos/acme/moved/pulls", moved).await;
    script.on("GET", "/repos/acme/shop/pulls", 200, json!([pull(&[], &[])])).await;
    script.on("GET", "/orgs/beta/repos", 403, json!({"message": "SAML"})).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    assert_eq!(listing.changes.len(), 1);
    assert!(!listing.truncated, "the watermark of the others moves on");
    let refused = ["acme/closed", "acme/moved", "beta"].map(str::to_owned);
    assert_eq!(listing.refused, refused.into());
    let since = Since {
        behind: [("acme/moved".to_owned(), Some("2026-03-01T00:00:00Z".parse().unwrap()))].into(),
        resting: ["acme/closed".to_owned(), "beta".into()].into(),
        ..Since::default()
    };
    script.server.reset().await;
    script.on("GET", "/repos/acme/shop/pulls", 200, json!([pull(&[], &[])])).await;
    script.on("GET", "/repos/acme/moved/pulls", 200, json!([])).await;
    assert_eq!(script.client.list(&since).await.unwrap().refused, [].into());
    let asked = script.requests().await;
    assert_eq!(asked.len(), 2, "those that rest are not asked: {asked:?}");
    assert!(
        asked.iter().any(|line| line.contains("acme/moved/pulls?state=all")),
        "from its own mark: {asked:?}"
    );
    script.server.reset().await;
    script.on("GET", "/repos/acme/closed/pulls", 502, json!({})).await;
    let fault = script.client.list(&Since::default()).await.unwrap_err().to_string();
    assert!(fault.starts_with("`acme/closed`: the forge failed with 502"), "{fault}");
}

#[tokio::test]
async fn projects_are_told_in_the_forges_own_spelling() {
    let script = Script::github(&["Acme/SHOP", "ACME/shop"]).await;
    let mut spelled = pull(&[], &[]);
    spelled["base"]["repo"] = json!({"full_name": "acme/Shop"});
    script.on("GET", "/repos/Acme/SHOP/pulls", 200, json!([spelled])).await;
    let listing = script.client.list(&Since::default()).await.unwrap();
    let keys: Vec<String> = listing.changes.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["f:acme/Shop!7"], "as webhooks spell it");
    assert_eq!(script.requests().await.len(), 1, "one project, however often and however spelled");

    let script = Script::github(&["Acme/s*"]).await;
    let found = json!([{"full_name": "acme/Shop"}, {"full_name": "acme/Tool"}]);
    script.on("GET", "/orgs/Acme/repos", 200, found).await;
    script.on("GET", "/repos/acme/Shop/pulls", 200, json!([pull(&[], &[])])).await;
    assert_eq!(script.client.list(&Since::default()).await.unwrap().changes.len(), 1);
}

#[tokio::test]
async fn a_group_that_is_not_shown_is_named_with_the_right_that_is_missing() {
    let script = Script::github(&[]).await;
    script.on("GET", "/user", 200, user(99)).await;
    let no = ResponseTemplate::new(403).set_body_json(json!({"message": "Not for you"}));
    script.answer_times("GET", "/orgs/acme/teams/support/members", no, 1).await;
    script.on("GET", "/orgs/acme/teams/support/members", 502, json!({})).await;
    let wish = RosterWish { logins: [].into(), groups: ["acme/support".to_owned()].into() };
    let fault = script.client.roster(&wish).await.unwrap_err();
    let expected = "the members of `acme/support` cannot be read: Not for you; on GitHub the token needs the organisation permission Members: read";
    assert_eq!(fault, ForgeFault::Refused { status: 403, answer: expected.into() });
    let fault = script.client.roster(&wish).await.unwrap_err().to_string();
    assert!(fault.starts_with("the members of `acme/support` cannot be read: the forge failed"), "{fault}");
}
