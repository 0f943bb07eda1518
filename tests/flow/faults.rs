//! What else can go wrong on the way to a forge, on a virtual clock: pages of proxies, cut and slow
//! answers, long outages, moved projects, no TLS. Each ends in the right state without a human.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use tower::ServiceExt;
use usher::clock::Clock;
use usher::service::Service;
use usher_core::model::review::Stage;
use usher_sandbox::{Access, ChangeRef, Fault, Forge, HookTarget, NewChange, RequestRecord};

use super::harness::{BOTH, House, Settings, name, project};
use super::server::until;

async fn assert_in_review(house: &House, change: &ChangeRef, what: &str) {
    assert_eq!(house.stage(change).await, Stage::Reviewing, "{what}: {change}");
    house.reviewer(change);
    house.assert_one_status_comment(change);
    assert!(house.seen(change).labels.contains(&"support-review::reviewing".to_owned()), "{what}");
    assert_eq!(house.service.store.counts().await.unwrap().dead, 0, "{what}");
}

/// Method and path of every kind of request that taking a change on needs.
fn steps(forge: Forge) -> &'static [(&'static str, &'static str)] {
    match forge {
        // The labels are not there yet.
        Forge::Gitlab => {
            &[("QUERY", "/graphql"), ("POST", "/labels"), ("POST", "/graphql"), ("POST", "/notes")]
        }
        Forge::Github => &[
            ("GET", "/pulls/1"),
            ("POST", "/labels"),
            ("POST", "/requested_reviewers"),
            ("POST", "/comments"),
        ],
    }
}

