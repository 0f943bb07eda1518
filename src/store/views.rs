//! Reads for people: dashboard, API, metrics, command line.

use std::collections::BTreeSet;

use super::decisions::{StoredColumns, stored};
use super::error::{StoreError, at};
use super::projects::Projects;
use super::rows::{count, instant, instant_if, parsed, small};
use super::{Counts, Filter, InboxRow, LedgerEntry, LedgerRow, OutboxRow, OutboxState, Store, Stored, sql};
use usher_core::model::action::Action;
use usher_core::model::change::ChangeKey;
use usher_core::model::review::Stage;

type InboxColumns = (i64, Option<String>, String, String, String, i64, i64, Option<String>, Option<i64>);
type OutboxColumns = (i64, i64, String, String, i64, i64, i64, i64, i64, Option<i64>, Option<String>);
type LedgerColumns = (i64, i64, String, String, String);

/// Entries among which the newest of a kind are looked for: each is read from the disk.
const LEDGER_ROWS_MAX: i64 = 50_000;

impl Store {
    /// Reviews, newest first. A stage includes its own meaning of open: `done` ones are listed when
    /// `stage` asks for them and `open_only` is off.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn reviews(&self, filter: Filter) -> Result<Vec<Stored>, StoreError> {
        let what = "list reviews";
        if filter.open_only && filter.stage == Some(Stage::Done) {
            return Ok(Vec::new());
        }
        let query = match filter.stage {
            Some(_) => sql::REVIEWS_IN,
            None if filter.open_only => sql::REVIEWS_OPEN,
            None => sql::REVIEWS,
        };
        let mut query = sqlx::query_as(query).bind(i64::from(filter.limit)).bind(i64::from(filter.offset));
        if let Some(stage) = filter.stage {
            query = query.bind(stage.word());
        }
        let rows: Vec<StoredColumns> = query.fetch_all(&self.reader).await.map_err(at(what))?;
        let projects = self.projects.load_full();
        rows.into_iter().map(|row| stored(what, &projects, row)).collect()
    }

    /// The review with this number.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn review_by_id(&self, id: i64) -> Result<Option<Stored>, StoreError> {
        let what = "load a review";
        let row = sqlx::query_as(sql::REVIEW_BY_ID).bind(id).fetch_optional(&self.reader).await;
        row.map_err(at(what))?.map(|row| stored(what, &self.projects.load(), row)).transpose()
    }

    /// The last `limit` entries of a change's history, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn ledger(&self, change: &ChangeKey, limit: u32) -> Result<Vec<LedgerRow>, StoreError> {
        let what = "read the ledger";
        let rows = sqlx::query_as(sql::LEDGER).bind(self.row_key(change)).bind(i64::from(limit));
        let rows: Vec<LedgerColumns> = rows.fetch_all(&self.reader).await.map_err(at(what))?;
        let entries = rows.into_iter().rev().map(|(seq, entered_at, fact, reasons, actions)| {
            let (reasons, actions) = (parsed(what, &reasons)?, parsed(what, &actions)?);
            Ok(LedgerRow {
                seq,
                entry: LedgerEntry { at: instant(what, entered_at)?, fact, reasons, actions },
            })
        });
        entries.collect()
    }

    /// The newest `limit` entries of all changes whose fact begins with `beginning` and that ask for
    /// something, newest first; of the last 50,000 entries. One that cannot be read is left
    /// out and told in the log.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn newest_ledger(
        &self,
        beginning: &str,
        limit: u32,
    ) -> Result<Vec<(ChangeKey, LedgerEntry)>, StoreError> {
        let what = "read the newest history";
        let rows = sqlx::query_as(sql::NEWEST_LEDGER).bind(beginning).bind(i64::from(limit));
        let rows = rows.bind(LEDGER_ROWS_MAX).fetch_all(&self.reader).await;
        let rows: Vec<(String, i64, i64, String, String, String)> = rows.map_err(at(what))?;
        let projects = self.projects.load_full();
        let entry = |(change, seq, entered_at, fact, reasons, actions): (
            String,
            i64,
            i64,
            String,
            String,
            String,
        )| {
            let read = || {
                let (reasons, actions) = (parsed(what, &reasons)?, parsed(what, &actions)?);
                let entry = LedgerEntry { at: instant(what, entered_at)?, fact, reasons, actions };
                Ok((projects.change(what, &change)?, entry))
            };
            readable(seq, read())
        };
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    /// Rows that are put off, then the newest, decided or not. One that cannot be read is left out and
    /// told in the log.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn inbox_list(&self, limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        let what = "list the inbox";
        let put_off = sqlx::query_as(sql::INBOX_PUT_OFF).bind(i64::from(limit)).fetch_all(&self.reader).await;
        let put_off: Vec<InboxColumns> = put_off.map_err(at(what))?;
        let known: BTreeSet<i64> = put_off.iter().map(|columns| columns.0).collect();
        let newest = sqlx::query_as(sql::INBOX).bind(i64::from(limit)).fetch_all(&self.reader).await;
        let newest: Vec<InboxColumns> = newest.map_err(at(what))?;
        let newest = newest.into_iter().filter(|columns| !known.contains(&columns.0));
        let rows = put_off.into_iter().chain(newest).take(limit as usize);
        let projects = self.projects.load_full();
        Ok(rows.filter_map(|columns| readable(columns.0, inbox_row(&projects, columns))).collect())
    }

    /// One row of the inbox, decided or not.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn inbox_row(&self, id: i64) -> Result<Option<InboxRow>, StoreError> {
        let row = sqlx::query_as(sql::INBOX_BY_ID).bind(id).fetch_optional(&self.reader).await;
        let row: Option<InboxColumns> = row.map_err(at("read an inbox row"))?;
        row.map(|columns| inbox_row(&self.projects.load(), columns)).transpose()
    }

    /// Dead letters first, then the oldest.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn outbox_list(&self, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let rows = sqlx::query_as(sql::OUTBOX).bind(i64::from(limit)).fetch_all(&self.reader).await;
        let rows: Vec<OutboxColumns> = rows.map_err(at("list the outbox"))?;
        let projects = self.projects.load_full();
        let rows = rows.into_iter();
        Ok(rows.filter_map(|columns| readable(columns.0, outbox_row(&projects, columns))).collect())
    }

    /// The body of a delivery as it was received, while it is kept.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn delivery_body(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let what = "read a body";
        let bytes = sqlx::query_scalar(sql::BODY).bind(id).fetch_optional(&self.reader).await;
        let bytes: Option<Vec<u8>> = bytes.map_err(at(what))?;
        let unpack = |bytes: Vec<u8>| {
            lz4_flex::decompress_size_prepended(&bytes)
                .map_err(|error| StoreError::Unreadable { what, why: error.to_string() })
        };
        bytes.map(unpack).transpose()
    }

    /// How many reviews there are in each stage, and what waits in inbox and outbox.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let what = "count";
        let stages = sqlx::query_as(sql::COUNT_STAGES).fetch_all(&self.reader).await;
        let stages: Vec<(String, i64)> = stages.map_err(at(what))?;
        let mut counts = Counts::default();
        for (word, number) in stages {
            if let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.word() == word) {
                counts.reviews.insert(stage, count(number));
            }
        }
        let oldest = sqlx::query_scalar(sql::OLDEST_UNDECIDED).fetch_one(&self.reader).await;
        counts.oldest_undecided_at = instant_if(what, oldest.map_err(at(what))?)?;
        counts.undecided = self.number(sql::COUNT_UNDECIDED).await?;
        counts.put_off = self.number(sql::COUNT_PUT_OFF).await?;
        counts.pending = self.number(sql::COUNT_PENDING).await?;
        counts.dead = self.number(sql::COUNT_DEAD).await?;
        Ok(counts)
    }

    async fn number(&self, query: &'static str) -> Result<u64, StoreError> {
        let number = sqlx::query_scalar(query).fetch_one(&self.reader).await;
        Ok(count(number.map_err(at("count"))?))
    }
}

