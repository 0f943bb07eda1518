//! The outbox: what the courier takes, and how it went.

use jiff::{SignedDuration, Timestamp};

use super::connections::Tx;
use super::error::{StoreError, at};
use super::intake::insert_facts;
use super::projects::Projects;
use super::rows::{instant, instant_if, json, millis, millis_up, parsed, small};
use super::{OutboxItem, OutboxUrgency, Settlement, Store, Within, sql, sqlite};
use usher_core::model::action::{Action, Comment, Named, STATUS_MARKER};
use usher_core::model::change::ChangeKey;

/// How long a claimed row belongs to who claimed it.
const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// After so many attempts at `files` or `shape` the rest of their change waits for them no longer: people
/// are told by then what does not come about.
const OVERTAKEN_ATTEMPTS: i64 = 6;

/// The turn of announcements: a lane of their own beside the forges' rows.
const ANNOUNCEMENTS: i64 = 3;

type ClaimedRow = (i64, i64, String, String, i64, i64, i64);

impl Store {
    /// Takes the one action of a forge that goes next, and leases it for five minutes: the most urgent
    /// first, among these the one that waits longest, and none of a change of which another is out.
    /// `files` and `shape` go before everything else of their change, and while they wait for a retry the
    /// rest waits too, until they have failed so often that the rest tells of it; nothing of a change goes
    /// out while its inbox holds undecided facts. The attempt is counted here, so that an action which
    /// kills the process counts.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]. What was claimed already comes again
    /// when its lease is over.
    pub async fn claim_next(
        &self,
        forge: &str,
        now: Timestamp,
        within: &Within<'_>,
    ) -> Result<Option<OutboxItem>, StoreError> {
        let what = "claim an action";
        let lease = now + LEASE;
        let claim = sqlx::query_as(sqlite::CLAIM_NEXT).bind(millis(now)).bind(forge).bind(millis(lease));
        let claim = claim.bind(within.least.rank()).bind(self.prefixes(what, forge, within.not_of)?);
        let claim = claim.bind(OVERTAKEN_ATTEMPTS);
        let rows: Vec<ClaimedRow> = claim.fetch_all(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(self.readable(what, rows, now, lease).await?.pop())
    }

    /// Takes due announcements, which go to the ticket system instead of a forge, oldest first.
    ///
    /// # Errors
    /// As [`Store::claim_next`].
    pub async fn claim_announcements(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        let what = "claim announcements";
        let lease = now + LEASE;
        let rows = sqlx::query_as(sqlite::CLAIM_ANNOUNCEMENTS).bind(millis(now)).bind(i64::from(limit));
        let rows: Vec<ClaimedRow> =
            rows.bind(millis(lease)).fetch_all(self.writer_for(what)?).await.map_err(at(what))?;
        self.readable(what, rows, now, lease).await
    }

    /// When the next announcement can be claimed: in the past when there is one now.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn next_announcement_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let what = "read the outbox";
        let next = sqlx::query_scalar(sql::NEXT_ANNOUNCEMENT).fetch_one(&self.reader).await;
        instant_if(what, next.map_err(at(what))?)
    }

    /// Claimed rows as items; those that cannot be read become dead letters.
    async fn readable(
        &self,
        what: &'static str,
        rows: Vec<ClaimedRow>,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        let (mut items, projects) = (Vec::with_capacity(rows.len()), self.projects.load_full());
        for row in rows {
            let (id, generation) = (row.0, row.1);
            match claimed(what, &projects, row, lease) {
                Ok(item) => items.push(item),
                Err(error) => {
                    tracing::error!(outbox = id, %error, "an outbox row cannot be read; it is a dead letter now");
                    let bury = sqlx::query(sql::BURY).bind(id).bind(generation).bind(millis(lease));
                    let bury = bury.bind(millis(now)).bind(error.to_string());
                    bury.execute(self.writer_for(what)?).await.map_err(at(what))?;
                }
            }
        }
        items.sort_by_key(|item| item.id);
        Ok(items)
    }

