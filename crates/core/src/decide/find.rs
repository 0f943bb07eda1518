//! Assignments and pools' parts of a review are found by what they are: a place in a list would be
//! another one's as soon as the list gets shorter.

use super::draft::Draft;
use crate::model::fingerprint::fingerprint;
use crate::model::review::{Assignment, PoolReview};

/// One assignment of a review. It keeps its place for good: an assignment ends, but stays on record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct AssignmentId(usize);

/// One pool's part in a review: the fingerprint of the pool's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct PartId(u64);

impl PartId {
    pub(super) fn of(part: &PoolReview) -> PartId {
        PartId(fingerprint([part.pool.as_str()]))
    }
}

impl Draft<'_> {
    /// All assignments, in the order in which they began.
    pub(super) fn assignments(&self) -> impl Iterator<Item = (AssignmentId, &Assignment)> {
        let all = self.review.planned.assignments.iter().enumerate();
        all.map(|(place, assignment)| (AssignmentId(place), assignment))
    }

    /// Those that there are now, however many are added meanwhile.
    pub(super) fn assignment_ids(&self) -> impl Iterator<Item = AssignmentId> + use<> {
        (0..self.review.planned.assignments.len()).map(AssignmentId)
    }

    pub(super) fn assignment(&self, id: AssignmentId) -> Option<&Assignment> {
        self.review.planned.assignments.get(id.0)
    }

    pub(super) fn assignment_mut(&mut self, id: AssignmentId) -> Option<&mut Assignment> {
        self.review.planned.assignments.get_mut(id.0)
    }

    /// The first assignment that is so.
    pub(super) fn assignment_where(
        &mut self,
        is: impl Fn(&Assignment) -> bool,
    ) -> Option<(AssignmentId, &mut Assignment)> {
        let mut all = self.review.planned.assignments.iter_mut().enumerate();
        all.find(|(_, own)| is(own)).map(|(place, own)| (AssignmentId(place), own))
    }

    /// The part of a pool.
    pub(super) fn part(&self, pool: &str) -> Option<&PoolReview> {
        self.review.planned.pools.iter().find(|part| part.pool == pool)
    }

    pub(super) fn part_mut(&mut self, pool: &str) -> Option<&mut PoolReview> {
        self.review.planned.pools.iter_mut().find(|part| part.pool == pool)
    }

    pub(super) fn part_by(&self, id: PartId) -> Option<&PoolReview> {
        self.review.planned.pools.iter().find(|part| PartId::of(part) == id)
    }

    pub(super) fn part_by_mut(&mut self, id: PartId) -> Option<&mut PoolReview> {
        self.review.planned.pools.iter_mut().find(|part| PartId::of(part) == id)
    }
}
