//! What is held back on a change now, for pages and metrics.

use crate::model::policy::Policy;
use crate::model::review::{Hold, Review};
use crate::model::stage::Stage;
use crate::model::suppressed::Held;

/// Everything that is held back on one change. Nothing is on drafts and finished changes.
pub fn held(review: &Review, policy: &Policy) -> Vec<Held> {
    if !review.is_ready() || review.done.stage == Stage::Done {
        return Vec::new();
    }
    match review.said.hold {
        Some(Hold::FirstRun) => return vec![Held::FirstRun],
        Some(Hold::Skip) => return vec![Held::Skip],
        Some(Hold::Snooze { until }) => return vec![Held::Snooze { until }],
        None if review.seen.blocked.is_some() => return vec![Held::ForgeRefuses],
        None => {}
    }
    let pings = review.done.suppressed_pings.values().map(|ping| Held::Ping {
        person: ping.person.clone(),
        until: ping.until,
        because: ping.why,
    });
    let used_up = review.done.turn_pings > 0 && review.done.turn_pings >= policy.limits.pings_per_change;
    let used_up = used_up.then_some(Held::PingsUsedUp { pings: review.done.turn_pings });
    pings.chain(used_up).collect()
}
