//! Deliveries that share a transaction.

use futures_util::future::join_all;
use sqlx::{Connection, SqliteConnection};

use super::projects::told;
use super::*;

/// Puts these at once, so that they wait for the writer together.
async fn put_all(store: &Store, deliveries: Vec<NewDelivery>) -> Vec<Result<Put, StoreError>> {
    join_all(deliveries.into_iter().map(|delivery| store.put(delivery))).await
}

fn stored(put: &Result<Put, StoreError>) -> Option<i64> {
    match put {
        Ok(Put::Stored(id)) => Some(*id),
        _ => None,
    }
}

#[tokio::test]
async fn each_of_many_is_answered_for_itself() {
    let home = Home::new().await;
    // Every second one tells what the one before it told; every fifth has an id that was there before.
    let id_of = |n: usize| if n % 5 == 4 { n - 4 } else { n };
    let new = |n: usize| delivery(n as u64 % 7, &id_of(n).to_string(), Some(&format!("meaning {}", n / 2)));
    let puts = put_all(&home.store, (0..300).map(new).collect()).await;
    let (mut ids, mut meanings) = (BTreeSet::new(), BTreeSet::new());
    for (n, put) in puts.iter().enumerate() {
        let is_new = !ids.contains(&id_of(n)) && !meanings.contains(&(n / 2));
        if is_new {
            ids.insert(id_of(n));
            meanings.insert(n / 2);
        }
        assert_eq!(stored(put).is_some(), is_new, "{n}: {put:?}");
        assert!(put.is_ok(), "{n}: {put:?}");
    }
    let ids: Vec<i64> = puts.iter().filter_map(stored).collect();
    let different: BTreeSet<i64> = ids.iter().copied().collect();
    assert_eq!(ids.len(), different.len(), "no id is given twice");

    let home = home.reopen().await;
    let items = home.store.undecided(minute(0), 1_000).await.unwrap();
    assert_eq!(items.iter().map(|item| item.id).collect::<BTreeSet<_>>(), different);
    for (n, id) in puts.iter().enumerate().filter_map(|(n, put)| Some((n, stored(put)?))) {
        let row = home.store.inbox_row(id).await.unwrap().unwrap();
        assert_eq!(
            row.delivery_id,
            Some(id_of(n).to_string()),
            "the row of {id} is the one that was answered"
        );
        assert!(home.store.delivery_body(id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn one_that_cannot_be_written_spoils_no_other() {
    let home = Home::new().await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON inbox WHEN new.delivery_id = 'bad'
        BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    sqlx::query(refuse).execute(&home.store.writer).await.unwrap();
    let ids = ["a", "bad", "b", "a"];
    let puts = put_all(&home.store, ids.map(|id| delivery(1, id, None)).to_vec()).await;
    assert!(stored(&puts[0]).is_some() && stored(&puts[2]).is_some(), "{puts:?}");
    assert!(matches!(puts[1], Err(StoreError::Failed { .. })), "{:?}", puts[1]);
    assert!(matches!(puts[3], Ok(Put::Duplicate)), "{:?}", puts[3]);
    assert_eq!(undecided(&home.store, minute(0)).await.len(), 2);
}

#[tokio::test]
async fn while_somebody_else_writes_all_are_told_that_it_is_busy() {
    let home = Home::new().await;
    put(&home.store, 1, "before").await;
    let patience = "PRAGMA busy_timeout = 1";
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    sqlx::query(patience).execute(&mut *writer).await.unwrap();
    drop(writer);
    let mut other = SqliteConnection::connect(&home.url()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let puts = put_all(&home.store, (0..5).map(|n| delivery(n, &n.to_string(), None)).collect()).await;
    assert!(puts.iter().all(|put| matches!(put, Err(StoreError::Busy { .. }))), "{puts:?}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(undecided(&home.store, minute(0)).await.len(), 1, "none of them is half kept");
    let again = put_all(&home.store, (0..5).map(|n| delivery(n, &n.to_string(), None)).collect()).await;
    assert!(again.iter().all(|put| stored(put).is_some()), "{again:?}");
}

#[tokio::test]
async fn what_was_handed_over_is_written_though_its_sender_has_gone() {
    let home = Home::new().await;
    for n in 0..20 {
        let packed = delivery(n, &n.to_string(), None).pack().unwrap();
        let mut putting = Box::pin(home.store.put_packed(&packed));
        assert!(futures_util::poll!(&mut putting).is_pending());
    }
    // Closing waits for all of them.
    let home = home.reopen().await;
    assert_eq!(undecided(&home.store, minute(0)).await.len(), 20);
}

#[tokio::test]
async fn a_closed_store_says_so_and_one_that_is_looked_at_takes_nothing() {
    let home = Home::new().await;
    put(&home.store, 1, "a").await;
    let looking = Store::open_read_only(&home.url()).await.unwrap();
    assert!(matches!(looking.put(delivery(1, "b", None)).await, Err(StoreError::ReadOnly { .. })));
    home.store.close().await;
    assert!(matches!(home.store.put(delivery(1, "b", None)).await, Err(StoreError::Failed { .. })));
}

#[tokio::test]
async fn a_project_that_is_told_twice_at_once_is_learnt_once() {
    let home = Home::new().await;
    let deliveries = vec![told("acme/old", 41, 1, 1), told("acme/new", 41, 2, 2), told("acme/new", 41, 3, 3)];
    let puts = put_all(&home.store, deliveries).await;
    assert!(puts.iter().all(|put| stored(put).is_some()), "{puts:?}");
    let known = home.store.project_of(&ChangeKey::new("gitlab", "acme/old", 1)).unwrap().unwrap();
    assert_eq!((known.number, known.path.as_deref()), (41, Some("acme/new")));
    let items = home.store.undecided(minute(9), 10).await.unwrap();
    assert!(items.iter().all(|item| item.change.project == "acme/new"), "{items:?}");
}

/// Waits until memory knows which changes have a review.
async fn all_known(store: &Store) {
    while !store.tracked.is_complete() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn memory_knows_which_changes_have_a_review() {
    let home = Home::new().await;
    all_known(&home.store).await;
    let is_tracked = async |store: &Store, number| store.is_tracked(&change(number), None).await;
    home.store.commit(keep(review(1, &[]), None, Vec::new())).await.unwrap();
    assert!(is_tracked(&home.store, 1).await.unwrap());

    let home = home.reopen().await;
    all_known(&home.store).await;
    assert!(is_tracked(&home.store, 1).await.unwrap(), "also after a restart");
    // By its number, once that is told, and by the path.
    home.store.learn_project("gitlab", 41, "acme/tools/shop", minute(1)).await.unwrap();
    assert!(is_tracked(&home.store, 1).await.unwrap());
    assert!(home.store.is_tracked(&change(1), Some(41)).await.unwrap());
    assert!(!home.store.is_tracked(&change(2), Some(41)).await.unwrap());
    // Without a way to the disk, memory still answers for a change that nobody tracks.
    home.store.reader.close().await;
    assert!(!is_tracked(&home.store, 2).await.unwrap());
    assert!(is_tracked(&home.store, 1).await.is_err(), "what may be tracked is looked up");
}

#[tokio::test]
async fn what_could_not_be_read_at_the_start_is_read_later() {
    let home = Home::new().await;
    home.store.commit(keep(review(1, &[]), None, Vec::new())).await.unwrap();
    let rename = async |from: &str, to: &str| {
        let rename = sqlx::AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
        sqlx::query(rename).execute(&home.store.writer).await.unwrap();
    };
    let tracked = Tracked::default();
    rename("review", "aside").await;
    tracked.read(&home.store.reader).await.expect_err("there is no such table");
    assert!(!tracked.has_none_of(&["gitlab:acme/shop!2".into()]), "nothing is certain yet");
    rename("aside", "review").await;
    tracked.read(&home.store.reader).await.unwrap();
    assert!(tracked.has_none_of(&["gitlab:acme/shop!2".into()]));
    let known = home.store.row_key(&change(1));
    assert!(!tracked.has_none_of(&[known]));
}

#[tokio::test]
async fn a_writing_that_panics_is_told_to_those_it_was_for_and_to_nobody_else() {
    let write = async |together: Vec<u8>| {
        assert!(!together.contains(&0), "it cannot write a zero");
        Ok(together)
    };
    let group = GroupWriter::start("write a number", write);
    let error = group.put(0).await.expect_err("it panics");
    assert!(error.to_string().contains("the writing ended badly"), "{error}");
    assert_eq!(group.put(7).await.unwrap(), 7);
    group.close().await;
    let error = group.put(7).await.expect_err("it is closed");
    assert!(error.to_string().contains("nobody writes any more"), "{error}");
}
