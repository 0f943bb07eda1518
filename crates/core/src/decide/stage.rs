//! The stage: who must act next.

use jiff::Timestamp;

use super::draft::Draft;
use crate::model::policy::Policy;
use crate::model::reason::Reason;
use crate::model::review::{Assignment, Hold, Review, Routing, Stage};
use crate::model::standing::{Holder, Standing, Why};

/// Where the review stands. It follows from the review alone, so facts may come in any order.
pub fn standing<'r>(policy: &Policy, review: &'r Review) -> Standing<'r> {
    let (stage, why) = stage(policy, review);
    Standing { stage, holders: holders(policy, review, stage), why }
}

fn stage<'r>(policy: &Policy, review: &'r Review) -> (Stage, Why<'r>) {
    if !review.is_open() {
        return (Stage::Done, Why::Ended);
    }
    if review.seen.draft {
        return (Stage::Draft, Why::Draft);
    }
    if let Some((stage, at)) = review.said.stage
        && !acted_since(review, at)
    {
        return (stage, Why::SetByLabel);
    }
    if let Some(asks) = review.active().find(|assignment| review.asks_author(assignment)) {
        return (Stage::WithAuthor, Why::Asked { person: &asks.person });
    }
    if review.active().next().is_none() {
        return (Stage::Waiting, Why::NobodyAsked);
    }
    let mut pools = review.planned.pools.iter().map(|part| part.pool.as_str());
    match pools.find(|pool| !policy.is_content(review, pool)) {
        None if !review.planned.pools.is_empty() => (Stage::ReadyToMerge, Why::Approved),
        pool => (Stage::Reviewing, Why::Lacks { pool }),
    }
}

/// Whose turn it is in the stage.
pub fn holders<'r>(policy: &Policy, review: &'r Review, stage: Stage) -> Vec<Holder<'r>> {
    if !review.is_live() {
        return Vec::new();
    }
    let parts = || review.planned.pools.iter().map(|part| part.pool.as_str());
    let stuck = parts().filter(|pool| policy.is_stuck(review, pool));
    let mut holders: Vec<Holder<'_>> = stuck.map(|pool| Holder::Pool { pool }).collect();
    fn reviewer(own: &Assignment) -> Holder<'_> {
        Holder::Reviewer { pool: &own.pool, person: &own.person }
    }
    match stage {
        Stage::Draft | Stage::Done => {}
        // Where a person set the stage, it is theirs whom it concerns, though nothing is lacking.
        Stage::Waiting if review.planned.pools.is_empty() => {
            holders.extend((review.planned.routing == Routing::Routed).then_some(Holder::Unclaimed));
        }
        Stage::Waiting if holders.is_empty() => holders.extend(parts().map(|pool| Holder::Pool { pool })),
        Stage::Waiting => {}
        Stage::Reviewing => {
            holders.extend(review.active().filter(|own| policy.has_the_turn(review, own)).map(reviewer));
            if holders.is_empty() {
                holders.extend(review.active().map(reviewer));
            }
        }
        Stage::WithAuthor => holders.push(Holder::Author),
        Stage::ReadyToMerge => {
            holders.push(Holder::Merger { person: review.merger().map(|merger| merger.person.as_str()) });
        }
    }
    holders
}

impl Policy {
    /// How many approvals the pool lacks.
    pub(super) fn lacks(&self, review: &Review, pool: &str) -> u32 {
        let needed = self.pool(pool).map_or(1, |pool| pool.approvals);
        needed.saturating_sub(review.approvals(pool))
    }

    /// Whether the pool has the approvals it needs, and nobody's request for changes stands against them.
    pub(super) fn is_content(&self, review: &Review, pool: &str) -> bool {
        // Whose pool has lost the change is heard all the same.
        let has = |pool: &str| review.planned.pools.iter().any(|part| part.pool == pool);
        let against = review.requesters().any(|own| own.pool == pool || !has(&own.pool));
        self.lacks(review, pool) == 0 && !against
    }

    /// Whether the pool lacks something that nobody who is asked can give: then its lead is told.
    pub(super) fn is_stuck(&self, review: &Review, pool: &str) -> bool {
        !self.is_content(review, pool) && !review.active_in(pool).any(|own| self.has_the_turn(review, own))
    }

