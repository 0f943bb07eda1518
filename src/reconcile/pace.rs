//! How often a duty has its turn: at its own pace, sooner after a failure, and whenever it is woken,
//! though never without a pause. A forge that is down is not asked for every webhook.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::context::{DutyContext, SweepError, Swept};
use crate::forge::ForgeFault;
use crate::metrics::ForgeLabels;
use crate::wakeups::Listener;

/// Shortest pause between two turns. After failures it doubles up to the usual pause.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// What somebody tells of changed people or projects is followed no more often than this: a large company
/// tells all day long.
pub(super) const TOLD_PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// Clocks of two servers may differ by this.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(2);

/// How long ago `at` was. An instant that lies far ahead was told by a clock that has been set back since,
/// and nobody can tell how old it is: then it is as old as can be.
pub(super) fn age(at: Timestamp, now: Timestamp) -> SignedDuration {
    let age = now.duration_since(at);
    if age < -CLOCKS_DIFFER { SignedDuration::MAX } else { age.max(SignedDuration::ZERO) }
}

/// Something that is looked after for one forge.
pub(super) trait Duty: Send {
    /// As it is called in the log.
    const NAME: &'static str;

    /// One turn; `woken` if somebody asked for it, rather than the clock.
    fn turn(&mut self, woken: bool) -> impl Future<Output = Result<DutyTurn, SweepError>> + Send;
}

/// How a turn ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DutyTurn {
    Done,
    /// There was nothing to do; the next turn comes when it would have come.
    Idle,
    /// It was asked for too soon after the last one, and comes at this instant.
    NotBefore(Timestamp),
}

/// When one duty has its turns.
#[derive(Clone)]
pub(super) struct Pace {
    pub context: DutyContext,
    /// The usual pause between two turns.
    pub every: Duration,
    /// It comes after others, which wake it. Its own clock is for when they do not.
    pub delayed: bool,
    pub stop: CancellationToken,
}

/// What wakes a duty.
pub(super) enum WokenBy {
    Wakeup(Listener),
    Roster(watch::Receiver<u64>),
    Swept(watch::Receiver<Swept>),
}

impl WokenBy {
    /// Safe to cancel. Whoever will never be told again is never woken again.
    async fn woken(&mut self) {
        let heard = match self {
            WokenBy::Wakeup(ear) => {
                ear.woken().await;
                Ok(())
            }
            WokenBy::Roster(read) => read.changed().await,
            WokenBy::Swept(swept) => swept.changed().await,
        };
        if heard.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Gives a duty its turns until it is time to stop.
pub(super) async fn keep<D: Duty>(mut duty: D, mut woken_by: WokenBy, pace: Pace) {
    let (mut failures, mut woken) = (0, false);
    // When the next turn comes by the clock, and how soon it may come when somebody asks for it.
    let mut next = pace.clock_after(if pace.delayed { pace.every } else { Duration::ZERO });
    let mut soonest = pace.clock_after(Duration::ZERO);
    loop {
        let (mut rung, mut until) = (false, next);
        loop {
            tokio::select! {
                biased;
                () = pace.stop.cancelled() => return,
                () = woken_by.woken(), if !rung => (rung, until) = (true, soonest.min(next)),
                () = pace.context.clock.sleep_until(until) => break,
            }
        }
        woken |= rung;
        // A turn may take minutes; what it has not written down by now is found by the next start.
        let turned = tokio::select! {
            biased;
            () = pace.stop.cancelled() => return,
            turned = duty.turn(woken) => turned,
        };
        match turned {
            Ok(DutyTurn::NotBefore(at)) => (next, soonest) = (next.min(at), at),
            Ok(turn) => {
                (failures, woken) = (0, false);
                pace.went_well(D::NAME);
                if turn == DutyTurn::Done {
                    soonest = pace.clock_after(FIRST_PAUSE.min(pace.every));
                }
                if turn == DutyTurn::Done || next <= pace.clock_after(Duration::ZERO) {
                    next = pace.clock_after(if pace.delayed { pace.every * 2 } else { pace.every });
                }
            }
            Err(error) => {
                let wait = pace.after_failure(failures, &error);
                pace.failed(D::NAME, &error, wait);
                failures += 1;
                next = pace.clock_after(wait);
                soonest = next;
            }
        }
    }
}

impl Pace {
    fn clock_after(&self, pause: Duration) -> Timestamp {
        self.context.clock.now() + SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX)
    }

    /// How long the forge is left alone: as long as it, or the gate before it, wants, but no longer
    /// than usual.
    fn after_failure(&self, failures: u32, error: &SweepError) -> Duration {
        let told = match error {
            SweepError::Forge(ForgeFault::Later { at, .. }) => {
                Duration::try_from(at.duration_since(self.context.clock.now())).ok()
            }
            SweepError::Forge(_) | SweepError::Store(_) => None,
        };
        let wait = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(self.every);
        told.map_or(wait, |told| told.max(FIRST_PAUSE).min(self.every))
    }

    fn went_well(&self, duty: &'static str) {
        self.context.shared.set_fault(self.context.client.name(), duty, None);
    }

    fn failed(&self, duty: &'static str, error: &SweepError, wait: Duration) {
        let forge = self.context.client.name().to_owned();
        tracing::warn!(forge, %error, "{duty} failed; again in {} s", wait.as_secs());
        self.context.shared.set_fault(&forge, duty, Some(error.to_string()));
        self.context.metrics.sweep_failures.get_or_create(&ForgeLabels { forge }).inc();
    }
}
