//! Changes that could not be dealt with, and for how long each is left alone.
//!
//! Kept in memory: after a restart each is tried at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use usher_core::model::change::ChangeKey;

/// The first pause; it doubles each time.
pub(super) const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_PAUSE_SECONDS: i64 = 3_600;
/// Changes that are remembered at most; what is not starts with the first pause again.
const CHANGES_MAX: usize = 10_000;

/// How often in a row each change could not be dealt with.
#[derive(Debug, Default)]
pub(super) struct Setbacks(Mutex<BTreeMap<ChangeKey, u32>>);

impl Setbacks {
    /// One more: how many that makes, and how long to leave the change alone.
    pub(super) fn again(&self, change: &ChangeKey) -> (u32, SignedDuration) {
        let mut known = self.known();
        let before = known.get(change).copied().unwrap_or(0);
        if before > 0 || known.len() < CHANGES_MAX {
            known.insert(change.clone(), before.saturating_add(1));
        }
        let seconds = (FIRST_PAUSE.as_secs() << before.min(12)).min(LONGEST_PAUSE_SECONDS);
        (before.saturating_add(1), SignedDuration::from_secs(seconds))
    }

    /// It went well.
    pub(super) fn over(&self, change: &ChangeKey) {
        let mut known = self.known();
        if !known.is_empty() {
            known.remove(change);
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ChangeKey, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_an_hour_and_begins_anew_after_it_went_well() {
        let (setbacks, change) = (Setbacks::default(), ChangeKey::new("gitlab", "acme/shop", 7));
        let seconds = || setbacks.again(&change).1.as_secs();
        assert_eq!([seconds(), seconds(), seconds(), seconds()], [1, 2, 4, 8]);
        (0..100).for_each(|_| {
            seconds();
        });
        assert_eq!(seconds(), 3_600);
        setbacks.over(&change);
        assert_eq!(seconds(), 1);
    }
}
