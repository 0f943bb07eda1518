use super::*;

#[tokio::test]
async fn a_delivery_is_known_by_its_id_and_by_its_meaning() {
    let home = Home::new().await;
    let store = &home.store;
    let first = store.put(delivery(1, "a", Some("note 5"))).await.unwrap();
    let Put::Stored(id) = first else { panic!("{first:?}") };
    assert_eq!(store.put(delivery(1, "a", None)).await.unwrap(), Put::Duplicate, "same id");
    assert_eq!(store.put(delivery(1, "b", Some("note 5"))).await.unwrap(), Put::Duplicate, "same meaning");
    let elsewhere = NewDelivery { forge: "other".into(), ..delivery(1, "a", Some("note 5")) };
    assert!(matches!(store.put(elsewhere).await.unwrap(), Put::Stored(_)), "ids belong to their forge");
    assert!(matches!(store.put(delivery(1, "c", None)).await.unwrap(), Put::Stored(_)));
    assert!(
        matches!(store.put(delivery(1, "d", None)).await.unwrap(), Put::Stored(_)),
        "no meaning, no double"
    );

    let commit = Commit { inbox: vec![id], ..keep(review(1, &[]), None, Vec::new()) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.put(delivery(1, "a", None)).await.unwrap(), Put::Duplicate, "also after the decision");
    assert_eq!(store.put(delivery(1, "e", Some("note 5"))).await.unwrap(), Put::Duplicate);
}

#[tokio::test]
async fn what_was_put_is_there_after_a_restart() {
    let home = Home::new().await;
    let id = put(&home.store, 1, "a").await;
    let body = vec![b'x'; 100_000];
    let large = NewDelivery { body: Some(body.clone()), ..delivery(2, "b", None) };
    let Put::Stored(large) = home.store.put(large).await.unwrap() else { panic!("stored") };
    let bare = NewDelivery { body: None, ..delivery(3, "c", None) };
    let Put::Stored(bare) = home.store.put(bare).await.unwrap() else { panic!("stored") };

    let home = home.reopen().await;
    let items = home.store.undecided(minute(0), 100).await.unwrap();
    assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), [id, large, bare]);
    assert_eq!(items[0].facts, [refused(7)]);
    assert_eq!((items[0].change.clone(), items[0].received_at), (change(1), minute(0)));
    assert_eq!(home.store.delivery_body(large).await.unwrap(), Some(body));
    assert_eq!(home.store.delivery_body(bare).await.unwrap(), None);
    assert_eq!(home.store.put(delivery(1, "a", None)).await.unwrap(), Put::Duplicate);
}

#[tokio::test]
async fn facts_of_our_own_house_come_in_by_the_same_door() {
    let home = Home::new().await;
    home.store.put_facts(&change(1), &[refused(1)], minute(1)).await.unwrap();
    home.store.put_facts(&change(1), &[refused(1)], minute(1)).await.unwrap();
    home.store.put_facts(&change(1), &[], minute(1)).await.unwrap();
    let items = home.store.undecided(minute(1), 100).await.unwrap();
    assert_eq!(items.len(), 2, "facts without a delivery id are no duplicates, and no facts are no row");
    let rows = home.store.inbox_list(10).await.unwrap();
    assert_eq!((rows[0].delivery_id.as_deref(), rows[0].event.as_str()), (None, "usher"));
}

#[tokio::test]
async fn facts_of_one_change_keep_their_order_when_the_first_is_put_off() {
    let home = Home::new().await;
    let store = &home.store;
    let (a, b, other) = (put(store, 1, "a").await, put(store, 1, "b").await, put(store, 2, "c").await);
    assert_eq!(undecided(store, minute(0)).await, [a, b, other]);
    assert_eq!(store.undecided(minute(0), 2).await.unwrap().len(), 2, "the limit holds");

    store.defer(&[a], minute(10), "the roster is not known yet").await.unwrap();
    assert_eq!(undecided(store, minute(9)).await, [other], "b waits behind a");
    assert_eq!(undecided(store, minute(10)).await, [a, b, other]);
    let row = store.inbox_row(a).await.unwrap().unwrap();
    assert_eq!(row.why.as_deref(), Some("the roster is not known yet"));
    assert_eq!(row.not_before, minute(10));

    store.defer(&[a, b], minute(30), "x").await.unwrap();
    store.defer(&[b], minute(20), "x").await.unwrap();
    let commit = Commit { inbox: vec![other], ..keep(review(2, &[]), None, Vec::new()) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.next_undecided().await.unwrap(), Some(minute(30)), "b cannot come before a");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_holds_back_only_its_own_change() {
    let home = Home::new().await;
    let store = &home.store;
    let (broken, behind) = (put(store, 1, "a").await, put(store, 1, "b").await);
    let other = put(store, 2, "c").await;
    let break_it = sqlx::query("UPDATE inbox SET facts = '[{\"fact\":\"of tomorrow\"}]' WHERE id = $1");
    break_it.bind(broken).execute(&store.writer).await.unwrap();
    for _ in 0..2 {
        assert_eq!(undecided(store, minute(0)).await, [other]);
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.undecided, counts.oldest_undecided_at), (3, Some(minute(0))), "nothing is lost");
    let mend = sqlx::query("UPDATE inbox SET facts = '[]' WHERE id = $1");
    mend.bind(broken).execute(&store.writer).await.unwrap();
    assert_eq!(undecided(store, minute(60)).await, [broken, behind, other]);
}
