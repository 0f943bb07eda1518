//! What people said of their own absence. It concerns a person, not a review, and holds on all forges.

use jiff::Timestamp;
use jiff::civil::Date;

use super::connections::Tx;
use super::error::{StoreError, at};
use super::rows::{instant, json, millis};
use super::{Store, sql};
use usher_core::model::absence::{Absence, AbsenceWish, Absences};
use usher_core::model::calendar::Away;

type Columns = (String, Option<String>, Option<String>, i64);

impl Store {
    /// What everybody said last.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn absences(&self) -> Result<Absences, StoreError> {
        let what = "read absences";
        let rows = sqlx::query_as(sql::ABSENCES).fetch_all(&self.reader).await;
        let rows: Vec<Columns> = rows.map_err(at(what))?;
        let absence = |(person, first, last, said_at): Columns| {
            let days = match (first, last) {
                (Some(first), Some(last)) => Some(Away { first: date(&first)?, last: date(&last)? }),
                _ => None,
            };
            Ok((person, Absence { days, said_at: instant(what, said_at)? }))
        };
        rows.into_iter().map(absence).collect()
    }
}

fn date(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(|error: jiff::Error| StoreError::Unreadable {
        what: "read absences",
        why: error.to_string(),
    })
}

/// Keeps what was said, as part of a decision, and makes the reviews due that it may concern.
pub(super) async fn say(tx: &mut Tx, wish: &AbsenceWish, now: Timestamp) -> Result<(), StoreError> {
    let what = "keep an absence";
    let AbsenceWish { person, absence } = wish;
    let upsert = sqlx::query(sql::SAY_ABSENCE)
        .bind(person)
        .bind(absence.days.map(|days| days.first.to_string()))
        .bind(absence.days.map(|days| days.last.to_string()))
        .bind(millis(absence.said_at));
    upsert.execute(&mut **tx).await.map_err(at(what))?;
    let holds = format!("%{}:%", escaped(&json(what, person)?));
    let wake = sqlx::query(sql::WAKE_FOR).bind(millis(now)).bind(person).bind(holds);
    wake.execute(&mut **tx).await.map_err(at(what))?;
    Ok(())
}

/// A text that stands for itself in a LIKE pattern with `!` as its escape.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect()
}
