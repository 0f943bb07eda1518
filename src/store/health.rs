//! How the store as a whole is, as its engine's errors tell: full, read-only, failing.
//!
//! The first such error is logged with its cause; it stands until something could be written again.

use std::fmt;

use sqlx::error::DatabaseError;
use tokio::sync::watch;

/// What is wrong with the store itself, whoever uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// The disk, or the share of it that Usher may use.
    Full,
    ReadOnly,
    /// Reading or writing the file fails.
    InputOutput,
    /// The file cannot be opened any more.
    Unreachable,
    Damaged,
    /// The connection is not what it should be.
    Broken,
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ailment::Full => "the disk is full",
            Ailment::ReadOnly => "the file is read-only",
            Ailment::InputOutput => "the disk fails",
            Ailment::Unreachable => "the file cannot be opened",
            Ailment::Damaged => "the file is damaged",
            Ailment::Broken => "the connection is broken",
        })
    }
}

impl Ailment {
    /// What an error says of the store as a whole; `None` where it is about one row or one moment.
    /// Source: SQLite, "Result and Error Codes"; the lowest byte is the kind.
    pub(super) fn of(error: &sqlx::Error) -> Option<Ailment> {
        match error {
            sqlx::Error::Database(error) => match kind(error.as_ref())? {
                8 => Some(Ailment::ReadOnly),
                10 => Some(Ailment::InputOutput),
                11 | 26 => Some(Ailment::Damaged),
                13 => Some(Ailment::Full),
                14 => Some(Ailment::Unreachable),
                _ => None,
            },
            sqlx::Error::Io(_) => Some(Ailment::InputOutput),
            sqlx::Error::WorkerCrashed
            | sqlx::Error::InvalidSavePointStatement
            | sqlx::Error::BeginFailed => Some(Ailment::Broken),
            _ => None,
        }
    }
}

/// The kind of SQLite's error, without what it adds to it.
pub(super) fn kind(error: &dyn DatabaseError) -> Option<u32> {
    error.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}

/// What is known of the store, shared by all its connections.
#[derive(Debug)]
pub(super) struct StoreHealth(watch::Sender<Option<Ailment>>);

impl Default for StoreHealth {
    fn default() -> StoreHealth {
        StoreHealth(watch::Sender::new(None))
    }
}

impl StoreHealth {
    pub(super) fn ailment(&self) -> Option<Ailment> {
        *self.0.borrow()
    }

    /// Returns once something is wrong. Safe to cancel.
    pub(super) async fn ill(&self) {
        // The sender lives in `self`, so the wait can only end by what is waited for.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    /// An error came up; the first one is told.
    pub(super) fn fell_ill(&self, ailment: Ailment, error: &sqlx::Error) {
        let is_news = self.0.send_if_modified(|now| now.replace(ailment) != Some(ailment));
        if is_news {
            tracing::error!(%error, "the store fails: {ailment}");
        }
    }

    /// Something could be written again.
    pub(super) fn recovered(&self) {
        if let Some(was) = self.0.send_replace(None) {
            tracing::info!("the store can be written again; before, {was}");
        }
    }
}
