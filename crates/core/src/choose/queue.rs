//! A change's place in the queue of a pool, and who is kept for those ahead of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::model::calendar::Agenda;
use crate::model::candidate::{Candidate, Judgement};
use crate::model::change::ChangeKey;
use crate::model::policy::{Policy, Pool};
use crate::model::queue::{PRIORITY_DAYS, Queue, Queued, TICKETS_COUNTED_MAX};
use crate::model::review::Review;
use crate::model::world::World;

/// How far back a head start is looked for, in days of the calendar.
const LOOK_BACK_DAYS_MAX: i64 = 60;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The place of a review in a pool's queue, were it to wait from now on or since it began to.
fn place(world: &World<'_>, review: &Review, pool: &Pool) -> Timestamp {
    head_start(world.policy, review, &pool.name, since(world, review, pool))
}

fn since(world: &World<'_>, review: &Review, pool: &Pool) -> Timestamp {
    let part = review.planned.pools.iter().find(|part| part.pool == pool.name);
    part.and_then(|part| part.queued.as_ref()).map_or(world.now, |queued| queued.since)
}

fn head_start(policy: &Policy, review: &Review, pool: &str, since: Timestamp) -> Timestamp {
    let tickets = i64::try_from(review.seen.tickets.len().min(TICKETS_COUNTED_MAX)).unwrap_or(0);
    let priority = policy.labels_on(review).has(&policy.labels.priority);
    let days = tickets + if priority { PRIORITY_DAYS } else { 0 };
    // Kept in whole milliseconds: a place must compare the same wherever it was read.
    let mut start = Timestamp::from_millisecond(since.as_millisecond()).unwrap_or(since);
    if days == 0 {
        return start;
    }
    let hours = policy.pool_hours(pool);
    let (agenda, wanted) = (Agenda::new(hours, &[]), days.saturating_mul(hours.longest_day_millis()));
    let mut found = 0;
    for _ in 0..LOOK_BACK_DAYS_MAX {
        let Ok(earlier) = start.checked_sub(DAY) else { return start };
        found += agenda.between(earlier, start);
        start = earlier;
        if found >= wanted {
            break;
        }
    }
    start
}

/// A look at the queue for one choice of one pool. Costs nothing while nobody waits.
pub(super) struct Outlook<'w> {
    queue: &'w Queue,
    change: &'w ChangeKey,
    /// `None` while nobody waits for anybody.
    place: Option<Timestamp>,
}

impl<'w> Outlook<'w> {
    pub(super) fn new(world: &World<'w>, review: &'w Review, pool: &Pool) -> Outlook<'w> {
        let queue = &world.workloads.queue;
        let place = (!queue.is_empty()).then(|| place(world, review, pool));
        Outlook { queue, change: &review.change, place }
    }

    /// The verdict on `person` with the queue in mind: who is free may be kept for those ahead.
    pub(super) fn weigh(&self, standing: Judgement, person: &str) -> Judgement {
        let (Some((_, open, capacity)), Some(place)) = (standing.askable(), self.place) else {
            return standing;
        };
        let ahead = self.queue.ahead_for(person, place, self.change);
        if ahead >= open.room_for(capacity) { Judgement::Kept { ahead } } else { standing }
    }
}

/// Takes a place in the queue, or renews it: nobody of `candidates` can be asked now. `None` where
/// waiting helps nothing.
pub(crate) fn queue_up(
    world: &World<'_>,
    review: &Review,
    pool: &Pool,
    candidates: &[Candidate],
) -> Option<Queued> {
    let hopes: BTreeSet<String> =
        candidates.iter().filter(|c| c.standing.may_pass()).map(|c| c.person.clone()).collect();
    if hopes.is_empty() {
        return None;
    }
    let (since, place) = (since(world, review, pool), place(world, review, pool));
    let ahead = world.workloads.queue.ahead_in(&pool.name, place, &review.change);
    Some(Queued { since, place, ahead, hopes })
}
