//! `snooze`, `skip` and `resume`: people ask Usher to leave a change alone.

use jiff::Timestamp;

use super::apply::Applying;
use super::commands::Outcome;
use crate::model::fact::Actor;
use crate::model::message::{Answer, Moment};
use crate::model::people::Person;
use crate::model::reason::Reason;
use crate::model::review::{Hold, HoldOrigin};
use crate::model::timebox::Budget;

/// Whether Usher is to leave the change alone.
#[derive(Clone, Copy)]
enum HoldWish {
    /// For so long.
    Snooze(Budget),
    Skip,
    Resume,
}

impl Applying<'_, '_, '_> {
    pub(super) fn snooze(&mut self, span: Budget, person: &Person, at: Timestamp) -> Outcome {
        self.hold(HoldWish::Snooze(span), person, at)
    }

    pub(super) fn skip(&mut self, person: &Person, at: Timestamp) -> Outcome {
        self.hold(HoldWish::Skip, person, at)
    }

    pub(super) fn resume(&mut self, person: &Person, at: Timestamp) -> Outcome {
        self.hold(HoldWish::Resume, person, at)
    }

    /// The newest word counts, in whatever order they are told.
    fn hold(&mut self, wish: HoldWish, person: &Person, at: Timestamp) -> Outcome {
        if self.draft.review.said.hold_at.is_some_and(|said| said > at) {
            return Outcome::Refused(Answer::Overtaken);
        }
        let by = person.name.clone();
        let mut outcome = Outcome::Done;
        let origin = Some(HoldOrigin { by: Some(by.clone()), at });
        match wish {
            // A snooze ends by itself, and what it would replace does not.
            HoldWish::Snooze(_) if self.draft.review.said.hold == Some(Hold::Skip) => {
                return Outcome::Refused(Answer::SnoozeSkipped);
            }
            HoldWish::Snooze(_) if self.draft.review.said.hold == Some(Hold::FirstRun) => {
                return Outcome::Refused(Answer::SnoozeFirstRun);
            }
            HoldWish::Snooze(span) => {
                let (agenda, max) = (person.agenda(), self.draft.world.policy.limits.snooze_max);
                let end = |span: Budget| agenda.add(self.draft.now(), span.millis(&agenda));
                let (asked, longest) = (end(span), end(max));
                let Some(until) = asked.min(longest).or(asked).or(longest) else {
                    return Outcome::Refused(Answer::SnoozeTooLong);
                };
                if asked != Some(until) {
                    let until = Moment { at: until, zone: person.hours.timezone().clone() };
                    outcome = Outcome::Words(Answer::SnoozeCapped { max, until });
                }
                self.draft.review.said.hold = Some(Hold::Snooze { until });
                self.draft.review.said.snoozes = self.draft.review.said.snoozes.saturating_add(1);
                self.draft.review.said.hold_origin = origin;
                self.draft.say(Reason::Snoozed { by, until });
            }
            HoldWish::Skip => {
                self.draft.review.said.hold = Some(Hold::Skip);
                self.draft.review.said.unskip = false;
                self.draft.review.said.hold_origin = origin;
                self.draft.say(Reason::Skipped { by: Some(by) });
            }
            HoldWish::Resume => {
                self.draft.review.said.hold = None;
                self.draft.review.said.unskip = true;
                self.draft.say(Reason::Resumed { by: Some(by) });
            }
        }
        self.draft.review.said.hold_at = Some(at);
        outcome
    }

    /// The skip label came on by the hand of `by`.
    pub(super) fn note_who_skipped(&mut self, by: &Actor) {
        if self.draft.review.said.hold != Some(Hold::Skip) {
            return;
        }
        let person = self.draft.world.directory.by_id(by.account.id);
        let name = person.map_or_else(|| by.account.login.clone(), |person| person.name.clone());
        if let Some(origin) = &mut self.draft.review.said.hold_origin
            && !name.is_empty()
        {
            origin.by = Some(name);
        }
    }
}
