//! Deliveries that did not arrive and that GitHub still has.

use jiff::SignedDuration;
use usher_core::model::review::Stage;
use usher_sandbox::Forge;

use super::harness::{BOT, House};

/// Sends what is queued to where nobody listens. Returns how many were.
async fn missed(house: &House) -> usize {
    let requests = house.sandbox.take_pending();
    for mut request in requests.iter().cloned() {
        "http://127.0.0.1:9/hooks/github".clone_into(&mut request.url);
        assert_eq!(house.sandbox.send(&request).await, None);
    }
    requests.len()
}

fn attempts(house: &House) -> usize {
    house.asked().iter().filter(|line| line.starts_with("POST ") && line.ends_with("/attempts")).count()
}

/// The owner of an organisation may read the log of its webhook.
async fn house_of_an_owner() -> House {
    let mut house = House::new().await;
    house.sandbox.add_org_owner("acme", BOT);
    // Which logs there are is looked up once a day.
    house.pass(SignedDuration::from_hours(25)).await;
    house.sweep().await;
    house
}

#[tokio::test]
async fn a_failed_delivery_is_sent_again_and_what_was_said_in_it_is_heard() {
    let mut house = house_of_an_owner().await;
    let change = house.opened(Forge::Github, "sam").await;
    let who = house.reviewer(&change);
    // A sweep sees how a change is, never a command in a comment.
    house.sandbox.comment(&change, &who, "@usher decline on a course").unwrap();
    assert_eq!(missed(&house).await, 1);
    house.minute().await;
    assert_eq!(house.reviewer(&change), who);
    house.sandbox.clear_requests();
    house.sweep().await;
    assert_eq!(attempts(&house), 1);
    house.minute().await;
    assert_ne!(house.reviewer(&change), who, "the command was heard");
    house.assert_one_status_comment(&change);

    house.sandbox.clear_requests();
    house.sweep().await;
    assert_eq!(attempts(&house), 0, "what has come is not asked for again");
}

#[tokio::test]
async fn redelivery_is_bounded_and_old_news_changes_nothing() {
    let mut house = house_of_an_owner().await;
    let change = house.opened(Forge::Github, "sam").await;
    let who = house.reviewer(&change);
    for _ in 0..60 {
        house.sandbox.comment(&change, "lena", "A remark from beside the road").unwrap();
    }
    assert_eq!(missed(&house).await, 60);
    house.sandbox.merge(&change, &who).unwrap();
    house.minute().await;
    assert_eq!(house.stage(&change).await, Stage::Done);
    house.sandbox.clear_requests();
    house.sweep().await;
    assert_eq!(attempts(&house), 40, "no more in one round");
    house.minute().await;
    house.sweep().await;
    house.minute().await;
    assert_eq!(attempts(&house), 60, "the next round goes on");
    assert_eq!(house.stage(&change).await, Stage::Done, "the newest shared wins");

    // Nobody listens for good: three tries, then it is left.
    house.sandbox.comment(&change, "lena", "Thanks").unwrap();
    missed(&house).await;
    house.sandbox.clear_requests();
    for _ in 0..5 {
        house.minute().await;
        house.sweep().await;
        missed(&house).await;
    }
    assert_eq!(attempts(&house), 3);
}

#[tokio::test]
async fn failed_deliveries_of_a_log_are_a_fault_until_one_comes() {
    let mut house = house_of_an_owner().await;
    let change = house.opened(Forge::Github, "sam").await;
    let failing = |house: &House| {
        let known = house.service.shared.snapshot();
        known.forge("github").unwrap().failing_hooks.iter().map(|hook| hook.sentence()).collect::<Vec<_>>()
    };
    house.minute().await;
    house.sandbox.comment(&change, "lena", "Hello").unwrap();
    missed(&house).await;
    house.sweep().await;
    let [sentence] = failing(&house).try_into().unwrap();
    assert!(sentence.contains(" of acme: its deliveries do not come through since "), "{sentence}");
    assert!(sentence.contains("nobody answers at its address"), "{sentence}");
    house.minute().await;
    house.sweep().await;
    assert_eq!(failing(&house), [""; 0], "it was sent again");
}

#[tokio::test]
async fn after_three_days_a_delivery_is_gone() {
    let mut house = house_of_an_owner().await;
    let change = house.opened(Forge::Github, "sam").await;
    house.sandbox.comment(&change, "lena", "Hello").unwrap();
    missed(&house).await;
    house.pass(SignedDuration::from_hours(73)).await;
    house.sandbox.clear_requests();
    house.sweep().await;
    assert_eq!(attempts(&house), 0);
}
