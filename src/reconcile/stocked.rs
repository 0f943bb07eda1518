//! Stores with open reviews, for the tests of duties.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::store::{Commit, Store};
use usher_core::model::change::ChangeKey;
use usher_core::model::review::Review;

pub(super) async fn empty() -> Store {
    Store::open("sqlite::memory:").await.unwrap()
}

/// Adds open reviews of these numbers, in their order.
pub(super) async fn add(store: &Store, forge: &str, project: &str, numbers: RangeInclusive<u64>) {
    for number in numbers {
        let change = ChangeKey::new(forge, project, number);
        let mut review = Review::new(change.clone());
        review.tracked = true;
        let commit = Commit {
            change,
            expected_version: None,
            review: Some(review),
            inbox: Vec::new(),
            ledger: Vec::new(),
            actions: Vec::new(),
            absences: Vec::new(),
            refused: BTreeSet::new(),
            first_run_taken: false,
            withdraw_pings: false,
            now: Timestamp::UNIX_EPOCH,
        };
        store.commit(commit).await.unwrap();
    }
}
