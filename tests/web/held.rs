//! What is held back, as people and machines see it.

use jiff::SignedDuration;
use usher::store::Commit;
use usher_core::model::change::ChangeKey;
use usher_core::model::review::{Hold, Review, Stage};
use usher_core::model::suppressed::SuppressedPing;
use usher_core::model::suppressed::SuppressedWhy;

use super::*;

fn open(number: u64, title: &str) -> Review {
    let mut review = Review::new(ChangeKey::new("github", "acme/shop", number));
    review.seen.title = title.into();
    review.tracked = true;
    review.author_name = Some("sam".into());
    review.done.stage = Stage::Reviewing;
    review.seen.opened_at = Some(now() - SignedDuration::from_hours(100 - number.cast_signed()));
    review
}

async fn keep(house: &House, review: Review) {
    let change = review.change.clone();
    let commit = Commit { review: Some(review), ..Commit::empty(change, now()) };
    house.store.commit(commit).await.unwrap();
}

async fn with_everything_held() -> House {
    let house = House::new().await;
    let until = now() + SignedDuration::from_hours(72);
    let mut waits = open(1, "Round the <b>total</b> once");
    let ping = |person: &str, why| SuppressedPing { person: person.into(), until, why };
    waits
        .done
        .suppressed_pings
        .insert("a".into(), ping("rita", SuppressedWhy::DayLimit { until: Some(until) }));
    waits
        .done
        .suppressed_pings
        .insert("b".into(), ping("lena", SuppressedWhy::NotWorking { until: Some(until) }));
    waits.done.turn_pings = 3;
    keep(&house, waits).await;
    let wake = Some(now() + SignedDuration::from_hours(1));
    for (number, title) in [(2, "Older"), (3, "Younger")] {
        keep(&house, {
            let mut own = open(number, title);
            own.said.hold = Some(Hold::FirstRun);
            own.planned.wake = wake;
            own
        })
        .await;
    }
    keep(&house, {
        let mut own = open(4, "Later");
        own.said.hold = Some(Hold::Snooze { until });
        own
    })
    .await;
    keep(&house, {
        let mut own = open(5, "By hand");
        own.said.hold = Some(Hold::Skip);
        own
    })
    .await;
    keep(&house, {
        let mut own = open(6, "A draft");
        own.said.hold = Some(Hold::Skip);
        own.seen.draft = true;
        own
    })
    .await;
    house
}

#[tokio::test]
async fn a_page_says_what_is_held_back_and_why_and_until_when() {
    let house = House::new().await;
    assert!(house.admin("/held").await.text.contains("Nothing is held back"));
    let house = with_everything_held().await;
    let page = house.admin("/held").await;
    assert_eq!(page.status, StatusCode::OK);
    for expected in [
        "Pings kept for later <span class=\"count\">2</span>",
        "rita had enough pings for one day, so this one waits.",
        "lena is not at work, so the ping waits.",
        "Mon 19 Jan, 09:00",
        "It had its 3 pings; nobody is pinged before the ball moves.",
        "20 are taken on a day",
        "<b>Place 1</b>",
        "Somebody snoozed it",
        "Somebody asked Usher to leave it alone.",
        "Round the &#60;b&#62;total&#60;/b&#62; once",
    ] {
        assert!(page.text.contains(expected), "{expected} is not in {}", page.text);
    }
    assert!(!page.text.contains("A draft"), "a draft is left in peace anyway");
    assert!(house.admin("/").await.text.contains(r#"href="/held""#));
}

#[tokio::test]
async fn the_same_for_machines_and_by_filter() {
    let house = with_everything_held().await;
    let all = house.admin("/api/v1/held").await.json();
    assert_eq!((all["total"].as_u64(), all["complete"].as_bool()), (Some(7), Some(true)));
    assert_eq!(all["first_run_changes_per_day"], 20);
    let words: Vec<&str> =
        all["held"].as_array().unwrap().iter().map(|h| h["why"].as_str().unwrap()).collect();
    assert_eq!(
        words,
        ["day_limit", "not_working", "change_limit", "first_run", "first_run", "snooze", "skip"]
    );
    let queue = house.admin("/api/v1/held?why=first_run").await.json();
    let queue: Vec<_> = queue["held"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["change"].as_str(), h["place"].as_u64()))
        .collect();
    assert_eq!(queue, [(Some("github:acme/shop!2"), Some(1)), (Some("github:acme/shop!3"), Some(2))]);
    let ritas = house.admin("/api/v1/held?person=rita&forge=github").await.json();
    assert_eq!((ritas["total"].as_u64(), ritas["held"][0]["person"].as_str()), (Some(1), Some("rita")));
    let second = house.admin("/api/v1/held?limit=1&offset=1").await.json();
    assert_eq!(second["held"][0]["person"], "lena");
    assert_eq!(house.admin("/api/v1/held?forge=gitlab").await.json()["total"], 0);
    assert_eq!(house.admin("/api/v1/held?reason=x").await.status, StatusCode::BAD_REQUEST);
}
