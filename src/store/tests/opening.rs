use std::collections::BTreeMap;

use sqlx::Row;

use super::backup::older;
use super::*;
use crate::store::{connections, lock, sql, sqlite};

fn files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())).collect()
}

async fn why_not(url: &str) -> String {
    Store::open(url).await.expect_err(url).to_string()
}

#[tokio::test]
async fn wrong_urls_are_refused_in_words_and_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let of = |path: &str| format!("sqlite:{}", folder.path().join(path).display());
    assert!(why_not(&of("")).await.contains("is a folder"));
    assert!(why_not(&of("no/such.db")).await.contains("does not exist"));
    assert!(why_not("usher.db").await.contains("expected sqlite:PATH"));
    assert!(why_not("sqlite:").await.contains("path is missing"));
    assert!(why_not("mysql://u:hunter2@db/usher").await.contains("unknown scheme `mysql`"));
    for url in ["mysql://u:hunter2@db/usher", "postgres://u:hunter2@db/usher", "u:hunter2@db"] {
        assert!(!why_not(url).await.contains("hunter2"), "{url}");
    }
    std::fs::write(folder.path().join("text"), "this is not a database, whatever its name").unwrap();
    assert!(why_not(&of("text")).await.contains("not a database"));
}

#[tokio::test]
async fn a_store_in_memory_is_one_store_for_all_clones_and_tasks() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { put(&store, n, &n.to_string()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(undecided(&store, minute(0)).await.len(), 8);
    store.ping().await.unwrap();
    let other = Store::open("sqlite::memory:").await.unwrap();
    assert!(undecided(&other, minute(0)).await.is_empty());
}

#[tokio::test]
async fn the_file_is_safe_against_power_loss() {
    let home = Home::new().await;
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    let mut pragma = async |query: &'static str| -> String {
        let row = sqlx::query(query).fetch_one(&mut *writer).await.unwrap();
        row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string())).unwrap()
    };
    assert_eq!(pragma("PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma("PRAGMA synchronous").await, "2", "FULL");
    assert_eq!(pragma("PRAGMA foreign_keys").await, "1");
    assert_eq!(pragma("PRAGMA busy_timeout").await, "5000");
    assert_eq!(pragma("PRAGMA wal_autocheckpoint").await, "4000");
    assert_eq!(pragma("PRAGMA journal_size_limit").await, "67108864");
}

#[tokio::test]
async fn looking_at_a_store_writes_nothing() {
    let home = Home::new().await;
    let id = put(&home.store, 1, "a").await;
    home.store.commit(keep(review(2, &["rita"]), None, vec![status("x")])).await.unwrap();

    // While the server runs: it sees what is in the log.
    let look = Store::open_read_only(&home.url()).await.unwrap();
    assert_eq!(look.inbox_list(10).await.unwrap()[0].id, id);
    look.close().await;

    home.store.close().await;
    let before = files(&home.folder);
    let look = Store::open_read_only(&home.url()).await.unwrap();
    assert!(look.is_tracked(&change(2), None).await.unwrap());
    assert_eq!(look.workloads(minute(0)).await.unwrap().of("rita").open.halves() / 2, 1);
    assert_eq!(look.first_seen("gitlab", minute(3)).await.unwrap(), minute(3));
    look.ping().await.unwrap();
    let refusals = [
        look.put(delivery(1, "b", None)).await.map(|_| ()),
        look.put_facts(&change(1), &[refused(1)], minute(0)).await,
        look.defer(&[id], minute(9), "x").await,
        look.claim_next("gitlab", minute(0), &Within::ALL).await.map(|_| ()),
        look.release_leases().await.map(|_| ()),
        look.renew_places(minute(0)).await,
        look.save_watermark("gitlab", "p", minute(0)).await,
        look.prune(minute(0), std::time::Duration::ZERO).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::ReadOnly { .. })), "{refusal:?}");
    }
    look.close().await;
    assert_eq!(files(&home.folder), before);
}

#[tokio::test]
async fn looking_at_no_store_creates_none() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Store::open_read_only(&url(&folder)).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
    assert!(files(&folder).is_empty());
    std::fs::write(folder.path().join("usher.db"), b"").unwrap();
    let empty = Store::open_read_only(&url(&folder)).await;
    assert!(matches!(empty, Err(StoreError::Schema { .. })), "{empty:?}");
}

#[tokio::test]
async fn a_store_of_a_newer_usher_is_left_alone() {
    let home = Home::new().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (999, 'tomorrow', 1, x'00', 1)";
    sqlx::query(newer).execute(&home.store.writer).await.unwrap();
    home.store.close().await;
    for opened in [Store::open(&home.url()).await, Store::open_read_only(&home.url()).await] {
        let error = opened.expect_err("it is from tomorrow");
        assert!(matches!(&error, StoreError::Schema { .. }), "{error:?}");
        assert!(error.to_string().contains("newer"), "{error}");
    }
}

#[tokio::test]
async fn a_second_server_is_told_who_has_the_store_and_touches_nothing() {
    let home = Home::new().await;
    let path = home.folder.path().join("usher.db");
    want(&home.store, 1, vec![status("x")], minute(0)).await;
    assert_eq!(claimed(&home.store, minute(0)).await, ["1/status"]);
    let before = files(&home.folder);
    let refused = lock::Lock::take(&path, std::time::Duration::ZERO).await.expect_err("it is taken");
    let text = refused.to_string();
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
    assert_eq!(files(&home.folder), before);
    // A command may write beside the server.
    let beside = Store::open_beside(&home.url()).await.unwrap();
    assert!(!beside.retry_dead(99).await.unwrap());
    beside.close().await;
    assert!(lock::Lock::take(&path, std::time::Duration::ZERO).await.is_err(), "the command took no lock");
    home.store.close().await;
    lock::Lock::take(&path, std::time::Duration::ZERO).await.expect("free at once");
}

