//! What else can go wrong on the way to a forge, on a virtual clock: pages of proxies, cut and slow
//! answers, long outages, moved projects, no TLS. Each ends in the right state without a human.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use tower::ServiceExt;
use usher::clock::Clock;
use usher::service::Service;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Fault, Forge};

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
        // The PUT makes the labels, which are not there yet.
        Forge::Gitlab => {
            &[("QUERY", "/graphql"), ("POST", "/graphql"), ("PUT", "/merge_requests/"), ("POST", "/notes")]
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
        assert_eq!(asked.len(), steps(forge).len(), "nothing was asked twice: {asked:?}");
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

#[tokio::test]
async fn a_forge_that_keeps_failing_is_left_alone_and_the_actions_wait_without_wearing_out() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.fail_next(forge, "*", "", Fault::page(502, false), u32::MAX);
        let changes: Vec<ChangeRef> = (0..10).map(|_| house.open(forge, "sam")).collect();
        house.pass(SignedDuration::from_mins(30)).await;
        let times: Vec<Timestamp> = house.sandbox.requests().iter().map(|request| request.at).collect();
        let start = times[0];
        let after: Vec<i64> = times.iter().map(|at| at.duration_since(start).as_secs()).collect();
        // Five in a row, then one at a time, later and later, at most five minutes apart.
        assert_eq!(after[..10], [0, 0, 0, 0, 0, 15, 45, 105, 225, 465], "{forge:?}");
        assert!(after[10..].windows(2).all(|pair| pair[1] - pair[0] == 300), "{after:?}");
        let rows = house.service.store.outbox_list(100).await.unwrap();
        let worn: i64 = rows.iter().map(|row| i64::from(row.attempts)).sum();
        assert_eq!(worn, after.len() as i64, "only what was sent counts as an attempt");
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
        let told = rows[0].error.clone().unwrap_or_default();
        assert!(told.contains("moved to https://new.example.com/api"), "{told}");
        assert!(
            house.service.store.retry_dead(rows[0].id).await.unwrap(),
            "it is kept, and can be sent again"
        );
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
