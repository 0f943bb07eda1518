//! A project was renamed or moved: what is kept of its changes goes with it.

use super::connections::Tx;
use super::error::{StoreError, at};
use super::rows::key;
use super::{Store, sql};
use usher_core::model::change::ChangeKey;
use usher_core::model::review::Review;

const TABLES: [&str; 7] = [
    sql::MOVE_REVIEW,
    sql::MOVE_LEDGER,
    sql::MOVE_OUTBOX,
    sql::MOVE_COMMENTS,
    sql::MOVE_PINGS,
    sql::MOVE_QUEUE,
    sql::MOVE_INBOX,
];

impl Store {
    /// The review of this change under whatever name its project had when it was last seen, by the
    /// forge's number of the project. Reads one index entry.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn at_home(
        &self,
        change: &ChangeKey,
        project_id: u64,
    ) -> Result<Option<ChangeKey>, StoreError> {
        let what = "look a change up by its project's number";
        let home = address(change, project_id);
        let found = sqlx::query_scalar(sql::AT_HOME).bind(home).fetch_optional(&self.reader).await;
        let found: Option<String> = found.map_err(at(what))?;
        found.map(|change| key(what, &change)).transpose()
    }
}

/// The address of a review that stays when its project is renamed.
pub(super) fn home(review: &Review) -> Option<String> {
    review.project_id.map(|id| address(&review.change, id))
}

fn address(change: &ChangeKey, project_id: u64) -> String {
    format!("{}:{project_id}!{}", change.forge, change.number)
}

/// Carries everything that is kept of one change over to another, of which nothing is kept.
pub(super) async fn carry_over(
    tx: &mut Tx,
    what: &'static str,
    from: &ChangeKey,
    to: &ChangeKey,
) -> Result<(), StoreError> {
    for table in TABLES {
        let update = sqlx::query(table).bind(from.to_string()).bind(to.to_string());
        update.execute(&mut **tx).await.map_err(at(what))?;
    }
    Ok(())
}
