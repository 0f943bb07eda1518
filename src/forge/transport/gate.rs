//! The gate that all requests of one forge identity pass: it paces them, minds the budgets, and keeps
//! still while the forge asks for patience. It never sleeps; it says when.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use super::budget::{Budgets, Purpose, Purse, RequestBudget};
use super::limits::{Limit, Patience, Scope};
use super::wait::{Cause, LONGEST_BLOCK_SECONDS, NotBefore, later};
use crate::clock::Clock;
use usher_core::model::change::ForgeKind;

/// What a request does to the forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    Read,
    Write,
    /// A GraphQL query, which reads. GitHub counts its points apart: 2,000 a minute, more than the
    /// few that Usher sends.
    Query,
}

/// A request that wants to pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestClass<'a> {
    pub traffic: Traffic,
    pub purpose: Purpose,
    pub purse: &'a Purse,
}

/// At most `count` writes in any `seconds`.
#[derive(Clone, Copy, Debug)]
struct Pace {
    count: usize,
    seconds: i64,
}

/// Who waits for a write that is about to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A person, now: answers, removals and pings.
    Now,
    /// Nobody in particular: openings, edits of status comments.
    Ordinary,
}

/// GitHub's limits on requests that create content (`rate-limits-for-the-rest-api.md`).
const GITHUB_PACES: &[Pace] = &[Pace { count: 80, seconds: 60 }, Pace { count: 500, seconds: 3_600 }];
/// Writes to GitHub that may begin at once after a rest: a bucket, which fills by one a second. With it
/// a minute has eighty at most.
const BUCKET: i64 = 20;
const BUCKET_REFILL_MILLIS: i64 = 1_000;
/// An action may take so many writes, so that none stops in the middle.
const BUCKET_FOR_ORDINARY: i64 = 3;
/// Of the hour's writes, as many are there for what is not urgent: a fifth is kept.
const ORDINARY_AN_HOUR: usize = 400;
/// From so many on, what is left for ordinary writes is spread over what is left of the hour.
const STRETCHED_FROM: usize = 250;
/// GitHub's points for REST in any minute, of which a read costs one and a write five (the same page).
const GITHUB_POINTS: u32 = 900;
/// As many of them background traffic may use.
const GITHUB_POINTS_BACKGROUND: u32 = 720;
const POINTS_SECONDS: i64 = 60;
const HOUR_SECONDS: i64 = 3_600;

/// Shortest wait after a limit that came without headers; doubled each time in a row (GitHub asks
/// for at least a minute, growing).
const FIRST_WAIT_SECONDS: i64 = 60;
/// Longest wait after a limit without headers.
const LONGEST_GUESS_SECONDS: i64 = 3_600;

/// One gate per forge identity (host and token).
#[derive(Debug)]
pub(super) struct Gate {
    kind: ForgeKind,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Writes within the longest pace, oldest first; never more than that pace's count.
    writes: VecDeque<Timestamp>,
    bucket: Bucket,
    /// Points within a minute, oldest first; never more entries than points.
    points: VecDeque<(Timestamp, u32)>,
    budgets: Budgets,
    blocked: Option<NotBefore>,
    /// Limits in a row that came without a time.
    strikes: u32,
}

/// What is left of the writes that may begin at once, in thousandths; overdrawn by an action that
/// takes several.
#[derive(Debug)]
struct Bucket {
    level: i64,
    at: Timestamp,
}

impl Default for Bucket {
    fn default() -> Bucket {
        Bucket { level: BUCKET * BUCKET_REFILL_MILLIS, at: Timestamp::UNIX_EPOCH }
    }
}

impl Bucket {
    fn refill(&mut self, now: Timestamp) {
        // A clock that was set back fills nothing, and takes nothing away.
        let millis = now.duration_since(self.at).as_millis().max(0);
        let full = BUCKET * BUCKET_REFILL_MILLIS;
        self.level = full.min(self.level.saturating_add(i64::try_from(millis).unwrap_or(full)));
        self.at = now;
    }

