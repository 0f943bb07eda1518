//! A circuit breaker: what fails again and again is left alone for a while, longer each time.
//!
//! A project that answers 500 is left alone by itself, and then asked with a single request. The forge
//! as a whole is left alone when several projects fail and nothing answers between, when nobody can be
//! reached at all, or when it does not accept the token; then a neutral request, which no project can
//! spoil, asks whether it is well again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::wait::{Cause, NotBefore, jitter, later};
use crate::clock::Clock;

/// Failures in a row that open the circuit.
const FAILURES_TO_OPEN: u32 = 5;
/// In so many places at least, unless nobody could be reached.
const PLACES_TO_OPEN: usize = 2;
/// First pause; it doubles with each failed probe.
const FIRST_PAUSE_SECONDS: i64 = 15;
/// Longest pause: so late is the end of an outage noticed at most.
const LONGEST_PAUSE_SECONDS: i64 = 300;
/// A dead token is tried so often.
const DEAD_TOKEN_SECONDS: i64 = 60;
/// First and longest pause of a project.
const FIRST_PROJECT_PAUSE_SECONDS: i64 = 1;
const LONGEST_PROJECT_PAUSE_SECONDS: i64 = 600;
/// Projects that are remembered to be ill; those that fall out are asked again.
const PROJECTS_MAX: usize = 1_000;
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
    /// Failures since the last answer, and how many of them found nobody to talk to.
    failures: u32,
    unreached: u32,
    /// Where they were: projects, and everything beside them as one.
    places: BTreeSet<String>,
    open: Option<Open>,
    projects: BTreeMap<String, Pause>,
}

/// Why the circuit is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ail {
    Failing,
    DeadToken,
}

#[derive(Debug)]
struct Open {
    ail: Ail,
    pause: Pause,
}

#[derive(Debug)]
struct Pause {
    until: Timestamp,
    /// Pauses so far, this one included.
    pauses: u32,
    /// The failure that began it, in words.
    why: String,
    probing: bool,
}

/// How a request failed of which no answer of the forge's came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody could be reached: no project's fault.
    Unreached,
    /// No answer in time, 5xx, somebody else's page.
    Failed,
}

/// Leave for one request. Dropped without a verdict, it counts for nothing.
#[must_use]
#[derive(Debug)]
pub(super) struct Trial<'a> {
    breaker: &'a Breaker,
    /// The project that it is about.
    project: Option<String>,
    probe: Probe,
}

/// What a trial decides beside its own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    Nothing,
    Project,
    Forge,
}

impl Breaker {
    /// `forge` names it in the log: its address.
    pub(super) fn new(forge: &str, clock: Clock) -> Breaker {
        Breaker { forge: forge.to_owned(), clock, state: Mutex::default() }
    }

