//! The court: who must act next.

use jiff::Timestamp;

use super::Judge;
use crate::model::reason::{Reason, RuleTold};
use crate::model::review::{Assignment, Hold, Review, Stage};
use crate::model::terms::Court;

impl Judge<'_> {
    /// Computes the stage, lets boxes run or pause, and takes the steps that are due. A step may add
    /// a reviewer who has spoken already, and so move the ball: then once more.
    pub(super) fn court(&mut self) {
        self.sit();
        if self.is_live() && self.stage() != self.review.stage {
            self.sit();
        }
    }

    fn sit(&mut self) {
        self.move_to(self.stage());
        self.run_boxes();
        if !self.is_live() {
            return;
        }
        self.cover_leave();
        let pings_before = self.review.court_pings;
        self.ping_and_step();
        let had_last = self.review.court_pings >= self.world.policy.limits.pings_per_change;
        if had_last && self.review.court_pings > pings_before && !self.held_now.is_empty() {
            // The last ping that the change may have is out: none is left for those that were kept back.
            self.held_now.clear();
            self.ping_and_step();
        }
        // A box that was closed meanwhile takes its pings along.
        let held_now = std::mem::take(&mut self.held_now);
        self.review.held_pings.retain(|key, _| held_now.contains(key));
        // Widening may have added reviewers whose time starts now.
        self.run_boxes();
        self.say_box_rule();
    }

    /// Takes the steps of every running box, and tells those whom the forge cannot list.
    fn ping_and_step(&mut self) {
        self.tell_unlisted();
        self.review.overdue = false;
        for id in self.running() {
            self.take_steps(id);
        }
    }

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

    /// Says which time box rule gives the court its time, when that changes.
    fn say_box_rule(&mut self) {
        let stage = self.review.stage;
        let Some(court) = Court::of(stage) else { return };
        let rule = self.world.policy.box_rule(&self.review, court);
        let now = rule.map(|rule| (stage, rule.print()));
        let before = std::mem::replace(&mut self.review.box_rule_said, now);
        match rule {
            _ if before == now => {}
            Some(rule) => {
                let part = self.review.pools.first();
                let budget = self.world.policy.terms(&self.review, court, part).budget;
                self.say(Reason::BoxRuled { stage, rule: RuleTold::Conditions(rule.conditions()), budget });
            }
            None if before.is_some_and(|(said, _)| said == stage) => self.say(Reason::BoxUnruled { stage }),
            None => {}
        }
    }

    fn move_to(&mut self, stage: Stage) {
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