/// The row, or a line in the log: one that cannot be read hides no other.
fn readable<T>(id: i64, row: Result<T, StoreError>) -> Option<T> {
    row.inspect_err(|error| tracing::error!(id, %error, "a row cannot be read and is left out")).ok()
}

fn inbox_row(projects: &Projects, columns: InboxColumns) -> Result<InboxRow, StoreError> {
    let what = "read an inbox row";
    let (id, delivery_id, event, change, facts, received_at, not_before, why, decided_at) = columns;
    Ok(InboxRow {
        id,
        delivery_id,
        event,
        change: projects.change(what, &change)?,
        facts: parsed(what, &facts)?,
        received_at: instant(what, received_at)?,
        not_before: instant(what, not_before)?,
        why,
        decided_at: instant_if(what, decided_at)?,
    })
}

fn outbox_row(projects: &Projects, columns: OutboxColumns) -> Result<OutboxRow, StoreError> {
    let what = "read an outbox row";
    let (id, generation, change, action, attempts, unknown, created_at, run_at, leased, dead_at, error) =
        columns;
    let run_at = instant(what, run_at)?;
    let state = match (instant_if(what, dead_at)?, leased) {
        (Some(since), _) => OutboxState::Dead { since },
        (None, 0) => OutboxState::Pending { run_at },
        (None, _) => OutboxState::Leased { until: run_at },
    };
    let action: Action = parsed(what, &action)?;
    Ok(OutboxRow {
        id,
        generation,
        change: projects.change(what, &change)?,
        kind: action.kind(),
        action,
        attempts: small(attempts),
        outcome_unknown: unknown != 0,
        created_at: instant(what, created_at)?,
        state,
        error,
    })
}
