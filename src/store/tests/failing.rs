//! A store whose disk fails: it says so by name, and it heals without a restart.

use super::*;

/// Lets the writer's connection take no page more than it has.
async fn fill(store: &Store) {
    let mut writer = store.writer.pool().acquire().await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *writer).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit).execute(&mut *writer).await.unwrap();
}

/// A body that fits into no free pages, compressed as it is.
fn large(number: u64) -> NewDelivery {
    let noise = |n: u32| {
        let n = (n ^ (n >> 15)).wrapping_mul(2_246_822_519);
        (n ^ (n >> 13)).wrapping_mul(3_266_489_917) >> 16
    };
    let body = (0..200_000_u32).map(|n| noise(n.wrapping_mul(2_654_435_761)) as u8).collect();
    NewDelivery { body: Some(body), ..delivery(number, &number.to_string(), None) }
}

#[tokio::test]
async fn a_full_disk_is_over_when_there_is_room_again() {
    let home = Home::new().await;
    assert_eq!(home.store.ailment(), None);
    fill(&home.store).await;
    let refused = home.store.put(large(1)).await.expect_err("there is no room");
    assert!(matches!(refused, StoreError::Ill { ailment: Ailment::Full, .. }), "{refused:?}");
    assert!(refused.to_string().contains("the disk is full"), "{refused}");
    assert_eq!(home.store.ailment(), Some(Ailment::Full));
    // A limit of pages belongs to its connection, so the next one has room.
    let kept = home.store.put(large(2)).await;
    assert!(matches!(kept, Ok(Put::Stored(_))), "{kept:?}");
    home.store.ping().await.unwrap();
    home.store.commit(keep(review(1, &[]), None, vec![status("x")])).await.unwrap();
    home.store.probe().await.unwrap();
    assert_eq!(home.store.ailment(), None, "something could be written");
}

#[tokio::test]
async fn a_full_disk_in_the_middle_of_a_decision_leaves_nothing_of_it() {
    let home = Home::new().await;
    let inbox = put(&home.store, 1, "a").await;
    fill(&home.store).await;
    let long = "x".repeat(200_000);
    let commit = Commit { inbox: vec![inbox], ..keep(review(1, &["rita"]), None, vec![status(&long)]) };
    let refused = home.store.commit(commit.clone()).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Ill { .. }))), "{refused:?}");
    assert_eq!(undecided(&home.store, minute(0)).await, [inbox]);
    assert!(!home.store.is_tracked(&change(1), None).await.unwrap());
    home.store.commit(commit).await.unwrap();
    assert!(home.store.is_tracked(&change(1), None).await.unwrap());
}

#[tokio::test]
async fn a_statement_by_itself_that_finds_no_disk_costs_its_connection_too() {
    let home = Home::new().await;
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    sqlx::query("PRAGMA query_only = ON").execute(&mut *writer).await.unwrap();
    drop(writer);
    let refused = home.store.save_watermark("gitlab", "p", minute(0)).await.expect_err("read-only");
    assert!(refused.to_string().contains("the file is read-only"), "{refused}");
    assert!(refused.may_pass() && home.store.ailment() == Some(Ailment::ReadOnly));
    home.store.save_watermark("gitlab", "p", minute(0)).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_one_row_is_not_the_stores_fault() {
    let home = Home::new().await;
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    sqlx::query("CREATE TEMP TABLE mark (x)").execute(&mut *writer).await.unwrap();
    drop(writer);
    let mut tx = home.store.begin("break a rule").await.unwrap();
    let twice = "INSERT INTO queue (change, pool, person, place, judged_at)
        VALUES ('a', 'b', 'c', 1, 1), ('a', 'b', 'c', 1, 1)";
    let refused = sqlx::query(twice).execute(&mut *tx).await.map_err(error::at("break a rule"));
    let refused = refused.expect_err("places are one each");
    assert!(matches!(refused, StoreError::Failed { .. }) && !refused.may_pass(), "{refused:?}");
    drop(tx);
    assert_eq!(home.store.ailment(), None);
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    let marked = sqlx::query("SELECT * FROM mark").fetch_optional(&mut *writer).await;
    assert!(marked.is_ok(), "a transaction that was dropped costs no connection: {marked:?}");
}

#[tokio::test]
async fn unreadable_counts_and_places_stop_no_decision() {
    let home = Home::new().await;
    home.store.commit(keep(review(1, &["rita"]), None, Vec::new())).await.unwrap();
    let mut waking = review(2, &[]);
    waking.planned.wake = Some(minute(5));
    home.store.commit(keep(waking, None, Vec::new())).await.unwrap();
    for spoil in [
        "UPDATE workload SET asked = 'what'",
        "INSERT INTO queue (change, pool, person, place, judged_at) VALUES ('no change', 'b', 'rita', 1, 9e15)",
        "INSERT INTO review (change, version, stage, wake, opened_at, author, updated_at, carried, document)
            VALUES ('no change', 1, 'waiting', 1, 1, 'sam', 1, '{}', '{}')",
    ] {
        sqlx::query(spoil).execute(&home.store.writer).await.unwrap();
    }
    assert_eq!(home.store.workloads(minute(6)).await.unwrap().of("rita").open.halves() / 2, 1);
    assert_eq!(home.store.due(minute(6), 10).await.unwrap(), [change(2)]);
    // It was put off, and takes nobody's place in the next look.
    assert_eq!(home.store.due(minute(6), 1).await.unwrap(), [change(2)]);
}