    /// Lets a request about `project` through while the circuit is closed; one alone when the pause of
    /// its project is over.
    ///
    /// # Errors
    /// While the circuit is open, or the project is left alone.
    pub(super) fn admit(&self, project: Option<&str>) -> Result<Trial<'_>, NotBefore> {
        let now = self.clock.now();
        let mut state = self.state();
        state.wait(now).map_or(Ok(()), Err)?;
        let mut probe = Probe::Nothing;
        if let Some(name) = project
            && let Some(pause) = state.projects.get_mut(name)
        {
            pause.wait(now, Cause::Project, &format!("`{name}` keeps failing")).map_or(Ok(()), Err)?;
            pause.probing = true;
            probe = Probe::Project;
        }
        Ok(Trial { breaker: self, project: project.map(str::to_owned), probe })
    }

    /// The clock was set back: every pause is over, for nobody can tell how long it still is.
    pub(super) fn forget_pauses(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        state.projects.clear();
        if let Some(open) = &mut state.open {
            open.pause.until = now;
        }
    }

    /// Leave for the neutral request that closes the circuit, if it is open and its pause is over.
    pub(super) fn probe(&self) -> Option<Trial<'_>> {
        let now = self.clock.now();
        let mut state = self.state();
        let pause = &mut state.open.as_mut()?.pause;
        if now < pause.until || pause.probing {
            return None;
        }
        pause.probing = true;
        Some(Trial { breaker: self, project: None, probe: Probe::Forge })
    }

    /// Whether a request would be let through now, or after a probe that is due.
    ///
    /// # Errors
    /// While the circuit is open.
    pub(super) fn check(&self) -> Result<(), NotBefore> {
        let now = self.clock.now();
        let state = self.state();
        let due = state.open.as_ref().is_some_and(|open| now >= open.pause.until && !open.pause.probing);
        if due { Ok(()) } else { state.wait(now).map_or(Ok(()), Err) }
    }

    /// When the forge is asked again, if the circuit is open; in the past while a probe is due or
    /// under way.
    pub(super) fn open_until(&self) -> Option<Timestamp> {
        self.state().open.as_ref().map(|open| open.pause.until)
    }

    /// Whether the forge does not accept the token.
    pub(super) fn is_token_dead(&self) -> bool {
        self.state().open.as_ref().is_some_and(|open| open.ail == Ail::DeadToken)
    }

    /// The projects that are left alone now, and until when.
    pub(super) fn paused_projects(&self) -> BTreeMap<String, Timestamp> {
        let now = self.clock.now();
        let state = self.state();
        let resting = state.projects.iter().filter(|(_, pause)| pause.probing || pause.until > now);
        resting
            .map(|(name, pause)| {
                (name.clone(), if pause.until > now { pause.until } else { later(now, PROBE_SECONDS) })
            })
            .collect()
    }

    /// The forge does not accept the token: it is left alone, whatever else is wrong.
    pub(super) fn token_is_dead(&self) {
        let mut state = self.state();
        let pauses = state.open.as_ref().filter(|open| open.ail == Ail::DeadToken);
        let pauses = pauses.map_or(1, |open| open.pause.pauses.saturating_add(1));
        let until = later(self.clock.now(), DEAD_TOKEN_SECONDS);
        let why = "the forge does not accept the token (401)".to_owned();
        state.open = Some(Open { ail: Ail::DeadToken, pause: Pause { until, pauses, why, probing: false } });
        drop(state);
        if pauses == 1 {
            tracing::error!(forge = %self.forge, "the forge does not accept the token (401); nothing is asked of it but whether it does, once a minute");
        }
    }

    fn failed(&self, trial: &Trial<'_>, why: &str, failure: Failure) {
        let now = self.clock.now();
        let mut state = self.state();
        if failure == Failure::Failed
            && let Some(project) = &trial.project
        {
            state.pause_project(project, trial.probe == Probe::Project, why, now);
        }
        state.failures = state.failures.saturating_add(1);
        state.unreached = state.unreached.saturating_add(u32::from(failure == Failure::Unreached));
        if state.places.len() < PLACES_TO_OPEN {
            state.places.insert(trial.project.clone().unwrap_or_default());
        }
        let pauses = match &state.open {
            // Sent before the circuit opened; says nothing new.
            Some(_) if trial.probe != Probe::Forge => return,
            Some(open) if open.ail == Ail::Failing => open.pause.pauses.saturating_add(1),
            Some(_) => 1,
            None if state.is_down() => 1,
            None => return,
        };
        let pause = (FIRST_PAUSE_SECONDS << pauses.saturating_sub(1).min(16)).min(LONGEST_PAUSE_SECONDS);
        let until = later(now, pause);
        let failures = state.failures;
        let pause = Pause { until, pauses, why: why.to_owned(), probing: false };
        state.open = Some(Open { ail: Ail::Failing, pause });
        drop(state);
        let forge = &self.forge;
        if pauses == 1 {
            tracing::warn!(%forge, failures, why, "the forge keeps failing; it is left alone and asked again at {until}");
        } else {
            tracing::debug!(%forge, failures, why, "the forge still fails; asked again at {until}");
        }
    }

    fn succeeded(&self, trial: &Trial<'_>) {
        let mut state = self.state();
        state.failures = 0;
        state.unreached = 0;
        state.places.clear();
        if let Some(project) = &trial.project {
            state.projects.remove(project);
        }
        // Only the token's own request tells that it is good.
        let heals = |open: &Open| open.ail == Ail::Failing || trial.probe == Probe::Forge;
        if state.open.as_ref().is_some_and(heals) {
            state.open = None;
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
        let open = self.open.as_ref()?;
        let (cause, what) = match open.ail {
            Ail::Failing => {
                (Cause::Ill, format!("the forge failed {} times in a row, at last", self.failures))
            }
            Ail::DeadToken => (Cause::DeadToken, "left alone".to_owned()),
        };
        let at = if now < open.pause.until { open.pause.until } else { later(now, PROBE_SECONDS) };
        Some(NotBefore { at, why: format!("{what}: {}", open.pause.why), cause })
    }

    /// Enough has failed, with nothing well between, to say that it is the forge and no project of it.
    fn is_down(&self) -> bool {
        self.unreached >= FAILURES_TO_OPEN
            || (self.failures >= FAILURES_TO_OPEN && self.places.len() >= PLACES_TO_OPEN)
    }

    fn pause_project(&mut self, project: &str, probe: bool, why: &str, now: Timestamp) {
        let pauses = match self.projects.get(project) {
            // Sent before the pause began; says nothing new.
            Some(_) if !probe => return,
            Some(pause) => pause.pauses.saturating_add(1),
            None => 1,
        };
        if pauses == 1 && self.projects.len() >= PROJECTS_MAX {
            self.projects.retain(|_, pause| pause.until > now);
            if self.projects.len() >= PROJECTS_MAX {
                return;
            }
        }
        let pause = FIRST_PROJECT_PAUSE_SECONDS << pauses.saturating_sub(1).min(16);
        let pause = SignedDuration::from_secs(pause.min(LONGEST_PROJECT_PAUSE_SECONDS));
        let until = now.checked_add(jitter(pause, project)).unwrap_or(Timestamp::MAX);
        self.projects
            .insert(project.to_owned(), Pause { until, pauses, why: why.to_owned(), probing: false });
    }
}