#[tokio::test]
async fn answers_that_are_none_lead_to_one_comment_and_one_reviewer() {
    let half =
        |applied| Fault::Page { code: 201, content_type: "application/json", text: "{\"id\": 5", applied };
    let sign_in = Fault::with_headers(302, "", &[("location", "https://login.example.com/")]);
    let faults = [
        Fault::page(502, false),
        Fault::page(502, true),
        Fault::page(503, false),
        Fault::page(504, true),
        Fault::page(200, false),
        Fault::page(200, true),
        half(false),
        half(true),
        Fault::CutOff,
        Fault::status(500, "Internal Server Error"),
        sign_in,
    ];
    for forge in BOTH {
        for fault in &faults {
            let mut house = House::new().await;
            for (method, path) in steps(forge) {
                house.sandbox.fail_next(forge, method, path, fault.clone(), 2);
            }
            let change = house.opened(forge, "sam").await;
            house.pass(SignedDuration::from_mins(20)).await;
            assert_in_review(&house, &change, &format!("{forge:?} {fault:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_slowly_is_waited_for() {
    for forge in BOTH {
        let mut house = House::new().await;
        for (method, path) in steps(forge) {
            let slow = Fault::SlowBody(std::time::Duration::from_secs(20));
            house.sandbox.fail_next(forge, method, path, slow, 1);
        }
        let change = house.open(forge, "sam");
        house.sandbox.deliver_pending().await;
        house.service.engine.drain().await.unwrap();
        let (courier, clock) = (house.service.courier.clone(), house.clock.clone());
        let performing = tokio::spawn(async move { courier.drain().await.unwrap() });
        until("all is done", async || {
            clock.advance_to(clock.now() + SignedDuration::from_secs(1));
            performing.is_finished()
        })
        .await;
        let asked = house.asked();
        // Each label that is not there yet is made by a request of its own.
        let others: Vec<_> = asked.iter().filter(|line| *line != "POST /labels").collect();
        let once: BTreeSet<_> = others.iter().collect();
        assert_eq!(others.len(), once.len(), "nothing was asked twice: {asked:?}");
        house.minute().await;
        assert_in_review(&house, &change, "slow").await;
    }
}

async fn get(house: &House, path: &str) -> String {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let router = if path == "/readyz" {
        usher::web::public(house.service.door.clone())
    } else {
        usher::web::admin(house.service.door.clone())
    };
    let body = router.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

/// A second project, where the same people are at home.
fn second(house: &House, forge: Forge, path: &str) {
    house.sandbox.add_project(forge, path);
    house.sandbox.add_member(forge, path, super::harness::BOT, Access::MAINTAIN);
    for login in ["rita", "ravi", "lena", "sam"] {
        house.sandbox.add_member(forge, path, login, Access::WRITE);
    }
    if forge == Forge::Gitlab {
        house.company.add_hook(forge, HookTarget::Project(path.into()));
    }
}

fn open_in(house: &House, forge: Forge, path: &str) -> ChangeRef {
    house.sandbox.open_change(forge, path, NewChange::by("sam", "Round VAT")).unwrap()
}

/// The request that no project can spoil.
fn is_neutral(request: &RequestRecord) -> bool {
    request.is_read() && ["/user", "/rate_limit"].iter().any(|path| request.path.ends_with(path))
}

#[tokio::test]
async fn a_forge_that_keeps_failing_is_left_alone_and_the_actions_wait_without_wearing_out() {
    for forge in BOTH {
        let mut house = House::new().await;
        second(&house, forge, "acme/other");
        house.sandbox.fail_next(forge, "*", "", Fault::page(502, false), u32::MAX);
        let changes: Vec<ChangeRef> = (0..10)
            .map(|n| open_in(&house, forge, if n % 2 == 0 { project(forge) } else { "acme/other" }))
            .collect();
        house.pass(SignedDuration::from_mins(30)).await;
        let requests = house.sandbox.requests();
        let (neutral, about): (Vec<_>, Vec<_>) = requests.iter().partition(|request| is_neutral(request));
        assert_eq!(about.len(), 5, "{forge:?}: {about:?}");
        let opened = about[4].at;
        let after: Vec<i64> = neutral.iter().map(|one| one.at.duration_since(opened).as_secs()).collect();
        // One neutral request at a time, later and later, at most five minutes apart.
        assert_eq!(after[..5], [15, 45, 105, 225, 465], "{forge:?}");
        assert!(after[5..].windows(2).all(|pair| pair[1] - pair[0] == 300), "{after:?}");
        let rows = house.service.store.outbox_list(100).await.unwrap();
        let worn: i64 = rows.iter().map(|row| i64::from(row.attempts)).sum();
        assert_eq!(worn, 5, "only what was sent counts as an attempt");
        let ready = get(&house, "/readyz").await;
        assert!(ready.contains("\"ready\":true") && ready.contains("\"asked_again_at\":\"2026-"), "{ready}");
        assert!(get(&house, "/").await.contains("It keeps failing and is left alone"), "the dashboard tells");
        let open = format!("usher_forge_circuit_open{{forge=\"{}\"}} ", name(forge));
        assert!(get(&house, "/metrics").await.contains(&(open.clone() + "1")));

        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_mins(20)).await;
        for change in &changes {
            house.assert_one_status_comment(change);
        }
        assert_eq!(house.service.store.counts().await.unwrap().dead, 0);
        assert!(!get(&house, "/readyz").await.contains("asked_again_at"));
        house.sweep().await;
        let metrics = get(&house, "/metrics").await;
        assert!(metrics.contains(&(open + "0")), "{metrics}");
        let left = format!("usher_forge_budget_left{{forge=\"{}\",owner=\"\",resource=\"", name(forge));
        assert!(metrics.contains(&left), "{metrics}");
    }
}

#[tokio::test]
async fn one_broken_project_is_left_alone_and_all_others_go_on() {
    const BROKEN: &str = "acme/broken";
    for forge in BOTH {
        let mut house = House::with(Settings { capacity: 100, ..Settings::default() }).await;
        second(&house, forge, BROKEN);
        house.sandbox.break_project(forge, BROKEN);
        let ill: Vec<ChangeRef> = (0..8).map(|_| open_in(&house, forge, BROKEN)).collect();
        house.pass(SignedDuration::from_secs(20)).await;
        for _ in 0..3 {
            let well = house.open(forge, "sam");
            house.quiet().await;
            house.reviewer(&well);
            house.assert_one_status_comment(&well);
            house.pass(SignedDuration::from_mins(20)).await;
        }
        let ready = get(&house, "/readyz").await;
        assert!(ready.contains("\"paused_projects\":1") && !ready.contains("asked_again_at"), "{ready}");
        assert!(get(&house, "/").await.contains(BROKEN), "the dashboard names it");
        let asked = house.sandbox.requests().iter().filter(|one| one.status == Some(500)).count();
        assert!((8..40).contains(&asked), "{forge:?}: {asked} requests to it in an hour");
        house.sandbox.mend_project(forge, BROKEN);
        house.pass(SignedDuration::from_mins(25)).await;
        for change in &ill {
            house.reviewer(change);
            house.assert_one_status_comment(change);
        }
        assert_eq!(house.service.store.counts().await.unwrap().dead, 0);
        assert!(!get(&house, "/readyz").await.contains("paused_projects"));
    }
}

#[tokio::test]
async fn a_sweep_passes_one_broken_project_over_and_comes_back_to_it() {
    for forge in BOTH {
        let projects = r#"["acme/shop", "acme/sdk", "acme/broken"]"#;
        let mut house = House::with(Settings { projects, ..Settings::default() }).await;
        second(&house, forge, "acme/broken");
        house.sandbox.break_project(forge, "acme/broken");
        house.sandbox.lose_next(forge, 9);
        let (ill, well) = (open_in(&house, forge, "acme/broken"), house.open(forge, "sam"));
        house.minute().await;
        house.sweep_of(forge, false).await.unwrap_or_else(|fault| panic!("{forge:?}: {fault}"));
        house.quiet().await;
        house.reviewer(&well);
        house.sandbox.mend_project(forge, "acme/broken");
        house.pass(SignedDuration::from_mins(15)).await;
        house.sweep_of(forge, false).await.unwrap();
        house.quiet().await;
        house.reviewer(&ill);
    }
}

#[tokio::test]
async fn a_dead_token_stops_the_lane_which_asks_once_a_minute_and_goes_on_at_once_when_it_is_mended() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.fail_next(forge, "*", "", Fault::status(401, "401 Unauthorized"), u32::MAX);
        let changes: Vec<ChangeRef> = (0..5).map(|_| house.open(forge, "sam")).collect();
        house.pass(SignedDuration::from_mins(10)).await;
        let requests = house.sandbox.requests();
        let about = requests.iter().filter(|request| !is_neutral(request)).count();
        assert!(about <= 1 && requests.len() <= 12, "{forge:?}: {:?}", house.asked());
        let rows = house.service.store.outbox_list(100).await.unwrap();
        assert!(rows.iter().all(|row| row.attempts == 0), "it wears nothing out");
        assert!(get(&house, "/readyz").await.contains("\"token_refused\":true"));
        assert!(get(&house, "/").await.contains("It does not accept the token, so nothing goes out"));
        let refused = format!("usher_forge_token_refused{{forge=\"{}\"}} 1", name(forge));
        assert!(get(&house, "/metrics").await.contains(&refused));

        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_secs(75)).await;
        for change in &changes {
            house.reviewer(change);
            house.assert_one_status_comment(change);
        }
        assert!(!get(&house, "/readyz").await.contains("token_refused"));
    }
}

/// Every request that taking a change on needs is answered so, at first.
fn at_first(house: &House, forge: Forge, fault: &Fault, times: u32) {
    for (method, path) in steps(forge) {
        house.sandbox.fail_next(forge, method, path, fault.clone(), times);
    }
}

#[tokio::test]
async fn an_early_404_and_a_passing_403_are_over_in_a_minute() {
    for forge in BOTH {
        for fault in [Fault::status(404, "Not Found"), Fault::status(403, "Forbidden")] {
            let mut house = House::new().await;
            at_first(&house, forge, &fault, 1);
            let change = house.open(forge, "sam");
            house.pass(SignedDuration::from_mins(2)).await;
            assert_in_review(&house, &change, &format!("{forge:?} {fault:?}")).await;
        }
    }
}

/// What keeps reviewers and labels from being set, while comments go through.
fn refuse_shapes(house: &House, forge: Forge) {
    let places: &[(&str, &str)] = match forge {
        Forge::Gitlab => &[("POST", "/graphql"), ("PUT", "/merge_requests/")],
        Forge::Github => &[("POST", "/labels")],
    };
    for (method, path) in places {
        house.sandbox.fail_next(forge, method, path, Fault::status(403, "403 Forbidden"), u32::MAX);
    }
}

fn status_comment(house: &House, change: &ChangeRef) -> String {
    house.seen(change).comments_by(super::harness::BOT)[0].body.clone()
}

#[tokio::test]
async fn what_the_forge_refuses_for_five_minutes_is_one_stop_and_the_comment_tells_the_truth() {
    for forge in BOTH {
        let mut house = House::with(Settings { always: true, ..Settings::default() }).await;
        refuse_shapes(&house, forge);
        let change = house.open(forge, "sam");
        house.pass(SignedDuration::from_mins(4)).await;
        assert!(house.comments(&change).is_empty(), "nothing is said that may not be true");
        house.pass(SignedDuration::from_mins(2)).await;
        let told = status_comment(&house, &change);
        assert!(told.contains("does not let me set reviewers and labels"), "{told}");
        assert!(!told.contains("could you review this"), "{told}");
        let review = house.review(&change).await;
        assert_eq!(
            review.planned.assignments.iter().filter(|one| !one.is_active()).count(),
            0,
            "nobody is used up"
        );
        house.pass(SignedDuration::from_hours(12)).await;
        house.assert_one_status_comment(&change);
        assert_eq!(
            house.review(&change).await.planned.assignments.len(),
            1,
            "nor is anybody reminded or replaced"
        );

        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_mins(90)).await;
        assert_in_review(&house, &change, "it goes on by itself").await;
        assert!(status_comment(&house, &change).contains("could you review this"));
    }
}

