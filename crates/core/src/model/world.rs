//! The world as a decision sees it.

use jiff::Timestamp;

use super::absence::AbsenceWish;
use super::action::Action;
use super::people::{Directory, Workloads};
use super::policy::Policy;
use super::reason::Reason;
use super::review::Review;

/// Everything outside the review that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    pub policy: &'a Policy,
    /// Who is who on the change's forge.
    pub directory: &'a Directory,
    pub workloads: &'a Workloads,
    /// When Usher first saw the change's forge: what was open before is taken on slowly.
    pub first_seen: Timestamp,
    /// What was last asked of the forge for this change, labels and reviewers, has not gone out yet: the
    /// forge shows nothing of it.
    pub unsent: bool,
    pub now: Timestamp,
}

/// What a decision says.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub review: Review,
    /// Wanted end states, at most one of each kind.
    pub actions: Vec<Action>,
    /// Why, in the order in which things were decided. Empty when nothing changed.
    pub reasons: Vec<Reason>,
    /// What somebody said of their own absence: it concerns the person, not the review.
    pub absence: Option<AbsenceWish>,
    /// When to look again: in the future, or none.
    pub wake: Option<Timestamp>,
}
