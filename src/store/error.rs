//! What can go wrong with the store. Messages name the operation and the place, never a secret.

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `store.url` cannot be used. The URL itself is not repeated: it may hold a password.
    #[error("store.url: {0}")]
    Url(String),
    /// There is no store at this path (read-only opening creates none).
    #[error("there is no store at {path}; `usher serve` creates it")]
    Missing { path: String },
    /// The file is there and cannot be used.
    #[error("cannot open the store {path}: {why}")]
    Open { path: String, why: String },
    /// Written by another version of Usher.
    #[error("the store {path} does not fit this version of Usher: {why}")]
    Schema { path: String, why: String },
    /// Somebody else held the store for longer than the patience of the writer. Worth a retry.
    #[error("cannot {what}: the store is busy")]
    Busy { what: &'static str },
    /// A write to a store that was opened for reading.
    #[error("cannot {what}: the store was opened read-only")]
    ReadOnly { what: &'static str },
    /// Something that was stored cannot be read back.
    #[error("cannot {what}: {why}")]
    Unreadable { what: &'static str, why: String },
    /// The engine's own complaint (disk full, input/output error, closed).
    #[error("cannot {what}: {why}")]
    Failed { what: &'static str, why: String },
}

/// Why a decision was not committed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The review moved on, or one of the facts has been decided already: load and decide again.
    #[error("somebody else decided first")]
    Conflict,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// For `map_err`: names the operation that failed.
pub(super) fn at(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match &error {
        sqlx::Error::PoolTimedOut => StoreError::Busy { what },
        sqlx::Error::Database(inner) if is_busy(inner.as_ref()) => StoreError::Busy { what },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            StoreError::Unreadable { what, why: error.to_string() }
        }
        _ => StoreError::Failed { what, why: error.to_string() },
    }
}

/// Whether SQLite says that somebody else holds the lock (`SQLITE_BUSY`, `SQLITE_LOCKED`).
fn is_busy(error: &dyn sqlx::error::DatabaseError) -> bool {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}
