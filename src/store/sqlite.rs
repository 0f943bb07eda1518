//! All that is SQLite's own: opening, pragmas, migrations, and the claim.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqlSafeStr};

use super::error::{StoreError, at};

/// How long a write waits, for its turn in this process and for other processes, before it is
/// refused. Intake answers 503 then, while the forge still listens.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections for reading; a dashboard, a metrics scrape and the loops at the same time.
const READERS: u32 = 4;
/// Pages after which the log is folded into the file: 16 MiB.
const CHECKPOINT_PAGES: &str = "4000";
/// The log file shrinks back to this size in bytes after a burst.
const LOG_BYTES: &str = "67108864";
/// Page cache of the writer, in KiB (negative by SQLite's convention).
const WRITER_CACHE: &str = "-8000";

/// Starts a transaction that holds the write lock from the beginning: one that reads first and
/// writes later fails at once when somebody else wrote in between, whatever the busy timeout.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

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
pub(super) const NEXT_OUTBOX: &str =
    "SELECT MIN(COALESCE((SELECT MAX(b.run_at) FROM outbox AS b WHERE b.change = o.change
            AND b.dead_at IS NULL AND b.leased = 1 AND b.turn < 3 AND b.run_at > o.run_at), o.run_at))
        FROM outbox AS o WHERE dead_at IS NULL AND o.turn < 3 AND o.forge = $1
        AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.change = o.change AND i.decided_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.change = o.change AND b.dead_at IS NULL
            AND b.turn < o.turn AND b.attempts < $3)
        AND NOT EXISTS (SELECT 1 FROM json_each($2) AS p WHERE SUBSTR(o.change, 1, LENGTH(p.value)) = p.value)";

/// Leases announcements: they go to the ticket system, in the order in which they are due.
pub(super) const CLAIM_ANNOUNCEMENTS: &str =
    "UPDATE outbox SET leased = 1, run_at = $3, attempts = attempts + 1,
        outcome_unknown = CASE WHEN leased = 1 THEN 1 ELSE outcome_unknown END
    WHERE id IN (SELECT id FROM outbox WHERE dead_at IS NULL AND turn = 3 AND run_at <= $1
        ORDER BY run_at, id LIMIT $2)
    RETURNING id, generation, change, action, attempts, outcome_unknown, created_at";

const SCHEMA_VERSION: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

/// The two ways in: one writer, a few readers.
pub(super) struct Pools {
    pub writer: SqlitePool,
    pub reader: SqlitePool,
    /// For messages: a path, or `memory`.
    pub place: String,
}

enum Place {
    Memory,
    File(PathBuf),
}

/// The steps of the schema, in their order: number, name, statements.
const STEPS: [(i64, &str, &str); 7] = [
    (1, "start", include_str!("migrations/0001_start.sqlite.sql")),
    (2, "fair", include_str!("migrations/0002_fair.sqlite.sql")),
    (3, "absence", include_str!("migrations/0003_absence.sqlite.sql")),
    (4, "queue", include_str!("migrations/0004_queue.sqlite.sql")),
    (5, "home", include_str!("migrations/0005_home.sqlite.sql")),
    (6, "refusal", include_str!("migrations/0006_refusal.sqlite.sql")),
    (7, "urgency", include_str!("migrations/0007_urgency.sqlite.sql")),
];

fn migrator() -> Migrator {
    let steps = STEPS.map(|(version, name, sql)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.into())
}

/// Whether the engine says that somebody else holds the lock (`SQLITE_BUSY`, `SQLITE_LOCKED`).
pub(super) fn is_busy(error: &dyn sqlx::error::DatabaseError) -> bool {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Opens or creates the store and brings its schema up to date.
pub(super) async fn open(url: &str) -> Result<Pools, StoreError> {
    let pools = match place(url)? {
        Place::Memory => open_memory().await?,
        Place::File(path) => open_file(&path).await?,
    };
    let migrated = migrator().run(&pools.writer).await;
    migrated.map_err(|error| migration_error(&pools.place, &error))?;
    Ok(pools)
}

/// One connection for everything: a database in memory lives and dies with its connection.
async fn open_memory() -> Result<Pools, StoreError> {
    let options = SqliteConnectOptions::from_str("sqlite::memory:").map_err(at("open a store in memory"))?;
    let pool = pool(1).connect_with(options.disable_statement_logging()).await;
    let writer = pool.map_err(at("open a store in memory"))?;
    Ok(Pools { reader: writer.clone(), writer, place: "memory".into() })
}

async fn open_file(path: &Path) -> Result<Pools, StoreError> {
    let place = path.display().to_string();
    let failed = |error: sqlx::Error| StoreError::Open { path: place.clone(), why: error.to_string() };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
        && !parent.is_dir()
    {
        let why = format!("the folder {} does not exist", parent.display());
        return Err(StoreError::Open { path: place, why });
    }
    let base = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE).disable_statement_logging();
    let writing = base
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES)
        .pragma("cache_size", WRITER_CACHE);
    let writer = pool(1).connect_with(writing).await.map_err(failed)?;
    let reader = pool(READERS).connect_with(base.pragma("query_only", "ON")).await.map_err(failed)?;
    Ok(Pools { writer, reader, place })
}

/// Opens an existing store for reading: no file is created and none is changed.
pub(super) async fn open_read_only(url: &str) -> Result<Pools, StoreError> {
    let Place::File(path) = place(url)? else {
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
    let reader = pool(1).connect_with(options).await.map_err(failed)?;
    check_schema(&reader, &place).await?;
    Ok(Pools { writer: reader.clone(), reader, place })
}

async fn check_schema(reader: &SqlitePool, place: &str) -> Result<(), StoreError> {
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

fn place(url: &str) -> Result<Place, StoreError> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(StoreError::Url("expected sqlite:PATH".into()));
    };
    match scheme {
        "sqlite" => {}
        "postgres" | "postgresql" => {
            let why = "PostgreSQL is not supported by this version; use sqlite:PATH";
            return Err(StoreError::Url(why.into()));
        }
        _ => return Err(StoreError::Url(format!("unknown scheme `{scheme}`; expected sqlite:PATH"))),
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match path {
        ":memory:" => return Ok(Place::Memory),
        "" => return Err(StoreError::Url("the path is missing; expected sqlite:PATH".into())),
        _ => {}
    }
    let path = PathBuf::from(path);
    if path.is_dir() {
        return Err(StoreError::Url(format!("{} is a folder; name a file in it", path.display())));
    }
    Ok(Place::File(path))
}