    /// Writes down how a claimed action went. When a newer content took the row's place meanwhile,
    /// the row stays and is ready to go. A claim whose lease was lost touches the row no more; the
    /// comment and the facts that it brought home are kept all the same.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn settle(
        &self,
        item: &OutboxItem,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let what = "settle an action";
        let lease = millis(item.leased_until);
        let mut tx = self.begin(what).await?;
        let (forge, row_key) = (&item.change.forge, self.projects.load().current(what, &item.row_key)?);
        let row_key = row_key.as_str();
        let unknown = matches!(settlement, Settlement::Retry { outcome_unknown: true, .. });
        if let Settlement::Done { comment, facts } = &settlement {
            if let Some((marker, id)) = comment {
                remember(&mut tx, what, row_key, marker, *id).await?;
            }
            insert_facts(&mut tx, what, forge, row_key, facts, now).await?;
        }
        let same = match &settlement {
            Settlement::Done { .. } | Settlement::Dropped { .. } => {
                sqlx::query(sql::REMOVE).bind(item.id).bind(item.generation).bind(lease)
            }
            Settlement::Retry { at, error, outcome_unknown, counts, facts: _ } => sqlx::query(sql::RETRY)
                .bind(item.id)
                .bind(item.generation)
                .bind(lease)
                .bind(millis_up(*at))
                .bind(error)
                .bind(i64::from(!counts))
                .bind(i64::from(*outcome_unknown)),
            Settlement::Dead { error, facts: _ } => sqlx::query(sql::BURY)
                .bind(item.id)
                .bind(item.generation)
                .bind(lease)
                .bind(millis(now))
                .bind(error),
        };
        let settled = same.execute(&mut *tx).await.map_err(at(what))?;
        if let Some(Named { key, person, .. }) = item.action.names() {
            let gone = settled.rows_affected() == 1 && !item.outcome_unknown;
            match &settlement {
                // It counts from when it went out, whoever performed it and however often.
                Settlement::Done { comment: Some(_), .. } => {
                    count_ping(&mut tx, row_key, key, person, now).await?;
                }
                Settlement::Dropped { .. } | Settlement::Dead { .. } if gone => {
                    let uncount = sqlx::query(sql::UNCOUNT_PING).bind(row_key).bind(key);
                    uncount.execute(&mut *tx).await.map_err(at(what))?;
                }
                _ => {}
            }
        }
        // Of what is not wanted any more, nothing is told that did not come about.
        if let (
            Settlement::Dropped { facts } | Settlement::Retry { facts, .. } | Settlement::Dead { facts, .. },
            1,
        ) = (&settlement, settled.rows_affected())
        {
            insert_facts(&mut tx, what, forge, row_key, facts, now).await?;
        }
        if settled.rows_affected() == 0 {
            let free =
                sqlx::query(sql::FREE).bind(item.id).bind(lease).bind(millis(now)).bind(i64::from(unknown));
            free.execute(&mut *tx).await.map_err(at(what))?;
        }
        tx.commit().await.map_err(at(what))
    }

    /// When the next action of a forge can be claimed, if nothing else happens: in the past when there is
    /// one now. `not_of`: projects whose actions do not count. To be asked when [`Store::claim_next`] gave
    /// nothing; costs by what is waiting in the outbox.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for what is stored and cannot be read back; [`StoreError::Busy`] or
    /// [`StoreError::Failed`].
    pub async fn next_outbox_due_of(
        &self,
        forge: &str,
        not_of: &[String],
    ) -> Result<Option<Timestamp>, StoreError> {
        let what = "read the outbox";
        let next =
            sqlx::query_scalar(sqlite::NEXT_OUTBOX).bind(forge).bind(self.prefixes(what, forge, not_of)?);
        let next = next.bind(OVERTAKEN_ATTEMPTS).fetch_one(&self.reader).await;
        instant_if(what, next.map_err(at(what))?)
    }

    /// Gives back everything that was out when the last process ended, with unknown outcome. For
    /// the start, before anything is claimed; returns how many there were.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn release_leases(&self) -> Result<u64, StoreError> {
        let what = "release leases";
        let released = sqlx::query(sql::RELEASE).execute(self.writer_for(what)?).await.map_err(at(what))?;
        Ok(released.rows_affected())
    }

    /// Lets a dead letter try again, from its first attempt. False when there is no such dead one.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::ReadOnly`] or [`StoreError::Failed`]; nothing was written.
    pub async fn retry_dead(&self, id: i64) -> Result<bool, StoreError> {
        let what = "retry a dead letter";
        let retry = sqlx::query(sql::RETRY_DEAD).bind(id).execute(self.writer_for(what)?).await;
        Ok(retry.map_err(at(what))?.rows_affected() == 1)
    }

    /// Throws a dead letter away. False when there is no such dead one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discard_dead(&self, id: i64) -> Result<bool, StoreError> {
        let what = "discard a dead letter";
        let discard = sqlx::query(sql::DISCARD_DEAD).bind(id).execute(self.writer_for(what)?).await;
        Ok(discard.map_err(at(what))?.rows_affected() == 1)
    }

    /// How the change of an action is called now.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub fn called(&self, item: &OutboxItem) -> Result<ChangeKey, StoreError> {
        let (what, projects) = ("read an action", self.projects.load());
        projects.change(what, &projects.current(what, &item.row_key)?)
    }

    /// The forge's id of our comment that carries `marker` on the change of an action, if one was written.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Failed`].
    pub async fn comment_of(&self, item: &OutboxItem, marker: &str) -> Result<Option<u64>, StoreError> {
        let what = "look up a comment";
        let row_key = self.projects.load().current(what, &item.row_key)?;
        let row = sqlx::query_scalar(sql::COMMENT_ID).bind(row_key).bind(marker);
        let id: Option<i64> = row.fetch_optional(&self.reader).await.map_err(at(what))?;
        Ok(id.map(i64::cast_unsigned))
    }

    /// How the rows of these projects' changes begin, as a JSON list.
    fn prefixes(&self, what: &'static str, forge: &str, projects: &[String]) -> Result<String, StoreError> {
        let known = self.projects.load();
        let prefix = |project: &String| {
            let project = known.project_key(&ChangeKey::new(forge, project, 0));
            format!("{forge}:{project}!")
        };
        json(what, &projects.iter().map(prefix).collect::<Vec<_>>())
    }
}

