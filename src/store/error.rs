//! What can go wrong with the store. Messages name the operation and the place, never a secret.

use super::health::{Ailment, kind};

/// The store could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// Another server has the store. Nothing of it was touched.
    #[error(
        "the store {path} is in use by {holder}; two servers on one file would both do the work: \
             stop that one first, or give this one a store of its own"
    )]
    InUse { path: String, holder: String },
    /// No copy could be made.
    #[error("cannot copy the store to {path}: {why}")]
    Copy { path: String, why: String },
    /// The schema has to change, and there would be no way back. Nothing was changed.
    #[error("the store {path} has to be brought up to date, and cannot be copied to {copy} before that: \
             {why}. Make room for {} MiB there, then start again", bytes.div_ceil(1 << 20))]
    NoCopy { path: String, copy: String, bytes: u64, why: String },
    /// Somebody else held the store for longer than the patience of the writer. Worth a retry.
    #[error("cannot {what}: the store is busy")]
    Busy { what: &'static str },
    /// A write to a store that was opened for reading.
    #[error("cannot {what}: the store was opened read-only")]
    ReadOnly { what: &'static str },
    /// Something that was stored cannot be read back.
    #[error("cannot {what}: {why}")]
    Unreadable { what: &'static str, why: String },
    /// The store as a whole fails; it heals by itself when the cause is gone.
    #[error("cannot {what}: {ailment} ({why})")]
    Ill { what: &'static str, ailment: Ailment, why: String },
    /// The engine's own complaint about what it was given, or the store is closed.
    #[error("cannot {what}: {why}")]
    Failed { what: &'static str, why: String },
}

impl StoreError {
    /// Whether it is about the store as a whole, and over when somebody else is done or the disk well:
    /// the same may be tried again.
    pub fn may_pass(&self) -> bool {
        matches!(self, StoreError::Busy { .. } | StoreError::Ill { .. })
    }
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
    move |error| match (&error, Ailment::of(&error)) {
        (sqlx::Error::PoolTimedOut, _) => StoreError::Busy { what },
        (sqlx::Error::Database(inner), _) if is_busy(inner.as_ref()) => StoreError::Busy { what },
        (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_), _) => {
            StoreError::Unreadable { what, why: error.to_string() }
        }
        (_, Some(ailment)) => StoreError::Ill { what, ailment, why: error.to_string() },
        (_, None) => StoreError::Failed { what, why: error.to_string() },
    }
}

/// Whether SQLite says that somebody else holds the lock (`SQLITE_BUSY`, `SQLITE_LOCKED`).
fn is_busy(error: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(kind(error), Some(5 | 6))
}
