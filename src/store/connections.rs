//! The connections, and what they do with an error: whatever goes wrong with the store as a whole is
//! noted in one place, and the connection on which it did is never used again.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteQueryResult, SqliteRow, SqliteStatement,
    SqliteTypeInfo,
};
use sqlx::{Connection, Either, Error, Execute, Executor, SqlStr, Sqlite, SqliteConnection, Transaction};

use super::health::{Ailment, StoreHealth};

/// Starts a transaction that holds the write lock from the beginning: one that reads first and
/// writes later fails at once when somebody else wrote in between, whatever the busy timeout.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// One transaction, which is rolled back when it is dropped.
pub(super) type Tx = Writing;

/// Connections of one kind: the writer, or the readers. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct StoreConnections {
    pool: SqlitePool,
    watch: Arc<Watch>,
}

/// Whoever sees the errors of some connections.
#[derive(Debug)]
struct Watch {
    health: Arc<StoreHealth>,
    /// One of the connections is not to be used again.
    suspect: AtomicBool,
}

impl Watch {
    fn note(&self, error: &Error) {
        if let Some(ailment) = Ailment::of(error) {
            self.suspect.store(true, Ordering::Release);
            self.health.fell_ill(ailment, error);
        }
    }

    /// Whether a connection that comes back may serve again. One on which a transaction could neither
    /// be committed nor rolled back may not: SQLite rolls back by itself when a write fails, and then
    /// sqlx and SQLite no longer agree on what is open.
    async fn is_sound(&self, connection: &mut SqliteConnection) -> Result<bool, Error> {
        if connection.is_in_transaction() {
            // What was dropped is rolled back by now.
            connection.ping().await?;
        }
        Ok(!connection.is_in_transaction() && !self.suspect.swap(false, Ordering::AcqRel))
    }
}

impl StoreConnections {
    pub(super) async fn open(
        pool: SqlitePoolOptions,
        options: SqliteConnectOptions,
        health: Arc<StoreHealth>,
    ) -> Result<StoreConnections, Error> {
        let watch = Arc::new(Watch { health, suspect: AtomicBool::new(false) });
        let judge = watch.clone();
        let pool = pool.after_release(move |connection, _| {
            let judge = judge.clone();
            Box::pin(async move { judge.is_sound(connection).await })
        });
        Ok(StoreConnections { pool: pool.connect_with(options).await?, watch })
    }

    /// For a database in memory, which lives and dies with its one connection.
    pub(super) async fn keep_open(
        pool: SqlitePoolOptions,
        options: SqliteConnectOptions,
    ) -> Result<StoreConnections, Error> {
        let watch = Arc::new(Watch { health: Arc::default(), suspect: AtomicBool::new(false) });
        Ok(StoreConnections { pool: pool.connect_with(options).await?, watch })
    }

    pub(super) fn health(&self) -> &StoreHealth {
        &self.watch.health
    }

    /// The pool itself, for what is no statement of ours: migrations.
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    pub(super) async fn begin(&self) -> Result<Writing, Error> {
        let begun = self.pool.begin_with(BEGIN).await.inspect_err(|error| self.watch.note(error))?;
        Ok(Writing(Statements { connection: begun, watch: self.watch.clone() }))
    }

    /// One connection, for several reads.
    pub(super) async fn reading(&self) -> Result<Statements<PoolConnection<Sqlite>>, Error> {
        let connection = self.pool.acquire().await.inspect_err(|error| self.watch.note(error))?;
        Ok(Statements { connection, watch: self.watch.clone() })
    }
}

/// A connection in somebody's hands, with a transaction or without one.
pub(super) trait Held: DerefMut<Target = SqliteConnection> + Send + Debug {}

impl Held for PoolConnection<Sqlite> {}
impl Held for Transaction<'static, Sqlite> {}

#[derive(Debug)]
pub(super) struct Writing(Statements<Transaction<'static, Sqlite>>);

/// What is executed on one connection.
#[derive(Debug)]
pub(super) struct Statements<C> {
    connection: C,
    watch: Arc<Watch>,
}

impl Writing {
    pub(super) async fn commit(self) -> Result<(), Error> {
        let Statements { connection, watch } = self.0;
        connection.commit().await.inspect_err(|error| watch.note(error))
    }

    pub(super) async fn rollback(self) -> Result<(), Error> {
        let Statements { connection, watch } = self.0;
        connection.rollback().await.inspect_err(|error| watch.note(error))
    }
}

impl Deref for Writing {
    type Target = Statements<Transaction<'static, Sqlite>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

type Step = Either<SqliteQueryResult, SqliteRow>;

/// Executes like a connection, and notes errors.
macro_rules! executes {
    ($of:ty $(where $held:ident)?, $itself:ident => $inner:expr) => {
        impl<'c $(, $held: Held)?> Executor<'c> for $of {
            type Database = Sqlite;

            fn fetch_many<'e, 'q: 'e, E>($itself, query: E) -> BoxStream<'e, Result<Step, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, Sqlite>,
            {
                let watch = $itself.watch.clone();
                $inner.fetch_many(query).inspect_err(move |error| watch.note(error)).boxed()
            }

            fn fetch_optional<'e, 'q: 'e, E>($itself, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, Sqlite>,
            {
                let watch = $itself.watch.clone();
                $inner.fetch_optional(query).inspect_err(move |error| watch.note(error)).boxed()
            }

            fn prepare_with<'e>(
                $itself,
                sql: SqlStr,
                parameters: &'e [SqliteTypeInfo],
            ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
            where
                'c: 'e,
            {
                $inner.prepare_with(sql, parameters)
            }
        }
    };
}

executes!(&'c StoreConnections, self => &self.pool);
executes!(&'c mut Statements<C> where C, self => &mut *self.connection);
