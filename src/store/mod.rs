//! The durable memory: inbox, reviews, ledger, outbox, and what is known of each forge.
//!
//! Every method is one transaction, or one read. What a method wrote is on the disk when it
//! returns. Time comes in as an argument and is kept in whole milliseconds. Two rules hold between
//! the parts:
//!
//! - Facts of one change are decided in the order in which they came.
//! - A change with undecided facts gets neither a tick nor an action: first listen, then speak.
//!
//! SQLite writes through one connection, which takes the write lock when a transaction begins;
//! reads go beside it and never wait for it.

mod absences;
mod decisions;
mod error;
mod intake;
mod memory;
mod moves;
mod outbox;
mod queue;
mod refusals;
mod rows;
mod sql;
mod sqlite;
mod types;
mod views;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

pub use error::{CommitError, StoreError};
pub use types::{
    Commit, Counts, Filter, InboxItem, InboxRow, LedgerEntry, LedgerRow, NewDelivery, OutboxItem, OutboxRow,
    OutboxState, Pruned, Put, Settlement, Stored, Urgency, Within,
};

use error::at;

/// How long closing may wait for connections in use.
const CLOSING_PATIENCE: Duration = Duration::from_secs(5);

/// The store, cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
    place: Arc<str>,
    read_only: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.place).field("read_only", &self.read_only).finish()
    }
}

impl Store {
    /// Opens `sqlite:PATH`, creating the file and bringing its schema up to date, or
    /// `sqlite::memory:`, which is empty and forgotten with the last clone.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        Ok(Store::new(sqlite::open(url).await?, false))
    }

    /// Opens an existing store to look at it. Nothing is created, migrated or written; methods
    /// that write answer [`StoreError::ReadOnly`].
    pub async fn open_read_only(url: &str) -> Result<Store, StoreError> {
        Ok(Store::new(sqlite::open_read_only(url).await?, true))
    }

    fn new(pools: sqlite::Pools, read_only: bool) -> Store {
        Store { writer: pools.writer, reader: pools.reader, place: pools.place.into(), read_only }
    }

    /// Waits for running work, folds the log into the file and closes it. Later calls fail.
    ///
    /// Waits for a few seconds at most: what is committed is safe whether or not the file is closed,
    /// and a connection that went missing must not keep a server from stopping.
    pub async fn close(&self) {
        let closing = async {
            self.reader.close().await;
            self.writer.close().await;
        };
        if tokio::time::timeout(CLOSING_PATIENCE, closing).await.is_err() {
            tracing::warn!(place = %self.place, "the store does not close in time; left to the system");
        }
    }

    /// Whether the store can be read, and written unless it is read-only. Writes nothing.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let what = "reach the store";
        sqlx::query("SELECT 1").execute(&self.reader).await.map_err(at(what))?;
        if !self.read_only {
            self.begin(what).await?.rollback().await.map_err(at(what))?;
        }
        Ok(())
    }

    /// The way to every write. A transaction that is dropped is rolled back.
    async fn begin(&self, what: &'static str) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer_for(what)?.begin_with(sqlite::BEGIN).await.map_err(at(what))
    }

    /// For writes of one statement, which is a transaction by itself.
    fn writer_for(&self, what: &'static str) -> Result<&SqlitePool, StoreError> {
        if self.read_only { Err(StoreError::ReadOnly { what }) } else { Ok(&self.writer) }
    }
}
