//! All that is SQLite's own: opening, pragmas, migrations, and the claim.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr};

use super::backup;
use super::connections::StoreConnections;
use super::error::{StoreError, at};
use super::health::StoreHealth;
use super::lock::Lock;
use super::place::{PATIENCE, StorePlace, place};

/// How long a server waits for the one before it to let go of the store: a rolling restart.
const ROLLING_RESTART: Duration = Duration::from_secs(10);
/// Connections for reading; a dashboard, a metrics scrape and the loops at the same time.
const READERS: u32 = 4;
/// Pages after which the log is folded into the file: 16 MiB.
const CHECKPOINT_PAGES: &str = "4000";
/// The log file shrinks back to this size in bytes after a burst.
const LOG_BYTES: &str = "67108864";
/// Page cache of the writer, in KiB (negative by SQLite's convention).
const WRITER_CACHE: &str = "-8000";

/// Leases the one row of forge $2 until $3 that goes next: due, no less urgent than $4, of none of the
/// projects whose changes begin with a text of the JSON list $5. A change whose facts are undecided
/// waits; so does a row while another of its change is out, or while `files` or `shape` of its change
/// have not gone out, unless these have failed $6 times: then the rest says so. A lease that ran out
/// leaves the outcome unknown.
pub(super) const CLAIM_NEXT: &str = "UPDATE outbox SET leased = 1, run_at = $3, attempts = attempts + 1,
        outcome_unknown = CASE WHEN leased = 1 THEN 1 ELSE outcome_unknown END
    WHERE id = (SELECT id FROM outbox AS o WHERE dead_at IS NULL AND o.forge = $2 AND o.urgency <= $4
        AND o.run_at <= $1 AND o.turn < 3
        AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.change = o.change AND i.decided_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.change = o.change AND b.dead_at IS NULL
            AND b.id <> o.id AND b.turn < 3 AND ((b.leased = 1 AND b.run_at > $1)
                OR (b.turn < o.turn AND b.attempts < $6)))
        AND NOT EXISTS (SELECT 1 FROM json_each($5) AS p WHERE SUBSTR(o.change, 1, LENGTH(p.value)) = p.value)
        ORDER BY o.urgency, o.run_at, o.id LIMIT 1)
    RETURNING id, generation, change, action, attempts, outcome_unknown, created_at";

/// When [`CLAIM_NEXT`] for forge $1, without the projects in $2, gives a row of any urgency next: of the
/// lowest turn of its change ($3 as $6 there), or at the end of the change's last lease if that is later.
/// Of what no lease keeps back the first in the order of the index will do; of a change with a row out, each
/// is looked at, and these are few.
pub(super) const NEXT_OUTBOX: &str = "SELECT MIN(next) FROM (SELECT next FROM (
        SELECT o.run_at AS next FROM outbox AS o WHERE o.dead_at IS NULL AND o.turn < 3 AND o.forge = $1
        AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.change = o.change AND b.dead_at IS NULL
            AND b.leased = 1 AND b.turn < 3 AND b.run_at > o.run_at)
        AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.change = o.change AND i.decided_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.change = o.change AND b.dead_at IS NULL
            AND b.turn < o.turn AND b.attempts < $3)
        AND NOT EXISTS (SELECT 1 FROM json_each($2) AS p WHERE SUBSTR(o.change, 1, LENGTH(p.value)) = p.value)
        ORDER BY o.run_at, o.id LIMIT 1)
    UNION ALL
        SELECT MAX(o.run_at, l.run_at) FROM outbox AS l JOIN outbox AS o ON o.change = l.change
        WHERE l.dead_at IS NULL AND l.leased = 1 AND l.turn < 3 AND l.forge = $1
        AND o.dead_at IS NULL AND o.turn < 3
        AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.change = o.change AND b.dead_at IS NULL
            AND b.leased = 1 AND b.turn < 3 AND b.run_at > MAX(o.run_at, l.run_at))
        AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.change = o.change AND i.decided_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.change = o.change AND b.dead_at IS NULL
            AND b.turn < o.turn AND b.attempts < $3)
        AND NOT EXISTS (SELECT 1 FROM json_each($2) AS p WHERE SUBSTR(o.change, 1, LENGTH(p.value)) = p.value))";