    /// Whether something is still wanted of the reviewer. A round belongs to those who asked something of
    /// the author: others have their turn as far as more approvals are needed than these can give.
    pub(super) fn has_the_turn(&self, review: &Review, own: &Assignment) -> bool {
        let awaited = |own: &Assignment| {
            let overruled = review.verdicts_of(&own.account).is_overruled();
            own.is_active() && !own.absent && !review.has_approved(own) && !overruled
        };
        if !awaited(own) || self.is_content(review, &own.pool) {
            return false;
        }
        let asked =
            review.active_in(&own.pool).filter(|other| awaited(other) && review.has_asked(other)).count();
        review.has_asked(own) || asked == 0 || self.lacks(review, &own.pool) as usize > asked
    }
}

impl Draft<'_> {
    pub(super) fn stage(&self) -> Stage {
        stage(self.world.policy, &self.review).0
    }

    /// Whether the pool has the approvals it needs.
    pub(super) fn is_content(&self, pool: &str) -> bool {
        self.world.policy.is_content(&self.review, pool)
    }

    pub(super) fn move_to(&mut self, stage: Stage) {
        let from = self.review.done.stage;
        if self.review.done.stage_since.is_none() {
            self.review.done.stage = stage;
            self.review.done.stage_since = Some(self.now());
            return;
        }
        if from == stage {
            return;
        }
        if from == Stage::ReadyToMerge {
            self.review.planned.merge_box.close();
        }
        if from == Stage::WithAuthor && stage == Stage::Reviewing {
            // A new round: who was silent in the last one has the whole time again.
            self.review.planned.assignments.iter_mut().for_each(|own| own.reviewing_box.close());
        }
        // Somebody else has the ball: what is asked of the author next is a turn of its own. A draft
        // or an end only interrupts.
        if matches!(stage, Stage::Waiting | Stage::Reviewing | Stage::ReadyToMerge) {
            self.review.planned.author_box.close();
        }
        self.review.done.stage = stage;
        self.review.done.stage_since = Some(self.now());
        self.review.done.overdue = false;
        self.review.done.turn_pings = 0;
        self.review.done.applied_again = 0;
        self.review.done.suppressed_pings.clear();
        self.review.done.lapsed_pings.clear();
        for part in &mut self.review.planned.pools {
            part.escalated = false;
        }
        self.say(Reason::StageMoved { from, to: stage });
    }
}

/// Whether anybody who counts has acted after `at`.
fn acted_since(review: &Review, at: Timestamp) -> bool {
    let verdicts = review.said.verdicts.values().flat_map(|verdicts| {
        verdicts.verdict.map(|(_, spoke)| spoke).into_iter().chain(verdicts.commented_at)
    });
    let author = review.said.author_acted_at.max(review.said.author_wrote_at);
    verdicts.chain(author).any(|acted| acted > at)
}

impl Review {
    /// Whether the change is open, ready, shown and not held: somebody should be acting on it.
    pub fn is_live(&self) -> bool {
        let shown = self.seen.unreachable.is_none() && self.seen.blocked.is_none();
        self.is_ready() && self.said.hold.is_none() && shown
    }

    /// Who is expected to merge: the reviewer who approved last of those who are there and can, else the first
    /// one asked who is there and can, else one who said that they cannot.
    pub fn merger(&self) -> Option<&Assignment> {
        let there = || self.active().filter(|assignment| !assignment.absent);
        let can = || there().filter(|assignment| !assignment.cannot_merge);
        let approved = can().filter(|assignment| self.has_approved(assignment));
        let last = approved.max_by_key(|a| self.verdicts_of(&a.account).verdict.map(|(_, at)| at));
        last.or_else(|| can().next()).or_else(|| there().next())
    }

    /// Whether time boxes stand still although the change is open.
    pub fn is_paused(&self) -> bool {
        self.seen.draft
            || self.seen.unreachable.is_some()
            || self.seen.blocked.is_some()
            || matches!(self.said.hold, Some(Hold::Skip | Hold::Snooze { .. } | Hold::FirstRun))
    }
}