#[tokio::test]
async fn what_the_forge_refuses_for_a_day_is_given_up_and_a_sweep_brings_it_back() {
    for forge in BOTH {
        let mut house = House::with(Settings { always: true, ..Settings::default() }).await;
        refuse_shapes(&house, forge);
        let change = house.open(forge, "sam");
        house.pass(SignedDuration::from_hours(26)).await;
        assert_eq!(house.service.store.counts().await.unwrap().dead, 1);
        assert!(house.review(&change).await.seen.blocked.is_some_and(|blocked| blocked.given_up));
        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_hours(1)).await;
        assert!(house.reviewers(&change).is_empty());
        house.sandbox.lose_next(forge, 1);
        house.sandbox.retitle(&change, "sam", "Round VAT up").unwrap();
        house.minute().await;
        house.sweep().await;
        house.pass(SignedDuration::from_mins(5)).await;
        assert_in_review(&house, &change, "a sweep brings it back").await;
        assert!(house.review(&change).await.seen.blocked.is_none());
    }
}

#[tokio::test]
async fn files_that_cannot_be_had_lead_to_the_route_without_paths_until_they_are_read() {
    for forge in BOTH {
        let mut house = House::with(Settings { paths: true, always: true, ..Settings::default() }).await;
        let files = if forge == Forge::Gitlab { "/diffs" } else { "/files" };
        house.sandbox.fail_next(forge, "GET", files, Fault::status(404, "Not Found"), u32::MAX);
        let change = house.open_with(forge, super::harness::touching("sam", &["docs/export.md"]));
        house.pass(SignedDuration::from_mins(4)).await;
        assert!(house.reviewers(&change).is_empty(), "{forge:?}: it waits for the files");
        house.pass(SignedDuration::from_mins(2)).await;
        let first = house.reviewer(&change);
        assert!(["rita", "ravi"].contains(&first.as_str()), "{first}: the first route without paths");
        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_mins(15)).await;
        let then = house.reviewer(&change);
        assert!(
            ["dora", "dan"].contains(&then.as_str()),
            "{forge:?}: {then}: the files say where it belongs"
        );
        house.assert_one_status_comment(&change);
    }
}

