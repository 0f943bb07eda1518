//! The gate that all requests of one forge identity pass: it paces writes and keeps still while the
//! forge asks for patience. It never sleeps; it says when.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::fault::Patience;
use crate::clock::Clock;
use crate::core::change::ForgeKind;

/// What a request does to the forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    Read,
    Write,
}

/// "Not now": when to come again, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotBefore {
    pub at: Timestamp,
    pub why: String,
}

/// At most `count` writes in any `seconds`.
#[derive(Clone, Copy, Debug)]
struct Pace {
    count: usize,
    seconds: i64,
}

/// GitHub's limits on requests that create content (forges.md 4).
const GITHUB_PACES: &[Pace] = &[Pace { count: 80, seconds: 60 }, Pace { count: 500, seconds: 3_600 }];

/// Shortest wait after a limit that came without headers; doubled each time in a row (GitHub asks
/// for at least a minute, growing).
const FIRST_WAIT_SECONDS: i64 = 60;
/// Longest wait after a limit without headers.
const LONGEST_GUESS_SECONDS: i64 = 3_600;
/// Longest wait a forge can talk us into: a wrong clock or header must not silence Usher for ever.
const LONGEST_BLOCK_SECONDS: i64 = 24 * 3_600;

/// One gate per forge identity (host and token).
#[derive(Debug)]
pub struct Gate {
    clock: Clock,
    paces: &'static [Pace],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Writes within the longest pace, oldest first; never more than that pace's count.
    writes: VecDeque<Timestamp>,
    blocked: Option<NotBefore>,
    /// Limits in a row that came without a time.
    strikes: u32,
}

impl Gate {
    /// A gate with the paces of its kind of forge. GitLab publishes no pace for writes: there, what
    /// its headers say decides.
    pub fn new(kind: ForgeKind, clock: Clock) -> Gate {
        let paces = match kind {
            ForgeKind::GitHub => GITHUB_PACES,
            ForgeKind::GitLab => &[],
        };
        Gate { clock, paces, state: Mutex::default() }
    }

    /// Takes a place for one request.
    ///
    /// # Errors
    /// While blocked (reads too), or when the writes of a pace are used up.
    pub fn permit(&self, traffic: Traffic) -> Result<(), NotBefore> {
        let mut state = self.open(traffic)?;
        if traffic == Traffic::Write && !self.paces.is_empty() {
            state.writes.push_back(self.clock.now());
        }
        Ok(())
    }

    /// Whether a request would pass now, without taking a place: asked before a read that only
    /// serves a write.
    ///
    /// # Errors
    /// As [`Gate::permit`].
    pub fn check(&self, traffic: Traffic) -> Result<(), NotBefore> {
        self.open(traffic).map(drop)
    }

    /// Until when the forge asked for patience; `None` when it did not.
    pub fn blocked_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        self.state().blocked.as_ref().map(|block| block.at).filter(|at| *at > now)
    }

    /// Keeps the gate shut, and answers until when.
    pub(super) fn block(&self, patience: Patience, why: &str) -> NotBefore {
        let now = self.clock.now();
        let mut state = self.state();
        let at = match patience {
            Patience::Until(at) => at.clamp(later(now, 1), later(now, LONGEST_BLOCK_SECONDS)),
            Patience::Unspecified => {
                let wait = FIRST_WAIT_SECONDS << state.strikes.min(6);
                state.strikes += 1;
                later(now, wait.min(LONGEST_GUESS_SECONDS))
            }
        };
        let at = state.blocked.as_ref().map_or(at, |block| block.at.max(at));
        let block = NotBefore { at, why: why.to_owned() };
        state.blocked = Some(block.clone());
        block
    }

    /// The forge answered without complaint.
    pub(super) fn relax(&self) {
        self.state().strikes = 0;
    }

    fn open(&self, traffic: Traffic) -> Result<MutexGuard<'_, State>, NotBefore> {
        let now = self.clock.now();
        let mut state = self.state();
        match &state.blocked {
            Some(block) if block.at > now => return Err(block.clone()),
            Some(_) => state.blocked = None,
            None => {}
        }
        if traffic == Traffic::Read {
            return Ok(state);
        }
        let longest = self.paces.iter().map(|pace| pace.seconds).max().unwrap_or(0);
        while state.writes.front().is_some_and(|written| later(*written, longest) <= now) {
            state.writes.pop_front();
        }
        let waits = self.paces.iter().filter_map(|pace| {
            let decisive = state.writes.len().checked_sub(pace.count)?;
            let at = later(state.writes[decisive], pace.seconds);
            let why = format!("{} writes in {} s are used up", pace.count, pace.seconds);
            (at > now).then_some(NotBefore { at, why })
        });
        match waits.max_by_key(|wait| wait.at) {
            Some(wait) => Err(wait),
            None => Ok(state),
        }
    }

    /// The state is plain data that no panic can leave half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
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

    #[test]
    fn github_writes_are_paced_by_the_minute_and_by_the_hour() {
        let (gate, clock) = gate();
        let mut written = 0;
        let mut refusals = Vec::new();
        while written < 501 {
            match gate.permit(Traffic::Write) {
                Ok(()) => written += 1,
                Err(wait) => {
                    assert!(gate.permit(Traffic::Read).is_ok(), "reads are not paced");
                    refusals.push((written, wait.at.as_second()));
                    clock.advance_to(wait.at);
                }
            }
        }
        let minutes: Vec<_> = (1..=6).map(|n| (80 * n, 10_000 + 60 * n)).collect();
        assert_eq!(refusals[..6], minutes[..]);
        assert_eq!(refusals[6..], [(500, 13_600)], "the 501st waits for the hour");
    }

    #[test]
    fn a_block_holds_reads_and_writes_until_its_time_and_no_longer_than_a_day() {
        let (gate, clock) = gate();
        gate.block(Patience::Until(at(10_030)), "told so");
        for traffic in [Traffic::Read, Traffic::Write] {
            assert_eq!(gate.permit(traffic).unwrap_err().at, at(10_030));
        }
        assert_eq!(gate.block(Patience::Until(at(10_010)), "less").at, at(10_030), "never shortened");
        clock.advance_to(at(10_030));
        assert!(gate.permit(Traffic::Write).is_ok());
        assert_eq!(gate.blocked_until(), None);
        assert_eq!(gate.block(Patience::Until(at(9_000_000)), "absurd").at, at(10_030 + 24 * 3_600));
    }

    #[test]
    fn limits_without_a_time_wait_a_minute_then_twice_as_long_until_an_hour() {
        let (gate, clock) = gate();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let until = gate.block(Patience::Unspecified, "secondary").at;
            waits.push(until.as_second() - clock.now().as_second());
            clock.advance_to(until);
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        gate.relax();
        let until = gate.block(Patience::Unspecified, "secondary").at;
        assert_eq!(until.as_second() - clock.now().as_second(), 60);
    }
}
