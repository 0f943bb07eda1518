//! A configuration that names somebody new: who that is is read from the forge, and nothing that is due
//! waits for it.

use jiff::SignedDuration;
use usher_core::model::review::{Review, Stage};
use usher_sandbox::{Access, ChangeRef, Forge};

use super::harness::{BOT, BOTH, House, Settings, project};

/// A colleague whom no roster has told of yet.
fn with_nora() -> Settings {
    Settings { members: r#"["rita", "ravi", "nora"]"#, ..Settings::default() }
}

/// How often `change` was pinged.
fn pings(house: &House, change: &ChangeRef) -> usize {
    let seen = house.seen(change);
    seen.comments_by(BOT).iter().filter(|comment| comment.body.contains("usher:ping:")).count()
}

fn place(review: &Review) -> Option<u64> {
    review.planned.pools[0].queued.as_ref().map(|queued| u64::from(queued.ahead))
}

#[tokio::test]
async fn reminders_come_on_time_while_it_is_not_known_who_a_new_colleague_is() {
    let mut house = House::new().await;
    let mut changes = Vec::new();
    for forge in BOTH {
        changes.push(house.opened(forge, "sam").await);
    }
    let due = house.review(&changes[0]).await.planned.wake.unwrap();
    house.service.reload(&house.config(&with_nora())).await.unwrap();
    // Nobody reads the roster meanwhile.
    house.pass(due.duration_since(house.clock.now()) + SignedDuration::from_mins(5)).await;
    for change in &changes {
        assert_eq!(house.stage(change).await, Stage::Reviewing, "{change}");
        assert_eq!(pings(&house, change), 1, "{change}: the reminder came at {due}");
    }
}

#[tokio::test]
async fn places_in_a_queue_outlive_a_reload() {
    let one = Settings { members: r#"["rita"]"#, capacity: 1, ..Settings::default() };
    let two = Settings { members: r#"["rita", "nora"]"#, ..one.clone() };
    let mut house = House::with(one).await;
    house.opened(Forge::Gitlab, "sam").await;
    let waiting = [house.opened(Forge::Gitlab, "sam").await, house.opened(Forge::Github, "siobhan").await];
    // A sweep has nothing more to tell of them afterwards, so that they are decided in their order.
    house.sweep().await;
    house.quiet().await;
    let mut places = Vec::new();
    for change in &waiting {
        places.push(place(&house.review(change).await));
    }
    assert_eq!(places, [Some(0), Some(1)]);
    house.service.reload(&house.config(&two)).await.unwrap();
    house.pass(SignedDuration::from_mins(10)).await;
    for (change, place_before) in waiting.iter().zip(&places) {
        assert_eq!(place(&house.review(change).await), *place_before, "{change}");
    }
    // Nora is there: both wait no longer than the roster.
    for forge in BOTH {
        house.sandbox.add_member(forge, project(forge), "nora", Access::WRITE);
    }
    house.sweep().await;
    house.quiet().await;
    assert_eq!(house.reviewers(&waiting[0]), ["nora"]);
}

#[tokio::test]
async fn what_arrives_after_a_reload_waits_for_the_roster_and_no_longer() {
    let mut house = House::new().await;
    let text = house.text(&Settings::default()).replace("[support]\n", "[support]\nmembers = [\"sunny\"]\n");
    for forge in BOTH {
        house.sandbox.add_member(forge, project(forge), "sunny", Access::WRITE);
    }
    house.service.reload(&house.config_of(&text, &[])).await.unwrap();
    let changes = BOTH.map(|forge| house.open(forge, "sunny"));
    house.quiet().await;
    assert_eq!(house.service.store.counts().await.unwrap().undecided, 2, "they may be of interest");
    house.sweep().await;
    house.quiet().await;
    for change in &changes {
        assert_eq!(house.reviewers(change).len(), 1, "{change}: at once, on no clock");
    }
}

#[tokio::test]
async fn after_a_restart_what_is_due_waits_for_the_roster_and_no_longer() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let due = house.review(&change).await.planned.wake.unwrap();
        let config = house.config(&with_nora());
        house.restart(&config).await;
        house.pass(due.duration_since(house.clock.now()) + SignedDuration::from_secs(1)).await;
        assert_eq!(pings(&house, &change), 0, "nobody is known on {forge:?}");
        house.sweep().await;
        house.quiet().await;
        assert_eq!(pings(&house, &change), 1, "{forge:?}: as soon as they are");
    }
}
