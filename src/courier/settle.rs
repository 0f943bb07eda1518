//! How an attempt ended, and what follows from it: the meaning of the answer says who tries again, and
//! until when.

use jiff::SignedDuration;

use crate::clock::Clock;
use crate::forge::{Again, ForgeFault, TOLD_AFTER};
use crate::store::{OutboxItem, Settlement};
use usher_core::model::fact::Fact;

/// Never at once, whatever the forge's clock says.
const SOONEST: SignedDuration = SignedDuration::from_secs(1);

/// What a fault means for the action.
pub(super) fn fault(clock: &Clock, item: &OutboxItem, fault: ForgeFault) -> Settlement {
    let (meaning, now, error) = (fault.meaning(), clock.now(), fault.to_string());
    let since = now.duration_since(item.created_at);
    let seed = format!("{} {} {}", item.change, item.kind, item.attempts);
    let outcome_unknown = matches!(fault, ForgeFault::Retry { outcome_unknown: true, .. });
    let retry =
        |at, counts, facts| Settlement::Retry { at, error: error.clone(), outcome_unknown, counts, facts };
    let change = &item.change;
    match meaning.again(item.attempts, since, &seed) {
        Again::Uncounted => {
            let at = match fault {
                ForgeFault::Later { at, .. } => at,
                _ => now,
            };
            retry(at.max(now + SOONEST), false, Vec::new())
        }
        Again::After(pause) => {
            let at = now + pause;
            tracing::warn!(%change, kind = item.kind, %error, "an action failed; tried again at {at}");
            // Routing waits five minutes for files, whatever keeps them back.
            let files = item.action.is_read();
            let late = item.attempts > 1 && since >= TOLD_AFTER;
            let told = (files && late) || meaning.is_told(item.attempts, since);
            retry(at, true, told.then(|| failed(item, false)).into_iter().collect())
        }
        Again::Never => {
            tracing::error!(%change, kind = item.kind, %error, "an action became a dead letter");
            Settlement::Dead { error, facts: vec![failed(item, true)] }
        }
    }
}

/// What a fault of the ticket system means: what it refuses it refuses for good, and no review is told.
pub(super) fn of_announcement(clock: &Clock, item: &OutboxItem, fault: ForgeFault) -> Settlement {
    match fault {
        ForgeFault::Refused { .. } | ForgeFault::Gone => {
            let (change, error) = (&item.change, fault.to_string());
            tracing::warn!(%change, kind = item.kind, %error, "an announcement became a dead letter");
            Settlement::Dead { error, facts: Vec::new() }
        }
        fault => match self::fault(clock, item, fault) {
            Settlement::Dead { error, .. } => Settlement::Dead { error, facts: Vec::new() },
            settlement => settlement,
        },
    }
}

/// The failure, as it comes in by the front door.
fn failed(item: &OutboxItem, given_up: bool) -> Fact {
    Fact::Failed { action: item.kind.clone(), since: item.created_at, given_up }
}

/// The outcome in a word, for metrics.
pub(super) fn outcome(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Done { .. } => "done",
        Settlement::Dropped { .. } => "dropped",
        Settlement::Retry { .. } => "retry",
        Settlement::Dead { .. } => "dead",
    }
}
