//! What is remembered of each forge, and what is forgotten in time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::{StoreError, at};
use super::rows::{instant, instant_if, json, millis, parsed};
use super::{Pruned, Store, refusals, sql};
use usher_core::model::absence::Busy;
use usher_core::model::people::Roster;

/// How long ids of deliveries are remembered after the decision, at least.
const KEEP_IDS: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Pings count for a day; they are kept for one more.
const KEEP_PINGS: SignedDuration = SignedDuration::from_hours(48);
/// No pause is longer.
pub const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// Rows that are deleted in one go.
const PRUNE_BATCH: i64 = 500;

impl Store {
    /// Keeps what a forge answered about people.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn save_roster(&self, forge: &str, roster: &Roster) -> Result<(), StoreError> {
        let what = "save a roster";
        let upsert = sqlx::query(sql::SAVE_ROSTER).bind(forge).bind(json(what, roster)?);
        upsert.execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(())
    }

    /// Keeps who is busy, beside the roster that was saved last, whoever saved it.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`],
    /// [`StoreError::ReadOnly`] or [`StoreError::Failed`]. Nothing was written.
    pub async fn save_busy(
        &self,
        forge: &str,
        busy: &BTreeMap<u64, Busy>,
        fault: Option<&str>,
    ) -> Result<(), StoreError> {
        let what = "save who is busy";
        let mut tx = self.begin(what).await?;
        let row = sqlx::query_scalar(sql::ROSTER).bind(forge).fetch_optional(&mut *tx).await;
        let row: Option<Option<String>> = row.map_err(at(what))?;
        let Some(text) = row.flatten() else { return Ok(()) };
        let (busy, busy_fault) = (busy.clone(), fault.map(str::to_owned));
        let roster = Roster { busy, busy_fault, ..parsed(what, &text)? };
        let upsert = sqlx::query(sql::SAVE_ROSTER).bind(forge).bind(json(what, &roster)?);
        upsert.execute(&mut *tx).await.map_err(at(what))?;
        tx.commit().await.map_err(at(what))
    }

    /// The roster that was saved last for a forge.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn roster(&self, forge: &str) -> Result<Option<Roster>, StoreError> {
        let what = "read a roster";
        let row = sqlx::query_scalar(sql::ROSTER).bind(forge).fetch_optional(&self.reader).await;
        let row: Option<Option<String>> = row.map_err(at(what))?;
        row.flatten().map(|text| parsed(what, &text)).transpose()
    }

    /// Up to where a forge's `scope` (a project, a hook) has been listed.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn watermark(&self, forge: &str, scope: &str) -> Result<Option<Timestamp>, StoreError> {
        let what = "read a watermark";
        let row = sqlx::query_scalar(sql::WATERMARK).bind(forge).bind(scope);
        let row: Option<i64> = row.fetch_optional(&self.reader).await.map_err(at(what))?;
        instant_if(what, row)
    }

    /// Rounded down to the millisecond, so that nothing is left out.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn save_watermark(&self, forge: &str, scope: &str, mark: Timestamp) -> Result<(), StoreError> {
        let what = "save a watermark";
        let upsert = sqlx::query(sql::SAVE_WATERMARK).bind(forge).bind(scope).bind(millis(mark));
        upsert.execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(())
    }

    /// The watermarks of all scopes that begin with `prefix`, by the rest of their names; at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn watermarks(
        &self,
        forge: &str,
        prefix: &str,
        limit: u32,
    ) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let what = "read watermarks";
        let rows = sqlx::query_as(sql::WATERMARKS).bind(forge).bind(prefix).bind(i64::from(limit));
        let rows: Vec<(String, i64)> = rows.fetch_all(&self.reader).await.map_err(at(what))?;
        let rest = |scope: String| scope.strip_prefix(prefix).unwrap_or_default().to_owned();
        rows.into_iter().map(|(scope, mark)| Ok((rest(scope), instant(what, mark)?))).collect()
    }

    /// The scope is to be listed from its beginning again.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn forget_watermark(&self, forge: &str, scope: &str) -> Result<(), StoreError> {
        let what = "forget a watermark";
        let delete = sqlx::query(sql::FORGET_WATERMARK).bind(forge).bind(scope);
        delete.execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(())
    }

    /// When Usher first saw this forge: the `now` of the first call. A read-only store that has
    /// never seen it answers `now`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn first_seen(&self, forge: &str, now: Timestamp) -> Result<Timestamp, StoreError> {
        let what = "remember a forge";
        let known = sqlx::query_scalar(sql::KNOWN_SINCE).bind(forge).fetch_optional(&self.reader).await;
        let known: Option<Option<i64>> = known.map_err(at(what))?;
        match known.flatten() {
            Some(known) => instant(what, known),
            None if self.read_only => Ok(now),
            None => {
                let insert = sqlx::query_scalar(sql::FIRST_SEEN).bind(forge).bind(millis(now));
                instant(what, insert.fetch_one(&self.writer).await.map_err(at(what))?)
            }
        }
    }

    /// Forgets bodies older than `keep_bodies`, decided inbox rows older than eight days (or than
    /// the bodies, if those are kept longer), pings older than two days and refusals older than one.
    /// Undecided rows, reviews and the ledger are never touched. Limits per day that were counted by a clock which ran ahead
    /// count from now.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]. What was forgotten until then stays
    /// forgotten; the next call goes on.
    pub async fn prune(&self, now: Timestamp, keep_bodies: Duration) -> Result<Pruned, StoreError> {
        let what = "prune the store";
        self.set_clock_right(now, LONGEST_PAUSE).await?;
        let now = millis(now);
        let bodies = i64::try_from(keep_bodies.as_millis()).unwrap_or(i64::MAX);
        let ids = i64::try_from(KEEP_IDS.as_millis()).unwrap_or(i64::MAX);
        let pings = i64::try_from(KEEP_PINGS.as_millis()).unwrap_or(i64::MAX);
        let mut pruned = Pruned {
            bodies: self.prune_all(sql::PRUNE_BODIES, now.saturating_sub(bodies)).await?,
            inbox: self.prune_all(sql::PRUNE_INBOX, now.saturating_sub(ids.max(bodies))).await?,
            pings: 0,
            refusals: 0,
        };
        for right in [sql::RIGHT_PINGS, sql::RIGHT_FIRST_RUN, sql::RIGHT_REFUSALS] {
            sqlx::query(right).bind(now).execute(self.writer_for(what)?).await.map_err(at(what))?;
        }
        let deleted = sqlx::query(sql::PRUNE_PINGS).bind(now.saturating_sub(pings));
        let deleted = deleted.execute(self.writer_for(what)?).await.map_err(at(what))?;
        pruned.pings = deleted.rows_affected();
        let deleted = sqlx::query(sql::PRUNE_REFUSALS).bind(refusals::oldest(now));
        let deleted = deleted.execute(self.writer_for(what)?).await.map_err(at(what))?;
        pruned.refusals = deleted.rows_affected();
        Ok(pruned)
    }

    /// A clock that ran ahead is right again: what was never put off is due, and what was put off until
    /// later than `longest` from `now` is due, too.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`].
    pub async fn set_clock_right(&self, now: Timestamp, longest: SignedDuration) -> Result<(), StoreError> {
        let what = "set the times of a wrong clock right";
        let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        for right in [sql::RIGHT_INBOX, sql::RIGHT_OUTBOX] {
            let right = sqlx::query(right).bind(millis(now)).bind(longest);
            right.execute(self.writer_for(what)?).await.map_err(at(what))?;
        }
        self.set_projects_right(now).await
    }

    /// Batch by batch, each its own transaction, so that others get their turn between them.
    async fn prune_all(&self, query: &'static str, before: i64) -> Result<u64, StoreError> {
        let what = "prune the store";
        let mut total = 0;
        loop {
            let deleted = sqlx::query(query).bind(before).bind(PRUNE_BATCH);
            let deleted = deleted.execute(self.writer_for(what)?).await.map_err(at(what))?.rows_affected();
            total += deleted;
            if deleted < PRUNE_BATCH.unsigned_abs() {
                return Ok(total);
            }
        }
    }
}
