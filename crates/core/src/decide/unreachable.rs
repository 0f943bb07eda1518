//! A change that the forge does not show where it was, and one whose project has another name.

use jiff::Timestamp;

use super::apply::Applying;
use crate::model::change::{ChangeKey, ChangeState};
use crate::model::reason::Reason;
use crate::model::unreachable::{Blocked, Unreachable, UnreachableWhy};

impl Applying<'_, '_, '_> {
    /// The forge did not show the change. From now on its time boxes stand still and nothing is
    /// written; after several tries over a day the review is closed, until the change is seen again.
    pub(super) fn lose(&mut self, why: UnreachableWhy) {
        if !self.draft.review.is_open() {
            return;
        }
        let now = self.draft.now();
        let lost = match self.draft.review.seen.unreachable.filter(|lost| lost.why == why) {
            Some(lost) => Unreachable { tries: lost.tries.saturating_add(1), ..lost },
            None => {
                self.draft.say(Reason::LostSight { why });
                Unreachable { why, since: now, tries: 1 }
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

    /// Something did not come about on the forge. Where people cannot be asked, that is a stop of its own,
    /// which the comment tells; where files cannot be read, it goes on without them for now.
    pub(super) fn failed(&mut self, action: &str, since: Timestamp, given_up: bool) {
        match action {
            "files" => self.observed.no_files = true,
            // Nobody waits for it longer than for a sweep.
            "look" | "threads" => {}
            "shape" if self.draft.review.is_open() => {
                let known = self.draft.review.seen.blocked;
                // Facts may come late: an older word never takes the place of a newer one.
                let since = known.map_or(since, |known| known.since.min(since));
                let given_up = given_up || known.is_some_and(|known| known.given_up);
                let told = known.is_some_and(|known| known.told);
                let blocked = Blocked { since, given_up, told };
                if known != Some(blocked) {
                    self.draft.review.seen.blocked = Some(blocked);
                    self.draft.say(Reason::ForgeRefuses { given_up });
                }
            }
            _ if given_up => self.draft.say(Reason::NotSaid { action: action.to_owned() }),
            _ => {}
        }
    }

    /// The forge shows reviewers and labels as they were asked for: it takes them again.
    pub(super) fn look_for_what_was_blocked(&mut self) {
        let shown = !self.draft.is_unlike(&self.draft.review.done.last_applied);
        let over = shown || !self.draft.review.is_ready();
        if let Some(blocked) = self.draft.review.seen.blocked.take_if(|_| over) {
            self.observed.reshape = true;
            if blocked.given_up {
                // Nobody tries any more what is still missing.
                self.draft.review.done.applied_again_at = None;
            }
            self.draft.say(Reason::ForgeTakesIt);
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
            self.lose(UnreachableWhy::MovedAway);
        }
    }
}
