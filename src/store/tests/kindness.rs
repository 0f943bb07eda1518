//! Limits per day are kept by the store: restarts, leases that run out and clocks that jump neither
//! reset nor double them.

use super::*;

async fn pings(store: &Store, now: Timestamp) -> u32 {
    store.workloads(now).await.unwrap().of("rita").pings_today
}

async fn claim_one(store: &Store, now: Timestamp) -> OutboxItem {
    let mut items = claim(store, now, 10).await;
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

fn written(id: u64) -> Settlement {
    Settlement::Done { comment: Some(("<!-- usher:ping:k -->".into(), id)), facts: Vec::new() }
}

/// The turn of change `number` has moved.
async fn move_on(store: &Store, number: u64, now: Timestamp) {
    let commit =
        Commit { review: None, withdraw_pings: true, now, ..keep(review(number, &[]), None, vec![]) };
    store.commit(commit).await.unwrap();
}

#[tokio::test]
async fn a_ping_counts_once_over_restarts_and_leases() {
    let home = Home::new().await;
    want(&home.store, 1, vec![ping("k", "rita")], minute(0)).await;
    assert_eq!(pings(&home.store, minute(0)).await, 1, "wanted is as good as sent: no second one beside it");
    let first = claim_one(&home.store, minute(1)).await;
    let home = home.reopen().await;
    assert_eq!(pings(&home.store, minute(2)).await, 1);
    // The lease runs out and somebody else performs it, too; both come home.
    let again = claim_one(&home.store, minute(10)).await;
    home.store.settle(&again, written(7), minute(11)).await.unwrap();
    home.store.settle(&first, written(7), minute(12)).await.unwrap();
    let home = home.reopen().await;
    assert_eq!(pings(&home.store, minute(13)).await, 1);
    let day = 24 * 60;
    assert_eq!(pings(&home.store, minute(day + 11)).await, 1, "it counts from when it went out");
    assert_eq!(pings(&home.store, minute(day + 12)).await, 0);
}

#[tokio::test]
async fn what_never_went_out_does_not_count() {
    let home = Home::new().await;
    let store = &home.store;
    for number in 1..4 {
        want(store, number, vec![ping("k", "rita")], minute(0)).await;
    }
    assert_eq!(pings(store, minute(0)).await, 3);
    move_on(store, 1, minute(1)).await;
    assert_eq!(pings(store, minute(1)).await, 2, "withdrawn");
    let item = claim_one_of(store, 2).await;
    store.settle(&item, dropped(), minute(3)).await.unwrap();
    assert_eq!(pings(store, minute(3)).await, 1, "too late for the day");
    assert!(store.outbox_list(10).await.unwrap().iter().all(|row| row.change != change(2)));
    let item = claim_one_of(store, 3).await;
    store.settle(&item, Settlement::Dead { error: "403".into(), facts: vec![] }, minute(3)).await.unwrap();
    assert_eq!(pings(store, minute(3)).await, 0, "refused");
    assert!(store.retry_dead(item.id).await.unwrap());
    let item = claim_one_of(store, 3).await;
    store.settle(&item, written(9), minute(300)).await.unwrap();
    assert_eq!(pings(store, minute(300)).await, 1, "a person sent it again");
}

/// Claims until the item of a change comes; the others are given back.
async fn claim_one_of(store: &Store, number: u64) -> OutboxItem {
    let items = claim(store, minute(200), 10).await;
    let mut found = None;
    for item in items {
        if item.change == change(number) {
            found = Some(item);
        } else {
            store
                .settle(
                    &item,
                    Settlement::Retry {
                        at: minute(0),
                        error: String::new(),
                        outcome_unknown: false,
                        counts: false,
                        facts: Vec::new(),
                    },
                    minute(200),
                )
                .await
                .unwrap();
        }
    }
    found.unwrap()
}

#[tokio::test]
async fn what_may_have_gone_out_counts_although_it_is_withdrawn() {
    let home = Home::new().await;
    let store = &home.store;
    want(store, 1, vec![ping("k", "rita")], minute(0)).await;
    let item = claim_one(store, minute(0)).await;
    store.settle(&item, retry(minute(5), true), minute(1)).await.unwrap();
    move_on(store, 1, minute(2)).await;
    assert_eq!(pings(store, minute(3)).await, 1);
    assert!(store.outbox_list(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_clock_that_ran_ahead_neither_resets_nor_stretches_the_day() {
    let home = Home::new().await;
    let store = &home.store;
    let year = 365 * 24 * 60;
    want(store, 1, vec![ping("k", "rita")], minute(year)).await;
    let taken = Commit { first_run_taken: true, now: minute(year), ..keep(review(2, &[]), None, vec![]) };
    store.commit(taken).await.unwrap();
    let counted = async |now| {
        let loads = store.workloads(now).await.unwrap();
        (loads.of("rita").pings_today, loads.first_run_taken)
    };
    assert_eq!(counted(minute(0)).await, (1, 1), "set back, nothing is forgotten");
    store.prune(minute(1), std::time::Duration::MAX).await.unwrap();
    assert_eq!(counted(minute(24 * 60)).await, (1, 1));
    assert_eq!(counted(minute(24 * 60 + 1)).await, (0, 0), "a day is a day from when the clock was right");
}

#[tokio::test]
async fn the_first_roll_out_is_throttled_over_restarts_and_counts_a_change_once() {
    let home = Home::new().await;
    let commit =
        |version, taken, now| Commit { first_run_taken: taken, now, ..keep(review(1, &[]), version, vec![]) };
    home.store.commit(commit(None, false, minute(0))).await.unwrap();
    home.store.commit(commit(Some(1), true, minute(1))).await.unwrap();
    let home = home.reopen().await;
    home.store.commit(commit(Some(2), false, minute(2))).await.unwrap();
    assert_eq!(home.store.workloads(minute(3)).await.unwrap().first_run_taken, 1);
}

fn dropped() -> Settlement {
    Settlement::Dropped { facts: vec![Fact::Lapsed { key: "k".into(), not_after: minute(2) }] }
}
