//! Copies of the file: consistent at one instant, whole or not there at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::error::StoreError;
use super::lock;
use super::place::{PATIENCE, StorePlace, place};

const COPY: &str = "VACUUM INTO $1";

/// Copies the store at `url` to `target`, which must not exist. Answers the copy's size in bytes.
pub(super) async fn backup(url: &str, target: &Path) -> Result<u64, StoreError> {
    let StorePlace::File(path) = place(url)? else {
        return Err(StoreError::Url("a store in memory cannot be copied".into()));
    };
    if !path.is_file() {
        return Err(StoreError::Missing { path: path.display().to_string() });
    }
    let failed = |why: String| StoreError::Copy { path: target.display().to_string(), why };
    if target.exists() {
        return Err(failed("there is a file of this name".into()));
    }
    // Without a log nobody has the store open, and SQLite would make one just to read it.
    let log = PathBuf::from(format!("{}-wal", path.display()));
    let alone = if log.exists() { None } else { lock::hold_off_servers(&path) };
    let mut source = look(&path, alone.is_some()).await.map_err(|error| failed(error.to_string()))?;
    let copied = copy(&mut source, target, false).await;
    let closed = source.close().await;
    drop(alone);
    let bytes = copied.map_err(failed)?;
    closed.map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

/// Copies the file beside itself before its schema is brought up to date, so that there is a way back.
/// A copy of an earlier attempt is replaced: this one is newer.
pub(super) async fn before_upgrade(path: &Path, schema: i64) -> Result<(), StoreError> {
    let target = PathBuf::from(format!("{}.schema-{schema}", path.display()));
    let failed = |why: String| StoreError::NoCopy {
        path: path.display().to_string(),
        copy: target.display().to_string(),
        bytes: std::fs::metadata(path).map_or(0, |file| file.len()),
        why,
    };
    let mut source = look(path, false).await.map_err(|error| failed(error.to_string()))?;
    copy(&mut source, &target, true).await.map_err(failed)?;
    source.close().await.map_err(|error| failed(error.to_string()))?;
    tracing::info!(copy = %target.display(), "the store is brought up to date; a copy of it as it was is kept");
    Ok(())
}

async fn look(path: &Path, immutable: bool) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(immutable);
    options.busy_timeout(PATIENCE).disable_statement_logging().connect().await
}

/// Under another name until it is whole and on the disk.
async fn copy(source: &mut SqliteConnection, target: &Path, replace: bool) -> Result<u64, String> {
    let folder = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = |error: std::io::Error| error.to_string();
    let unfinished = tempfile::Builder::new().prefix(".usher-copy-").tempfile_in(folder).map_err(text)?;
    let name = unfinished.path().to_str().ok_or("the folder's name is not UTF-8")?.to_owned();
    sqlx::query(COPY).bind(name).execute(source).await.map_err(|error| error.to_string())?;
    unfinished.as_file().sync_all().map_err(text)?;
    let file = if replace {
        unfinished.persist(target).map_err(|error| error.error.to_string())?
    } else {
        unfinished.persist_noclobber(target).map_err(|error| error.error.to_string())?
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(text)?;
    file.metadata().map(|file| file.len()).map_err(text)
}