#[tokio::test]
async fn a_command_neither_makes_a_store_nor_brings_one_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Store::open_beside(&url(&folder)).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
    assert!(files(&folder).is_empty());
    let home = Home::new().await;
    older(&home.store).await;
    home.store.close().await;
    let refused = Store::open_beside(&home.url()).await;
    assert!(matches!(refused, Err(StoreError::Schema { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_busy_store_says_so() {
    let error = sqlx::Error::PoolTimedOut;
    assert!(matches!(crate::store::error::at("x")(error), StoreError::Busy { .. }));
    let home = Home::new().await;
    let held = home.store.begin("hold the lock").await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.folder.path().join("usher.db"));
    let options = options.busy_timeout(std::time::Duration::ZERO);
    let other = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let refused =
        other.begin_with(connections::BEGIN).await.map(|_| ()).map_err(crate::store::error::at("x"));
    assert!(matches!(refused, Err(StoreError::Busy { .. })), "{refused:?}");
    drop(held);
}

fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    sql::ALL.iter().copied().chain([
        ("CLAIM_NEXT", sqlite::CLAIM_NEXT),
        ("NEXT_OUTBOX", sqlite::NEXT_OUTBOX),
        ("CLAIM_ANNOUNCEMENTS", sqlite::CLAIM_ANNOUNCEMENTS),
        ("PROJECTS", super::super::projects::PROJECTS),
    ])
}

#[tokio::test]
async fn every_statement_prepares() {
    use sqlx::{Executor, SqlSafeStr};
    let home = Home::new().await;
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    for (name, sql) in statements() {
        let prepared = writer.prepare(sql.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
}

/// SQLite looks at the value of a parameter that is a whole LIMIT or OFFSET (`sqlite3ExprIsInteger` in its
/// source), so it prepares the statement anew each time one is bound. That was an eighth of the simulation's time.
#[test]
fn no_limit_is_a_parameter_and_nothing_else() {
    for (name, sql) in statements() {
        assert!(!sql.contains("LIMIT $") && !sql.contains("OFFSET $"), "{name}: write `LIMIT 0 + $1`");
    }
}

/// Statements that may walk an index or a table: lists for people, small tables, what is waiting, and
/// the start.
const WALKERS: [&str; 31] = [
    "PROJECTS",
    "RIGHT_PROJECTS",
    "POLICY",
    "FORGET_POLICY",
    "FORGET_FIRST_RUN",
    "OLDEST_UNDECIDED",
    "COUNT_PUT_OFF",
    "INBOX_PUT_OFF",
    "CLEAR_PROBE",
    "QUEUE",
    "NEXT_ANNOUNCEMENT",
    "WAKE_ALL",
    "WAKE_FOR",
    "ABSENCES",
    "RENEW_PLACES",
    "UNDECIDED",
    "NEXT_OUTBOX",
    "WORKLOADS",
    "RELEASE",
    // At the start, once an hour, and when the clock was set back.
    "RIGHT_INBOX",
    "RIGHT_OUTBOX",
    "REVIEWS",
    "REVIEWS_OPEN",
    "INBOX",
    "OUTBOX",
    "COUNT_STAGES",
    "COUNT_UNDECIDED",
    "COUNT_PENDING",
    "COUNT_DEAD",
    "PRUNE_BODIES",
    "NEXT_UNDECIDED",
];

#[tokio::test]
async fn no_statement_of_the_loops_walks_or_sorts() {
    let home = Home::new().await;
    let mut writer = home.store.writer.pool().acquire().await.unwrap();
    let mut searches = 0;
    for (name, sql) in statements().filter(|(name, _)| !WALKERS.contains(name)) {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        for row in sqlx::query(explain).fetch_all(&mut *writer).await.unwrap() {
            let step: String = row.get("detail");
            searches += usize::from(step.starts_with("SEARCH"));
            // `p` is a list that is handed in.
            let walks = step.starts_with("SCAN") && !step.starts_with("SCAN p VIRTUAL TABLE");
            assert!(!walks && !step.contains("FOR ORDER BY"), "{name}: {step}");
        }
    }
    assert!(searches > 30, "the plans were read: {searches}");
    // From forge to forge, and of each only what is due.
    for query in [sql::UNDECIDED, sql::NEXT_UNDECIDED, sql::OLDEST_UNDECIDED] {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let rows = sqlx::query(explain).fetch_all(&mut *writer).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let by_forge = |step: &String| step.contains("USING INDEX inbox_undecided (forge=?");
        assert!(steps.iter().any(by_forge), "{steps:?}");
        let walks = |step: &String| step.starts_with("SCAN ") && step != "SCAN f";
        assert!(!steps.iter().any(walks), "{steps:?}");
    }
    // Before every decision: from person to person, never through all who wait.
    for row in sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql::QUEUE)))
        .fetch_all(&mut *writer)
        .await
        .unwrap()
    {
        let step: String = row.get("detail");
        assert!(!step.starts_with("SCAN") || step == "SCAN p", "{step}");
    }
}
