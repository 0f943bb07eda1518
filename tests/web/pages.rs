//! What people and machines see.

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;
use usher::store::{Commit, LedgerEntry, Settlement, Within};
use usher_core::model::absence::{Absence, AbsenceWish, Busy};
use usher_core::model::action::{Action, DesiredState};
use usher_core::model::calendar::Away;
use usher_core::model::candidate::{Candidate, Criterion, DecidedBy, Judgement};
use usher_core::model::change::{ChangeKey, ChangeState};
use usher_core::model::load::Load;
use usher_core::model::policy::PersonPolicy;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Assignment, Hold, Origin, PoolReview, Review, Stage};
use usher_core::model::timebox::TimeBox;

use super::*;

/// A review by Sam that Rita was asked for an hour ago.
pub(super) fn reviewing(number: u64) -> Review {
    let since = now() - SignedDuration::from_hours(1);
    let mut review = Review::new(ChangeKey::new("github", "acme/shop", number));
    review.seen.title = "Round the total once".into();
    review.seen.url = format!("https://github.com/acme/shop/pull/{number}");
    review.author = Account::new(SAM, "sam");
    review.author_name = Some("sam".into());
    review.tracked = true;
    review.done.stage = Stage::Reviewing;
    review.done.stage_since = Some(since);
    review.seen.opened_at = Some(since);
    let decided_by = DecidedBy(Some(Criterion::FewestOpen));
    let open = Judgement::Chosen { free_at: since, open: Load::NONE, capacity: 5, decided_by };
    let mut part = PoolReview::new("backend".into(), 3);
    part.candidates = vec![Candidate { person: "rita".into(), standing: open, owns: None }];
    review.planned.pools = vec![part];
    review.planned.assignments = vec![Assignment {
        reviewing_box: TimeBox { running_since: Some(since), ..TimeBox::default() },
        decided_by,
        ..Assignment::new("backend", "rita", Account::new(RITA, "rita"), since, Origin::Picked)
    }];
    review
}

impl House {
    async fn keep(&self, review: Review, reasons: Vec<Reason>, actions: Vec<Action>) {
        let (at, fact) = (now() - SignedDuration::from_hours(1), "sam touched it".into());
        let entry = LedgerEntry { at, fact, reasons, actions: actions.clone() };
        self.keep_entries(review, vec![entry], actions).await;
    }

    pub(super) async fn keep_entries(&self, review: Review, ledger: Vec<LedgerEntry>, actions: Vec<Action>) {
        let change = review.change.clone();
        let loads = review.active().map(|own| (own.person.clone(), Load::WHOLE)).collect();
        let commit = Commit { review: Some(review), loads, ledger, actions, ..Commit::empty(change, now()) };
        self.store.commit(commit).await.unwrap();
    }
}

fn picked() -> Vec<Reason> {
    let candidates = Vec::new();
    vec![Reason::Picked { pool: "backend".into(), person: "rita".into(), origin: Origin::Picked, candidates }]
}

