//! Copies of the file, and the one that is made before its schema changes.

use std::path::PathBuf;

use super::*;

/// Makes the store one of an earlier version, schema 6.
pub(super) async fn older(store: &Store) {
    let steps = super::projects::UNDO.into_iter().chain([
        "DROP INDEX inbox_undecided",
        "CREATE INDEX inbox_undecided ON inbox (id) WHERE decided_at IS NULL",
        "DROP TABLE probe",
        "DROP INDEX outbox_next",
        "ALTER TABLE outbox DROP COLUMN urgency",
        "ALTER TABLE outbox DROP COLUMN forge",
        "DROP TABLE policy",
        "DELETE FROM _sqlx_migrations WHERE version >= 7",
    ]);
    for step in steps {
        sqlx::query(step).execute(&store.writer).await.unwrap();
    }
}

fn file(home: &Home, name: &str) -> PathBuf {
    home.folder.path().join(name)
}

fn names(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_copy_of_a_running_store_has_all_that_was_written_before() {
    let home = Home::new().await;
    let id = put(&home.store, 1, "a").await;
    let target = file(&home, "copy.db");
    let bytes = Store::backup(&home.url(), &target).await.unwrap();
    assert_eq!(std::fs::metadata(&target).unwrap().len(), bytes);
    put(&home.store, 1, "b").await;
    let copy = format!("sqlite:{}", target.display());
    let store = Store::open(&copy).await.unwrap();
    assert_eq!(undecided(&store, minute(0)).await, [id], "as it was then");
    assert_eq!(undecided(&home.store, minute(0)).await.len(), 2, "the store itself goes on");
    store.close().await;
    let before = std::fs::read(&target).unwrap();
    let refused = Store::backup(&home.url(), &target).await.expect_err("there is a file");
    assert!(refused.to_string().contains("there is a file of this name"), "{refused}");
    assert!(std::fs::read(&target).unwrap() == before, "a file that is there is left alone");
}

#[tokio::test]
async fn a_copy_of_a_stopped_store_leaves_nothing_beside_it() {
    let home = Home::new().await;
    put(&home.store, 1, "a").await;
    home.store.close().await;
    let before = names(&home);
    let elsewhere = tempfile::tempdir().unwrap();
    Store::backup(&home.url(), &elsewhere.path().join("copy.db")).await.unwrap();
    assert_eq!(names(&home), before);
    let nowhere = Store::backup(&home.url(), &elsewhere.path().join("no/copy.db")).await;
    assert!(matches!(nowhere, Err(StoreError::Copy { .. })), "{nowhere:?}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1, "no half of a copy");
}

#[tokio::test]
async fn before_the_schema_changes_the_file_is_copied_beside_itself() {
    let home = Home::new().await;
    let id = put(&home.store, 1, "a").await;
    older(&home.store).await;
    let home = home.reopen().await;
    assert_eq!(undecided(&home.store, minute(0)).await, [id], "it goes on");
    let copy = format!("sqlite:{}", file(&home, "usher.db.schema-6").display());
    let look = Store::open_read_only(&copy).await;
    let old = matches!(&look, Err(StoreError::Schema { why, .. }) if why.contains("older"));
    assert!(old, "the copy is as the store was: {look:?}");
    let home = home.reopen().await;
    assert!(!names(&home).contains(&"usher.db.schema-12".to_owned()), "nothing has changed this time");
}

#[tokio::test]
async fn without_room_for_a_copy_the_schema_stays_as_it_is() {
    let home = Home::new().await;
    older(&home.store).await;
    home.store.close().await;
    // A folder of this name is in the way of the copy, whoever asks.
    std::fs::create_dir_all(file(&home, "usher.db.schema-6/x")).unwrap();
    let refused = Store::open(&home.url()).await.expect_err("there is no way back");
    assert!(matches!(refused, StoreError::NoCopy { .. }), "{refused:?}");
    assert!(refused.to_string().contains("Make room for 1 MiB"), "{refused}");
    let look = Store::open_read_only(&home.url()).await;
    assert!(matches!(look, Err(StoreError::Schema { .. })), "it is as it was: {look:?}");
    std::fs::remove_dir_all(file(&home, "usher.db.schema-6")).unwrap();
    Store::open(&home.url()).await.expect("with room it opens");
}
