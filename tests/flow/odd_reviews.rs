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

/// How many pings with this in their marker stand on the change.
fn pings(house: &House, change: &ChangeRef, step: &str) -> usize {
    house.seen(change).comments.iter().filter(|comment| comment.body.contains(step)).count()
}

/// Found by the simulation: a reminder arrives and its answer is lost, and before anybody can look its hour is
/// over. It was said, so it is not said again the next day.
#[tokio::test]
async fn a_reminder_whose_answer_was_lost_until_the_evening_is_not_said_again() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let reminder = format!("-remind_100-{} ", house.reviewer(&change));
        let path = if forge == Forge::Gitlab { "/notes" } else { "/comments" };
        while !house.review(&change).await.done.overdue {
            house.sandbox.clear_faults();
            house.sandbox.fail_next(forge, "POST", path, Fault::DropConnectionAfterApplying, 1);
            house.sandbox.fail_next(forge, "GET", path, Fault::status(502, "Bad Gateway"), u32::MAX);
            house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(30));
            tick(&house).await;
        }
        house.service.courier.drain().await.unwrap();
        assert_eq!(pings(&house, &change, &reminder), 1, "{forge:?}");
        for _ in 0..12 {
            house.clock.advance_to(house.clock.now() + SignedDuration::from_hours(1));
            tick(&house).await;
            house.service.courier.drain().await.unwrap();
        }
        house.sandbox.clear_faults();
        house.pass(SignedDuration::from_hours(20)).await;
        assert_eq!(pings(&house, &change, &reminder), 1, "{forge:?}");
    }
}

/// Found by the simulation: a clock that is set back before the hours for which a ping was decided. By the clock
/// that is right it is decided again, however far ahead the other one was.
#[tokio::test]
async fn a_ping_of_a_clock_that_ran_ahead_is_decided_again() {
    // Opened on Monday at ten. Eight hours of London's time are over on the next morning, sixteen on the one after
    // it; six weeks ahead is a Monday, on which all steps are due, and the last one counts.
    for (forge, ahead, step, not_yet) in [
        (Forge::Gitlab, 0, "-remind_100-", 22),
        (Forge::Github, 0, "-remind_100-", 22),
        (Forge::Gitlab, 42, "-escalate_200-lena ", 46),
        (Forge::Github, 42, "-escalate_200-lena ", 46),
    ] {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let opened = house.clock.now();
        house.sandbox.stop_listening(forge).await;
        house.clock.advance_to(opened + SignedDuration::from_hours(24 * ahead));
        while !house.review(&change).await.done.overdue {
            house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(30));
            tick(&house).await;
        }
        house.service.courier.drain().await.unwrap();
        house.clock.set_back_to(opened);
        house.service.clock_was_set_back().await.unwrap();
        house.sandbox.resume(forge).await.unwrap();
        house.pass(SignedDuration::from_hours(not_yet)).await;
        assert_eq!(pings(&house, &change, step), 0, "{forge:?}, {step}: the time is not over");
        house.pass(SignedDuration::from_hours(3)).await;
        assert_eq!(pings(&house, &change, step), 1, "{forge:?}, {step}: it is over now");
    }
}
