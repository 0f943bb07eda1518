//! The inbox: facts come in, wait, and are put off.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::connections::Tx;
use super::error::{StoreError, at};
use super::learning::Learnt;
use super::projects::Projects;
use super::rows::{instant, instant_if, json, millis, parsed};
use super::{InboxItem, NewDelivery, PackedDelivery, Put, Store, multi_row, sql};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;

/// How long a row waits that cannot be read, for instance after a downgrade.
pub(super) const UNREADABLE_WAIT: SignedDuration = SignedDuration::from_hours(1);
const PUT: &str = "store a delivery";
/// The event of facts from our own house.
const OWN_EVENT: &str = "usher";

type UndecidedRow = (i64, String, String, String, i64);

impl Store {
    /// Keeps a delivery durably, unless its id or its meaning is known. Ids are remembered for
    /// eight days after the decision. Once it is handed over it is written, also if this is dropped.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`], [`StoreError::Ill`] or [`StoreError::Failed`]; nothing
    /// was written.
    pub async fn put_packed(&self, delivery: &PackedDelivery) -> Result<Put, StoreError> {
        let Some(group) = &self.group else { return Err(StoreError::ReadOnly { what: PUT }) };
        group.put(delivery.clone()).await
    }

    /// [`Store::put_packed`] of one that is packed here.
    ///
    /// # Errors
    /// As [`Store::put_packed`].
    pub async fn put(&self, delivery: NewDelivery) -> Result<Put, StoreError> {
        self.put_packed(&delivery.pack()?).await
    }

    /// Writes these, all or none; whichever of them is known already is left out. What became of each.
    pub(super) async fn put_together(&self, deliveries: &[PackedDelivery]) -> Result<Vec<Put>, StoreError> {
        let mut tx = self.begin(PUT).await?;
        let mut learnt: Option<Learnt<'_>> = None;
        for packed in deliveries {
            let more = self.learn_told(&mut tx, &packed.delivery).await?;
            learnt = learnt.into_iter().chain(more).reduce(Learnt::and);
        }
        let ids = self.insert(&mut tx, deliveries).await?;
        let bodies: Vec<(i64, i64, &[u8])> = ids
            .iter()
            .zip(deliveries)
            .filter_map(|(id, packed)| {
                Some(((*id)?, millis(packed.delivery.received_at), packed.body.as_deref()?))
            })
            .collect();
        for some in multi_row::by_powers(&bodies) {
            let mut insert = sqlx::query(multi_row::put_bodies(some.len()));
            for (id, received_at, body) in some {
                insert = insert.bind(id).bind(received_at).bind(*body);
            }
            insert.execute(&mut *tx).await.map_err(at(PUT))?;
        }
        tx.commit().await.map_err(at(PUT))?;
        if let Some(learnt) = learnt {
            learnt.keep();
        }
        Ok(ids.into_iter().map(|id| id.map_or(Put::Duplicate, Put::Stored)).collect())
    }

    /// The rows of the inbox: the id of each that was not known. Ids are given here, because SQLite tells row
    /// by row which it gave, and never which row was left out.
    async fn insert(
        &self,
        tx: &mut Tx,
        deliveries: &[PackedDelivery],
    ) -> Result<Vec<Option<i64>>, StoreError> {
        let projects = self.projects.load_full();
        let before: i64 =
            sqlx::query_scalar(multi_row::LAST_INBOX_ID).fetch_one(&mut **tx).await.map_err(at(PUT))?;
        let rows: Vec<(i64, &PackedDelivery)> = (before + 1..).zip(deliveries).collect();
        let mut written = 0;
        for some in multi_row::by_powers(&rows) {
            let mut insert = sqlx::query(multi_row::put(some.len()));
            for (id, PackedDelivery { delivery, facts, .. }) in some {
                let received_at = millis(delivery.received_at);
                insert = insert
                    .bind(id)
                    .bind(&delivery.forge)
                    .bind(&delivery.delivery_id)
                    .bind(&delivery.meaning)
                    .bind(&delivery.event)
                    .bind(projects.row_key_of(&delivery.change, told_number(&delivery.facts)))
                    .bind(facts.clone())
                    .bind(received_at)
                    .bind(received_at);
            }
            written += insert.execute(&mut **tx).await.map_err(at(PUT))?.rows_affected();
        }
        if usize::try_from(written) == Ok(rows.len()) {
            return Ok(rows.into_iter().map(|(id, _)| Some(id)).collect());
        }
        let new = sqlx::query_scalar(sql::INBOX_IDS_AFTER).bind(before).fetch_all(&mut **tx).await;
        let new: BTreeSet<i64> = new.map_err(at(PUT))?.into_iter().collect();
        Ok(rows.into_iter().map(|(id, _)| new.contains(&id).then_some(id)).collect())
    }

