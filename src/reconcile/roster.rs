//! Who is who: the roster of the forge, read once an hour and whenever somebody tells of a change.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn, TOLD_PAUSE, age};
use usher_core::model::people;
use usher_core::model::people::RosterWish;
use usher_core::model::policy::Policy;

/// A roster older than this is read again.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(1);

pub(super) struct RosterDuty {
    context: DutyContext,
    /// It became known who the people of a new policy are, and the open reviews were not woken yet.
    owes_look: bool,
    /// The policy for which it was read last: with another one it is read at once.
    read_for: Option<Arc<Policy>>,
}

impl RosterDuty {
    pub(super) fn new(context: DutyContext) -> RosterDuty {
        RosterDuty { context, owes_look: false, read_for: None }
    }

    /// Reads the roster if it is old, does not cover the policy, or `refresh` is wanted. What was known
    /// of who is busy stays until it is asked anew.
    pub(super) async fn read(&mut self, refresh: bool) -> Result<DutyTurn, SweepError> {
        let policy = self.context.shared.snapshot().policy.clone();
        let turn = self.read_roster(refresh).await?;
        self.read_for = Some(policy);
        if self.owes_look {
            let DutyContext { store, wakeups, clock, .. } = &self.context;
            store.wake_all(clock.now()).await?;
            self.owes_look = false;
            wakeups.alarm.wake();
        }
        Ok(turn)
    }

    /// Until when a roster that tells of everybody is not read again, whatever the forge tells.
    fn not_before(&self) -> Option<Timestamp> {
        let DutyContext { client, shared, clock, .. } = &self.context;
        let known = shared.snapshot();
        self.read_for.as_ref().filter(|policy| Arc::ptr_eq(policy, &known.policy))?;
        let forge = known.forge(client.name()).filter(|_| !known.awaits_people(client.name()))?;
        forge.roster.fetched_at.map(|at| at + TOLD_PAUSE).filter(|at| *at > clock.now())
    }

    async fn read_roster(&mut self, refresh: bool) -> Result<DutyTurn, SweepError> {
        let DutyContext { client, store, shared, wakeups, clock, signals, .. } = &self.context;
        let name = client.name();
        let known = shared.snapshot();
        let Some(forge) = known.forge(name) else { return Ok(DutyTurn::Idle) };
        let wish = RosterWish::new(&known.policy, name);
        // `usher people --refresh`, or another replica, may have asked in the meantime.
        let newer =
            |roster: &people::Roster| roster.fetched_at > forge.roster.fetched_at && roster.covers(&wish);
        if let Some(roster) = store.roster(name).await?.filter(newer) {
            self.owes_look |= shared.learn(name, roster);
            wakeups.inbox.wake();
            signals.people.wake();
        }
        let known = shared.snapshot();
        let Some(forge) = known.forge(name) else { return Ok(DutyTurn::Idle) };
        let now = clock.now();
        let young = forge.roster.fetched_at.is_some_and(|at| age(at, now) < AGE_MAX);
        if young && !known.awaits_people(name) && !refresh {
            return Ok(DutyTurn::Done);
        }
        let mut roster = client.roster_after(&wish, &forge.roster).await?;
        for unknown in &roster.unknown {
            tracing::warn!(forge = name, "the forge does not know `{unknown}` of the configuration");
        }
        roster.busy = forge.roster.busy.clone();
        roster.busy_fault = forge.roster.busy_fault.clone();
        store.save_roster(name, &roster).await?;
        self.owes_look |= shared.learn(name, roster);
        signals.roster.send_modify(|times| *times += 1);
        Ok(DutyTurn::Done)
    }
}

impl Duty for RosterDuty {
    const NAME: &'static str = "reading the roster";

    async fn turn(&mut self, woken: bool) -> Result<DutyTurn, SweepError> {
        if woken && let Some(at) = self.not_before() {
            // What was told may have been of projects.
            self.context.signals.people.wake();
            return Ok(DutyTurn::NotBefore(at));
        }
        let read = self.read(woken).await;
        if woken && read.is_err() {
            // What was told may have been of projects: those are swept all the same.
            self.context.signals.people.wake();
        }
        read
    }
}