#[tokio::test]
async fn what_is_meant_for_a_project_by_its_old_name_reaches_it() {
    for forge in BOTH {
        let mut house = House::new().await;
        let id = house.sandbox.add_project(forge, project(forge));
        let to = |code, place: &str| Fault::with_headers(code, "Moved Permanently", &[("location", place)]);
        let plan = |method, path: &str, fault| house.sandbox.fail_next(forge, method, path, fault, 1);
        match forge {
            Forge::Gitlab => {
                let (old, new) = ("/projects/acme%2Fshop", format!("/gl/api/v4/projects/{id}"));
                // GraphQL knows no old names, and REST does.
                let nothing = Fault::Page {
                    code: 200,
                    content_type: "application/json",
                    text: "{\"data\":{\"project\":null}}",
                    applied: false,
                };
                plan("QUERY", "/graphql", nothing);
                plan("GET", &format!("{old}/merge_requests/1"), to(301, &format!("{new}/merge_requests/1")));
                let refused = || Fault::status(405, "405 Non GET methods are not allowed for moved projects");
                for (method, path) in [("PUT", "/merge_requests/1"), ("POST", "/merge_requests/1/notes")] {
                    plan(method, &format!("{old}{path}"), refused());
                    plan("GET", old, to(301, &new));
                }
            }
            Forge::Github => {
                let (old, new) =
                    ("/repos/acme/sdk", format!("{}/repositories/{id}", house.sandbox.github_url()));
                for (method, code, path) in [
                    ("GET", 301, "/pulls/1"),
                    ("POST", 307, "/issues/1/labels"),
                    ("POST", 307, "/pulls/1/requested_reviewers"),
                    ("POST", 307, "/issues/1/comments"),
                ] {
                    plan(method, &format!("{old}{path}"), to(code, &format!("{new}{path}")));
                }
            }
        }
        let change = house.open(forge, "sam");
        house.quiet().await;
        let there =
            house.sandbox.requests().iter().filter(|one| one.path.contains(&format!("/{id}/"))).count();
        let expected = if forge == Forge::Gitlab { 3 } else { steps(forge).len() };
        assert_eq!(there, expected, "{:?}", house.asked());
        house.minute().await;
        assert_in_review(&house, &change, "moved").await;
    }
}

