//! `handover`: an author for whom it got too much passes the change on within support.

use jiff::Timestamp;

use super::apply::Applying;
use super::commands::Outcome;
use crate::model::candidate::Judgement;
use crate::model::message::Answer;
use crate::model::people::Person;
use crate::model::reason::Reason;
use crate::model::review::Carrier;

impl Applying<'_, '_, '_> {
    /// `to` carries on for the author from now on; without a name the lead of support is to find somebody.
    pub(super) fn hand_over(&mut self, by: &Person, to: Option<&str>, at: Timestamp) -> Outcome {
        let Some(handle) = to else { return self.ask_for_a_colleague(by, at) };
        let Some(person) = self.draft.world.directory.find(handle) else {
            return Outcome::Refused(Answer::UnknownPerson { handle: handle.to_owned() });
        };
        let name = person.name.clone();
        let Some(account) = person.account.clone() else {
            return Outcome::Refused(Answer::CannotBeAsked { person: name, why: Judgement::UnknownOnForge });
        };
        if !person.support {
            return Outcome::Refused(Answer::NotInSupport { person: name });
        }
        // Who reviews cannot be its author as well.
        if self.draft.review.active().any(|own| own.account == account) {
            return Outcome::Refused(Answer::ReviewsIt { person: name });
        }
        if self.draft.review.said.carrier.as_ref().is_some_and(|known| known.at > at) {
            return Outcome::Refused(Answer::Overtaken);
        }
        let said = &mut self.draft.review.said;
        said.handover_asked_at = None;
        said.carrier = Some(Carrier { person: name.clone(), account, at });
        self.draft.review.planned.author_box.close();
        self.draft.say(Reason::HandedOver { by: by.name.clone(), to: name });
        Outcome::Done
    }

    fn ask_for_a_colleague(&mut self, by: &Person, at: Timestamp) -> Outcome {
        let Some(lead) = self.draft.who_finds_a_colleague().filter(|lead| *lead != by.name) else {
            return Outcome::Refused(Answer::NobodyToHandOverTo);
        };
        let said = &mut self.draft.review.said;
        said.handover_asked_at = said.handover_asked_at.max(Some(at));
        self.draft.say(Reason::WantsToHandOver { by: by.name.clone(), lead });
        Outcome::Done
    }
}
