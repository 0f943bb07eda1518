//! Whom a forge would not have as a reviewer: kept with the decision, believed for a day.

use super::*;
use crate::store::StoreError;

const DAY: i64 = 24 * 60;

/// A commit that keeps nothing but whom the forge refused.
fn refusing(people: &[&str], now: Timestamp) -> Commit {
    let refused = people.iter().map(|person| (*person).to_owned()).collect();
    Commit { review: None, refused, now, ..keep(review(9, &[]), None, Vec::new()) }
}

async fn refused_on(store: &Store, change: &ChangeKey, now: Timestamp) -> Vec<String> {
    store.workloads_for(change, now).await.unwrap().no_access.into_iter().collect()
}

#[tokio::test]
async fn a_refusal_counts_for_its_project_for_a_day_and_survives_a_restart() {
    let home = Home::new().await;
    home.store.commit(refusing(&["rita", "ravi"], minute(0))).await.unwrap();
    home.store.commit(refusing(&["rita"], minute(60))).await.unwrap();
    let home = home.reopen().await;
    let store = &home.store;
    assert_eq!(refused_on(store, &change(1), minute(DAY - 1)).await, ["ravi", "rita"], "every change of it");
    assert_eq!(refused_on(store, &change(1), minute(DAY)).await, ["rita"], "refused again in the meantime");
    assert_eq!(refused_on(store, &change(1), minute(DAY + 60)).await, [""; 0], "access may be given");
    for elsewhere in
        [ChangeKey::new("gitlab", "acme/tools", 1), ChangeKey::new("github", "acme/tools/shop", 1)]
    {
        assert_eq!(refused_on(store, &elsewhere, minute(0)).await, [""; 0], "{elsewhere}");
    }
}

#[tokio::test]
async fn a_decision_that_is_not_committed_refuses_nobody() {
    let home = Home::new().await;
    home.store.commit(keep(review(1, &[]), None, Vec::new())).await.unwrap();
    let stale =
        Commit { refused: BTreeSet::from(["rita".into()]), ..keep(review(1, &[]), Some(7), Vec::new()) };
    assert!(matches!(home.store.commit(stale).await, Err(CommitError::Conflict)));
    assert_eq!(refused_on(&home.store, &change(1), minute(0)).await, [""; 0]);
}

#[tokio::test]
async fn old_refusals_are_thrown_away_and_those_of_a_clock_that_ran_ahead_count_from_now() {
    let home = Home::new().await;
    let store = &home.store;
    store.commit(refusing(&["rita"], minute(0))).await.unwrap();
    store.commit(refusing(&["ravi"], minute(90 * DAY))).await.unwrap();
    let keep_bodies = std::time::Duration::MAX;
    assert_eq!(store.prune(minute(DAY - 1), keep_bodies).await.unwrap().refusals, 0);
    assert_eq!(store.prune(minute(DAY), keep_bodies).await.unwrap().refusals, 1);
    assert_eq!(refused_on(store, &change(1), minute(DAY)).await, ["ravi"]);
    assert_eq!(store.prune(minute(2 * DAY), keep_bodies).await.unwrap().refusals, 1);
}

#[tokio::test]
async fn a_store_from_before_refusals_were_kept_is_brought_up_to_date() {
    let home = Home::new().await;
    home.store.commit(keep(review(1, &["rita"]), None, vec![status("x")])).await.unwrap();
    for step in super::projects::UNDO.into_iter().chain([
        "DROP TABLE refusal",
        "DROP TABLE probe",
        "DROP TABLE policy",
        "DROP INDEX outbox_next",
        "ALTER TABLE outbox DROP COLUMN urgency",
        "ALTER TABLE outbox DROP COLUMN forge",
        "DELETE FROM _sqlx_migrations WHERE version >= 6",
    ]) {
        sqlx::query(step).execute(&home.store.writer).await.unwrap();
    }
    home.store.close().await;
    let look = Store::open_read_only(&home.url()).await;
    assert!(matches!(look, Err(StoreError::Schema { .. })), "a look changes nothing: {look:?}");

    let home = home.reopen().await;
    let store = &home.store;
    assert!(store.is_tracked(&change(1), None).await.unwrap());
    assert_eq!(claimed(store, minute(0)).await, ["1/status"]);
    assert_eq!(refused_on(store, &change(1), minute(0)).await, [""; 0]);
    store.commit(refusing(&["rita"], minute(0))).await.unwrap();
    assert_eq!(refused_on(store, &change(1), minute(0)).await, ["rita"]);
    let look = Store::open_read_only(&home.url()).await.unwrap();
    assert_eq!(refused_on(&look, &change(1), minute(0)).await, ["rita"], "also for `explain`");
}
