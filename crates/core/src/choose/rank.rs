//! The order among those who can be asked.

// Numbers come from the store: what overflows there must end somewhere.
#![warn(clippy::arithmetic_side_effects)]

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::candidate::Criterion;
use crate::model::change::ChangeKey;
use crate::model::fingerprint::fingerprint;
use crate::model::load::Load;
use crate::model::people::{Person, Workload};
use crate::model::policy::Pool;
use crate::model::recent_requests::{REMEMBERED_DAYS, RecentRequests, days_before};
use crate::model::review::Review;
use crate::model::world::World;

const HOUR_MILLIS: i64 = 3_600_000;
/// Working time in which somebody gets through a desk that is full to their capacity.
const FULL_DESK_MILLIS: i64 = 8 * HOUR_MILLIS;
/// Answers that can be expected within the same step of time are equally soon: half a working day.
const STEP_MILLIS: i64 = 4 * HOUR_MILLIS;
/// Beyond this age it no longer matters when somebody was last asked.
const RECENCY_MILLIS: i64 = 5 * 24 * HOUR_MILLIS;
/// How long somebody who comes back is eased in: a week, and the day that time zones may add.
const EASING_DAYS: i64 = 8;
/// A leave shorter than this, in days of the calendar, needs no easing in afterwards.
const LONG_LEAVE_DAYS: i32 = 3;
/// Not having been asked for so many days is like leave, if somebody else got what was theirs.
const GAP_DAYS: i64 = 5;
/// How much of theirs others must have got in such a gap.
const GAP_SHARE: u64 = 2;

/// A member's place in the queue; the smallest is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranking {
    /// Came back and had their share: after everybody else.
    had_share: bool,
    /// Owners of changed files come first.
    owns_nothing: bool,
    /// When they could have answered, in whole steps from now.
    soon: i64,
    /// Open reviews per thousand of capacity.
    load: u32,
    /// How often asked in the last two weeks, against capacity and time at work.
    asked: u64,
    /// When they could have answered, exactly.
    answer_at: Timestamp,
    /// Milliseconds of forgotten-ness, negated: the longer ago, the smaller.
    recency: i64,
    tie: u64,
}

impl Ranking {
    /// The first thing in which somebody with this place differs from the next best.
    pub(super) fn decided_against(&self, next: &Ranking) -> Criterion {
        let Ranking { had_share, owns_nothing, soon, load, asked, answer_at, recency, tie: _ } = self;
        match () {
            () if *had_share != next.had_share => Criterion::Share,
            () if *owns_nothing != next.owns_nothing => Criterion::Ownership,
            () if *soon != next.soon => Criterion::Soonest,
            () if *load != next.load => Criterion::FewestOpen,
            () if *asked != next.asked => Criterion::LeastAsked,
            () if *answer_at != next.answer_at => Criterion::Soonest,
            () if *recency != next.recency => Criterion::LongestAgo,
            () => Criterion::FixedOrder,
        }
    }
}

/// What a pool as a whole was asked lately and can carry.
pub(super) struct Shares {
    asked: RecentRequests,
    capacity: u64,
}

/// Somebody who came back a short while ago and has had their share of what was asked since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub since: Date,
    pub asked: u32,
}

pub(super) fn capacity(person: &Person, pool: &Pool) -> u32 {
    person.capacity.unwrap_or(pool.capacity)
}

impl Shares {
    /// Adds up the members of `pool` whom the forge knows.
    pub(super) fn new(world: &World<'_>, pool: &Pool) -> Shares {
        let mut shares = Shares { asked: RecentRequests::default(), capacity: 0 };
        let members = world.directory.pool(&pool.name).iter();
        for person in members.filter_map(|name| world.directory.by_name(name)) {
            if person.account.is_some() {
                shares.asked.join(&world.workloads.of(&person.name).asked);
                shares.capacity = shares.capacity.saturating_add(u64::from(capacity(person, pool)));
            }
        }
        shares
    }

    /// Who comes back is asked no more than their share of what is asked since, and one more: after
    /// that the others come first, for a week. So whoever had leave is not flooded because their desk
    /// is empty. Their share is by capacity among all members, and so it never shrinks again.
    pub(super) fn had_by(
        &self,
        person: &Person,
        load: &Workload,
        capacity: u32,
        now: Timestamp,
    ) -> Option<Back> {
        let had = |own_from: Timestamp, pool_from: Timestamp, since: Date| {
            let asked = load.asked.since(own_from);
            let more = u64::from(asked).saturating_mul(self.capacity) > self.due(pool_from, capacity);
            more.then_some(Back { since, asked })
        };
        let leave = leaves_ended(person, now).find_map(|since| {
            // The day of UTC that midnight lies in may be the one before; it counts for them, not for
            // the others, so that days which are cut differently are never to their disadvantage.
            let [midnight, noon] = [0, 12].map(|hour| since.at(hour, 0, 0, 0));
            let zone = person.hours.timezone();
            had(zone.to_timestamp(midnight).ok()?, zone.to_timestamp(noon).ok()?, since)
        });
        leave.or_else(|| {
            let end = self.gap_ended(load, capacity, now)?;
            had(end, end, person.agenda().date(end))
        })
    }