#[tokio::test]
async fn a_forge_that_has_moved_altogether_is_named_and_nothing_is_sent_there() {
    for forge in BOTH {
        let mut house = House::new().await;
        let elsewhere = Fault::with_headers(301, "", &[("location", "https://new.example.com/api")]);
        let comments = steps(forge).last().unwrap().1;
        house.sandbox.fail_next(forge, "POST", comments, elsewhere, 1);
        let change = house.opened(forge, "sam").await;
        let rows = house.service.store.outbox_list(9).await.unwrap();
        assert!(rows.is_empty(), "it is tried again, and nothing was lost: {rows:?}");
        let asked = house.sandbox.requests().iter().filter(|one| one.status == Some(301)).count();
        assert_eq!(asked, 1);
        house.pass(SignedDuration::from_mins(1)).await;
        assert_in_review(&house, &change, "elsewhere").await;
    }
}

#[tokio::test]
async fn a_forge_without_tls_is_told_and_left_alone() {
    let house = House::new().await;
    let text = house.text(&Settings::default()).replace("url = \"http://", "url = \"https://");
    let variables = super::harness::SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let folder = tempfile::tempdir().unwrap();
    let text = text.replace(
        &house.store_path().display().to_string(),
        &folder.path().join("x.db").display().to_string(),
    );
    let outside = usher::config::Outside {
        variables,
        folder: folder.path().to_owned(),
        needs_secrets: true,
        read_file: &|_| Err(std::io::Error::other("no files")),
    };
    let config = usher::config::parse(&text, "usher.toml", &outside).unwrap_or_else(|m| panic!("{m}")).config;
    let service = Service::assemble(&config, Clock::virtual_at(super::harness::monday())).await.unwrap();
    for reconcile in &mut service.reconciles() {
        let fault = reconcile.sweep(false).await.unwrap_err().to_string();
        assert!(fault.contains("no answer from the forge") && !fault.contains("unknown"), "{fault}");
        for _ in 0..9 {
            reconcile.sweep(false).await.unwrap_err();
        }
        let fault = reconcile.sweep(false).await.unwrap_err().to_string();
        assert!(fault.contains("failed 5 times in a row"), "{fault}");
    }
    assert!(house.sandbox.requests().is_empty(), "no token went out in the clear");
}
