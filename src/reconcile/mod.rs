//! Reconcile heals what webhooks lose: it reads rosters, lists the changes of watched projects, and
//! lets whatever is news come in by the same door as every other fact. It also watches the health of
//! Usher's own webhooks.
//!
//! Each duty is a file: it has its own state, its own pace and its own failure, and one that fails or
//! waits holds up no other. Where one helps another it tells it so (`context::Signals`); whoever is told
//! nothing goes on by the clock.

mod absence;
mod access;
mod backoff;
mod context;
mod news;
mod pace;
mod redelivery;
mod roll_call;
mod roster;
#[cfg(test)]
mod stocked;
mod sweep;
mod webhook_health;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::context::SweepError;
use self::context::{DutyContext, Signals, Swept};
use self::pace::{Duty, Pace, WokenBy, keep};
use crate::engine::Parts;
use crate::forge::Client;
use crate::wakeups::Wakeup;

/// All duties for one forge.
pub struct Reconcile {
    context: DutyContext,
    roster: roster::RosterDuty,
    absence: absence::AbsenceDuty,
    sweep: sweep::SweepDuty,
    roll_call: roll_call::RollCallDuty,
    webhook_health: webhook_health::WebhookHealthDuty,
    redelivery: redelivery::RedeliveryDuty,
    access: access::AccessDuty,
}

impl Reconcile {
    /// In a dry run nothing is written to the forge: disabled webhooks are reported, not tested.
    pub fn new(parts: Parts, client: Client) -> Reconcile {
        let Parts { store, shared, clock, metrics, wakeups, tasks, dry_run } = parts;
        let signals = Arc::new(Signals {
            roster: watch::Sender::new(0),
            people: Wakeup::default(),
            swept: watch::Sender::new(Swept::default()),
        });
        let context = DutyContext { client, store, shared, clock, wakeups, metrics, tasks, dry_run, signals };
        Reconcile {
            roster: roster::RosterDuty::new(context.clone()),
            absence: absence::AbsenceDuty::new(context.clone()),
            sweep: sweep::SweepDuty::new(context.clone()),
            roll_call: roll_call::RollCallDuty::new(context.clone()),
            webhook_health: webhook_health::WebhookHealthDuty::new(context.clone()),
            redelivery: redelivery::RedeliveryDuty::new(context.clone()),
            access: access::AccessDuty::new(context.clone()),
            context,
        }
    }

    /// The name of the forge.
    pub fn forge(&self) -> &str {
        self.context.client.name()
    }

    /// Starts all duties, each as a task of its own that is started again should it break, until
    /// `stop`. Roster, absence and sweep begin at once; the others after the first good sweep, or after
    /// `every`.
    pub fn spawn(self, every: Duration, tracker: &TaskTracker, stop: &CancellationToken) {
        let context = self.context;
        let first = Pace { context: context.clone(), every, delayed: false, stop: stop.clone() };
        let later = Pace { delayed: true, ..first.clone() };
        let roster = |context: &DutyContext| WokenBy::Wakeup(context.wakeups.roster.listen());
        let read = |context: &DutyContext| WokenBy::Roster(context.signals.roster.subscribe());
        let people = |context: &DutyContext| WokenBy::Wakeup(context.signals.people.listen());
        let swept = |context: &DutyContext| WokenBy::Swept(context.signals.swept.subscribe());
        tracker.spawn(kept(roster::RosterDuty::new, roster, first.clone()));
        tracker.spawn(kept(absence::AbsenceDuty::new, read, first.clone()));
        tracker.spawn(kept(sweep::SweepDuty::new, people, first));
        tracker.spawn(kept(roll_call::RollCallDuty::new, swept, later.clone()));
        tracker.spawn(kept(webhook_health::WebhookHealthDuty::new, swept, later.clone()));
        tracker.spawn(kept(redelivery::RedeliveryDuty::new, swept, later.clone()));
        tracker.spawn(kept(access::AccessDuty::new, swept, later));
    }

    /// One round of all duties but access, one after another; `told` of changed people or projects. One
    /// that fails keeps none after it from its turn. Returns how many changes were news.
    ///
    /// # Errors
    /// What went wrong first.
    pub async fn sweep(&mut self, told: bool) -> Result<usize, SweepError> {
        let now = self.context.clock.now();
        let roster = self.roster.read(told).await;
        let absence = self.absence.read().await;
        let swept = self.sweep.sweep().await;
        let called = self.roll_call.call(told, now).await;
        let looked = self.webhook_health.look().await;
        let asked = self.redelivery.ask(now).await;
        roster?;
        absence?;
        let news = swept? + called?;
        looked?;
        asked?;
        Ok(news)
    }

    /// Goes on with reading who may do what.
    pub async fn read_access(&mut self) {
        self.access.go_on().await;
    }
}

/// One duty, which is made anew should it break.
async fn kept<D: Duty + 'static>(
    new: fn(DutyContext) -> D,
    woken_by: fn(&DutyContext) -> WokenBy,
    pace: Pace,
) {
    let name = format!("{} of {}", D::NAME, pace.context.client.name());
    let (tasks, stop) = (pace.context.tasks.clone(), pace.stop.clone());
    tasks
        .keep(name, stop, move || keep(new(pace.context.clone()), woken_by(&pace.context), pace.clone()))
        .await;
}
