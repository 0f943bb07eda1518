//! The queue: when a pool has nobody free, changes wait in an order, and what becomes free goes to
//! the first of them.
//!
//! A place in the queue is an instant: since when the change waits, earlier by a head start. Each of
//! its tickets is worth one business day of the pool, and a person's priority label as much as ten.
//! So a place never moves while others wait, the order can be kept in an index, and whoever has
//! waited long enough is ahead of everybody who comes: nobody starves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::calendar::Agenda;
use super::candidate::{Candidate, Standing};
use super::change::ChangeKey;
use super::policy::{Policy, Pool};
use super::review::Review;
use super::world::World;

/// Tickets that count; more do not move a change further.
pub const TICKETS_COUNTED_MAX: usize = 5;
/// Business days that the priority label is worth: more than all tickets together.
pub const PRIORITY_DAYS: i64 = 10;
/// How far back a head start is looked for, in days of the calendar.
const LOOK_BACK_DAYS_MAX: i64 = 60;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// One pool's place in the queue, kept with the review while nobody is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    pub since: Timestamp,
    /// The earlier, the sooner it is its turn.
    pub place: Timestamp,
    /// Changes that were ahead when it was last looked at.
    pub ahead: u32,
    /// Names of those who may become free for it.
    pub hopes: BTreeSet<String>,
}

/// One change that waits for one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    pub place: Timestamp,
    pub change: ChangeKey,
    pub pool: String,
}

/// Who waits for whom, over all forges: the first of each line, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    lines: BTreeMap<String, Vec<Waiting>>,
}

impl Queue {
    /// Adds somebody who waits for `person`. In any order.
    pub fn join(&mut self, person: &str, waiting: Waiting) {
        let line = self.lines.entry(person.to_owned()).or_default();
        let at = line.partition_point(|other| *other < waiting);
        line.insert(at, waiting);
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many other changes wait for `person` ahead of a place.
    fn ahead_for(&self, person: &str, place: Timestamp, change: &ChangeKey) -> u32 {
        let line = self.lines.get(person).map_or(&[][..], Vec::as_slice);
        let ahead = line.iter().take_while(|other| (other.place, &other.change) < (place, change));
        let changes: BTreeSet<&ChangeKey> =
            ahead.map(|other| &other.change).filter(|c| *c != change).collect();
        u32::try_from(changes.len()).unwrap_or(u32::MAX)
    }

    /// How many other changes wait for `pool` ahead of a place.
    fn ahead_in(&self, pool: &str, place: Timestamp, change: &ChangeKey) -> u32 {
        let all = self.lines.values().flatten().filter(|other| other.pool == pool && other.change != *change);
        let ahead = all.filter(|other| (other.place, &other.change) < (place, change));
        let changes: BTreeSet<&ChangeKey> = ahead.map(|other| &other.change).collect();
        u32::try_from(changes.len()).unwrap_or(u32::MAX)
    }
}

impl Review {
    /// The places that it holds now, by pool; none while nobody should act on it.
    pub fn queued(&self) -> impl Iterator<Item = (&str, &Queued)> {
        let waits = self.is_ready() && self.hold.is_none() && self.lost.is_none();
        let parts = self.pools.iter().filter(move |_| waits);
        parts.filter_map(|part| Some((part.pool.as_str(), part.queued.as_ref()?)))
    }
}

/// The place of a review in a pool's queue, were it to wait from now on or since it began to.
fn place(world: &World<'_>, review: &Review, pool: &Pool) -> Timestamp {
    head_start(world.policy, review, &pool.name, since(world, review, pool))
}

fn since(world: &World<'_>, review: &Review, pool: &Pool) -> Timestamp {
    let part = review.pools.iter().find(|part| part.pool == pool.name);
    part.and_then(|part| part.queued.as_ref()).map_or(world.now, |queued| queued.since)
}

fn head_start(policy: &Policy, review: &Review, pool: &str, since: Timestamp) -> Timestamp {
    let tickets = i64::try_from(review.tickets.len().min(TICKETS_COUNTED_MAX)).unwrap_or(0);
    let priority = review.seen_labels.contains(&policy.labels.priority);
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
    pub(super) fn weigh(&self, standing: Standing, person: &str) -> Standing {
        let (Some((_, open, capacity)), Some(place)) = (standing.askable(), self.place) else {
            return standing;
        };
        let ahead = self.queue.ahead_for(person, place, self.change);
        if ahead >= capacity.saturating_sub(open) { Standing::Kept { ahead } } else { standing }
    }
}

/// Takes a place in the queue, or renews it: nobody of `candidates` can be asked now. `None` where
/// waiting helps nothing.
pub(super) fn queue_up(
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