impl Pause {
    fn wait(&self, now: Timestamp, cause: Cause, what: &str) -> Option<NotBefore> {
        if now >= self.until && !self.probing {
            return None;
        }
        let at = if now < self.until { self.until } else { later(now, PROBE_SECONDS) };
        Some(NotBefore { at, why: format!("{what}: {}", self.why), cause })
    }
}

impl Trial<'_> {
    /// The forge answered, whatever it said.
    pub(super) fn succeeded(self) {
        self.breaker.succeeded(&self);
    }

    /// No answer came, or one that cannot be the forge's.
    pub(super) fn failed(self, why: &str, failure: Failure) {
        self.breaker.failed(&self, why, failure);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state();
        let pause = match (self.probe, &self.project) {
            (Probe::Nothing, _) => None,
            (Probe::Forge, _) => state.open.as_mut().map(|open| &mut open.pause),
            (Probe::Project, Some(project)) => state.projects.get_mut(project),
            (Probe::Project, None) => None,
        };
        if let Some(pause) = pause {
            pause.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn fail(breaker: &Breaker, project: Option<&str>) {
        breaker.admit(project).unwrap().failed("down", Failure::Failed);
    }

    fn opened() -> (Breaker, Clock) {
        let clock = Clock::virtual_at(at(1_000));
        let breaker = Breaker::new("https://forge", clock.clone());
        for project in ["a", "b", "c", "d", "e"] {
            fail(&breaker, Some(project));
        }
        (breaker, clock)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let breaker = Breaker::new("https://forge", Clock::virtual_at(at(1_000)));
        for round in 0..3 {
            for number in 1..FAILURES_TO_OPEN {
                fail(&breaker, Some(&format!("{round} {number}")));
            }
            breaker.admit(None).unwrap_or_else(|wait| panic!("round {round}: {wait:?}")).succeeded();
        }
        let (breaker, _) = opened();
        let wait = breaker.admit(None).unwrap_err();
        assert_eq!((wait.at, wait.cause), (at(1_015), Cause::Ill));
        assert_eq!(wait.why, "the forge failed 5 times in a row, at last: down");
    }

    #[test]
    fn one_broken_project_is_left_alone_by_itself() {
        let clock = Clock::virtual_at(at(1_000));
        let breaker = Breaker::new("https://forge", clock.clone());
        let mut pauses = Vec::new();
        for _ in 0..12 {
            fail(&breaker, Some("broken"));
            breaker.admit(Some("well")).unwrap().succeeded();
            let until = breaker.paused_projects()["broken"];
            assert_eq!(breaker.admit(Some("broken")).unwrap_err().at, until);
            pauses.push(until.duration_since(clock.now()).as_secs());
            clock.advance_to(until);
        }
        assert!(pauses[0] == 1 && pauses.is_sorted() && (600..=750).contains(&pauses[11]), "{pauses:?}");
        assert_eq!(breaker.open_until(), None, "the forge is well");
        let probe = breaker.admit(Some("broken")).unwrap();
        assert_eq!(breaker.admit(Some("broken")).unwrap_err().cause, Cause::Project, "one alone");
        probe.succeeded();
        assert!(breaker.paused_projects().is_empty() && breaker.admit(Some("broken")).is_ok());
        for _ in 0..2 * FAILURES_TO_OPEN {
            let until = breaker.paused_projects().get("broken").copied();
            until.into_iter().for_each(|until| clock.advance_to(until));
            fail(&breaker, Some("broken"));
        }
        assert_eq!(breaker.open_until(), None, "nor is it down while nobody else asks");
    }

    #[test]
    fn a_forge_that_nobody_reaches_is_down_whatever_was_asked() {
        let breaker = Breaker::new("https://forge", Clock::virtual_at(at(1_000)));
        for _ in 0..FAILURES_TO_OPEN {
            breaker.admit(Some("one")).unwrap().failed("refused", Failure::Unreached);
        }
        assert!(breaker.open_until().is_some() && breaker.paused_projects().is_empty());
    }

    #[test]
    fn one_probe_at_a_time_and_pauses_that_grow_up_to_five_minutes() {
        let (breaker, clock) = opened();
        assert!(breaker.probe().is_none(), "too early");
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let until = breaker.open_until().unwrap();
            pauses.push(until.as_second() - clock.now().as_second());
            clock.advance_to(until);
            assert!(breaker.check().is_ok(), "after a probe");
            let probe = breaker.probe().unwrap();
            assert!(breaker.probe().is_none() && breaker.check().is_err(), "one alone");
            assert_eq!(breaker.admit(Some("z")).unwrap_err().at, later(until, PROBE_SECONDS));
            probe.failed("still down", Failure::Failed);
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 300, 300]);
        clock.advance_to(breaker.open_until().unwrap());
        drop(breaker.probe().unwrap());
        breaker.probe().expect("a probe that was given up leaves its place").succeeded();
        assert_eq!(breaker.open_until(), None);
        fail(&breaker, Some("z"));
        assert_eq!(breaker.open_until(), None, "counted anew");
    }

    #[test]
    fn a_dead_token_is_tried_once_a_minute_and_only_its_own_request_mends_it() {
        let clock = Clock::virtual_at(at(1_000));
        let breaker = Breaker::new("https://forge", clock.clone());
        let sent_before = breaker.admit(Some("a")).unwrap();
        breaker.token_is_dead();
        sent_before.succeeded();
        let wait = breaker.admit(None).unwrap_err();
        assert_eq!((wait.at, wait.cause), (at(1_060), Cause::DeadToken));
        assert!(breaker.is_token_dead());
        clock.advance_to(at(1_060));
        drop(breaker.probe().unwrap());
        breaker.token_is_dead();
        assert_eq!(breaker.open_until(), Some(at(1_120)));
        clock.advance_to(at(1_120));
        breaker.probe().unwrap().succeeded();
        assert!(!breaker.is_token_dead() && breaker.admit(None).is_ok());
    }

    #[test]
    fn what_was_sent_before_it_opened_neither_prolongs_nor_is_ignored() {
        let clock = Clock::virtual_at(at(1_000));
        let breaker = Breaker::new("https://forge", clock.clone());
        let [slow, slower] = [breaker.admit(None).unwrap(), breaker.admit(None).unwrap()];
        for project in ["a", "b", "c", "d", "e"] {
            fail(&breaker, Some(project));
        }
        clock.advance_to(at(1_010));
        slow.failed("down", Failure::Failed);
        assert_eq!(breaker.open_until(), Some(at(1_015)));
        slower.succeeded();
        assert_eq!(breaker.open_until(), None, "it is alive");
    }
}
