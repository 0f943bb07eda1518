//! Reviews: loading them, and which of them are due.

use jiff::Timestamp;

use super::connections::{Held, Statements};
use super::error::{StoreError, at};
use super::intake::{UNREADABLE_WAIT, listed};
use super::projects::{Projects, has_path};
use super::rows::{instant_if, millis, parsed};
use super::{OpenKey, Store, Stored, sql};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::review::Review;

const LOAD_REVIEW: &str = "load a review";

impl Store {
    /// Looks at a review no earlier than `until`, whatever it says itself: for one that cannot be
    /// read or decided now.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn put_off(&self, change: &ChangeKey, until: Timestamp) -> Result<(), StoreError> {
        let what = "put a review off";
        let update = sqlx::query(sql::PUT_OFF).bind(self.row_key(change)).bind(millis(until));
        update.execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(())
    }

    /// Makes every open review due: the policy has changed, and with it deadlines and routes.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn wake_all(&self, now: Timestamp) -> Result<u64, StoreError> {
        let what = "wake the open reviews";
        let update = sqlx::query(sql::WAKE_ALL).bind(millis(now));
        let woken = update.execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(woken.rows_affected())
    }

    /// A server starts with this policy. If it is another one than the last server's, every open review
    /// becomes due, as after a reload. What a dry run took on in a first roll-out was on paper, and
    /// counts no more once it is over. Returns whether it is another policy.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn judged_by(
        &self,
        fingerprint: &str,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let what = "compare the policy with the last one";
        let mut tx = self.begin(what).await?;
        let known: Option<(String, bool)> =
            sqlx::query_as(sql::POLICY).fetch_optional(&mut *tx).await.map_err(at(what))?;
        if known.as_ref().is_some_and(|(known, dry)| known == fingerprint && *dry == dry_run) {
            return Ok(false);
        }
        let was_dry = known.is_some_and(|(_, dry)| dry);
        sqlx::query(sql::FORGET_POLICY).execute(&mut *tx).await.map_err(at(what))?;
        let save = sqlx::query(sql::SAVE_POLICY).bind(fingerprint).bind(dry_run);
        save.execute(&mut *tx).await.map_err(at(what))?;
        sqlx::query(sql::WAKE_ALL).bind(millis(now)).execute(&mut *tx).await.map_err(at(what))?;
        if was_dry && !dry_run {
            sqlx::query(sql::FORGET_FIRST_RUN).execute(&mut *tx).await.map_err(at(what))?;
        }
        tx.commit().await.map_err(at(what))?;
        Ok(true)
    }

    /// The review of a change, if there is one, by any path that leads to its project.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn load(&self, change: &ChangeKey) -> Result<Option<Stored>, StoreError> {
        let mut reading = self.reader.reading().await.map_err(at(LOAD_REVIEW))?;
        load(&mut reading, &self.projects.load(), &self.row_key(change)).await
    }

    /// The review of a change of which the project's number was `told`, too.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub async fn load_told(
        &self,
        change: &ChangeKey,
        told: Option<u64>,
    ) -> Result<Option<Stored>, StoreError> {
        let projects = self.projects.load_full();
        let mut reading = self.reader.reading().await.map_err(at(LOAD_REVIEW))?;
        for row_key in projects.row_keys(change, told) {
            if let Some(found) = load(&mut reading, &projects, &row_key).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Whether the change has a review, by the number of its project where that was `told`, and by its
    /// path. Reads two index entries, and none where memory is certain that there is no review.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn is_tracked(&self, change: &ChangeKey, told: Option<u64>) -> Result<bool, StoreError> {
        let row_keys = self.projects.load().row_keys(change, told);
        if self.tracked.has_none_of(&row_keys) {
            return Ok(false);
        }
        let [one, other] = row_keys;
        let row = sqlx::query(sql::IS_TRACKED).bind(one).bind(other);
        let row = row.fetch_optional(&self.reader).await.map_err(at("look up a change"))?;
        Ok(row.is_some())
    }

    /// Changes whose deadline has come, in the order of their deadlines, those opened first before
    /// the others. A change whose facts are not decided yet is left out: they come first.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<ChangeKey>, StoreError> {
        self.due_but(&[], now, limit).await
    }

    /// [`Store::due`] without the changes of these forges.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Ill`] or [`StoreError::Failed`].
    pub async fn due_but(
        &self,
        forges: &[&str],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ChangeKey>, StoreError> {
        let what = "read deadlines";
        let rows = sqlx::query_scalar(sql::DUE).bind(millis(now)).bind(i64::from(limit)).bind(listed(forges));
        let rows: Vec<String> = rows.fetch_all(&self.reader).await.map_err(at(what))?;
        let (mut due, projects) = (Vec::with_capacity(rows.len()), self.projects.load_full());
        for change in &rows {
            match projects.change(what, change) {
                Ok(change) => due.push(change),
                Err(error) => {
                    tracing::error!(change, %error, "a review cannot be read; it is put off");
                    let update = sqlx::query(sql::PUT_OFF).bind(change).bind(millis(now + UNREADABLE_WAIT));
                    update.execute(self.writer_for(what)?).await.map_err(at(what))?;
                }
            }
        }
        Ok(due)
    }

    /// Open reviews of a forge after the one with this id, in the order of their ids, at most `limit`.
    /// Costs by what it answers and by the open reviews of other forges between them.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`]. One that cannot be read is left out.
    pub async fn open_keys(&self, forge: &str, after: i64, limit: u32) -> Result<Vec<OpenKey>, StoreError> {
        let what = "list open reviews";
        let rows = sqlx::query_as(sql::OPEN_KEYS).bind(after).bind(i64::from(limit));
        let rows = rows.bind(format!("{forge}:")).fetch_all(&self.reader).await;
        let (rows, projects): (Vec<(i64, String)>, _) = (rows.map_err(at(what))?, self.projects.load_full());
        let open =
            |(id, change): (i64, String)| Some(OpenKey { id, change: projects.change(what, &change).ok()? });
        Ok(rows.into_iter().filter_map(open).collect())
    }

    /// The next deadline, of the changes that `due` would give. It may change with every commit.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_wake_but(&[]).await
    }

    /// [`Store::next_wake`] without the changes of these forges.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Ill`] or [`StoreError::Failed`].
    pub async fn next_wake_but(&self, forges: &[&str]) -> Result<Option<Timestamp>, StoreError> {
        let what = "read deadlines";
        let next = sqlx::query_scalar(sql::NEXT_WAKE).bind(listed(forges));
        instant_if(what, next.fetch_optional(&self.reader).await.map_err(at(what))?)
    }
}

