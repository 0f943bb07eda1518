use std::time::Duration;

use super::*;
use usher_core::model::people::Roster;
use usher_core::model::review::Stage;

const DAY: i64 = 24 * 60;
const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 3600);

async fn decide(store: &Store, ids: Vec<i64>, now: Timestamp) {
    let commit = Commit { review: None, inbox: ids, now, ..keep(review(1, &[]), None, Vec::new()) };
    store.commit(commit).await.unwrap();
}

#[tokio::test]
async fn pruning_keeps_what_it_must() {
    let home = Home::new().await;
    let store = &home.store;
    let (decided, waiting) = (put(store, 1, "a").await, put(store, 2, "b").await);
    let late = NewDelivery { received_at: minute(3 * DAY), ..delivery(1, "c", None) };
    let Put::Stored(late) = store.put(late).await.unwrap() else { panic!("stored") };
    decide(store, vec![decided], minute(DAY)).await;
    want(store, 1, vec![ping("k", "rita")], minute(0)).await;

    let pruned = store.prune(minute(3 * DAY + 1), THREE_DAYS).await.unwrap();
    assert_eq!(pruned, Pruned { bodies: 2, inbox: 0, pings: 1, refusals: 0 });
    assert_eq!(store.delivery_body(decided).await.unwrap(), None);
    assert!(store.delivery_body(late).await.unwrap().is_some());
    assert_eq!(
        undecided(store, minute(3 * DAY)).await,
        [waiting, late],
        "without a body it is decided all the same"
    );

    assert_eq!(store.prune(minute(9 * DAY), THREE_DAYS).await.unwrap().inbox, 0);
    assert_eq!(store.put(delivery(1, "a", None)).await.unwrap(), Put::Duplicate, "remembered for eight days");
    assert_eq!(store.prune(minute(9 * DAY + 1), THREE_DAYS).await.unwrap().inbox, 1);
    assert_eq!(undecided(store, minute(9 * DAY)).await, [waiting, late], "undecided rows stay for ever");
    assert_eq!(store.put(delivery(2, "b", None)).await.unwrap(), Put::Duplicate);
    assert!(matches!(store.put(delivery(1, "a", None)).await.unwrap(), Put::Stored(id) if id > late));
}

#[tokio::test]
async fn bodies_that_are_kept_longer_keep_their_delivery() {
    let home = Home::new().await;
    let store = &home.store;
    let id = put(store, 1, "a").await;
    decide(store, vec![id], minute(0)).await;
    let month = Duration::from_secs(30 * 24 * 3600);
    assert_eq!(store.prune(minute(20 * DAY), month).await.unwrap(), Pruned::default());
    assert!(store.delivery_body(id).await.unwrap().is_some());
    let pruned = store.prune(minute(31 * DAY), month).await.unwrap();
    assert_eq!((pruned.bodies, pruned.inbox), (1, 1));
    assert_eq!(store.prune(minute(99 * DAY), Duration::MAX).await.unwrap(), Pruned::default());
}

#[tokio::test]
async fn pruning_goes_on_until_all_is_done() {
    let home =
        Home { store: Store::open("sqlite::memory:").await.unwrap(), folder: tempfile::tempdir().unwrap() };
    let mut ids = Vec::new();
    for n in 0..1_100 {
        ids.push(put(&home.store, 1, &n.to_string()).await);
    }
    decide(&home.store, ids, minute(0)).await;
    let pruned = home.store.prune(minute(9 * DAY), THREE_DAYS).await.unwrap();
    assert_eq!((pruned.bodies, pruned.inbox), (1_100, 1_100));
}

#[tokio::test]
async fn reviews_are_listed_and_counted() {
    let home = Home::new().await;
    let store = &home.store;
    let stages = [Stage::Waiting, Stage::Reviewing, Stage::Done, Stage::Reviewing];
    for (number, stage) in (1..).zip(stages) {
        store
            .commit(keep(
                {
                    let mut own = review(number, &[]);
                    own.done.stage = stage;
                    own
                },
                None,
                Vec::new(),
            ))
            .await
            .unwrap();
    }
    put(store, 9, "a").await;
    want(store, 1, vec![status("x"), shape()], minute(0)).await;
    let list = async |filter| {
        let reviews = store.reviews(filter).await.unwrap();
        reviews.into_iter().map(|stored| stored.review.change.number).collect::<Vec<_>>()
    };
    let all = Filter { open_only: false, ..Filter::default() };
    assert_eq!(list(Filter::default()).await, [4, 2, 1]);
    assert_eq!(list(all).await, [4, 3, 2, 1]);
    assert_eq!(list(Filter { limit: 2, offset: 1, ..all }).await, [3, 2]);
    assert_eq!(list(Filter { stage: Some(Stage::Reviewing), ..all }).await, [4, 2]);
    assert_eq!(list(Filter { stage: Some(Stage::Done), ..all }).await, [3]);
    assert_eq!(list(Filter { stage: Some(Stage::Done), ..Filter::default() }).await, [0; 0]);

    let counts = store.counts().await.unwrap();
    let reviews = [(Stage::Waiting, 1), (Stage::Reviewing, 2), (Stage::Done, 1)];
    assert_eq!(counts.reviews, reviews.into_iter().collect());
    assert_eq!((counts.undecided, counts.pending, counts.dead), (1, 2, 0));
    assert_eq!(counts.oldest_undecided_at, Some(minute(0)));
}

#[tokio::test]
async fn the_ledger_gives_its_last_lines_in_order() {
    let home = Home::new().await;
    for n in 0..5 {
        let entry = LedgerEntry { at: minute(n), fact: n.to_string(), reasons: vec![], actions: vec![] };
        let commit = Commit { review: None, ledger: vec![entry], ..keep(review(1, &[]), None, Vec::new()) };
        home.store.commit(commit).await.unwrap();
    }
    let rows = home.store.ledger(&change(1), 3).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.entry.fact.as_str()).collect::<Vec<_>>(), ["2", "3", "4"]);
    assert!(rows[0].seq < rows[2].seq);
    assert!(home.store.ledger(&change(2), 3).await.unwrap().is_empty());
}

#[tokio::test]
async fn small_things_are_remembered_per_forge() {
    let home = Home::new().await;
    let store = &home.store;
    let mut roster = Roster { fetched_at: Some(minute(0)), ..Roster::default() };
    roster.accounts.insert("rita".into(), Account::new(4, "Rita"));
    assert_eq!(store.first_seen("gitlab", minute(5)).await.unwrap(), minute(5));
    assert_eq!(store.roster("gitlab").await.unwrap(), None);
    store.save_roster("gitlab", &roster).await.unwrap();
    store.save_roster("github", &Roster::default()).await.unwrap();
    store.save_watermark("gitlab", "acme/shop", minute(1)).await.unwrap();
    store.save_watermark("gitlab", "acme/shop", minute(2)).await.unwrap();

    let home = home.reopen().await;
    let store = &home.store;
    assert_eq!(store.roster("gitlab").await.unwrap(), Some(roster));
    assert_eq!(store.first_seen("gitlab", minute(9)).await.unwrap(), minute(5), "the first call counts");
    assert_eq!(store.first_seen("github", minute(9)).await.unwrap(), minute(9), "a roster is no sighting");
    assert_eq!(store.watermark("gitlab", "acme/shop").await.unwrap(), Some(minute(2)));
    assert_eq!(store.watermark("github", "acme/shop").await.unwrap(), None);
}