    fn wait_for(&self, writes: i64) -> Option<Timestamp> {
        let missing = writes * BUCKET_REFILL_MILLIS - self.level;
        (missing > 0).then(|| self.at + SignedDuration::from_millis(missing))
    }
}

impl Gate {
    /// A gate with the paces of its kind of forge. GitLab publishes no pace for writes: there, what
    /// its headers say decides.
    pub(super) fn new(kind: ForgeKind, clock: Clock) -> Gate {
        Gate { kind, clock, state: Mutex::default() }
    }

    /// The clock was set back: what was counted until now, or blocked until an instant, is counted anew.
    pub(super) fn forget_times(&self) {
        *self.state() = State::default();
    }

    /// Takes a place for one request.
    ///
    /// # Errors
    /// While blocked (reads too), or when a pace or a budget is used up.
    pub(super) fn permit(&self, ask: &RequestClass<'_>) -> Result<(), NotBefore> {
        let mut state = self.open(ask)?;
        if self.kind == ForgeKind::GitHub {
            let now = self.clock.now();
            state.points.extend((points(ask.traffic) > 0).then_some((now, points(ask.traffic))));
            if ask.traffic == Traffic::Write {
                state.writes.push_back(now);
                state.bucket.refill(now);
                state.bucket.level -= BUCKET_REFILL_MILLIS;
            }
        }
        Ok(())
    }

    /// Whether an action of this urgency may begin now. Nothing is taken: its writes do that.
    ///
    /// # Errors
    /// As [`Gate::permit`], and when the pace for its kind is used up.
    pub(super) fn may_begin(&self, ask: &RequestClass<'_>, urgency: Urgency) -> Result<(), NotBefore> {
        let mut state = self.open(ask)?;
        let wait = match self.kind {
            ForgeKind::GitHub => state.wait_to_begin(urgency, self.clock.now()),
            ForgeKind::GitLab => None,
        };
        wait.map_or(Ok(()), Err)
    }

    /// Whether a request would pass now, without taking a place: for a read that only serves a write.
    ///
    /// # Errors
    /// As [`Gate::permit`].
    pub(super) fn check(&self, ask: &RequestClass<'_>) -> Result<(), NotBefore> {
        self.open(ask).map(drop)
    }

