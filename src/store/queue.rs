//! The queue: who waits for whom, kept with the reviews that wait.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::connections::{Held, Statements, Tx};
use super::error::{StoreError, at};
use super::projects::Projects;
use super::rows::{instant, millis};
use super::{Store, sql};
use usher_core::model::queue::{Queue, Waiting};
use usher_core::model::review::Review;

/// The first of each person's line that are looked at; whoever is behind them has to wait anyhow.
const LINE_SEEN_MAX: i64 = 50;
/// The first of a person's line that look again when the person has room.
const NUDGED_MAX: i64 = 10;
/// A place counts so long after it was last looked at: a change that cannot be decided, for instance
/// because its forge is gone, must not stand in the way of others.
const PLACE_KEPT_FOR: SignedDuration = SignedDuration::from_mins(65);

type Line = (String, String, i64, String);

impl Store {
    /// Lets every place count as just looked at. For the start: while the server was stopped nobody
    /// could look, and the order must not be lost for it.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn renew_places(&self, now: Timestamp) -> Result<(), StoreError> {
        let what = "renew the places in the queue";
        let renew = sqlx::query(sql::RENEW_PLACES).bind(millis(now));
        renew.execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(())
    }
}

/// Who waits for whom. Costs by what is waiting; next to nothing when nobody waits.
pub(super) async fn read<C: Held>(
    on: &mut Statements<C>,
    projects: &Projects,
    now: Timestamp,
) -> Result<Queue, StoreError> {
    let what = "read the queue";
    let since = millis(now).saturating_sub(PLACE_KEPT_FOR.as_secs().saturating_mul(1000));
    let lines = sqlx::query_as(sql::QUEUE).bind(since).bind(LINE_SEEN_MAX);
    let lines: Vec<Line> = lines.fetch_all(on).await.map_err(at(what))?;
    let mut queue = Queue::default();
    for (person, pool, place, change) in lines {
        match (instant(what, place), projects.change(what, &change)) {
            (Ok(place), Ok(change)) => queue.join(&person, Waiting { place, change, pool }),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(change, %error, "a place in the queue cannot be read and is passed over");
            }
        }
    }
    Ok(queue)
}

/// Writes the places of a review, and answers for whom it waits no longer.
pub(super) async fn line_up(
    tx: &mut Tx,
    what: &'static str,
    row_key: &str,
    review: &Review,
    now: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let before = sqlx::query_scalar(sql::LEAVE_QUEUE).bind(row_key).fetch_all(&mut **tx).await;
    let before: Vec<String> = before.map_err(at(what))?;
    let mut left: BTreeSet<String> = before.into_iter().collect();
    for (pool, queued) in review.queued() {
        for person in &queued.hopes {
            left.remove(person);
            let join = sqlx::query(sql::JOIN_QUEUE).bind(row_key).bind(pool).bind(person);
            let join = join.bind(millis(queued.place)).bind(millis(now));
            join.execute(&mut **tx).await.map_err(at(what))?;
        }
    }
    Ok(left)
}

/// Makes the first of a person's line due: the person has room, or the line has become shorter.
/// Returns how many were made so.
pub(super) async fn nudge(
    tx: &mut Tx,
    what: &'static str,
    person: &str,
    not: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let nudge = sqlx::query(sql::NUDGE).bind(person).bind(millis(now)).bind(NUDGED_MAX).bind(not);
    Ok(nudge.execute(&mut **tx).await.map_err(at(what))?.rows_affected())
}
