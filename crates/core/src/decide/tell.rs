//! Words to those who can end a silence, beside the steps of time boxes: the contact where the forge takes
//! nothing, the lead of support where an author is away or hands over.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::draft::Draft;
use super::escalate::{Escalation, PingOutcome, Timers};
use super::timers::BoxId;
use crate::model::action::ping_key;
use crate::model::choice::ChoiceTold;
use crate::model::message::{Moment, PingAbout};
use crate::model::reason::Reason;
use crate::model::review::Stage;
use crate::model::unreachable::Blocked;

impl Draft<'_> {
    /// What is said to whoever is told that the box ran out.
    pub(super) fn what_is_told(&self, id: BoxId) -> PingAbout {
        let holder = self.holder(id);
        let (stage, part) = match id {
            BoxId::Unclaimed => return PingAbout::NoRoute,
            BoxId::Author => {
                let since = self.review.done.stage_since.unwrap_or(self.now());
                let zone = self.zone_of(self.who_is_told(id).as_deref(), None);
                return PingAbout::AuthorSilent { author: holder, since: Moment { at: since, zone } };
            }
            BoxId::Waiting(_) => {
                // Others of the pool are asked already, and what is missing they cannot give.
                let part = self.part_of(id);
                let staffed = part.is_some_and(|part| self.review.active_in(&part.pool).next().is_some());
                (if staffed { self.review.done.stage } else { Stage::Waiting }, part)
            }
            BoxId::Reviewing(_) | BoxId::Merge => (self.review.done.stage, self.part_of(id)),
        };
        let candidates = part.map_or(&[][..], |part| &part.candidates);
        PingAbout::Escalate {
            stage,
            pool: part.map(|part| part.pool.clone()).unwrap_or_default(),
            holder,
            candidates: ChoiceTold::of(candidates, self.world.policy.verdicts),
        }
    }

    /// Where the forge takes nothing and nobody tries any more, the contact of the configuration is told,
    /// once for each such stop. No clock of the change has anything to do with it.
    pub(super) fn tell_contact(&mut self) -> Timers {
        let given_up = self.review.seen.blocked.filter(|blocked| blocked.given_up && !blocked.told);
        let stands = self.review.is_ready() && self.review.said.hold.is_none();
        let stands = stands && self.review.seen.unreachable.is_none();
        let contact = self.world.policy.contact.clone();
        let (Some(blocked), Some(contact)) = (given_up.filter(|_| stands), contact) else {
            return Timers::default();
        };
        let since = Moment { at: blocked.since, zone: self.zone_of(Some(&contact), None) };
        let key = contact_key(&blocked, &contact);
        let mut telling = Escalation { draft: self, pings: Vec::new(), kept: BTreeSet::new() };
        let told =
            telling.ping(telling.draft.world.directory.by_name(&contact), &key, PingAbout::Refused { since });
        let pings = telling.pings;
        match told {
            PingOutcome::Sent => {
                self.review.seen.blocked = Some(Blocked { told: true, ..blocked });
                self.say(Reason::ContactTold { person: contact });
            }
            PingOutcome::Later(at) => self.retry_at(at),
            PingOutcome::Never => {}
        }
        Timers { pings }
    }

    /// Whose word a key was that came too late: they are to be told once more.
    pub(super) fn take_word_back(&mut self, key: &str) -> Option<String> {
        let contact = self.world.policy.contact.clone();
        if let (Some(blocked), Some(contact)) = (&mut self.review.seen.blocked, contact)
            && blocked.told
            && contact_key(blocked, &contact) == key
        {
            blocked.told = false;
            return Some(contact);
        }
        let lead = self.who_finds_a_colleague()?;
        let done = &mut self.review.done;
        if done.handover_told.is_some_and(|asked| handover_key(asked, &lead) == key) {
            done.handover_told = None;
            return Some(lead);
        }
        if done.leave_told.is_some_and(|until| leave_key(until, &lead) == key) {
            done.leave_told = None;
            return Some(lead);
        }
        None
    }
}

impl Escalation<'_, '_> {
    /// Tells the lead of support, once each, that an author wants to hand over, and that one whose turn it is
    /// went on leave: their clock stands still.
    pub(super) fn tell_lead_of_support(&mut self) {
        let Some(lead) = self.draft.who_finds_a_colleague() else { return };
        let (review, said) = (&self.draft.review, &self.draft.review.said);
        let author = review.acting_author().0.map(str::to_owned);
        let with_author = review.done.stage == Stage::WithAuthor;
        if let Some(asked) = said.handover_asked_at.filter(|asked| review.done.handover_told < Some(*asked)) {
            let about = PingAbout::HandOver { author: author.clone() };
            if self.told_or_kept(&lead, &handover_key(asked, &lead), about) {
                self.draft.review.done.handover_told = Some(asked);
            }
        }
        let away = author.as_deref().filter(|_| with_author);
        let until = away.and_then(|author| self.draft.long_leave(author, None));
        if let Some(until) = until.filter(|until| self.draft.review.done.leave_told < Some(*until)) {
            let about = PingAbout::AuthorAway { author };
            if self.told_or_kept(&lead, &leave_key(until, &lead), about) {
                self.draft.review.done.leave_told = Some(until);
            }
        }
    }

    /// Whether it was told, or cannot be.
    fn told_or_kept(&mut self, lead: &str, key: &str, about: PingAbout) -> bool {
        match self.ping(self.draft.world.directory.by_name(lead), key, about) {
            PingOutcome::Sent => {
                self.draft.say(Reason::ToldOfSilence { person: lead.to_owned() });
                true
            }
            PingOutcome::Never => true,
            PingOutcome::Later(at) => {
                self.draft.retry_at(at);
                false
            }
        }
    }
}

/// The key of the word to the contact.
fn contact_key(blocked: &Blocked, contact: &str) -> String {
    ping_key(&["refused", &blocked.since.as_second().to_string(), contact])
}

fn handover_key(asked: Timestamp, lead: &str) -> String {
    ping_key(&["handover", &asked.as_second().to_string(), lead])
}

fn leave_key(until: Date, lead: &str) -> String {
    ping_key(&["author-away", &until.to_string(), lead])
}
