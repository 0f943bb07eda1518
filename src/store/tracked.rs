//! Which changes have a review, in memory: most deliveries are about others, and need not ask the store.
//!
//! Eight bytes each: a number made of the key. A number that is not there is a change without a review; one
//! that is there may be another change's, so then the store is asked. Nothing is taken out: a review that is
//! gone costs its eight bytes, and a question, until the next start.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use super::connections::StoreConnections;
use super::error::{StoreError, at};

/// Read when the store is opened, which few statements are.
const REVIEW_KEYS: &str = "SELECT id, change FROM review WHERE id > $1 ORDER BY id LIMIT 0 + $2";
/// How many are read at once: a million reviews must not hold everybody else up.
const PAGE: i64 = 10_000;

#[derive(Debug, Default)]
pub(super) struct Tracked {
    hasher: RandomState,
    known: RwLock<HashSet<u64>>,
    /// Those of before the start are all in it.
    complete: AtomicBool,
}

impl Tracked {
    /// Before a review of this key can be seen by anybody.
    pub(super) fn add<'a>(&self, row_keys: impl IntoIterator<Item = &'a str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(row_keys.into_iter().map(|key| self.hasher.hash_one(key)));
    }

    /// Whether it is certain that none of these has a review.
    pub(super) fn has_none_of(&self, row_keys: &[String]) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        self.complete.load(Ordering::Acquire)
            && row_keys.iter().all(|key| !known.contains(&self.hasher.hash_one(key.as_str())))
    }

    #[cfg(test)]
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Reads what there was before the start. Until it has ended, nothing is certain.
    pub(super) async fn read(&self, from: &StoreConnections) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let page = sqlx::query_as(REVIEW_KEYS).bind(after).bind(PAGE).fetch_all(from).await;
            let page: Vec<(i64, String)> = page.map_err(at("read which changes have a review"))?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            self.add(page.iter().map(|(_, key)| key.as_str()));
        }
        self.complete.store(true, Ordering::Release);
        Ok(())
    }
}
