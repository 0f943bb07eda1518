//! Places that the forge would not show when they were asked last: each has a watermark of its own and
//! is asked again later and later, so that it neither holds all others back nor is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::context::DutyContext;
use crate::forge::{Listing, Since};
use crate::store::StoreError;

/// The first pause of a refused place; it doubles with every refusal, up to the longest.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(10);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);
/// Places remembered, at most.
const PLACES_MAX: u32 = 1_000;

/// When refused places are asked again. After a restart they are asked at once.
#[derive(Default)]
pub(super) struct Backoff(BTreeMap<String, Pause>);

struct Pause {
    refusals: u32,
    until: Timestamp,
}

impl Backoff {
    fn resting(&self, now: Timestamp) -> BTreeSet<String> {
        let resting = self.0.iter().filter(|(_, pause)| pause.until > now);
        resting.map(|(place, _)| place.clone()).collect()
    }

    fn refused(&mut self, place: &str, now: Timestamp) {
        let refusals = self.0.get(place).map_or(0, |pause| pause.refusals);
        let wait = FIRST_PAUSE.checked_mul(1 << refusals.min(16)).unwrap_or(LONGEST_PAUSE);
        let until = now + wait.min(LONGEST_PAUSE);
        self.0.insert(place.to_owned(), Pause { refusals: refusals + 1, until });
    }

    /// What to ask for: everything since `mark`, and refused places since they were last seen.
    pub(super) async fn since(
        &self,
        context: &DutyContext,
        scope: &str,
        mark: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Since, StoreError> {
        let (store, forge) = (&context.store, context.client.name());
        let marks = store.watermarks(forge, &behind(scope, ""), PLACES_MAX).await?;
        let never = |at: Timestamp| (at != Timestamp::UNIX_EPOCH).then_some(at);
        let behind = marks.into_iter().map(|(place, at)| (place, never(at))).collect();
        let resting = self.resting(now);
        Ok(Since { mark, behind, resting, roll_call: false })
    }

    /// Remembers which places were refused, and forgets those that were shown again.
    pub(super) async fn note_refused(
        &mut self,
        context: &DutyContext,
        scope: &str,
        since: &Since,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let forge = context.client.name();
        for place in &listing.refused {
            self.refused(place, now);
            if !since.behind.contains_key(place) {
                let mark = since.mark.unwrap_or(Timestamp::UNIX_EPOCH);
                context.store.save_watermark(forge, &behind(scope, place), mark).await?;
            }
        }
        let asked = since.behind.keys().filter(|place| !since.resting.contains(*place));
        for place in asked.filter(|place| !listing.refused.contains(*place)) {
            tracing::info!(forge, place, "is shown again");
            self.0.remove(place);
            context.store.forget_watermark(forge, &behind(scope, place)).await?;
        }
        Ok(())
    }
}

fn behind(scope: &str, place: &str) -> String {
    format!("{scope} behind {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_place_is_asked_later_and_later_but_four_times_a_day() {
        let (mut backoff, mut now) = (Backoff::default(), Timestamp::UNIX_EPOCH);
        let mut waits = Vec::new();
        for _ in 0..8 {
            backoff.refused("acme/shop", now);
            let until = backoff.0["acme/shop"].until;
            assert!(backoff.resting(now).contains("acme/shop") && backoff.resting(until).is_empty());
            waits.push(until.duration_since(now).as_mins());
            now = until;
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 360, 360]);
    }
}
