//! Whoever is asked to merge and cannot: approvals stand, and somebody else is found who can.

use jiff::Timestamp;

use super::apply::Applying;
use super::commands::Outcome;
use super::find::AssignmentId;
use super::stage::standing;
use crate::model::choice::ChoiceTold;
use crate::model::message::Answer;
use crate::model::people::Person;
use crate::model::reason::Reason;
use crate::model::review::{Origin, Stage};
use crate::model::standing::Why;

impl Applying<'_, '_, '_> {
    /// The assignment of somebody who is asked to merge what is approved, as known at `at`.
    pub(super) fn merges(&self, person: &Person, at: Timestamp) -> Option<AssignmentId> {
        let review = &self.draft.review;
        let standing = standing(self.draft.world.policy, review);
        let approved = standing.stage == Stage::ReadyToMerge && standing.why == Why::Approved;
        let merger = review.merger().filter(|own| approved && own.person == person.name)?;
        let given = review.verdicts_of(&merger.account).verdict;
        let before = given.is_none_or(|(_, given)| given < at) && merger.yields_at(at);
        let mut own =
            self.draft.assignments().filter(|(_, own)| own.is_active() && own.account == merger.account);
        own.next().filter(|_| before).map(|(id, _)| id)
    }

    /// They cannot merge: `to` does, or another one who is asked, or one who is asked now.
    pub(super) fn hand_on_merge(&mut self, id: AssignmentId, to: Option<&str>, at: Timestamp) -> Outcome {
        let Some(own) = self.draft.assignment(id) else { return Outcome::Done };
        let (person, pool) = (own.person.clone(), own.pool.clone());
        let was =
            self.draft.assignment_mut(id).is_some_and(|own| std::mem::replace(&mut own.cannot_merge, true));
        let found = match to {
            Some(handle) => self.name_reviewer(&pool, handle, at),
            None if self.somebody_can_merge() => Ok(()),
            None => self.find_merger(&pool),
        };
        if let Err(answer) = found {
            self.draft.assignment_mut(id).into_iter().for_each(|own| own.cannot_merge = was);
            return Outcome::Refused(answer);
        }
        self.draft.review.planned.merge_box.close();
        self.draft.say(Reason::CannotMerge { person });
        Outcome::Done
    }

    fn somebody_can_merge(&self) -> bool {
        self.draft.review.merger().is_some_and(|own| !own.cannot_merge)
    }

    fn find_merger(&mut self, pool: &str) -> Result<(), Answer> {
        let rule = self.draft.world.policy.pool(pool).ok_or(Answer::NoPoolYet)?;
        self.draft.choose(rule, Origin::Picked).map(drop).map_err(|candidates| {
            let candidates = ChoiceTold::of(&candidates, self.draft.world.policy.verdicts);
            Answer::NobodyElse { candidates }
        })
    }
}
