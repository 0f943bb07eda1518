//! Hand-back: who asked for changes learns that the author has answered. GitHub asks for the review again,
//! which ends no verdict; GitLab's own request would end it, so there they are named in a comment.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::draft::Draft;
use super::escalate::{Escalation, PingOutcome};
use super::find::AssignmentId;
use crate::model::action::{AskedAgain, DesiredState, ping_key};
use crate::model::message::{Moment, PingAbout};
use crate::model::reason::Reason;
use crate::model::review::{Assignment, Stage};

impl Draft<'_> {
    /// Whether a request for review on the change's forge leaves a request for changes standing
    /// (docs.github.com, "Requesting a pull request review"; docs.gitlab.com, "Re-request a review").
    fn asks_again_by_request(&self) -> bool {
        self.world.policy.dates_reviews(&self.review.change.forge)
    }

    /// When the reviewer last asked something of the author, whom they have asked for changes, if the author has
    /// answered it, the review is theirs again, and no person has asked them themselves.
    fn answered_request(&self, own: &Assignment) -> Option<Timestamp> {
        let verdicts = self.review.verdicts_of(&own.account);
        verdicts.requests_changes()?;
        // GitLab tells of a second request for changes only by its words.
        let requested = verdicts.asks_author_since()?;
        let theirs = self.is_live()
            && self.review.done.stage == Stage::Reviewing
            && !self.review.asks_author(own)
            && self.has_the_turn(own);
        (theirs && verdicts.asked_again_at.is_none_or(|again| again < requested)).then_some(requested)
    }

    /// Who is asked again by a request of Usher's, as long as that round lasts.
    pub(super) fn asked_again(&self) -> BTreeSet<AskedAgain> {
        let asked = self.review.active().filter(|own| own.listed && self.asks_again_by_request());
        let again = asked.filter_map(|own| {
            let verdict_at = self.answered_request(own)?;
            Some(AskedAgain { account: own.account.clone(), verdict_at })
        });
        again.collect()
    }

    /// Whether a shape asks somebody again who was not asked for that yet.
    pub(super) fn hands_back(&self, shape: &DesiredState) -> bool {
        shape.reviewers_again.iter().any(|again| !self.is_handed_back(again))
    }

    fn is_handed_back(&self, again: &AskedAgain) -> bool {
        let mut asked = self.review.active().filter(|own| own.account == again.account);
        asked.any(|own| own.handed_back >= Some(again.verdict_at))
    }

    /// A request for review is Usher's own before it is sent: no list that shows it is taken for a person's.
    pub(super) fn note_handed_back(&mut self, shape: &DesiredState) {
        for again in &shape.reviewers_again {
            let asked = self.assignment_where(|own| own.is_active() && own.account == again.account);
            let Some((_, own)) = asked.filter(|(_, own)| own.handed_back < Some(again.verdict_at)) else {
                continue;
            };
            own.handed_back = Some(again.verdict_at);
            let person = own.person.clone();
            self.say(Reason::HandedBack { person });
        }
    }
}

impl Escalation<'_, '_> {
    /// Names those whom the forge's own request would cost their verdict: once for each request for changes.
    pub(super) fn hand_back(&mut self) {
        if self.draft.asks_again_by_request() {
            return;
        }
        for id in self.draft.assignment_ids() {
            let Some(own) = self.draft.assignment(id) else { continue };
            let Some(requested) = self.draft.answered_request(own) else { continue };
            // A time that was known roughly may be known better, and is earlier then.
            if own.handed_back >= Some(requested) {
                continue;
            }
            let (pool, person, key) = (own.pool.clone(), own.person.clone(), back_key(own));
            let holder = self.draft.world.directory.asked_by(&pool, &person);
            let due = self
                .draft
                .due_of(id)
                .map(|at| Moment { at, zone: self.draft.zone_of(Some(&person), Some(&pool)) });
            let author = self.draft.review.author_name.clone();
            let about = PingAbout::Back { author, due };
            match self.ping(holder, &key, about) {
                told @ (PingOutcome::Sent | PingOutcome::Never) => {
                    self.draft
                        .assignment_mut(id)
                        .into_iter()
                        .for_each(|own| own.handed_back = Some(requested));
                    if matches!(told, PingOutcome::Sent) {
                        self.draft.say(Reason::HandedBack { person });
                    }
                }
                PingOutcome::Later(at) => self.draft.retry_at(at),
            }
        }
    }
}

impl Draft<'_> {
    /// Whose hand-back a key names; they are to be told once more.
    pub(super) fn take_hand_back_back(&mut self, key: &str) -> Option<String> {
        let known = |own: &Assignment| own.handed_back.is_some() && back_key(own) == key;
        let ids: Vec<AssignmentId> = self.assignment_ids().collect();
        let id = ids.into_iter().find(|id| self.assignment(*id).is_some_and(known))?;
        let own = self.assignment_mut(id)?;
        own.handed_back = None;
        Some(own.person.clone())
    }
}

/// The key of the word that the author has answered.
fn back_key(own: &Assignment) -> String {
    ping_key(&["back", &own.person, &own.reviewing_box.turn.to_string()])
}
