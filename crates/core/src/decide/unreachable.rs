//! A change that the forge does not show where it was, and one whose project has another name.

use super::Judge;
use crate::model::change::{ChangeKey, ChangeState};
use crate::model::reason::Reason;
use crate::model::unreachable::{Loss, Lost};

impl Judge<'_> {
    /// The forge did not show the change. From now on its time boxes stand still and nothing is
    /// written; after several tries over a day the review is closed, until the change is seen again.
    pub(super) fn lose(&mut self, why: Loss) {
        if !self.review.is_open() {
            return;
        }
        let now = self.now();
        let lost = match self.review.lost.filter(|lost| lost.why == why) {
            Some(lost) => Lost { tries: lost.tries.saturating_add(1), ..lost },
            None => {
                self.say(Reason::LostSight { why });
                Lost { why, since: now, tries: 1 }
            }
        };
        self.review.lost = Some(lost);
        if lost.is_for_good(now) {
            self.review.state = ChangeState::Closed;
            self.review.done_at = Some(now);
            self.say(Reason::GivenUp { why });
        }
    }

    /// The forge shows the change. What should be seen on it may be out of date.
    pub(super) fn find_again(&mut self) {
        if self.review.lost.take().is_some() {
            self.reshape = true;
            self.say(Reason::FoundAgain);
        }
    }

    /// The project has another name; the review goes with it.
    pub(super) fn move_house(&mut self, to: &ChangeKey) {
        if *to == self.review.change {
            return;
        }
        let from = std::mem::replace(&mut self.review.change, to.clone());
        self.review.lost = None;
        self.say(Reason::Moved { from: from.project, to: to.project.clone() });
        if !self.world.policy.watches(to) {
            self.lose(Loss::MovedAway);
        }
    }
}