    /// Until when the forge asked for patience, or has nothing left to give; `None` when neither.
    pub(super) fn blocked_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let state = self.state();
        let blocked = state.blocked.as_ref().map(|block| block.at).filter(|at| *at > now);
        let spent = state.budgets.list(now).into_iter().filter(|budget| budget.remaining == 0);
        blocked.into_iter().chain(spent.map(|budget| budget.resets_at)).max()
    }

    /// What is left of each budget whose window has not ended yet.
    pub(super) fn budgets(&self) -> Vec<RequestBudget> {
        self.state().budgets.list(self.clock.now())
    }

    /// Learns from an answer's headers what is left.
    pub(super) fn learn(&self, purse: &Purse, headers: &HeaderMap) {
        let now = self.clock.now();
        self.state().budgets.learn(purse, headers, now);
    }

    /// Keeps the gate shut after a limit, for all requests or for those of one budget, and answers
    /// until when.
    pub(super) fn block(&self, limit: Limit, purse: &Purse, why: &str) -> NotBefore {
        let now = self.clock.now();
        let mut state = self.state();
        let at = match limit.patience {
            Patience::Until(at) => at.clamp(later(now, 1), later(now, LONGEST_BLOCK_SECONDS)),
            Patience::Unspecified => {
                let wait = FIRST_WAIT_SECONDS << state.strikes.min(6);
                state.strikes += 1;
                later(now, wait.min(LONGEST_GUESS_SECONDS))
            }
        };
        if limit.scope == Scope::Budget {
            state.budgets.exhaust(purse, at, now);
            return NotBefore { at, why: why.to_owned(), cause: Cause::Pace };
        }
        let at = state.blocked.as_ref().map_or(at, |block| block.at.max(at));
        let block = NotBefore { at, why: why.to_owned(), cause: Cause::Limit };
        state.blocked = Some(block.clone());
        block
    }

    /// The forge answered without complaint.
    pub(super) fn relax(&self) {
        self.state().strikes = 0;
    }

    fn open(&self, ask: &RequestClass<'_>) -> Result<MutexGuard<'_, State>, NotBefore> {
        let now = self.clock.now();
        let mut state = self.state();
        match &state.blocked {
            Some(block) if block.at > now => return Err(block.clone()),
            Some(_) => state.blocked = None,
            None => {}
        }
        let spent = state.budgets.check(ask.purse, ask.purpose, now);
        let paced = match self.kind {
            ForgeKind::GitHub => [state.wait_for_writes(ask, now), state.wait_for_points(ask, now)],
            ForgeKind::GitLab => [None, None],
        };
        match paced.into_iter().flatten().chain(spent).max_by_key(|wait| wait.at) {
            Some(wait) => Err(wait),
            None => Ok(state),
        }
    }

    /// The state is plain data that no panic can leave half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// When an action may begin on GitHub. [`State::wait_for_writes`] has thrown old writes away.
    fn wait_to_begin(&mut self, urgency: Urgency, now: Timestamp) -> Option<NotBefore> {
        self.bucket.refill(now);
        let level = if urgency == Urgency::Now { 1 } else { BUCKET_FOR_ORDINARY };
        let bucket = self.bucket.wait_for(level);
        let hour = if urgency == Urgency::Now { None } else { self.stretched(now) };
        let at = bucket.into_iter().chain(hour).max().filter(|at| *at > now)?;
        let why = "GitHub takes writes slowly: one a second, and 500 an hour".to_owned();
        Some(NotBefore { at, why, cause: Cause::Pace })
    }

    /// Ordinary writes are spread over the hour once half of it is used, and stop where the rest is kept
    /// for people.
    fn stretched(&self, now: Timestamp) -> Option<Timestamp> {
        let used = self.writes.len();
        if let Some(decisive) = used.checked_sub(ORDINARY_AN_HOUR) {
            return self.writes.get(decisive).map(|written| later(*written, HOUR_SECONDS));
        }
        if used < STRETCHED_FROM {
            return None;
        }
        let ends = later(*self.writes.front()?, HOUR_SECONDS);
        let left = i128::try_from(ORDINARY_AN_HOUR - used).ok()?;
        // Whole milliseconds, rounded up: the clock shows no finer ones.
        let pause = i64::try_from(ends.duration_since(now).as_millis() / left + 1).ok()?;
        Some(*self.writes.back()? + SignedDuration::from_millis(pause))
    }

    fn wait_for_writes(&mut self, ask: &RequestClass<'_>, now: Timestamp) -> Option<NotBefore> {
        if ask.traffic != Traffic::Write {
            return None;
        }
        let longest = GITHUB_PACES.iter().map(|pace| pace.seconds).max().unwrap_or(0);
        while self.writes.front().is_some_and(|written| later(*written, longest) <= now) {
            self.writes.pop_front();
        }
        let waits = GITHUB_PACES.iter().filter_map(|pace| {
            let decisive = self.writes.len().checked_sub(pace.count)?;
            let at = later(self.writes[decisive], pace.seconds);
            let why = format!("{} writes in {} s are used up", pace.count, pace.seconds);
            (at > now).then_some(NotBefore { at, why, cause: Cause::Pace })
        });
        waits.max_by_key(|wait| wait.at)
    }

    fn wait_for_points(&mut self, ask: &RequestClass<'_>, now: Timestamp) -> Option<NotBefore> {
        while self.points.front().is_some_and(|(spent, _)| later(*spent, POINTS_SECONDS) <= now) {
            self.points.pop_front();
        }
        let allowed = match ask.purpose {
            Purpose::Answer => GITHUB_POINTS,
            Purpose::Background => GITHUB_POINTS_BACKGROUND,
        };
        let spent: u32 = self.points.iter().map(|(_, points)| points).sum();
        let mut too_many = (spent + points(ask.traffic)).saturating_sub(allowed);
        if points(ask.traffic) == 0 || too_many == 0 {
            return None;
        }
        let decisive = self.points.iter().find(|(_, points)| {
            too_many = too_many.saturating_sub(*points);
            too_many == 0
        })?;
        let why = format!("{allowed} points in {POINTS_SECONDS} s are used up");
        Some(NotBefore { at: later(decisive.0, POINTS_SECONDS), why, cause: Cause::Pace })
    }
}