/// Leases announcements: they go to the ticket system, in the order in which they are due.
pub(super) const CLAIM_ANNOUNCEMENTS: &str =
    "UPDATE outbox SET leased = 1, run_at = $3, attempts = attempts + 1,
        outcome_unknown = CASE WHEN leased = 1 THEN 1 ELSE outcome_unknown END
    WHERE id IN (SELECT id FROM outbox WHERE dead_at IS NULL AND turn = 3 AND run_at <= $1
        ORDER BY run_at, id LIMIT 0 + $2)
    RETURNING id, generation, change, action, attempts, outcome_unknown, created_at";

const HAS_SCHEMA: &str = "SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations'";
const SCHEMA_VERSION: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

/// The two ways in: one writer, a few readers.
pub(super) struct Pools {
    pub writer: StoreConnections,
    pub reader: StoreConnections,
    /// For messages: a path, or `memory`.
    pub place: String,
    /// What keeps other servers out.
    pub lock: Option<Lock>,
}

/// The steps of the schema, in their order: number, name, statements.
const STEPS: [(i64, &str, &str); 12] = [
    (1, "start", include_str!("migrations/0001_start.sqlite.sql")),
    (2, "fair", include_str!("migrations/0002_fair.sqlite.sql")),
    (3, "absence", include_str!("migrations/0003_absence.sqlite.sql")),
    (4, "queue", include_str!("migrations/0004_queue.sqlite.sql")),
    (5, "home", include_str!("migrations/0005_home.sqlite.sql")),
    (6, "refusal", include_str!("migrations/0006_refusal.sqlite.sql")),
    (7, "ready", include_str!("migrations/0007_ready.sqlite.sql")),
    (8, "urgency", include_str!("migrations/0008_urgency.sqlite.sql")),
    (9, "policy", include_str!("migrations/0009_policy.sqlite.sql")),
    (10, "project", include_str!("migrations/0010_project.sqlite.sql")),
    (11, "halves", include_str!("migrations/0011_halves.sqlite.sql")),
    (12, "due", include_str!("migrations/0012_due.sqlite.sql")),
];

fn migrator() -> Migrator {
    let steps = STEPS.map(|(version, name, sql)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.into())
}

/// Opens or creates the store for one server alone, and brings its schema up to date.
pub(super) async fn open(url: &str) -> Result<Pools, StoreError> {
    let pools = match place(url)? {
        StorePlace::Memory => open_memory().await?,
        StorePlace::File(path) => {
            check_folder(&path)?;
            let lock = Lock::take(&path, ROLLING_RESTART).await?;
            if let Some(schema) = older_schema(&path).await? {
                backup::before_upgrade(&path, schema).await?;
            }
            Pools { lock: Some(lock), ..open_file(&path, true).await? }
        }
    };
    let migrated = migrator().run(pools.writer.pool()).await;
    migrated.map_err(|error| migration_error(&pools.place, &error))?;
    Ok(pools)
}

/// Opens an existing store for a command that writes a little, beside a server or not: nothing is
/// created or brought up to date.
pub(super) async fn open_beside(url: &str) -> Result<Pools, StoreError> {
    let StorePlace::File(path) = place(url)? else {
        return Err(StoreError::Url("a store in memory belongs to its server".into()));
    };
    if !path.is_file() {
        return Err(StoreError::Missing { path: path.display().to_string() });
    }
    let pools = open_file(&path, false).await?;
    check_schema(&pools.reader, &pools.place).await?;
    Ok(pools)
}

