//! The number of a project is told for the first time: what was kept under its path is kept under its
//! number from now on.

use std::collections::BTreeMap;

use super::connections::Tx;
use super::error::{StoreError, at};
use super::rows::{parsed, range};
use super::sql;

/// What was kept twice, under the path and under the number: the number's stays.
const TWICE: [&str; 4] =
    [sql::FOLD_TWICE_OUTBOX, sql::FOLD_TWICE_COMMENTS, sql::FOLD_TWICE_PINGS, sql::FOLD_TWICE_QUEUE];

const TABLES: [&str; 7] = [
    sql::FOLD_REVIEWS,
    sql::FOLD_LEDGER,
    sql::FOLD_OUTBOX,
    sql::FOLD_COMMENTS,
    sql::FOLD_PINGS,
    sql::FOLD_QUEUE,
    sql::FOLD_INBOX,
];

/// Everything of the project's changes, as part of a larger transaction. Where a change has a review under
/// the number already, that one goes on, for the forge has told of it by its number; the other's history
/// joins it, and nobody carries it any more.
pub(super) async fn under_number(
    tx: &mut Tx,
    what: &'static str,
    forge: &str,
    path: &str,
    number: u64,
) -> Result<(), StoreError> {
    let ((from, to), (becomes, _)) = (range(forge, path), range(forge, &format!("#{number}")));
    let twice = sqlx::query_as(sql::FOLD_TWICE_REVIEWS).bind(&from).bind(&to).bind(&becomes);
    let twice: Vec<(String, String)> = twice.fetch_all(&mut **tx).await.map_err(at(what))?;
    for (change, carried) in twice {
        tracing::warn!(change, becomes, "two reviews of one change; the one that its forge told of goes on");
        let carried: BTreeMap<String, i64> = parsed(what, &carried)?;
        for (person, open) in carried {
            let give_back = sqlx::query(sql::GIVE_BACK).bind(person).bind(open);
            give_back.execute(&mut **tx).await.map_err(at(what))?;
        }
        for drop in [sql::DROP_REVIEW, sql::DROP_ACTIONS, sql::DROP_PLACES] {
            sqlx::query(drop).bind(&change).execute(&mut **tx).await.map_err(at(what))?;
        }
    }
    for table in TWICE.into_iter().chain(TABLES) {
        let fold = sqlx::query(table).bind(&from).bind(&to).bind(&becomes);
        fold.execute(&mut **tx).await.map_err(at(what))?;
    }
    let project = format!("#{number}");
    for table in [sql::FOLD_TWICE_REFUSALS, sql::FOLD_REFUSALS] {
        let fold = sqlx::query(table).bind(forge).bind(path).bind(&project);
        fold.execute(&mut **tx).await.map_err(at(what))?;
    }
    Ok(())
}