impl Stored {
    /// The review as it was decided last, and that its project is called otherwise since, if it is. Where
    /// the new path is not known yet, everything goes on under the old one.
    pub fn as_decided(self) -> (Review, Option<Fact>) {
        let Stored { mut review, called, .. } = self;
        let to = std::mem::replace(&mut review.change, called);
        let renamed = (to != review.change && has_path(&to)).then_some(Fact::Moved { to });
        (review, renamed)
    }
}

/// A review's columns `id`, `version`, `change`, `document`.
pub(super) type StoredColumns = (i64, i64, String, String);

/// The same, and whether what was asked for has not gone out.
type LoadedColumns = (i64, i64, String, String, bool);

/// The review of this row key, as it looks on this connection.
pub(super) async fn load<C: Held>(
    on: &mut Statements<C>,
    projects: &Projects,
    row_key: &str,
) -> Result<Option<Stored>, StoreError> {
    let row = sqlx::query_as(sql::LOAD).bind(row_key).fetch_optional(on).await;
    let row: Option<LoadedColumns> = row.map_err(at(LOAD_REVIEW))?;
    let Some((id, version, row_key, document, unsent)) = row else { return Ok(None) };
    let stored = stored(LOAD_REVIEW, projects, (id, version, row_key, document))?;
    Ok(Some(Stored { unsent, ..stored }))
}

/// A review from its columns.
pub(super) fn stored(
    what: &'static str,
    projects: &Projects,
    row: StoredColumns,
) -> Result<Stored, StoreError> {
    let (id, version, row_key, document) = row;
    let mut review: Review = parsed(what, &document)?;
    let called = std::mem::replace(&mut review.change, projects.change(what, &row_key)?);
    Ok(Stored { id, version, review, called, unsent: false })
}
