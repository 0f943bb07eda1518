//! Stores with open reviews, for the tests of duties.

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
        let commit = Commit { review: Some(review), ..Commit::empty(change, Timestamp::UNIX_EPOCH) };
        store.commit(commit).await.unwrap();
    }
}
