//! What is held back on a change now, for pages and metrics.

use crate::model::policy::Policy;
use crate::model::review::{Hold, Review};
use crate::model::stage::Stage;
use crate::model::suppressed::Suppressed;

/// Everything that is held back on one change. Nothing is on drafts and finished changes.
pub fn held(review: &Review, policy: &Policy) -> Vec<Suppressed> {
    if !review.is_ready() || review.done.stage == Stage::Done {
        return Vec::new();
    }
    let by = || review.said.hold_origin.as_ref().and_then(|origin| origin.by.clone());
    match review.said.hold {
        Some(Hold::FirstRun) => return vec![Suppressed::FirstRun],
        Some(Hold::Skip) => return vec![Suppressed::Skip { by: by() }],
        Some(Hold::Snooze { until }) => return vec![Suppressed::Snooze { until, by: by() }],
        None if review.seen.blocked.is_some() => return vec![Suppressed::ForgeRefuses],
        None => {}
    }
    let pings = review.done.suppressed_pings.values().map(|ping| Suppressed::Ping {
        person: ping.person.clone(),
        until: ping.until,
        because: ping.why,
    });
    let used_up = review.done.turn_pings > 0 && review.done.turn_pings >= policy.limits.pings_per_change;
    let used_up = used_up.then_some(Suppressed::PingsUsedUp { pings: review.done.turn_pings });
    pings.chain(used_up).collect()
}