/// The version of a store that has to be brought up to date; `None` where there is nothing to do, or
/// nothing yet.
async fn older_schema(path: &Path) -> Result<Option<i64>, StoreError> {
    if !std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(None);
    }
    let failed =
        |error: sqlx::Error| StoreError::Open { path: path.display().to_string(), why: error.to_string() };
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE);
    let mut look = options.disable_statement_logging().connect().await.map_err(failed)?;
    let has_schema = sqlx::query_scalar(HAS_SCHEMA).fetch_optional(&mut look).await.map_err(failed)?;
    let found: Option<i64> = match has_schema {
        Some(1_i64) => sqlx::query_scalar(SCHEMA_VERSION).fetch_one(&mut look).await.map_err(failed)?,
        _ => None,
    };
    look.close().await.map_err(failed)?;
    let wanted = migrator().iter().map(|migration| migration.version).max();
    Ok(found.filter(|found| Some(*found) < wanted))
}

/// One connection for everything: a database in memory lives and dies with its connection.
async fn open_memory() -> Result<Pools, StoreError> {
    let options = SqliteConnectOptions::from_str("sqlite::memory:").map_err(at("open a store in memory"))?;
    let kept = StoreConnections::keep_open(pool(1), options.disable_statement_logging()).await;
    let writer = kept.map_err(at("open a store in memory"))?;
    Ok(Pools { reader: writer.clone(), writer, place: "memory".into(), lock: None })
}

fn check_folder(path: &Path) -> Result<(), StoreError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
        && !parent.is_dir()
    {
        let why = format!("the folder {} does not exist", parent.display());
        return Err(StoreError::Open { path: path.display().to_string(), why });
    }
    Ok(())
}

async fn open_file(path: &Path, create: bool) -> Result<Pools, StoreError> {
    let place = path.display().to_string();
    let failed = |error: sqlx::Error| StoreError::Open { path: place.clone(), why: error.to_string() };
    let base = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE).disable_statement_logging();
    let writing = base
        .clone()
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES)
        .pragma("cache_size", WRITER_CACHE);
    let health = Arc::new(StoreHealth::default());
    let writer = StoreConnections::open(pool(1), writing, health.clone()).await.map_err(failed)?;
    let reading = base.pragma("query_only", "ON");
    let reader = StoreConnections::open(pool(READERS), reading, health).await.map_err(failed)?;
    Ok(Pools { writer, reader, place, lock: None })
}

/// Opens an existing store for reading: no file is created and none is changed.
pub(super) async fn open_read_only(url: &str) -> Result<Pools, StoreError> {
    let StorePlace::File(path) = place(url)? else {
        return Err(StoreError::Url("a store in memory cannot be opened read-only".into()));
    };
    let place = path.display().to_string();
    if !path.is_file() {
        return Err(StoreError::Missing { path: place });
    }
    // Without a log nobody has the store open, and SQLite would create one just to read. A server
    // that starts meanwhile writes to its log first, so a short look at the file alone stays sound.
    let log = PathBuf::from(format!("{place}-wal"));
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .immutable(!log.exists())
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    let failed = |error: sqlx::Error| StoreError::Open { path: place.clone(), why: error.to_string() };
    let reader = StoreConnections::open(pool(1), options, Arc::default()).await.map_err(failed)?;
    check_schema(&reader, &place).await?;
    Ok(Pools { writer: reader.clone(), reader, place, lock: None })
}

async fn check_schema(reader: &StoreConnections, place: &str) -> Result<(), StoreError> {
    let wanted = migrator().iter().map(|migration| migration.version).max();
    let found: Result<Option<i64>, _> = sqlx::query_scalar(SCHEMA_VERSION).fetch_one(reader).await;
    let why = match found {
        Ok(found) if found == wanted => return Ok(()),
        Ok(Some(found)) if Some(found) > wanted => "it was written by a newer one".to_owned(),
        Ok(_) => "it was written by an older one; `usher serve` brings it up to date".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(StoreError::Schema { path: place.to_owned(), why })
}

fn migration_error(place: &str, error: &MigrateError) -> StoreError {
    let path = place.to_owned();
    match error {
        MigrateError::VersionMissing(_) => {
            StoreError::Schema { path, why: "it was written by a newer one".into() }
        }
        MigrateError::VersionMismatch(version) => {
            let why = format!("step {version} of its schema is another one than ours");
            StoreError::Schema { path, why }
        }
        _ => StoreError::Open { path, why: error.to_string() },
    }
}

/// A pool whose connections stay: opening one costs more than keeping it.
fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
