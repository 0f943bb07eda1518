use super::*;
use usher_core::model::action::Announcement;
use usher_core::model::queue::{Queue, Queued, Waiting};
use usher_core::model::review::{Hold, PoolReview};

/// A review that waits for rita, in the order of its number, and looks again much later.
pub(super) fn waiting(number: u64) -> Review {
    let mut part = PoolReview::new("backend".into(), 0);
    let place = minute(i64::try_from(number).unwrap());
    let hopes = [String::from("rita"), String::from("ravi")].into();
    part.queued = Some(Queued { since: place, place, ahead: 0, hopes });
    {
        let mut own = review(number, &[]);
        own.planned.pools = vec![part];
        own.planned.wake = Some(minute(500));
        own
    }
}

#[tokio::test]
async fn whoever_carries_less_makes_the_first_of_their_line_due() {
    let home = Home::new().await;
    let store = &home.store;
    store.commit(keep(review(100, &["rita"]), None, Vec::new())).await.unwrap();
    for number in (1..=15).rev() {
        assert_eq!(store.commit(keep(waiting(number), None, Vec::new())).await.unwrap(), 0);
    }
    // A row that changes nothing wakes nobody.
    assert_eq!(store.commit(keep(waiting(3), Some(1), Vec::new())).await.unwrap(), 0);
    let less = Commit { now: minute(9), ..keep(review(100, &[]), Some(1), Vec::new()) };
    assert_eq!(store.commit(less).await.unwrap(), 10);
    let mut due: Vec<u64> = store.due(minute(9), 100).await.unwrap().iter().map(|c| c.number).collect();
    due.sort_unstable();
    assert_eq!(due, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn whoever_leaves_the_line_lets_the_next_look() {
    let home = Home::new().await;
    let store = &home.store;
    for number in 1..=2 {
        store.commit(keep(waiting(number), None, Vec::new())).await.unwrap();
    }
    let skipped = {
        let mut own = waiting(1);
        own.said.hold = Some(Hold::Skip);
        own
    };
    let commit = Commit { now: minute(7), ..keep(skipped, Some(1), Vec::new()) };
    // Once for rita; then it is due already, and ravi's line has nothing to add.
    assert_eq!(store.commit(commit).await.unwrap(), 1);
    assert_eq!(store.due(minute(7), 100).await.unwrap(), [change(2)]);
}

#[tokio::test]
async fn a_place_that_nobody_looks_at_any_more_stands_in_nobodys_way() {
    let home = Home::new().await;
    let store = &home.store;
    assert!(store.workloads(minute(0)).await.unwrap().queue.is_empty());
    store.commit(keep(waiting(1), None, Vec::new())).await.unwrap();
    assert!(!store.workloads(minute(60)).await.unwrap().queue.is_empty());
    assert!(store.workloads(minute(66)).await.unwrap().queue.is_empty());
    // A server that was stopped looks again, and until then the order holds.
    store.renew_places(minute(90)).await.unwrap();
    assert!(!store.workloads(minute(120)).await.unwrap().queue.is_empty());
    let queue = store.workloads(minute(90)).await.unwrap().queue;
    let mut expected = Queue::default();
    for person in ["ravi", "rita"] {
        expected.join(person, Waiting { place: minute(1), change: change(1), pool: "backend".into() });
    }
    assert_eq!(queue, expected, "each person has a line");
}

#[tokio::test]
async fn announcements_have_a_lane_of_their_own() {
    let home = Home::new().await;
    let news = Announcement {
        url: "https://x".into(),
        tickets: Default::default(),
        opened_at: minute(0),
        merged_at: minute(1),
        reviewers: 1,
        approvals: 1,
    };
    want(&home.store, 1, vec![shape(), status("x"), Action::Announce(news)], minute(1)).await;
    assert_eq!(home.store.next_announcement_due().await.unwrap(), Some(minute(1)));
    assert_eq!(claimed(&home.store, minute(1)).await, ["1/shape"]);
    let out = home.store.claim_announcements(minute(1), 10).await.unwrap();
    assert_eq!(out.iter().map(|item| item.kind.as_str()).collect::<Vec<_>>(), ["announce"]);
    assert!(home.store.claim_announcements(minute(1), 10).await.unwrap().is_empty(), "it is out");
    home.store.settle(&out[0], retry(minute(5), true), minute(1)).await.unwrap();
    let again = home.store.claim_announcements(minute(5), 10).await.unwrap();
    assert_eq!((again[0].attempts, again[0].outcome_unknown), (2, true));
    home.store.settle(&again[0], done(), minute(5)).await.unwrap();
    assert_eq!(home.store.next_announcement_due().await.unwrap(), None);
}
