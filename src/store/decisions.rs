//! Reviews: loading them, committing decisions, and who carries how much.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::connections::Tx;
use super::error::{CommitError, StoreError, at};
use super::intake::{UNREADABLE_WAIT, listed};
use super::rows::{instant_if, json, key, millis, millis_up, parsed, small};
use super::{Commit, Store, Stored, absences, moves, outbox, queue, refusals, sql};
use usher_core::model::action::Named;
use usher_core::model::change::ChangeKey;
use usher_core::model::people::{Workload, Workloads};
use usher_core::model::recent_requests::RecentRequests;
use usher_core::model::review::Review;

/// The day of the limits "per day".
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
const COMMIT: &str = "commit a decision";

/// Open assignments by person.
type Carried = BTreeMap<String, i64>;

impl Store {
    /// Looks at a review no earlier than `until`, whatever it says itself: for one that cannot be
    /// read or decided now.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn put_off(&self, change: &ChangeKey, until: Timestamp) -> Result<(), StoreError> {
        let what = "put a review off";
        let update = sqlx::query(sql::PUT_OFF).bind(change.to_string()).bind(millis(until));
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

    /// The review of a change, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn load(&self, change: &ChangeKey) -> Result<Option<Stored>, StoreError> {
        let what = "load a review";
        let row = sqlx::query_as(sql::LOAD).bind(change.to_string());
        let row: Option<(i64, i64, String)> = row.fetch_optional(&self.reader).await.map_err(at(what))?;
        row.map(|row| stored(what, row)).transpose()
    }

    /// Whether the change has a review. Reads one index entry.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn is_tracked(&self, change: &ChangeKey) -> Result<bool, StoreError> {
        let row = sqlx::query(sql::IS_TRACKED).bind(change.to_string());
        let row = row.fetch_optional(&self.reader).await.map_err(at("look up a change"))?;
        Ok(row.is_some())
    }

    /// Writes one decision: review, facts taken in, history, wanted actions, pings, workload, absences
    /// and refusals, all or nothing. A review that names another change than `commit.change` is carried
    /// over to it, with all that is kept of it. Answers how many waiting reviews have become due, because somebody has room for
    /// them. [`CommitError::Conflict`] when the review is not at `expected_version`, or
    /// when one of the facts has been decided before.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when the review is not at `expected_version`, or one of the facts has been
    /// decided before; else what the store says. Nothing was written.
    pub async fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let mut tx = self.begin(COMMIT).await?;
        for id in &commit.inbox {
            let update = sqlx::query(sql::DECIDED).bind(id).bind(millis(commit.now));
            let updated = update.execute(&mut *tx).await.map_err(at(COMMIT))?;
            if updated.rows_affected() == 0 {
                return Err(CommitError::Conflict);
            }
        }
        for person in &commit.refused {
            refusals::remember(&mut tx, &commit.change, person, commit.now).await?;
        }
        let mut nudged = 0;
        let mut commit = commit;
        if let Some(review) = &commit.review {
            if review.change != commit.change {
                moves::carry_over(&mut tx, COMMIT, &commit.change, &review.change).await?;
                commit.change = review.change.clone();
            }
            nudged = save_review(&mut tx, &commit, review).await?;
        }
        append_ledger(&mut tx, &commit).await?;
        if commit.withdraw_pings {
            let uncount = sqlx::query(sql::UNCOUNT_WITHDRAWN).bind(commit.change.to_string());
            uncount.execute(&mut *tx).await.map_err(at(COMMIT))?;
            let withdraw = sqlx::query(sql::WITHDRAW_PINGS).bind(commit.change.to_string());
            withdraw.execute(&mut *tx).await.map_err(at(COMMIT))?;
        }
        for action in &commit.actions {
            outbox::want(&mut tx, &commit.change, action, commit.now).await?;
            if let Some(Named { key, person, .. }) = action.names() {
                outbox::count_ping(&mut tx, &commit.change, key, person, commit.now).await?;
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
        let mut due = Vec::with_capacity(rows.len());
        for change in &rows {
            match key(what, change) {
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
            result.people.insert(person, Workload { open: small(open), last_asked, asked, pings_today: 0 });
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

/// A review from its columns `id`, `version`, `document`.
pub(super) fn stored(what: &'static str, row: (i64, i64, String)) -> Result<Stored, StoreError> {
    let (id, version, document) = row;
    Ok(Stored { id, version, review: parsed(what, &document)? })
}

async fn save_review(tx: &mut Tx, commit: &Commit, review: &Review) -> Result<u64, CommitError> {
    let change = commit.change.to_string();
    let row = sqlx::query_as(sql::CARRIED).bind(&change).fetch_optional(&mut **tx).await;
    let row: Option<(i64, String)> = row.map_err(at(COMMIT))?;
    if row.as_ref().map(|(version, _)| *version) != commit.expected_version {
        return Err(CommitError::Conflict);
    }
    let before: Carried = row.map(|(_, text)| parsed(COMMIT, &text)).transpose()?.unwrap_or_default();
    let mut after = Carried::new();
    for assignment in review.occupies() {
        *after.entry(assignment.person.clone()).or_default() += 1;
    }
    let opened_at = review.seen.opened_at.map(millis);
    let insert = match commit.expected_version {
        None => sqlx::query(sql::INSERT_REVIEW).bind(&change),
        Some(version) => sqlx::query(sql::UPDATE_REVIEW).bind(&change).bind(version),
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
        .bind(moves::home(review))
        .execute(&mut **tx)
        .await
        .map_err(at(COMMIT))?;
    if saved.rows_affected() != 1 {
        return Err(CommitError::Conflict);
    }
    let mut free = carry(tx, commit.now, review, &before, &after).await?;
    free.extend(queue::line_up(tx, COMMIT, review, commit.now).await?);
    let mut nudged = 0;
    for person in &free {
        nudged += queue::nudge(tx, COMMIT, person, &commit.change, commit.now).await?;
    }
    Ok(nudged)
}

/// Moves the workload of everybody whose number of open assignments changed. Who carries more through
/// an assignment that began just `now` was asked; who does because an approval was taken back was not.
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
    for (person, by) in moved.iter().filter(|(_, by)| **by != 0) {
        let since = review.active().filter(|a| *by > 0 && a.person == *person).map(|a| millis(a.since));
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

async fn append_ledger(tx: &mut Tx, commit: &Commit) -> Result<(), StoreError> {
    for entry in &commit.ledger {
        sqlx::query(sql::APPEND)
            .bind(commit.change.to_string())
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
