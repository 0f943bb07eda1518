//! A change that the forge does not show where it was, and one whose project has another name.

use super::apply::Applying;
use crate::model::change::{ChangeKey, ChangeState};
use crate::model::reason::Reason;
use crate::model::unreachable::{Loss, Lost};

impl Applying<'_, '_, '_> {
    /// The forge did not show the change. From now on its time boxes stand still and nothing is
    /// written; after several tries over a day the review is closed, until the change is seen again.
    pub(super) fn lose(&mut self, why: Loss) {
        if !self.draft.review.is_open() {
            return;
        }
        let now = self.draft.now();
        let lost = match self.draft.review.seen.unreachable.filter(|lost| lost.why == why) {
            Some(lost) => Lost { tries: lost.tries.saturating_add(1), ..lost },
            None => {
                self.draft.say(Reason::LostSight { why });
                Lost { why, since: now, tries: 1 }
            }
        };
        self.draft.review.seen.unreachable = Some(lost);
        if lost.is_for_good(now) {
            self.draft.review.seen.state = ChangeState::Closed;
            self.draft.review.seen.ended_at = Some(now);
            self.draft.say(Reason::GivenUp { why });
        }
    }

    /// The forge shows the change. What should be seen on it may be out of date.
    pub(super) fn find_again(&mut self) {
        if self.draft.review.seen.unreachable.take().is_some() {
            self.observed.reshape = true;
            self.draft.say(Reason::FoundAgain);
        }
    }

    /// The project has another name; the review goes with it.
    pub(super) fn move_house(&mut self, to: &ChangeKey) {
        if *to == self.draft.review.change {
            return;
        }
        let from = std::mem::replace(&mut self.draft.review.change, to.clone());
        self.draft.review.seen.unreachable = None;
        self.draft.say(Reason::Moved { from: from.project, to: to.project.clone() });
        if !self.draft.world.policy.watches(to) {
            self.lose(Loss::MovedAway);
        }
    }
}
