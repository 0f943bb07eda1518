//! Changes that the forge no longer shows: their project was renamed, moved, archived or deleted, or
//! Usher may not see it any more. Such a review neither stays open for ever nor is it forgotten.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::change::{ChangeKey, ChangeState};
use super::decide::Judge;
use super::reason::Reason;

/// A review whose change is not shown is closed no sooner than this, and after no fewer tries.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
const GIVEN_UP_TRIES: u32 = 3;

/// Why a change cannot be followed where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The change or its project was deleted, or hidden from Usher: forges tell these apart from
    /// nobody.
    Hidden,
    /// Its project is archived: it can be read, and nobody can act on it.
    Archived,
    /// Its project has moved to where Usher does not watch.
    MovedAway,
    /// Its project has another name, and Usher has a review under that name already.
    Followed,
}

/// Since when a change is not shown, and how often it was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub why: Loss,
    pub since: Timestamp,
    #[serde(default)]
    pub tries: u32,
}

impl Lost {
    /// Whether it was looked for long enough. An archived project may come back at any time.
    fn is_for_good(&self, now: Timestamp) -> bool {
        match self.why {
            Loss::Followed => true,
            Loss::Archived => false,
            Loss::Hidden | Loss::MovedAway => {
                self.tries >= GIVEN_UP_TRIES && now.duration_since(self.since) >= GIVEN_UP_AFTER
            }
        }
    }
}

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
