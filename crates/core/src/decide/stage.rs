//! The stage: who must act next.

use jiff::Timestamp;

use super::Draft;
use crate::model::reason::Reason;
use crate::model::review::{Assignment, Hold, Review, Stage};

impl Draft<'_> {
    /// The stage follows from the review alone, so facts may come in any order.
    pub(super) fn stage(&self) -> Stage {
        let review = &self.review;
        if !review.is_open() {
            return Stage::Done;
        }
        if review.draft {
            return Stage::Draft;
        }
        if let Some((stage, at)) = review.stage_set
            && !acted_since(review, at)
        {
            return stage;
        }
        if review.active().any(|assignment| review.asks_author(assignment)) {
            return Stage::WithAuthor;
        }
        if review.active().next().is_none() {
            return Stage::Waiting;
        }
        let content = review.pools.iter().all(|part| self.is_content(&part.pool));
        if content && !review.pools.is_empty() { Stage::ReadyToMerge } else { Stage::Reviewing }
    }

    /// Whether the pool has the approvals it needs.
    pub(super) fn is_content(&self, pool: &str) -> bool {
        let needed = self.world.policy.pool(pool).map_or(1, |pool| pool.approvals);
        self.review.approvals(pool) >= needed
    }

    pub(super) fn move_to(&mut self, stage: Stage) {
        let from = self.review.stage;
        if self.review.stage_since.is_none() {
            self.review.stage = stage;
            self.review.stage_since = Some(self.now());
            return;
        }
        if from == stage {
            return;
        }
        if from == Stage::ReadyToMerge {
            self.review.merge_box.close();
        }
        // Somebody else has the ball: what is asked of the author next is a turn of its own. A draft
        // or an end only interrupts.
        if matches!(stage, Stage::Waiting | Stage::Reviewing | Stage::ReadyToMerge) {
            self.review.author_box.close();
        }
        self.review.stage = stage;
        self.review.stage_since = Some(self.now());
        self.review.overdue = false;
        self.review.court_pings = 0;
        self.review.reshapes = 0;
        self.review.held_pings.clear();
        self.review.lapsed_pings.clear();
        for part in &mut self.review.pools {
            part.escalated = false;
        }
        self.say(Reason::StageMoved { from, to: stage });
    }
}

/// Whether anybody who counts has acted after `at`.
fn acted_since(review: &Review, at: Timestamp) -> bool {
    let voices = review
        .voices
        .values()
        .flat_map(|voice| voice.verdict.map(|(_, spoke)| spoke).into_iter().chain(voice.commented_at));
    voices.chain(review.author_acted_at).any(|acted| acted > at)
}

impl Review {
    /// Who is expected to merge: the reviewer who approved last, else the first one asked.
    pub fn merger(&self) -> Option<&Assignment> {
        let approved = self.active().filter(|assignment| self.has_approved(assignment));
        let last = approved.max_by_key(|a| self.voice(&a.account).verdict.map(|(_, at)| at));
        last.or_else(|| self.active().next())
    }

    /// Whether time boxes stand still although the change is open.
    pub fn is_paused(&self) -> bool {
        self.draft
            || self.lost.is_some()
            || matches!(self.hold, Some(Hold::Skip | Hold::Snooze { .. } | Hold::FirstRun))
    }
}
