//! What a dry run would have written.

use std::collections::BTreeSet;

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;
use usher::engine::ON_PAPER;
use usher::store::LedgerEntry;
use usher_core::model::action::{Action, DesiredState};
use usher_core::model::message::{Answer, Ping, PingAbout, Reply};

use super::*;

/// The server on its first day: everything is decided and nothing written.
async fn dry() -> House {
    let house = House::new().await;
    house.shared.set_policy(Arc::new(Policy { dry_run: true, ..policy() }), now());
    house
}

fn on_paper(minutes_ago: i64, actions: Vec<Action>) -> LedgerEntry {
    let fact = format!("{ON_PAPER}the clock");
    LedgerEntry { at: now() - SignedDuration::from_mins(minutes_ago), fact, reasons: Vec::new(), actions }
}

fn shape(labels: &[&str]) -> Action {
    let labels: BTreeSet<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let reviewers = [Account::new(RITA, "rita")].into();
    Action::Desired(DesiredState { labels, reviewers, ..DesiredState::default() })
}

fn ping(key: &str) -> Action {
    let about = PingAbout::Ask;
    let (person, login, me) = ("rita".to_owned(), "rita".to_owned(), "usher".to_owned());
    Action::Ping(Box::new(Ping { key: key.into(), person, login, not_after: now(), me, about }))
}

#[tokio::test]
async fn the_newest_of_each_kind_is_shown_as_people_would_have_seen_it() {
    let house = dry().await;
    let banner = house.admin("/").await.text;
    assert!(banner.contains(r#"<a href="/dry-run">What would have been written</a>"#), "{banner}");
    let empty = house.admin("/dry-run").await.text;
    assert!(empty.contains("Nothing would have been written yet"), "{empty}");

    let reply = Reply { key: "k1".into(), me: "usher".into(), answers: vec![Answer::Help] };
    let help = Action::Reply(Box::new(reply));
    let first = [
        on_paper(90, vec![shape(&["superseded"])]),
        on_paper(60, vec![shape(&["support <b>"]), ping("a"), Action::ReadFiles { codeowners: None }]),
        on_paper(30, vec![ping("b"), help]),
        LedgerEntry { fact: "sam touched it".into(), ..on_paper(5, vec![shape(&["for real"])]) },
    ];
    house.keep_entries(pages::reviewing(12), first.into(), Vec::new()).await;
    house.keep_entries(pages::reviewing(13), vec![on_paper(10, vec![ping("a")])], Vec::new()).await;
    let page = house.admin("/dry-run").await;
    assert_eq!(page.status, StatusCode::OK);
    for expected in [
        "acme/shop#12",
        "ask for a review: rita; put on labels: support &#60;b&#62;",
        "The forge keeps one reviewer per change only",
        "@usher decline [reason]",
    ] {
        assert!(page.text.contains(expected), "{expected} is not in {}", page.text);
    }
    for hidden in ["superseded", "for real", "usher:ping", "read the changed files"] {
        assert!(!page.text.contains(hidden), "{hidden} is in {}", page.text);
    }
    let (newest, older) = (page.text.find("acme/shop#13").unwrap(), page.text.find("acme/shop#12").unwrap());
    assert!(newest < older, "the newest decision comes first");

    let list = house.admin("/api/v1/dry-run?limit=1&offset=1").await.json();
    assert_eq!(
        (&list["dry_run"], &list["total"], &list["complete"]),
        (&json!(true), &json!(2), &json!(true))
    );
    let [change] = list["changes"].as_array().unwrap().as_slice() else { panic!("{list:#}") };
    let kinds: Vec<_> = change["actions"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["ping", "reply", "shape", "ping"]);
    assert_eq!(change["actions"][2]["labels"], json!(["support <b>"]));
    assert_eq!(change["actions"][2]["reviewers"], json!(["rita"]));
    assert!(change["actions"][0]["comment"].as_str().unwrap().starts_with("@rita: could you review this?"));
    assert_eq!(house.admin("/api/v1/dry-run?nonsense=1").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn readiness_and_metrics_say_whether_it_is_one() {
    for (house, is_dry) in [(dry().await, true), (House::new().await, false)] {
        let ready = house.public(Request::get("/readyz").body(Body::empty()).unwrap()).await.json();
        assert_eq!(ready["dry_run"], is_dry, "{ready:#}");
        let metrics = house.admin("/metrics").await.text;
        let line = format!("\nusher_dry_run {}\n", u8::from(is_dry));
        assert!(metrics.contains(&line), "{metrics}");
        for page in ["/", "/held", "/people", "/access"] {
            let page = house.admin(page).await.text;
            assert_eq!(page.contains("<strong>Dry run.</strong>"), is_dry, "{page}");
        }
    }
}

#[tokio::test]
async fn without_a_dry_run_there_is_nothing_on_paper() {
    let house = House::new().await;
    house.keep_entries(pages::reviewing(12), vec![on_paper(10, vec![ping("a")])], Vec::new()).await;
    let page = house.admin("/dry-run").await.text;
    assert!(page.contains("No dry run is on"), "{page}");
    assert!(!house.admin("/").await.text.contains("/dry-run"));
    assert_eq!(house.admin("/api/v1/dry-run").await.json()["changes"], json!([]));
}