    /// How the project of a delivery is called, where the delivery tells its number.
    async fn learn_told(
        &self,
        tx: &mut Tx,
        delivery: &NewDelivery,
    ) -> Result<Option<Learnt<'_>>, StoreError> {
        let Some(snapshot) = delivery.facts.iter().find_map(Fact::snapshot) else { return Ok(None) };
        let Some(number) = snapshot.project_id else { return Ok(None) };
        let (change, told_at) = (&delivery.change, snapshot.updated_at.min(delivery.received_at));
        self.learn(tx, &change.forge, number, &change.project, told_at).await.map(Some)
    }

    /// Whether a delivery of this id was kept, in the last eight days at least.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn has_delivery(&self, forge: &str, delivery_id: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(sql::HAS_DELIVERY).bind(forge).bind(delivery_id);
        let row = row.fetch_optional(&self.reader).await.map_err(at("look up a delivery"))?;
        Ok(row.is_some())
    }

    /// Keeps facts from our own house (sweep, people at the dashboard) in the same inbox. No facts,
    /// no row.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn put_facts(
        &self,
        change: &ChangeKey,
        facts: &[Fact],
        at_: Timestamp,
    ) -> Result<(), StoreError> {
        let what = "store facts";
        let mut tx = self.begin(what).await?;
        let row_key = self.projects.load().row_key_told(change, told_number(facts));
        insert_facts(&mut tx, what, &change.forge, &row_key, facts, at_).await?;
        tx.commit().await.map_err(at(what))
    }

    /// Rows to decide, oldest first: those whose time has come and that no earlier, put-off row of
    /// the same change holds back. A row that cannot be read is put off for an hour, so that it
    /// stands in nobody's way but its own change's.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`]; [`StoreError::ReadOnly`] where a row would have to be put
    /// off. A row that cannot be read is none.
    pub async fn undecided(&self, now: Timestamp, limit: u32) -> Result<Vec<InboxItem>, StoreError> {
        self.undecided_but(&[], now, limit).await
    }

    /// [`Store::undecided`] without the rows of these forges, however many there are.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Ill`] or [`StoreError::Failed`].
    pub async fn undecided_but(
        &self,
        forges: &[&str],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<InboxItem>, StoreError> {
        let what = "read the inbox";
        let rows: Vec<UndecidedRow> = sqlx::query_as(sql::UNDECIDED)
            .bind(millis(now))
            .bind(i64::from(limit))
            .bind(listed(forges))
            .fetch_all(&self.reader)
            .await
            .map_err(at(what))?;
        let mut items: Vec<InboxItem> = Vec::with_capacity(rows.len());
        let (mut held, projects) = (Vec::new(), self.projects.load_full());
        for (id, forge, change, facts, received_at) in rows {
            if held.contains(&change) {
                continue;
            }
            match item(what, &projects, (id, forge, change.clone(), facts, received_at)) {
                Ok(item) => items.push(item),
                Err(error) => {
                    tracing::error!(inbox = id, change, %error, "an inbox row cannot be read; it is put off");
                    self.defer(&[id], now + UNREADABLE_WAIT, &error.to_string()).await?;
                    held.push(change);
                }
            }
        }
        Ok(items)
    }

    /// When the next row can be decided: in the past when there is one now, `None` when the inbox
    /// is empty.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn next_undecided(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_undecided_but(&[]).await
    }

    /// [`Store::next_undecided`] without the rows of these forges.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Ill`] or [`StoreError::Failed`].
    pub async fn next_undecided_but(&self, forges: &[&str]) -> Result<Option<Timestamp>, StoreError> {
        let what = "read the inbox";
        let next = sqlx::query_scalar(sql::NEXT_UNDECIDED).bind(listed(forges));
        instant_if(what, next.fetch_one(&self.reader).await.map_err(at(what))?)
    }

    /// Puts undecided rows off until `until`; later rows of the same changes wait with them.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn defer(&self, ids: &[i64], until: Timestamp, why: &str) -> Result<(), StoreError> {
        let what = "put facts off";
        let mut tx = self.begin(what).await?;
        for id in ids {
            let update = sqlx::query(sql::DEFER).bind(id).bind(millis(until)).bind(why);
            update.execute(&mut *tx).await.map_err(at(what))?;
        }
        tx.commit().await.map_err(at(what))
    }
}

/// Names of forges as the statements want them.
pub(super) fn listed(forges: &[&str]) -> String {
    format!("|{}|", forges.join("|"))
}

/// The number of their project, where facts tell it.
fn told_number(facts: &[Fact]) -> Option<u64> {
    facts.iter().filter_map(Fact::snapshot).find_map(|snapshot| snapshot.project_id)
}

fn item(what: &'static str, projects: &Projects, row: UndecidedRow) -> Result<InboxItem, StoreError> {
    let (id, forge, change, facts, received_at) = row;
    Ok(InboxItem {
        id,
        forge,
        change: projects.change(what, &change)?,
        facts: parsed(what, &facts)?,
        received_at: instant(what, received_at)?,
    })
}

/// Puts facts without a delivery id into the inbox, as part of a larger transaction.
pub(super) async fn insert_facts(
    tx: &mut Tx,
    what: &'static str,
    forge: &str,
    row_key: &str,
    facts: &[Fact],
    received_at: Timestamp,
) -> Result<(), StoreError> {
    if facts.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::PUT_FACTS)
        .bind(forge)
        .bind(OWN_EVENT)
        .bind(row_key)
        .bind(json(what, facts)?)
        .bind(millis(received_at))
        .execute(&mut **tx)
        .await
        .map_err(at(what))?;
    Ok(())
}
