//! Reviews: loading them, committing decisions, and who carries how much.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::connections::Tx;
use super::error::{CommitError, StoreError, at};
use super::intake::{UNREADABLE_WAIT, listed};
use super::projects::{Projects, has_path};
use super::rows::{instant_if, json, millis, millis_up, parsed, small};
use super::{Commit, OpenKey, Store, Stored, absences, outbox, queue, refusals, sql};
use usher_core::model::action::Named;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::load::Load;
use usher_core::model::people::{Workload, Workloads};
use usher_core::model::recent_requests::RecentRequests;
use usher_core::model::review::Review;

/// The day of the limits "per day".
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
const COMMIT: &str = "commit a decision";

/// What a review takes of its reviewers, in halves of a review.
type Carried = BTreeMap<String, i64>;

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
        let what = "load a review";
        let row = sqlx::query_as(sql::LOAD).bind(self.row_key(change));
        let row: Option<LoadedColumns> = row.fetch_optional(&self.reader).await.map_err(at(what))?;
        row.map(|row| loaded(what, &self.projects.load(), row)).transpose()
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
        let what = "load a review";
        let projects = self.projects.load_full();
        for row_key in projects.row_keys(change, told) {
            let row = sqlx::query_as(sql::LOAD).bind(row_key).fetch_optional(&self.reader).await;
            let row: Option<LoadedColumns> = row.map_err(at(what))?;
            if let Some(row) = row {
                return Ok(Some(loaded(what, &projects, row)?));
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

    /// Writes one decision: review, facts taken in, history, wanted actions, pings, workload, absences
    /// and refusals, all or nothing. Answers how many waiting reviews have become due, because somebody has
    /// room for them.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when the review is not at `expected_version`, or one of the facts has been
    /// decided before, or is one of another change: another project has the path since it was read, or what
    /// was asked for has gone out since then. Else what the store says. Nothing was written.
    pub async fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let mut tx = self.begin(COMMIT).await?;
        let row_key = self.row_key(&commit.change);
        let row_key = row_key.as_str();
        for id in &commit.inbox {
            let update = sqlx::query(sql::DECIDED).bind(id).bind(millis(commit.now)).bind(row_key);
            let updated = update.execute(&mut *tx).await.map_err(at(COMMIT))?;
            if updated.rows_affected() == 0 {
                return Err(CommitError::Conflict);
            }
        }
        if commit.unsent {
            let unsent = sqlx::query(sql::UNSENT).bind(row_key).fetch_optional(&mut *tx).await;
            // The courier has taken it meanwhile.
            if unsent.map_err(at(COMMIT))?.is_none() {
                return Err(CommitError::Conflict);
            }
        }
        let project = self.projects.load().project_key(&commit.change);
        for person in &commit.refused {
            refusals::remember(&mut tx, &commit.change.forge, &project, person, commit.now).await?;
        }
        let mut nudged = 0;
        if let Some(review) = &commit.review {
            if commit.expected_version.is_none() {
                self.tracked.add([row_key]);
            }
            nudged = save_review(&mut tx, &commit, row_key, review).await?;
        }
        append_ledger(&mut tx, &commit, row_key).await?;
        if commit.withdraw_pings {
            for withdraw in [sql::UNCOUNT_WITHDRAWN, sql::WITHDRAW_PINGS] {
                let withdraw = sqlx::query(withdraw).bind(row_key);
                withdraw.execute(&mut *tx).await.map_err(at(COMMIT))?;
            }
        }
        for action in &commit.actions {
            outbox::want(&mut tx, &commit.change.forge, row_key, action, commit.now).await?;
            if let Some(Named { key, person, .. }) = action.names() {
                outbox::count_ping(&mut tx, row_key, key, person, commit.now).await?;
            }
        }
        for wish in &commit.absences {
            absences::say(&mut tx, wish, commit.now).await?;
        }
        tx.commit().await.map_err(at(COMMIT))?;
        Ok(nudged)
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

    /// What everybody carries. Costs by the number of people, not of reviews.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn workloads(&self, now: Timestamp) -> Result<Workloads, StoreError> {
        let what = "read workloads";
        let day_ago = millis(now).saturating_sub(DAY_MILLIS);
        let mut result = Workloads::default();
        let carried = sqlx::query_as(sql::WORKLOADS).fetch_all(&self.reader).await;
        let carried: Vec<(String, i64, i64, String)> = carried.map_err(at(what))?;
        for (person, open, last_asked, asked) in carried {
            let last_asked = (last_asked != 0).then_some(last_asked);
            let last_asked = instant_if(what, last_asked)?;
            let asked = parsed(what, &asked).unwrap_or_else(|error: StoreError| {
                // One person's count must not stop the decisions about everybody.
                tracing::error!(person, %error, "how often somebody was asked cannot be read; counted anew");
                RecentRequests::default()
            });
            result.people.insert(
                person,
                Workload { open: Load::from_halves(small(open)), last_asked, asked, pings_today: 0 },
            );
        }
        let pings = sqlx::query_as(sql::PINGS_SINCE).bind(day_ago).fetch_all(&self.reader).await;
        let pings: Vec<(String, i64)> = pings.map_err(at(what))?;
        for (person, pings) in pings {
            result.people.entry(person).or_default().pings_today = small(pings);
        }
        let taken = sqlx::query_scalar(sql::FIRST_RUN_SINCE).bind(day_ago).fetch_one(&self.reader).await;
        result.first_run_taken = small(taken.map_err(at(what))?);
        result.queue = self.queue(now).await?;
        Ok(result)
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

fn loaded(what: &'static str, projects: &Projects, row: LoadedColumns) -> Result<Stored, StoreError> {
    let (id, version, row_key, document, unsent) = row;
    Ok(Stored { unsent, ..stored(what, projects, (id, version, row_key, document))? })
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

async fn save_review(
    tx: &mut Tx,
    commit: &Commit,
    row_key: &str,
    review: &Review,
) -> Result<u64, CommitError> {
    let row = sqlx::query_as(sql::CARRIED).bind(row_key).fetch_optional(&mut **tx).await;
    let row: Option<(i64, String)> = row.map_err(at(COMMIT))?;
    if row.as_ref().map(|(version, _)| *version) != commit.expected_version {
        return Err(CommitError::Conflict);
    }
    let before: Carried = row.map(|(_, text)| parsed(COMMIT, &text)).transpose()?.unwrap_or_default();
    let after: Carried =
        commit.loads.iter().map(|(person, load)| (person.clone(), i64::from(load.halves()))).collect();
    let opened_at = review.seen.opened_at.map(millis);
    let insert = match commit.expected_version {
        None => sqlx::query(sql::INSERT_REVIEW).bind(row_key),
        Some(version) => sqlx::query(sql::UPDATE_REVIEW).bind(row_key).bind(version),
    };
    let opened_at =
        if commit.expected_version.is_none() { opened_at.or(Some(millis(commit.now))) } else { opened_at };
    let saved = insert
        .bind(review.done.stage.word())
        .bind(review.planned.wake.map(millis_up))
        .bind(opened_at)
        .bind(review.seen.ended_at.map(millis))
        .bind(review.author_name.as_ref().unwrap_or(&review.author.login))
        .bind(millis(commit.now))
        .bind(commit.first_run_taken.then_some(millis(commit.now)))
        .bind(json(COMMIT, &after)?)
        .bind(json(COMMIT, review)?)
        .execute(&mut **tx)
        .await
        .map_err(at(COMMIT))?;
    if saved.rows_affected() != 1 {
        return Err(CommitError::Conflict);
    }
    let mut free = carry(tx, commit.now, review, &before, &after).await?;
    free.extend(queue::line_up(tx, COMMIT, row_key, review, commit.now).await?);
    let mut nudged = 0;
    for person in &free {
        nudged += queue::nudge(tx, COMMIT, person, row_key, commit.now).await?;
    }
    Ok(nudged)
}

/// Moves the workload of everybody on whom the review weighs otherwise than before. Whose
/// assignment is new and began just `now` was asked.
/// Answers who carries less than before.
async fn carry(
    tx: &mut Tx,
    now: Timestamp,
    review: &Review,
    before: &Carried,
    after: &Carried,
) -> Result<BTreeSet<String>, StoreError> {
    let mut moved: Carried = after.clone();
    for (person, open) in before {
        *moved.entry(person.clone()).or_default() -= open;
    }
    for (person, by) in &moved {
        let new = !before.contains_key(person);
        if *by == 0 && !new {
            continue;
        }
        let since = review.active().filter(|a| new && a.person == *person).map(|a| millis(a.since));
        let last_asked = since.max().unwrap_or(0);
        let asked = sqlx::query_scalar(sql::ASKED).bind(person).fetch_optional(&mut **tx).await;
        let asked: Option<String> = asked.map_err(at(COMMIT))?;
        let mut asked: RecentRequests = asked.and_then(|text| parsed(COMMIT, &text).ok()).unwrap_or_default();
        if last_asked == millis(now) {
            asked.add(now);
        }
        let upsert = sqlx::query(sql::CARRY).bind(person).bind(by).bind(last_asked);
        let upsert = upsert.bind(json(COMMIT, &asked)?);
        upsert.execute(&mut **tx).await.map_err(at(COMMIT))?;
    }
    Ok(moved.into_iter().filter(|(_, by)| *by < 0).map(|(person, _)| person).collect())
}

async fn append_ledger(tx: &mut Tx, commit: &Commit, row_key: &str) -> Result<(), StoreError> {
    for entry in &commit.ledger {
        sqlx::query(sql::APPEND)
            .bind(row_key)
            .bind(millis(entry.at))
            .bind(&entry.fact)
            .bind(json(COMMIT, &entry.reasons)?)
            .bind(json(COMMIT, &entry.actions)?)
            .execute(&mut **tx)
            .await
            .map_err(at(COMMIT))?;
    }
    Ok(())
}
