//! Deliveries twice, under two ids, and in any order: no second comment, no second reviewer, the
//! same stage.

use jiff::SignedDuration;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Forge, HookTarget, Sandbox, Verdict};

use super::harness::{BOTH, House, project};
use super::life::{Portrait, full_life, portrait};

/// Requests and end of a life in which nothing goes wrong.
async fn undisturbed(forge: Forge) -> (Vec<String>, Portrait) {
    let mut house = House::new().await;
    let change = full_life(&mut house, forge).await;
    (without_ids(house.asked()), portrait(&house, &change).await)
}

/// Comment ids differ from run to run.
fn without_ids(asked: Vec<String>) -> Vec<String> {
    let line = |line: String| match line.rsplit_once('/') {
        Some((start, id)) if id.parse::<u64>().is_ok_and(|id| id > 10) => start.to_owned(),
        _ => line,
    };
    asked.into_iter().map(line).collect()
}

#[tokio::test]
async fn every_delivery_twice_is_as_good_as_once() {
    for forge in BOTH {
        let expected = undisturbed(forge).await;
        let mut house = House::new().await;
        house.disturb = Box::new(Sandbox::duplicate_pending);
        let change = full_life(&mut house, forge).await;
        assert_eq!((without_ids(house.asked()), portrait(&house, &change).await), expected, "{forge:?}");
        let duplicates = house.delivered.iter().filter(|one| one.status == Some(200)).count();
        assert!(duplicates >= 10, "{duplicates} deliveries were known already");
    }
}

#[tokio::test]
async fn two_hooks_that_tell_one_event_under_two_ids_are_heard_once() {
    for forge in BOTH {
        let expected = undisturbed(forge).await;
        let mut house = House::new().await;
        house.add_hook(
            forge,
            match forge {
                Forge::Gitlab => HookTarget::Group("acme".into()),
                Forge::Github => HookTarget::Project(project(forge).into()),
            },
        );
        let change = full_life(&mut house, forge).await;
        assert_eq!((without_ids(house.asked()), portrait(&house, &change).await), expected, "{forge:?}");
        let ids: std::collections::BTreeSet<_> = house.delivered.iter().map(|one| &one.delivery_id).collect();
        assert_eq!(ids.len(), house.delivered.len(), "every request had an id of its own");
    }
}

#[tokio::test]
async fn a_life_whose_webhooks_come_in_any_order_ends_the_same() {
    for forge in BOTH {
        let (_, expected) = undisturbed(forge).await;
        for order in Order::all_but_the_right_one() {
            let mut house = House::new().await;
            house.disturb = Box::new(move |sandbox| {
                sandbox.duplicate_pending_under_new_ids();
                order.apply(sandbox);
            });
            let change = full_life(&mut house, forge).await;
            assert_eq!(portrait(&house, &change).await, expected, "{forge:?}, {order:?}");
        }
    }
}

/// In which order what is queued goes out.
#[derive(Clone, Copy, Debug)]
enum Order {
    AsItHappened,
    Reversed,
    Shuffled(u64),
}

impl Order {
    fn all_but_the_right_one() -> Vec<Order> {
        std::iter::once(Order::Reversed).chain((1..=6).map(Order::Shuffled)).collect()
    }

    fn apply(self, sandbox: &Sandbox) {
        match self {
            Order::AsItHappened => {}
            Order::Reversed => sandbox.reverse_pending(),
            Order::Shuffled(seed) => sandbox.shuffle_pending(seed),
        }
    }
}

/// Time passes, and no webhook arrives.
fn later(house: &House) {
    house.clock.advance_to(house.clock.now() + SignedDuration::from_mins(3));
}

/// A talk between reviewer and author while the network hiccups.
async fn talk(forge: Forge, order: Order) -> Portrait {
    let mut house = House::new().await;
    let change = house.opened(forge, "sam").await;
    let who = house.reviewer(&change);
    house.sandbox.review(&change, &who, Verdict::RequestChanges, "A test, please.").unwrap();
    later(&house);
    house.sandbox.comment(&change, "sam", "Which one?").unwrap();
    later(&house);
    house.sandbox.comment(&change, &who, "Three lines.").unwrap();
    later(&house);
    house.sandbox.push(&change, "sam").unwrap();
    later(&house);
    house.sandbox.retitle(&change, "sam", "Round VAT per invoice line").unwrap();
    later(&house);
    house.sandbox.add_label(&change, "rita", "bug").unwrap();
    later(&house);
    house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
    later(&house);
    finished(&mut house, &change, order).await
}

/// All that Usher hears of a change comes at once.
async fn all_at_once(forge: Forge, order: Order) -> Portrait {
    let mut house = House::new().await;
    let change = house.open(forge, "sam");
    later(&house);
    house.sandbox.comment(&change, "sam", "A customer waits for it.").unwrap();
    later(&house);
    house.sandbox.push(&change, "sam").unwrap();
    later(&house);
    house.sandbox.request_reviewer(&change, "sam", "dora").unwrap();
    later(&house);
    house.sandbox.retitle(&change, "sam", "Round VAT per invoice line").unwrap();
    later(&house);
    finished(&mut house, &change, order).await
}

async fn finished(house: &mut House, change: &ChangeRef, order: Order) -> Portrait {
    order.apply(&house.sandbox);
    // Decided and acted upon one by one: the least that Usher can know.
    for request in house.sandbox.take_pending() {
        assert!(house.sandbox.send(&request).await.is_some_and(|status| status < 300));
        house.service.settle().await.unwrap();
    }
    house.quiet().await;
    house.minute().await;
    assert!(house.comments(change).values().all(|times| *times == 1), "{:?}", house.comments(change));
    portrait(house, change).await
}

#[tokio::test]
async fn a_talk_heard_in_any_order_ends_the_same() {
    for forge in BOTH {
        let expected = talk(forge, Order::AsItHappened).await;
        assert_eq!(expected.stage, Stage::ReadyToMerge);
        for order in Order::all_but_the_right_one() {
            assert_eq!(talk(forge, order).await, expected, "{forge:?}, {order:?}");
        }
    }
}

#[tokio::test]
async fn an_opening_heard_in_any_order_ends_the_same() {
    for forge in BOTH {
        let expected = all_at_once(forge, Order::AsItHappened).await;
        assert_eq!(expected.stage, Stage::Reviewing);
        assert!(expected.reviewers.iter().any(|(login, _)| login == "dora"), "{expected:?}");
        for order in Order::all_but_the_right_one() {
            assert_eq!(all_at_once(forge, order).await, expected, "{forge:?}, {order:?}");
        }
    }
}
