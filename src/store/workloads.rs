//! Who carries how much, as a decision has to know it.

use jiff::Timestamp;

use super::connections::{Held, Statements};
use super::error::{StoreError, at};
use super::projects::Projects;
use super::rows::{instant_if, millis, parsed, small};
use super::{Store, queue, refusals, sql};
use usher_core::model::change::ChangeKey;
use usher_core::model::load::Load;
use usher_core::model::people::{Workload, Workloads};
use usher_core::model::recent_requests::RecentRequests;

/// The day of the limits "per day".
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
pub(super) const READ_WORKLOADS: &str = "read workloads";

impl Store {
    /// What everybody carries. Costs by the number of people, not of reviews.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn workloads(&self, now: Timestamp) -> Result<Workloads, StoreError> {
        let mut reading = self.reader.reading().await.map_err(at(READ_WORKLOADS))?;
        read(&mut reading, &self.projects.load(), now).await
    }

    /// [`Store::workloads`], and who was refused lately on the project of this change.
    ///
    /// # Errors
    /// As [`Store::workloads`].
    pub async fn workloads_for(&self, change: &ChangeKey, now: Timestamp) -> Result<Workloads, StoreError> {
        let mut reading = self.reader.reading().await.map_err(at(READ_WORKLOADS))?;
        let projects = self.projects.load_full();
        let no_access = refusals::on_project_of(&mut reading, &projects, change, now).await?;
        Ok(Workloads { no_access, ..read(&mut reading, &projects, now).await? })
    }
}

/// What everybody carries, as it looks on this connection.
pub(super) async fn read<C: Held>(
    on: &mut Statements<C>,
    projects: &Projects,
    now: Timestamp,
) -> Result<Workloads, StoreError> {
    let what = READ_WORKLOADS;
    let day_ago = millis(now).saturating_sub(DAY_MILLIS);
    let mut result = Workloads::default();
    let carried = sqlx::query_as(sql::WORKLOADS).fetch_all(&mut *on).await;
    let carried: Vec<(String, i64, i64, String)> = carried.map_err(at(what))?;
    for (person, open, last_asked, asked) in carried {
        let last_asked = (last_asked != 0).then_some(last_asked);
        let last_asked = instant_if(what, last_asked)?;
        let asked = parsed(what, &asked).unwrap_or_else(|error: StoreError| {
            // One person's count must not stop the decisions about everybody.
            tracing::error!(person, %error, "how often somebody was asked cannot be read; counted anew");
            RecentRequests::default()
        });
        let open = Load::from_halves(small(open));
        result.people.insert(person, Workload { open, last_asked, asked, pings_today: 0 });
    }
    let pings = sqlx::query_as(sql::PINGS_SINCE).bind(day_ago).fetch_all(&mut *on).await;
    let pings: Vec<(String, i64)> = pings.map_err(at(what))?;
    for (person, pings) in pings {
        result.people.entry(person).or_default().pings_today = small(pings);
    }
    let taken = sqlx::query_scalar(sql::FIRST_RUN_SINCE).bind(day_ago).fetch_one(&mut *on).await;
    result.first_run_taken = small(taken.map_err(at(what))?);
    result.queue = queue::read(on, projects, now).await?;
    Ok(result)
}
