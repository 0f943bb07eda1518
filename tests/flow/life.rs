//! A review from its opening to its merge, as tests play it, and what is left of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Forge, ReviewerState, Verdict};

use super::harness::House;

/// Opened, sent back to the author, pushed, approved, merged.
pub async fn full_life(house: &mut House, forge: Forge) -> ChangeRef {
    let change = house.open(forge, "sam");
    step(house, &change, Stage::Reviewing).await;
    let who = house.reviewer(&change);
    house.sandbox.review(&change, &who, Verdict::RequestChanges, "A test, please.").unwrap();
    step(house, &change, Stage::WithAuthor).await;
    house.sandbox.push(&change, "sam").unwrap();
    step(house, &change, Stage::Reviewing).await;
    house.sandbox.review(&change, &who, Verdict::Approve, "").unwrap();
    step(house, &change, Stage::ReadyToMerge).await;
    house.sandbox.merge(&change, &who).unwrap();
    step(house, &change, Stage::Done).await;
    change
}

async fn step(house: &mut House, change: &ChangeRef, expected: Stage) {
    house.quiet().await;
    house.minute().await;
    assert_eq!(house.stage(change).await, expected, "{change}");
}

/// What is left in the end, on the forge and in the store.
#[derive(Debug, PartialEq)]
pub struct Portrait {
    pub stage: Stage,
    /// Pool, person, and how it ended.
    pub assignments: Vec<(String, String, String)>,
    pub labels: BTreeSet<String>,
    pub reviewers: Vec<(String, ReviewerState)>,
    /// Usher's comments by marker. Whether a reviewer was told in between that the author has answered depends
    /// on what was heard when.
    pub comments: BTreeMap<String, usize>,
    pub status_comment: Option<String>,
    pub title: String,
}

pub async fn portrait(house: &House, change: &ChangeRef) -> Portrait {
    let (review, seen) = (house.review(change).await, house.seen(change));
    let assignments = review.planned.assignments.iter().map(|one| {
        let ended = one.ended.map_or_else(String::new, |(_, how)| format!("{how:?}"));
        (one.pool.clone(), one.person.clone(), ended)
    });
    let status = seen.comments.iter().find(|comment| comment.body.starts_with("<!-- usher:status -->"));
    Portrait {
        stage: review.done.stage,
        assignments: assignments.collect(),
        labels: seen.labels.iter().cloned().collect(),
        comments: (house.comments(change).into_iter())
            .filter(|(marker, times)| *times > 1 || !marker.contains("usher:ping:back-"))
            .collect(),
        status_comment: status.map(|comment| comment.body.clone()),
        reviewers: seen.reviewers,
        title: review.seen.title.clone(),
    }
}
