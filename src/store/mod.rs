//! The durable memory: inbox, reviews, ledger, outbox, and what is known of each forge.
//!
//! Every method is one transaction, or one read. What a method wrote is on the disk when it
//! returns. Time comes in as an argument and is kept in whole milliseconds. Two rules hold between
//! the parts:
//!
//! - Facts of one change are decided in the order in which they came.
//! - A change with undecided facts gets neither a tick nor an action: first listen, then speak.
//!
//! A change goes in and comes out by the path that its project has now; `projects` knows under what it is kept.
//!
//! SQLite writes through one connection, which takes the write lock when a transaction begins;
//! reads go beside it and never wait for it.

mod absences;
mod backup;
mod connections;
mod deciding;
mod decisions;
mod error;
mod fold;
mod group;
mod health;
mod intake;
mod learning;
mod lock;
mod memory;
mod multi_row;
mod outbox;
mod packed;
mod place;
mod probe;
mod projects;
mod queue;
mod refusals;
mod rows;
mod sql;
mod sqlite;
mod tracked;
mod types;
mod views;
mod workloads;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use deciding::Deciding;
pub use error::{CommitError, StoreError};
pub use health::Ailment;
pub use memory::LONGEST_PAUSE;
pub use packed::PackedDelivery;
pub use types::{
    Commit, Counts, Filter, InboxItem, InboxRow, LedgerEntry, LedgerRow, NewDelivery, OpenKey, OutboxItem,
    OutboxRow, OutboxState, OutboxUrgency, ProjectKnown, Pruned, Put, Settlement, Stored, Within,
};

use connections::{StoreConnections, Writing};
use error::at;
use group::GroupWriter;
use lock::Lock;
use projects::Projects;
use tracked::Tracked;

/// How long closing may wait for connections in use.
const CLOSING_PATIENCE: Duration = Duration::from_secs(1);
/// How long it waits to learn which changes have a review, where that could not be read.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The store, cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    writer: StoreConnections,
    reader: StoreConnections,
    place: Arc<str>,
    projects: Arc<ArcSwap<Projects>>,
    read_only: bool,
    lock: Option<Arc<Lock>>,
    /// `None` where the store is only looked at, and in the writer's own hands.
    group: Option<Arc<GroupWriter<PackedDelivery, Put>>>,
    /// Complete only where no other server can add a review.
    tracked: Arc<Tracked>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.place).field("read_only", &self.read_only).finish()
    }
}

impl Store {
    /// Opens `sqlite:PATH` for one server: creates the file where there is none, and brings its schema up
    /// to date, after a copy. Waits ten seconds for another server to let go of it. Or
    /// `sqlite::memory:`, which is empty and forgotten with the last clone.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another server has it; [`StoreError::NoCopy`] where it should be
    /// brought up to date and cannot be copied first.
    /// [`StoreError::Url`] for another address, [`StoreError::Open`] for a file that cannot be used,
    /// [`StoreError::Schema`] for one of another version; [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let store = Store::new(sqlite::open(url).await?, false).await?;
        store.read_tracked();
        Ok(store)
    }

    /// Copies the store at `url` to `target`, which must not exist, also while a server writes to it.
    /// Answers the copy's size in bytes. Nobody but its owner may read it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is no store, [`StoreError::Copy`] when there can be no copy;
    /// then there is no file at `target`.
    pub async fn backup(url: &str, target: &Path) -> Result<u64, StoreError> {
        backup::backup(url, target).await
    }

    /// Opens an existing store to write a little, whether or not a server has it. Nothing is created or
    /// brought up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is no store, [`StoreError::Schema`] for one of another version;
    /// else as [`Store::open`].
    pub async fn open_beside(url: &str) -> Result<Store, StoreError> {
        Store::new(sqlite::open_beside(url).await?, false).await
    }

    /// Opens an existing store to look at it. Nothing is created, migrated or written; methods
    /// that write answer [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is no store; else as [`Store::open`].
    pub async fn open_read_only(url: &str) -> Result<Store, StoreError> {
        Store::new(sqlite::open_read_only(url).await?, true).await
    }

    async fn new(pools: sqlite::Pools, read_only: bool) -> Result<Store, StoreError> {
        let sqlite::Pools { writer, reader, place, lock } = pools;
        let projects = Arc::new(ArcSwap::from_pointee(Projects::read(&reader).await?));
        let (place, lock, tracked) = (place.into(), lock.map(Arc::new), Arc::default());
        let store = Store { writer, reader, place, projects, read_only, lock, group: None, tracked };
        if read_only {
            return Ok(store);
        }
        let writer = store.clone();
        let write = move |together: Vec<PackedDelivery>| {
            let writer = writer.clone();
            async move { writer.put_together(&together).await }
        };
        let group = Some(Arc::new(GroupWriter::start("store a delivery", write)));
        Ok(Store { group, ..store })
    }

    /// Learns in the background which changes have a review: the start waits for no table, however long.
    fn read_tracked(&self) {
        let (tracked, reader) = (self.tracked.clone(), self.reader.clone());
        tokio::spawn(async move {
            while let Err(error) = tracked.read(&reader).await {
                if reader.is_closed() {
                    return;
                }
                tracing::warn!(%error, "until this can be read, each delivery asks the store about its change");
                tokio::time::sleep(READ_AGAIN_AFTER).await;
            }
        });
    }

    /// Waits for running work, folds the log into the file and closes it. Later calls fail.
    ///
    /// Waits for a second at most: what is committed is safe whether or not the file is closed,
    /// and a connection that went missing must not keep a server from stopping.
    pub async fn close(&self) {
        let closing = async {
            if let Some(group) = &self.group {
                group.close().await;
            }
            self.reader.close().await;
            self.writer.close().await;
        };
        if tokio::time::timeout(CLOSING_PATIENCE, closing).await.is_err() {
            tracing::warn!(place = %self.place, "the store does not close in time; left to the system");
        }
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }

    /// Whether the store can be read, and written unless it is read-only. Writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        let what = "reach the store";
        sqlx::query("SELECT 1").execute(&self.reader).await.map_err(at(what))?;
        if !self.read_only {
            self.begin(what).await?.rollback().await.map_err(at(what))?;
        }
        Ok(())
    }

    /// The way to every write. A transaction that is dropped is rolled back.
    async fn begin(&self, what: &'static str) -> Result<Writing, StoreError> {
        self.writer_for(what)?.begin().await.map_err(at(what))
    }

    /// For writes of one statement, which is a transaction by itself.
    fn writer_for(&self, what: &'static str) -> Result<&StoreConnections, StoreError> {
        if self.read_only { Err(StoreError::ReadOnly { what }) } else { Ok(&self.writer) }
    }
}