/// What GitHub counts a request for.
fn points(traffic: Traffic) -> u32 {
    match traffic {
        Traffic::Read => 1,
        Traffic::Write => 5,
        Traffic::Query => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn gate() -> (Gate, Clock) {
        let clock = Clock::virtual_at(at(10_000));
        (Gate::new(ForgeKind::GitHub, clock.clone()), clock)
    }

    fn purse(resource: &str) -> Purse {
        Purse { owner: String::new(), resource: resource.into() }
    }

    fn permit(gate: &Gate, traffic: Traffic, purpose: Purpose) -> Result<(), NotBefore> {
        let resource = if traffic == Traffic::Query { "graphql" } else { "core" };
        gate.permit(&RequestClass { traffic, purpose, purse: &purse(resource) })
    }

    fn answer(gate: &Gate, traffic: Traffic) -> Result<(), NotBefore> {
        permit(gate, traffic, Purpose::Answer)
    }

    fn whole(patience: Patience) -> Limit {
        Limit { patience, scope: Scope::Forge }
    }

    #[test]
    fn github_writes_are_paced_by_the_minute_and_by_the_hour() {
        let (gate, clock) = gate();
        let mut written = 0;
        let mut refusals = Vec::new();
        while written < 501 {
            match answer(&gate, Traffic::Write) {
                Ok(()) => written += 1,
                Err(wait) => {
                    assert!(answer(&gate, Traffic::Read).is_ok(), "reads are not paced by it");
                    refusals.push((written, wait.at.as_second()));
                    clock.advance_to(wait.at);
                }
            }
        }
        let minutes: Vec<_> = (1..=6).map(|n| (80 * n, 10_000 + 60 * n)).collect();
        assert_eq!(refusals[..6], minutes[..]);
        assert_eq!(refusals[6..], [(500, 13_600)], "the 501st waits for the hour");
    }

    fn begin(gate: &Gate, urgency: Urgency) -> Result<(), NotBefore> {
        let purse = purse("core");
        gate.may_begin(
            &RequestClass { traffic: Traffic::Write, purpose: Purpose::Answer, purse: &purse },
            urgency,
        )
    }

    /// Writes as soon as may be begun, until `seconds` are over; when each went out.
    fn written(gate: &Gate, clock: &Clock, urgency: Urgency, seconds: i64) -> Vec<i64> {
        let start = clock.now();
        let mut times = Vec::new();
        loop {
            let at = match begin(gate, urgency) {
                Ok(()) => {
                    answer(gate, Traffic::Write).unwrap();
                    times.push(clock.now().duration_since(start).as_secs());
                    continue;
                }
                Err(wait) => wait.at,
            };
            if at >= later(start, seconds) {
                return times;
            }
            clock.advance_to(at);
        }
    }

    #[test]
    fn ordinary_writes_to_github_begin_with_a_bucket_and_spread_over_the_hour() {
        let (gate, clock) = gate();
        let times = written(&gate, &clock, Urgency::Ordinary, 3_600);
        let by = |second| times.iter().filter(|at| **at <= second).count();
        assert_eq!((by(0), by(60), by(232)), (18, 78, 250));
        assert!((395..=ORDINARY_AN_HOUR).contains(&times.len()), "a fifth of the hour is kept: {times:?}");
        let pauses: Vec<i64> = times[251..].windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.iter().all(|pause| (15..30).contains(pause)), "no silence: {pauses:?}");
    }

    #[test]
    fn what_people_wait_for_goes_out_a_second_later_at_most() {
        let (gate, clock) = gate();
        written(&gate, &clock, Urgency::Ordinary, 3_000);
        while begin(&gate, Urgency::Now).is_ok() {
            answer(&gate, Traffic::Write).unwrap();
        }
        let wait = begin(&gate, Urgency::Now).unwrap_err();
        assert!(wait.at <= later(clock.now(), 1), "{wait:?}");
        clock.advance_to(wait.at);
        assert!(begin(&gate, Urgency::Now).is_ok() && begin(&gate, Urgency::Ordinary).is_err());
        assert!(written(&gate, &clock, Urgency::Now, 600).len() > 50);
    }

    #[test]
    fn an_action_of_several_writes_is_not_stopped_in_the_middle() {
        let (gate, clock) = gate();
        for _ in 0..200 {
            while let Err(wait) = begin(&gate, Urgency::Ordinary) {
                clock.advance_to(wait.at);
            }
            for write in 0..3 {
                answer(&gate, Traffic::Write).unwrap_or_else(|wait| panic!("write {write}: {wait:?}"));
            }
        }
    }

    #[test]
    fn github_points_are_counted_and_a_part_of_them_is_kept_for_people() {
        let (gate, clock) = gate();
        for _ in 0..10 {
            answer(&gate, Traffic::Write).unwrap();
        }
        clock.advance_to(at(10_010));
        let reads = (0..).take_while(|_| permit(&gate, Traffic::Read, Purpose::Background).is_ok()).count();
        assert_eq!(reads, 720 - 50);
        let wait = permit(&gate, Traffic::Read, Purpose::Background).unwrap_err();
        assert_eq!((wait.at, wait.cause), (at(10_060), Cause::Pace), "the first write's points come back");
        let reads = (0..).take_while(|_| answer(&gate, Traffic::Read).is_ok()).count();
        assert_eq!(reads, 180);
        assert_eq!(answer(&gate, Traffic::Write).unwrap_err().at, at(10_060));
        assert!(answer(&gate, Traffic::Query).is_ok(), "GraphQL has points of its own");
        clock.advance_to(at(10_060));
        assert!(answer(&gate, Traffic::Write).is_ok());
    }

    #[test]
    fn a_block_holds_reads_and_writes_until_its_time_and_no_longer_than_a_day() {
        let (gate, clock) = gate();
        let block = |second, why| gate.block(whole(Patience::Until(at(second))), &purse("core"), why).at;
        block(10_030, "told so");
        for traffic in [Traffic::Read, Traffic::Write, Traffic::Query] {
            assert_eq!(answer(&gate, traffic).unwrap_err().at, at(10_030));
        }
        assert_eq!(block(10_010, "less"), at(10_030), "never shortened");
        clock.advance_to(at(10_030));
        assert!(answer(&gate, Traffic::Write).is_ok());
        assert_eq!(gate.blocked_until(), None);
        assert_eq!(block(9_000_000, "absurd"), at(10_030 + 24 * 3_600));
    }

    #[test]
    fn a_spent_budget_holds_its_own_requests_only() {
        let (gate, _) = gate();
        let limit = Limit { patience: Patience::Until(at(10_900)), scope: Scope::Budget };
        gate.block(limit, &purse("graphql"), "spent");
        assert_eq!(answer(&gate, Traffic::Query).unwrap_err().at, at(10_900));
        assert!(answer(&gate, Traffic::Read).is_ok() && answer(&gate, Traffic::Write).is_ok());
        assert_eq!(gate.blocked_until(), Some(at(10_900)));
    }

    #[test]
    fn limits_without_a_time_wait_a_minute_then_twice_as_long_until_an_hour() {
        let (gate, clock) = gate();
        let block = || gate.block(whole(Patience::Unspecified), &purse("core"), "secondary").at;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let until = block();
            waits.push(until.as_second() - clock.now().as_second());
            clock.advance_to(until);
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        gate.relax();
        assert_eq!(block().as_second() - clock.now().as_second(), 60);
    }
}