fn claimed(
    what: &'static str,
    projects: &Projects,
    row: ClaimedRow,
    leased_until: Timestamp,
) -> Result<OutboxItem, StoreError> {
    let (id, generation, row_key, action, attempts, outcome_unknown, created_at) = row;
    let action: Action = parsed(what, &action)?;
    Ok(OutboxItem {
        id,
        generation,
        change: projects.change(what, &row_key)?,
        kind: action.kind(),
        action,
        attempts: small(attempts),
        outcome_unknown: outcome_unknown != 0,
        created_at: instant(what, created_at)?,
        leased_until,
        row_key,
    })
}

/// Puts an action into the outbox, or in the place of an older one of its kind, as part of a larger
/// transaction.
pub(super) async fn want(
    tx: &mut Tx,
    forge: &str,
    row_key: &str,
    action: &Action,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what = "put an action into the outbox";
    let turn: i64 = match action {
        Action::ReadFiles { .. } | Action::Look | Action::ReadThreads => 0,
        Action::Desired(_) => 1,
        Action::Status(_)
        | Action::Ping(_)
        | Action::Reply(_)
        | Action::Comment(_)
        | Action::React { .. } => 2,
        Action::Announce(_) => ANNOUNCEMENTS,
    };
    let urgency = urgency(tx, what, row_key, action).await?;
    sqlx::query(sql::WANT)
        .bind(row_key)
        .bind(action.kind())
        .bind(turn)
        .bind(json(what, action)?)
        .bind(millis(now))
        .bind(forge)
        .bind(urgency.rank())
        .execute(&mut **tx)
        .await
        .map_err(at(what))?;
    let lift = sqlx::query(sql::LIFT).bind(row_key);
    lift.execute(&mut **tx).await.map_err(at(what))?;
    Ok(())
}

/// Who goes first: answers to people, then pings and removals, then openings, then edits.
async fn urgency(
    tx: &mut Tx,
    what: &'static str,
    row_key: &str,
    action: &Action,
) -> Result<OutboxUrgency, StoreError> {
    Ok(match action {
        Action::Reply(_) | Action::React { .. } | Action::Comment(Comment::Reply { .. }) => {
            OutboxUrgency::Answer
        }
        Action::Ping(_) | Action::Comment(Comment::Ping { .. }) => OutboxUrgency::Ping,
        Action::Desired(shape) if !shape.not_reviewers.is_empty() => OutboxUrgency::Ping,
        Action::ReadFiles { .. }
        | Action::Look
        | Action::ReadThreads
        | Action::Desired(_)
        | Action::Announce(_) => OutboxUrgency::Opening,
        Action::Status(_) | Action::Comment(Comment::Status { .. }) => {
            let known = sqlx::query(sql::HAS_COMMENT).bind(row_key).bind(STATUS_MARKER);
            let known = known.fetch_optional(&mut **tx).await.map_err(at(what))?;
            if known.is_some() { OutboxUrgency::Edit } else { OutboxUrgency::Opening }
        }
    })
}

/// Counts a ping for its person's day; the same ping counts once.
pub(super) async fn count_ping(
    tx: &mut Tx,
    row_key: &str,
    ping: &str,
    person: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let upsert = sqlx::query(sql::RECORD_PING).bind(row_key).bind(ping).bind(person);
    upsert.bind(millis(now)).execute(&mut **tx).await.map_err(at("count a ping"))?;
    Ok(())
}

async fn remember(
    tx: &mut Tx,
    what: &'static str,
    row_key: &str,
    marker: &str,
    id: u64,
) -> Result<(), StoreError> {
    let upsert = sqlx::query(sql::REMEMBER).bind(row_key).bind(marker).bind(id.cast_signed());
    upsert.execute(&mut **tx).await.map_err(at(what))?;
    Ok(())
}
