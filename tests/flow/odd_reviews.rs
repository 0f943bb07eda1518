//! Reviews that cannot be dealt with must not stop the others, nor spin.

use jiff::SignedDuration;

use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::{BOTH, House, Settings};

/// Ticks with a bound: a tick that never ends would hang the alarm for ever.
async fn tick(house: &House) -> usize {
    let tick = house.service.engine.tick();
    tokio::time::timeout(std::time::Duration::from_secs(20), tick).await.expect("the tick ends").unwrap()
}

#[tokio::test]
async fn a_reload_looks_at_every_open_review_once() {
    let mut house = House::new().await;
    let change = house.open(Forge::Gitlab, "sam");
    house.quiet().await;
    house.sandbox.mark_draft(&change, "sam").unwrap();
    house.quiet().await;
    house.service.reload(&house.config(&Settings::default())).await.unwrap();
    assert_eq!(tick(&house).await, 1, "the draft, too, is looked at");
    assert_eq!(tick(&house).await, 0, "and then it is at rest again");
}

#[tokio::test]
async fn a_review_whose_forge_left_the_configuration_is_put_off() {
    let mut house = House::new().await;
    house.open(Forge::Gitlab, "sam");
    house.open(Forge::Github, "sam");
    house.quiet().await;
    let mut config = house.config(&Settings::default());
    config.policy.forges.retain(|forge| forge.name != "gitlab");
    house.service.reload(&config).await.unwrap();
    assert_eq!(tick(&house).await, 2);
    assert_eq!(tick(&house).await, 0, "nothing spins");
    house.service.reload(&house.config(&Settings::default())).await.unwrap();
    house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(1));
    assert!(tick(&house).await >= 1, "it is looked at again");
}

#[tokio::test]
async fn a_ping_that_could_not_go_out_in_working_hours_is_not_sent_at_night() {
    let mut house = House::new().await;
    let change = house.open(Forge::Gitlab, "sam");
    house.quiet().await;
    let comments = house.comments(&change).values().sum::<usize>();
    // The forge is down from before the reminder until the night.
    house.sandbox.stop_listening(Forge::Gitlab).await;
    for _ in 0..36 {
        house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(1));
        tick(&house).await;
        house.service.courier.drain().await.unwrap();
    }
    let review = house.review(&change).await;
    assert!(review.done.overdue, "the box ran out meanwhile");
    house.sandbox.resume(Forge::Gitlab).await.unwrap();
    house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(2));
    house.quiet().await;
    assert_eq!(house.comments(&change).values().sum::<usize>(), comments, "nobody is woken at night");
}

/// How many reminders of this person stand on the change.
fn reminders(house: &House, change: &ChangeRef, who: &str) -> usize {
    let (comments, marker) = (house.seen(change).comments.into_iter(), format!("-remind_100-{who} "));
    comments.filter(|comment| comment.body.contains(&marker)).count()
}

/// Found by the simulation: a reminder arrives and its answer is lost, and before anybody can look its hour is
/// over. It was said, so it is not said again the next day.
#[tokio::test]
async fn a_reminder_whose_answer_was_lost_until_the_evening_is_not_said_again() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let who = house.reviewer(&change);
        let path = if forge == Forge::Gitlab { "/notes" } else { "/comments" };
        while !house.review(&change).await.done.overdue {
            house.sandbox.clear_faults();
            house.sandbox.fail_next(forge, "POST", path, Fault::DropConnectionAfterApplying, 1);
            house.sandbox.fail_next(forge, "GET", path, Fault::status(502, "Bad Gateway"), u32::MAX);
            house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(30));
            tick(&house).await;
        }
        house.service.courier.drain().await.unwrap();
        assert_eq!(reminders(&house, &change, &who), 1, "{forge:?}");
        for _ in 0..12 {
            house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(1));
            tick(&house).await;
            house.service.courier.drain().await.unwrap();
        }
        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_hours(20)).await;
        assert_eq!(reminders(&house, &change, &who), 1, "{forge:?}");
    }
}

/// Found by the simulation: a clock that is set back before the hours for which a reminder was decided.
#[tokio::test]
async fn a_reminder_waits_for_the_hour_in_which_it_was_decided() {
    let mut house = House::new().await;
    let change = house.opened(Forge::Gitlab, "sam").await;
    let who = house.reviewer(&change);
    house.sandbox.stop_listening(Forge::Gitlab).await;
    while !house.review(&change).await.done.overdue {
        house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(30));
        tick(&house).await;
    }
    house.service.courier.drain().await.unwrap();
    house.clock.set_back_to(house.clock.now() - SignedDuration::from_hours(9));
    house.service.clock_was_set_back().await.unwrap();
    house.sandbox.resume(Forge::Gitlab).await.unwrap();
    house.pass(SignedDuration::from_hours(1)).await;
    assert_eq!(reminders(&house, &change, &who), 0, "nobody is woken at night");
    house.pass(SignedDuration::from_hours(9)).await;
    assert_eq!(reminders(&house, &change, &who), 1);
}
