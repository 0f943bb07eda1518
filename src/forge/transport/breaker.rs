//! A circuit breaker: a forge that fails again and again is left alone for a while, longer each time,
//! and then asked with a single request whether it is well.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::wait::{NotBefore, later};
use crate::clock::Clock;

/// Failures in a row that open the circuit.
const FAILURES_TO_OPEN: u32 = 5;
/// First pause; it doubles with each failed probe.
const FIRST_PAUSE_SECONDS: i64 = 15;
/// Longest pause: so late is the end of an outage noticed at most.
const LONGEST_PAUSE_SECONDS: i64 = 300;
/// Others come again after so long while a probe is under way.
const PROBE_SECONDS: i64 = 5;

/// One breaker per forge identity.
#[derive(Debug)]
pub(super) struct Breaker {
    forge: String,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures since the last success.
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Timestamp,
    /// Pauses so far, this one included.
    pauses: u32,
    /// The failure that opened it, in words.
    why: String,
    probing: bool,
}

/// Leave for one request. Dropped without a verdict, it counts for nothing.
#[must_use]
#[derive(Debug)]
pub(super) struct Trial<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    /// `forge` names it in the log: its address.
    pub fn new(forge: &str, clock: Clock) -> Breaker {
        Breaker { forge: forge.to_owned(), clock, state: Mutex::default() }
    }

    /// Lets a request through while the circuit is closed; when a pause is over, one alone.
    ///
    /// # Errors
    /// While the circuit is open, or a probe is under way.
    pub fn admit(&self) -> Result<Trial<'_>, NotBefore> {
        let mut state = self.state();
        state.wait(self.clock.now()).map_or(Ok(()), Err)?;
        let probe = state.open.is_some();
        if let Some(open) = &mut state.open {
            open.probing = true;
        }
        Ok(Trial { breaker: self, probe })
    }

    /// Whether a request would be let through now.
    ///
    /// # Errors
    /// As [`Breaker::admit`].
    pub fn check(&self) -> Result<(), NotBefore> {
        self.state().wait(self.clock.now()).map_or(Ok(()), Err)
    }

    /// When the forge is asked again, if the circuit is open; in the past while a probe is due or
    /// under way.
    pub fn open_until(&self) -> Option<Timestamp> {
        self.state().open.as_ref().map(|open| open.until)
    }

    fn failed(&self, why: &str, probe: bool) {
        let now = self.clock.now();
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let pauses = match &state.open {
            // Sent before the circuit opened; says nothing new.
            Some(_) if !probe => return,
            Some(open) => open.pauses.saturating_add(1),
            None if state.failures >= FAILURES_TO_OPEN => 1,
            None => return,
        };
        let pause = (FIRST_PAUSE_SECONDS << pauses.saturating_sub(1).min(16)).min(LONGEST_PAUSE_SECONDS);
        let until = later(now, pause);
        let failures = state.failures;
        state.open = Some(Open { until, pauses, why: why.to_owned(), probing: false });
        drop(state);
        let forge = &self.forge;
        if pauses == 1 {
            tracing::warn!(%forge, failures, why, "the forge keeps failing; it is left alone and asked again at {until}");
        } else {
            tracing::debug!(%forge, failures, why, "the forge still fails; asked again at {until}");
        }
    }

    fn succeeded(&self) {
        let mut state = self.state();
        state.failures = 0;
        if state.open.take().is_some() {
            tracing::info!(forge = %self.forge, "the forge answers again");
        }
    }

    /// The state is plain data that no panic can leave half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&self, now: Timestamp) -> Option<NotBefore> {
        let open = self.open.as_ref().filter(|open| now < open.until || open.probing)?;
        let at = if now < open.until { open.until } else { later(now, PROBE_SECONDS) };
        let why = format!("the forge failed {} times in a row, at last: {}", self.failures, open.why);
        Some(NotBefore { at, why, brief: false })
    }
}

impl Trial<'_> {
    /// The forge answered, whatever it said.
    pub fn succeeded(self) {
        self.breaker.succeeded();
    }

    /// No answer came, or one that cannot be the forge's.
    pub fn failed(self, why: &str) {
        self.breaker.failed(why, self.probe);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.probe
            && let Some(open) = &mut self.breaker.state().open
        {
            open.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn opened() -> (Breaker, Clock) {
        let clock = Clock::virtual_at(at(1_000));
        let breaker = Breaker::new("https://forge", clock.clone());
        for _ in 0..FAILURES_TO_OPEN {
            breaker.admit().unwrap().failed("down");
        }
        (breaker, clock)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let breaker = Breaker::new("https://forge", Clock::virtual_at(at(1_000)));
        for round in 0..3 {
            for _ in 1..FAILURES_TO_OPEN {
                breaker.admit().unwrap().failed("down");
            }
            breaker.admit().unwrap_or_else(|wait| panic!("round {round}: {wait:?}")).succeeded();
        }
        let (breaker, _) = opened();
        let wait = breaker.admit().unwrap_err();
        assert_eq!(wait.at, at(1_015));
        assert_eq!(wait.why, "the forge failed 5 times in a row, at last: down");
    }

    #[test]
    fn one_probe_at_a_time_and_pauses_that_grow_up_to_five_minutes() {
        let (breaker, clock) = opened();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let until = breaker.open_until().unwrap();
            pauses.push(until.as_second() - clock.now().as_second());
            clock.advance_to(until);
            let probe = breaker.admit().unwrap();
            assert_eq!(breaker.admit().unwrap_err().at, later(until, PROBE_SECONDS), "one alone");
            probe.failed("still down");
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 300, 300]);
        clock.advance_to(breaker.open_until().unwrap());
        drop(breaker.admit().unwrap());
        breaker.admit().expect("a probe that was given up leaves its place").succeeded();
        assert_eq!(breaker.open_until(), None);
        breaker.admit().unwrap().failed("down");
        assert_eq!(breaker.open_until(), None, "counted anew");
    }

    #[test]
    fn what_was_sent_before_it_opened_neither_prolongs_nor_is_ignored() {
        let clock = Clock::virtual_at(at(1_000));
        let breaker = Breaker::new("https://forge", clock.clone());
        let [slow, slower] = [breaker.admit().unwrap(), breaker.admit().unwrap()];
        for _ in 0..FAILURES_TO_OPEN {
            breaker.admit().unwrap().failed("down");
        }
        clock.advance_to(at(1_010));
        slow.failed("down");
        assert_eq!(breaker.open_until(), Some(at(1_015)));
        slower.succeeded();
        assert_eq!(breaker.open_until(), None, "it is alive");
    }
}