#[tokio::test]
async fn an_empty_dashboard_says_what_will_be_there() {
    let house = House::new().await;
    let page = house.admin("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains("Nobody waits for anybody"), "{}", page.text);
}

#[tokio::test]
async fn the_dashboard_says_who_waits_for_whom_until_when_and_why() {
    let house = House::new().await;
    house.keep(reviewing(12), picked(), Vec::new()).await;
    house.shared.set_fault("gitlab", "a sweep", Some("401: the token was <revoked>".into()));
    let page = house.admin("/").await.text;
    for expected in [
        "The reviewer has the ball",
        r#"<a href="https://github.com/acme/shop/pull/12" rel="noopener noreferrer">Round the total once</a>"#,
        "acme/shop#12",
        "<strong>rita</strong>",
        "60 minutes ago",
        "Fri 16 Jan, 17:00",
        "8 h of working time left",
        "rita of backend was chosen, the only one there is.",
        "chosen: fewest open reviews for their capacity (0 of 5 open reviews)",
        "401: the token was &#60;revoked&#62;",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    assert!(!page.contains("Overdue"));

    house.clock.advance_to(now() + SignedDuration::from_hours(24 * 3 + 1));
    let page = house.admin("/").await.text;
    for expected in ["Overdue", "1 h of working time over", "late"] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
}

#[tokio::test]
async fn nothing_that_users_write_is_live() {
    let house = House::new().await;
    let mut review = reviewing(12);
    review.seen.title = "<script>alert('title')</script>".into();
    review.seen.url = "javascript:alert(1)".into();
    review.author_name = Some("<b>sam</b>".into());
    let declined = Reason::Declined { person: "rita".into(), note: Some("<img src=x onerror=y>".into()) };
    house.keep(review, vec![declined], Vec::new()).await;
    for path in ["/", "/?stage=reviewing", "/reviews/1"] {
        let page = house.admin(path).await.text;
        assert!(page.contains("&#60;script&#62;"), "{page}");
        assert!(page.contains("<code>&#60;img src=x onerror=y&#62;</code>"), "{page}");
        for live in ["<script", "<img src=x", "<b>sam", "javascript:"] {
            assert!(!page.contains(live), "{live} is live on {path}");
        }
    }
}

#[tokio::test]
async fn dead_letters_are_shown_with_the_forges_answer_and_the_cure() {
    let house = House::new().await;
    house.keep(reviewing(12), picked(), vec![Action::Desired(DesiredState::default())]).await;
    let claimed = house.store.claim_next("github", now(), &Within::ALL).await.unwrap();
    let claimed: Vec<_> = claimed.into_iter().collect();
    let dead =
        Settlement::Dead { error: "403: Resource not accessible by integration".into(), facts: vec![] };
    house.store.settle(&claimed[0], dead, now()).await.unwrap();
    let page = house.admin("/").await.text;
    for expected in [
        "Dead letters",
        "set labels and reviewers",
        "403: Resource not accessible by integration",
        &format!("<code>usher deliveries retry out:{}</code>", claimed[0].id),
        r#"<a href="/reviews/1">acme/shop#12</a>"#,
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
}

#[tokio::test]
async fn many_reviews_come_in_pages() {
    let house = House::new().await;
    for number in 1..=60 {
        house.keep(reviewing(number), Vec::new(), Vec::new()).await;
    }
    let rows = |page: &str| page.matches("<article class=\"review").count();
    let page = house.admin("/").await.text;
    assert_eq!(rows(&page), 20);
    assert!(page.contains(r#"<a href="/?stage=reviewing">40 more</a>"#), "{page}");
    let page = house.admin("/?stage=reviewing").await.text;
    assert_eq!(rows(&page), 50);
    assert!(page.contains("stage=reviewing&amp;page=1") && !page.contains("rel=\"prev\""));
    let page = house.admin("/?stage=reviewing&page=1").await.text;
    assert_eq!(rows(&page), 10);
    assert!(page.contains("rel=\"prev\"") && !page.contains("rel=\"next\""));
    assert_eq!(rows(&house.admin("/?stage=reviewing&page=4000000000").await.text), 0);
    assert_eq!(house.admin("/?stage=nonsense").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_are_framed_by_nobody() {
    let house = House::new().await;
    for path in ["/", "/style.css", "/icon.svg", "/metrics", "/api/v1/reviews", "/reviews/99"] {
        let answer = house.admin(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let page = house.admin("/").await.text;
    assert!(!page.contains("style=") && !page.contains("://"), "inline style or foreign address: {page}");
}

#[tokio::test]
async fn a_review_has_a_page_and_a_stranger_has_none() {
    let house = House::new().await;
    let lost = house.admin("/nowhere").await;
    assert_eq!((lost.status, lost.json()), (StatusCode::NOT_FOUND, json!({"error": "no such page"})));
    house.keep(reviewing(12), picked(), vec![Action::ReadFiles { codeowners: None }]).await;
    let page = house.admin("/reviews/1").await.text;
    for expected in ["sam touched it", "rita of backend was chosen", "read the changed files"] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    for path in ["/reviews/2", "/reviews/x", "/api/v1/reviews/2", "/api/v1/reviews/x"] {
        let answer = house.admin(path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::NOT_FOUND, json!({"error": "no such review"}))
        );
    }
}

#[tokio::test]
async fn the_api_tells_the_same_story() {
    let house = House::new().await;
    house.keep(reviewing(12), picked(), Vec::new()).await;
    let mut skipped = reviewing(13);
    skipped.change.forge = "gitlab".into();
    skipped.said.hold = Some(Hold::Skip);
    house.keep(skipped, Vec::new(), Vec::new()).await;
    let mut done = reviewing(14);
    (done.done.stage, done.seen.state, done.seen.ended_at) = (Stage::Done, ChangeState::Merged, Some(now()));
    house.keep(done, Vec::new(), Vec::new()).await;

    let one = house.admin("/api/v1/reviews?forge=github").await.json();
    assert_eq!(
        one,
        json!({
            "reviews": [{
                "id": 1,
                "change": "github:acme/shop!12",
                "forge": "github",
                "project": "acme/shop",
                "number": 12,
                "url": "https://github.com/acme/shop/pull/12",
                "title": "Round the total once",
                "author": "sam",
                "stage": "reviewing",
                "turn": "reviewer",
                "court": "reviewer",
                "waits_for": "rita",
                "since": "2026-01-16T08:00:00Z",
                "until": "2026-01-16T17:00:00Z",
                "overdue": false,
                "reviewers": [{
                    "person": "rita", "login": "rita", "pool": "backend", "state": "asked",
                    "since": "2026-01-16T08:00:00Z", "due": "2026-01-16T17:00:00Z",
                    "decided_by": "fewest_open"
                }],
                "pools": ["backend"],
                "hold": null,
                "out_of_scope": null,
                "sponsor": null,
                "tickets": [],
                "queue": {},
                "reasons": ["rita of backend was chosen, the only one there is."]
            }],
            "limit": 50,
            "offset": 0,
            "more": false
        })
    );
    let ids = |answer: Value| -> Vec<i64> {
        let reviews = answer["reviews"].as_array().unwrap().clone();
        reviews.iter().map(|review| review["id"].as_i64().unwrap()).collect()
    };
    for (query, expected) in [
        ("", vec![2, 1]),
        ("?open=false", vec![3, 2, 1]),
        ("?stage=done", vec![3]),
        ("?stage=done&open=true", vec![]),
        ("?limit=1", vec![2]),
        ("?limit=1&offset=1", vec![1]),
        ("?forge=gitlab", vec![2]),
        ("?forge=github&open=false&offset=1", vec![1]),
    ] {
        assert_eq!(ids(house.admin(&format!("/api/v1/reviews{query}")).await.json()), expected, "{query}");
    }
    assert_eq!(house.admin("/api/v1/reviews?limit=1").await.json()["more"], true);
    assert_eq!(house.admin("/api/v1/reviews?forge=github&limit=1&open=false").await.json()["more"], true);
    assert_eq!(house.admin("/api/v1/reviews/2").await.json()["hold"], "skip");
    for query in ["?stage=nonsense", "?sort=title", "?limit=-1"] {
        let answer = house.admin(&format!("/api/v1/reviews{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.json()["error"].is_string());
    }
    let ledger = house.admin("/api/v1/reviews/1").await.json()["ledger"].clone();
    assert_eq!(ledger[0]["fact"], "sam touched it");
    assert_eq!(ledger[0]["reasons"][0]["reason"], "picked");
}

#[tokio::test]
async fn people_are_listed_with_what_they_carry() {
    let house = House::new().await;
    house.keep(reviewing(12), picked(), Vec::new()).await;
    let people = house.admin("/api/v1/people").await.json();
    let people = people["people"].as_array().unwrap();
    let person = |name: &str| people.iter().find(|person| person["name"] == name).unwrap();
    let rita = json!({ "id": RITA, "login": "rita" });
    assert_eq!(
        *person("rita"),
        json!({
            "name": "rita", "accounts": { "github": rita, "gitlab": rita }, "support": false,
            "pools": ["backend"], "lead_of": [], "open": 1, "capacity": 5, "away": [], "busy": null
        })
    );
    assert_eq!((&person("sam")["support"], &person("sam")["capacity"]), (&json!(true), &Value::Null));
    assert_eq!(person("lena")["lead_of"], json!(["backend"]));
    assert_eq!(person("lena")["accounts"]["github"], Value::Null);

    let page = house.admin("/people").await.text;
    for expected in [
        r#"<strong>rita</strong> <span class="soft">1 of 5 open reviews</span>"#,
        r#"<p class="roles soft"><span>pool backend (configuration)</span></p>"#,
        r#"<p class="roles soft"><span>leads backend (configuration)</span></p>"#,
        r#"<p class="roles soft"><span>support (configuration)</span></p>"#,
        r#"<a href="/people" aria-current="page">People</a>"#,
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
}

#[tokio::test]
async fn a_roster_that_is_old_or_could_not_be_read_again_says_so_and_oddities_come_first() {
    let account = |id, login: &str| (login.to_owned(), Account::new(id, login));
    let roster = Roster {
        fetched_at: Some(now()),
        accounts: [account(SAM, "sam"), account(RITA, "rita-moss")].into(),
        unknown: vec!["lena".into()],
        ..Roster::default()
    };
    let mut roster = roster;
    let moss = roster.accounts.remove("rita-moss").unwrap();
    roster.accounts.insert("rita".into(), moss);
    let house = House::with_roster(roster).await;
    let page = house.admin("/people").await.text;
    assert!(page.contains("<p>Who is who on <strong>gitlab</strong>: read just now</p>"), "{page}");
    for expected in [
        "gitlab: rita is called rita-moss by now; correct the configuration",
        "lena: no forge has an active account of theirs; correct the configuration",
        "<span>gitlab: rita-moss</span>",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    assert!(page.find("To look at") < page.find("Reviewers"), "{page}");
    house.shared.set_fault("gitlab", "a sweep", Some("no answer from the forge".into()));
    house.clock.advance_to(now() + SignedDuration::from_hours(3));
    let page = house.admin("/people").await.text;
    let old = "Who is who on <strong>gitlab</strong>: read 3 hours ago, the last that is known; the last try \
               failed: no answer from the forge";
    assert!(page.contains(&format!(r#"<p class="fault">{old}</p>"#)), "{page}");
}

#[tokio::test]
async fn people_who_are_not_there_are_shown_with_until_when_and_who_says_so() {
    let until = "2026-01-16T15:00:00Z".parse().unwrap();
    let busy = Busy { says: ForgeKind::GitHub, until: Some(until), seen_at: now() };
    let account = |id, login: &str| (login.to_owned(), Account::new(id, login));
    let roster = Roster {
        fetched_at: Some(now()),
        accounts: [account(SAM, "sam"), account(RITA, "rita")].into(),
        unknown: vec!["lena".into()],
        busy: [(RITA, busy)].into(),
        ..Roster::default()
    };
    let house = House::with_roster(roster).await;
    let days = Away { first: "2026-01-16".parse().unwrap(), last: "2026-01-20".parse().unwrap() };
    let said =
        |person: &str, days| AbsenceWish { person: person.into(), absence: Absence { days, said_at: now() } };
    house.shared.apply_absences(&[said("rita", Some(days)), said("sam", None)]);
    let mut policy = policy();
    let configured = Away { first: "2026-02-01".parse().unwrap(), last: "2026-02-03".parse().unwrap() };
    let rita = PersonPolicy { away: vec![configured], ..PersonPolicy::default() };
    policy.people.insert("rita".into(), rita);
    house.shared.set_policy(Arc::new(policy), now());

    let people = house.admin("/api/v1/people").await.json();
    let person = |name: &str| {
        let people = people["people"].as_array().unwrap().iter();
        people.clone().find(|person| person["name"] == name).unwrap().clone()
    };
    let away = json!([
        { "first": "2026-02-01", "last": "2026-02-03", "source": "config" },
        { "first": "2026-01-16", "last": "2026-01-20", "source": "said" }
    ]);
    assert_eq!(person("rita")["away"], away);
    let busy =
        json!({ "source": "github", "until": "2026-01-16T15:00:00Z", "seen_at": "2026-01-16T09:00:00Z" });
    assert_eq!(person("rita")["busy"], busy);
    assert_eq!((&person("sam")["away"], &person("sam")["busy"]), (&json!([]), &Value::Null));

    let page = house.admin("/people").await.text;
    for expected in [
        "<strong>rita</strong>",
        "away from Sun 1 Feb 2026 until Tue 3 Feb 2026 (configuration)",
        "away until Tue 20 Jan 2026 (they said so)",
        "is busy until Fri 16 Jan, 15:00 (UTC), says GitHub (asked just now)",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    house.clock.advance_to(until);
    let page = house.admin("/people").await.text;
    assert!(!page.contains("is busy"), "{page}");
}

#[tokio::test]
async fn metrics_are_in_the_open_format() {
    let house = House::new().await;
    house.keep(reviewing(12), picked(), vec![Action::ReadFiles { codeowners: None }]).await;
    house.public(github("d-1", sams())).await;
    house.clock.advance_to(now() + SignedDuration::from_secs(90));
    house.shared.swept("github", now());
    let answer = house.admin("/metrics").await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    for line in [
        r#"usher_reviews{stage="reviewing"} 1"#,
        r#"usher_reviews{stage="done"} 0"#,
        r#"usher_deliveries_total{forge="github",answer="stored"} 1"#,
        "usher_inbox_undecided 1",
        "usher_inbox_oldest_seconds 90.0",
        "usher_outbox_pending 1",
        "usher_outbox_dead 0",
        r#"usher_forge_sweep_age_seconds{forge="github"} 90.0"#,
        r#"usher_forge_roster_age_seconds{forge="gitlab"} 90.0"#,
        "# EOF",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line} is not in {}", answer.text);
    }
}

#[tokio::test]
async fn alive_is_not_ready() {
    let house = House::new().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    house.shared.set_fault("gitlab", "a sweep", Some("502 Bad Gateway".into()));
    let ready = house.public(get("/readyz")).await;
    assert_eq!(ready.status, StatusCode::OK, "a forge that is down is no reason");
    let body = ready.json();
    assert_eq!((&body["ready"], &body["failing"]), (&json!(true), &Value::Null));
    assert_eq!(
        body["forges"][1],
        json!({
            "name": "gitlab", "kind": "gitlab", "roster_age_seconds": 0, "sweep_age_seconds": null,
            "fault": "502 Bad Gateway"
        })
    );
    house.store.close().await;
    let ready = house.public(get("/readyz")).await;
    assert_eq!((ready.status, &ready.json()["failing"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("store")));
    assert_eq!(house.public(get("/healthz")).await.status, StatusCode::OK);
    assert_eq!(house.admin("/").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_part_that_broke_is_named_until_it_runs_again() {
    let house = House::new().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let breaks = || async { panic!("on purpose") };
    let kept = house.tasks.clone().keep("courier of gitlab".into(), stop.clone(), breaks);
    let kept = tokio::spawn(kept);
    while house.tasks.down().is_empty() {
        tokio::task::yield_now().await;
    }
    let answer = house.public(Request::get("/readyz").body(Body::empty()).unwrap()).await;
    let failing = answer.json()["failing"].clone();
    assert_eq!((answer.status, failing), (StatusCode::SERVICE_UNAVAILABLE, json!("courier of gitlab")));
    let metrics = house.admin("/metrics").await.text;
    assert!(metrics.contains("usher_task_restarts{task=\"courier of gitlab\"} 1"), "{metrics}");
    stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn an_engine_that_stands_still_is_not_ready() {
    let house = House::new().await;
    let ready = || async { house.public(Request::get("/readyz").body(Body::empty()).unwrap()).await };
    house.public(github("d-1", sams())).await;
    house.clock.advance_to(now() + SignedDuration::from_secs(59));
    assert_eq!(ready().await.status, StatusCode::OK);
    house.clock.advance_to(now() + SignedDuration::from_secs(61));
    let answer = ready().await;
    assert_eq!(
        (answer.status, &answer.json()["failing"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("engine"))
    );
    house.metrics.decisions.inc();
    assert_eq!(ready().await.status, StatusCode::OK, "a backlog that is being worked off");
}

#[tokio::test]
async fn facts_that_wait_for_a_roster_do_not_count_against_the_engine() {
    let house = House::with_roster(usher_core::model::people::Roster::default()).await;
    house.public(github("d-1", sams())).await;
    house.clock.advance_to(now() + SignedDuration::from_hours(1));
    let answer = house.public(Request::get("/readyz").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}