    /// The share of `capacity` in what the pool was asked since `from`, times the pool's capacity.
    fn due(&self, from: Timestamp, capacity: u32) -> u64 {
        u64::from(self.asked.since(from)).saturating_mul(u64::from(capacity))
    }

    /// When they began to be asked again after they had been passed over for days, for whatever reason:
    /// new in the pool, busy, or on a leave that nobody wrote down. `now` when that is still to come.
    fn gap_ended(&self, load: &Workload, capacity: u32, now: Timestamp) -> Option<Timestamp> {
        (0..EASING_DAYS).map(|days| days_before(now, days)).find(|end| {
            let start = days_before(*end, GAP_DAYS);
            let passed_over = load.asked.since(start) == load.asked.since(*end);
            let others_got = || self.due(start, capacity).saturating_sub(self.due(*end, capacity));
            passed_over && others_got() >= self.capacity.saturating_mul(GAP_SHARE)
        })
    }
}

/// The days after the person's long leaves, of those that are over for no longer than a week.
fn leaves_ended(person: &Person, now: Timestamp) -> impl Iterator<Item = Date> {
    let agenda = person.agenda();
    let earliest = agenda.date(days_before(now, EASING_DAYS));
    let today = agenda.date(now);
    let over = person.away.iter().filter(move |leave| earliest <= leave.last && leave.last < today);
    let long = over.filter(|leave| days(leave.first, leave.last) >= LONG_LEAVE_DAYS);
    long.filter_map(|leave| leave.last.tomorrow().ok())
}

/// Days of the calendar from the first to the last, both included; 0 when they are the wrong way round.
fn days(first: Date, last: Date) -> i32 {
    first.until(last).map_or(0, |span| span.get_days().saturating_add(1)).max(0)
}

/// The place of somebody who can be asked; `(had_share, owns_nothing)` is judged elsewhere.
pub(super) fn rank(
    world: &World<'_>,
    review: &Review,
    person: &Person,
    open: Load,
    capacity: u32,
    (had_share, owns_nothing): (bool, bool),
) -> Ranking {
    let (now, load) = (world.now, world.workloads.of(&person.name));
    let capacity = capacity.max(1);
    let full = i64::from(Load::of_reviews(capacity).halves());
    let desk_millis = FULL_DESK_MILLIS.saturating_mul(i64::from(open.and(Load::WHOLE).halves()));
    let desk_millis = desk_millis.checked_div(full).unwrap_or(desk_millis);
    let answer_at = person.agenda().add(now, desk_millis).unwrap_or(Timestamp::MAX);
    let wait_millis = answer_at.as_millisecond().saturating_sub(now.as_millisecond());
    let age =
        load.last_asked.map_or(RECENCY_MILLIS, |at| now.as_millisecond().saturating_sub(at.as_millisecond()));
    let asked = u64::from(load.asked.remembered(now)).saturating_mul(1_000_000_000);
    Ranking {
        had_share,
        owns_nothing,
        soon: wait_millis / STEP_MILLIS,
        load: open.halves().saturating_mul(500).checked_div(capacity).unwrap_or(u32::MAX),
        asked: asked.checked_div(weight(person, capacity, now)).unwrap_or(asked),
        answer_at,
        recency: age.clamp(0, RECENCY_MILLIS).saturating_neg(),
        tie: tie_break(&review.change, &person.name),
    }
}

/// What somebody could carry in the last two weeks: capacity times minutes of a week times days on
/// which they were not away. Whoever works less, or was away, is not behind for it.
fn weight(person: &Person, capacity: u32, now: Timestamp) -> u64 {
    let agenda = person.agenda();
    let today = agenda.date(now);
    let first = agenda.date(days_before(now, REMEMBERED_DAYS - 1));
    let away = person.away.iter().map(|leave| days(leave.first.max(first), leave.last.min(today)));
    let away = away.fold(0_i64, |sum, days| sum.saturating_add(i64::from(days)));
    let there = REMEMBERED_DAYS.saturating_sub(away).max(1).unsigned_abs();
    let week_minutes = (person.week_millis / 60_000).max(1).unsigned_abs();
    u64::from(capacity).saturating_mul(week_minutes).saturating_mul(there)
}

/// FNV-1a over change and name: stable across versions, machines and restarts.
fn tie_break(change: &ChangeKey, name: &str) -> u64 {
    fingerprint([change.forge.as_str(), &change.project, &change.number.to_string(), name])
}
