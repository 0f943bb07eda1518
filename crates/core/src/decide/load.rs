//! How much of whose capacity a review takes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::draft::{Draft, later};
use super::stage::holders;
use crate::model::load::Load;
use crate::model::policy::Policy;
use crate::model::review::{Review, Stage};
use crate::model::standing::Holder;

/// So long after it became the author's turn a change may still come back to its reviewers. Beyond that it
/// takes nothing of anybody.
const COMES_BACK_WITHIN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Everybody who is asked to review, by Usher's name for them, with what the review takes of them at
/// `now`. A review that waits for them counts whole, one that is with its author half until fourteen days
/// after that turn began, and one that is held, or that nobody is to look at, not at all. Merging is no
/// review. Whoever was asked by two pools has one review to do.
pub fn loads<'r>(policy: &Policy, review: &'r Review, now: Timestamp) -> BTreeMap<&'r str, Load> {
    let mut loads: BTreeMap<_, _> = review.active().map(|own| (own.person.as_str(), Load::NONE)).collect();
    let mut takes = |person, load: Load| {
        let own: &mut Load = loads.entry(person).or_default();
        *own = (*own).max(load);
    };
    let stage = review.done.stage;
    for holder in holders(policy, review, stage) {
        if let Holder::Reviewer { person, .. } = holder {
            takes(person, Load::WHOLE);
        }
    }
    if with_author_until(review).is_some_and(|until| now < until) {
        let come_back = review.active().filter(|own| !own.absent && !review.has_approved(own));
        come_back.for_each(|own| takes(&own.person, Load::HALF));
    }
    loads
}

impl Draft<'_> {
    /// When a change that is with its author stops to take anything of those who are asked.
    pub(super) fn load_deadline(&self) -> Option<Timestamp> {
        with_author_until(&self.review)
    }
}

fn with_author_until(review: &Review) -> Option<Timestamp> {
    let since =
        review.done.stage_since.filter(|_| review.is_live() && review.done.stage == Stage::WithAuthor);
    since.map(|since| later(since, COMES_BACK_WITHIN))
}
