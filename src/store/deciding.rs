//! Decisions, several in one transaction: each sees what those before it came to.
//!
//! Nobody else writes meanwhile, so what was read for a decision still holds when it is written. A decision
//! that cannot be written spoils the transaction: whoever decides begins again without it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::connections::{Tx, Writing};
use super::error::{CommitError, StoreError, at};
use super::rows::{json, millis, millis_up, parsed};
use super::{Commit, Store, Stored, absences, decisions, outbox, queue, refusals, sql, workloads};
use usher_core::model::action::Named;
use usher_core::model::change::ChangeKey;
use usher_core::model::people::Workloads;
use usher_core::model::recent_requests::RecentRequests;
use usher_core::model::review::Review;

const COMMIT: &str = "commit a decision";

/// What a review takes of its reviewers, in halves of a review.
type Carried = BTreeMap<String, i64>;

/// A transaction in which changes are decided one after another. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Deciding {
    store: Store,
    tx: Writing,
    now: Timestamp,
    /// Until a decision moves them.
    workloads: Option<Workloads>,
}

impl Store {
    /// Begins to decide, as of `now`. Until it is committed or dropped nobody else can write.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`], [`StoreError::Ill`] or [`StoreError::Failed`].
    pub async fn deciding(&self, now: Timestamp) -> Result<Deciding, StoreError> {
        let tx = self.begin(COMMIT).await?;
        Ok(Deciding { store: self.clone(), tx, now, workloads: None })
    }

    /// Writes one decision that was made already. Answers as [`Deciding::write`].
    ///
    /// # Errors
    /// As [`Deciding::write`]. Nothing was written.
    pub async fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let mut deciding = self.deciding(commit.now).await?;
        let nudged = deciding.write(&commit).await?;
        deciding.commit().await?;
        Ok(nudged)
    }
}

impl Deciding {
    /// The instant as of which everything is decided.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether a delivery waits until this has ended.
    pub fn holds_up_deliveries(&self) -> bool {
        self.store.group.as_ref().is_some_and(|group| group.is_waited_for())
    }

    /// As [`Store::load`], with what was decided here.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub async fn load(&mut self, change: &ChangeKey) -> Result<Option<Stored>, StoreError> {
        let projects = self.store.projects.load_full();
        decisions::load(&mut self.tx, &projects, &projects.row_key(change)).await
    }

    /// As [`Store::workloads_for`], with what was decided here. Read once for all decisions that move nobody's.
    ///
    /// # Errors
    /// As [`Store::workloads`].
    pub async fn workloads_for(&mut self, change: &ChangeKey) -> Result<Workloads, StoreError> {
        let projects = self.store.projects.load_full();
        let known = match self.workloads.take() {
            Some(known) => known,
            None => workloads::read(&mut self.tx, &projects, self.now).await?,
        };
        self.workloads = Some(known.clone());
        let no_access = refusals::on_project_of(&mut self.tx, &projects, change, self.now).await?;
        Ok(Workloads { no_access, ..known })
    }

    /// Writes one decision: review, facts taken in, history, wanted actions, pings, workload, absences
    /// and refusals. Answers how many waiting reviews have become due, because somebody has room for them.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when the review is not at `expected_version`, or one of the facts has been
    /// decided before, or is one of another change: another project has the path since it was read, or what
    /// was asked for has gone out since then. Else what the store says. Then this is of no more use.
    pub async fn write(&mut self, commit: &Commit) -> Result<u64, CommitError> {
        let Deciding { store, tx, workloads, .. } = self;
        let row_key = store.row_key(&commit.change);
        let row_key = row_key.as_str();
        for id in &commit.inbox {
            let update = sqlx::query(sql::DECIDED).bind(id).bind(millis(commit.now)).bind(row_key);
            let updated = update.execute(&mut **tx).await.map_err(at(COMMIT))?;
            if updated.rows_affected() == 0 {
                return Err(CommitError::Conflict);
            }
        }
        if commit.unsent {
            let unsent = sqlx::query(sql::UNSENT).bind(row_key).fetch_optional(&mut **tx).await;
            // The courier has taken it meanwhile.
            if unsent.map_err(at(COMMIT))?.is_none() {
                return Err(CommitError::Conflict);
            }
        }
        let project = store.projects.load().project_key(&commit.change);
        for person in &commit.refused {
            refusals::remember(tx, &commit.change.forge, &project, person, commit.now).await?;
        }
        let mut nudged = 0;
        let mut moved = commit.first_run_taken || commit.withdraw_pings;
        if let Some(review) = &commit.review {
            if commit.expected_version.is_none() {
                store.tracked.add([row_key]);
            }
            let saved = save_review(tx, commit, row_key, review).await?;
            (nudged, moved) = (saved.nudged, moved || saved.moved);
        }
        append_ledger(tx, commit, row_key).await?;
        if commit.withdraw_pings {
            for withdraw in [sql::UNCOUNT_WITHDRAWN, sql::WITHDRAW_PINGS] {
                let withdraw = sqlx::query(withdraw).bind(row_key);
                withdraw.execute(&mut **tx).await.map_err(at(COMMIT))?;
            }
        }
        for action in &commit.actions {
            outbox::want(tx, &commit.change.forge, row_key, action, commit.now).await?;
            if let Some(Named { key, person, .. }) = action.names() {
                outbox::count_ping(tx, row_key, key, person, commit.now).await?;
                moved = true;
            }
        }
        for wish in &commit.absences {
            absences::say(tx, wish, commit.now).await?;
        }
        if moved {
            *workloads = None;
        }
        Ok(nudged)
    }

    /// Keeps all that was written here.
    ///
    /// # Errors
    /// What the store says; nothing was written.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(at(COMMIT))
    }
}

/// What saving a review did to others.
struct Saved {
    /// Waiting reviews that have become due.
    nudged: u64,
    /// Somebody carries more or less, or waits for somebody or no longer does.
    moved: bool,
}

async fn save_review(
    tx: &mut Tx,
    commit: &Commit,
    row_key: &str,
    review: &Review,
) -> Result<Saved, CommitError> {
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
    let waits = review.queued().next().is_some();
    Ok(Saved { nudged, moved: waits || !free.is_empty() || before != after })
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
