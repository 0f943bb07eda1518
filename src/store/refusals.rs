//! Whom a forge would not have as a reviewer, remembered for a day, so that one person without
//! access is not asked anew by every change of the project.
//!
//! There is at most one row for each project and person, and the oldest are forgotten every hour.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::connections::{Held, Statements, Tx};
use super::error::{StoreError, at};
use super::projects::Projects;
use super::rows::millis;
use super::sql;
use usher_core::model::change::ChangeKey;

/// How long a refusal is believed: access may be granted any time.
pub(super) const BELIEVED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The people who were refused lately on the change's project, by name.
pub(super) async fn on_project_of<C: Held>(
    on: &mut Statements<C>,
    projects: &Projects,
    change: &ChangeKey,
    now: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let refused = sqlx::query_scalar(sql::REFUSED)
        .bind(&change.forge)
        .bind(projects.project_key(change))
        .bind(oldest(millis(now)));
    let refused: Vec<String> = refused.fetch_all(on).await.map_err(at("read refusals"))?;
    Ok(refused.into_iter().collect())
}

/// The instant, in milliseconds, at which a refusal is believed no more.
pub(super) fn oldest(now: i64) -> i64 {
    now.saturating_sub(i64::try_from(BELIEVED_FOR.as_millis()).unwrap_or(i64::MAX))
}

/// Remembers a refusal, as part of a decision; `project` as [`Projects`] keeps it.
pub(super) async fn remember(
    tx: &mut Tx,
    forge: &str,
    project: &str,
    person: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let upsert = sqlx::query(sql::REMEMBER_REFUSAL).bind(forge).bind(project).bind(person).bind(millis(now));
    upsert.execute(&mut **tx).await.map_err(at("remember a refusal"))?;
    Ok(())
}
