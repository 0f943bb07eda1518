//! What holds along a whole history of decisions, counted apart from what the review remembers.

use std::collections::BTreeSet;

use usher_core::model::action::{Action, Named};
use usher_core::model::message::PingAbout;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Assignment, Ended, Origin, Stage};
use usher_core::model::world::Decision;

use super::play::Play;

impl Play {
    /// Laws 2, 3 and 4 with a memory: asked before the decision is taken over.
    pub(super) fn history_holds(&mut self, decision: &Decision) {
        // What a dry run would say, nobody hears.
        if !self.company.policy.dry_run {
            self.pings_hold(decision);
        }
        self.only_people_end_assignments(decision);
    }

    /// Law 2: no ping is said twice, and none beyond what one turn may have.
    fn pings_hold(&mut self, decision: &Decision) {
        let written = self.review.before_dry_run.as_ref().map(|written| written.done.stage);
        if decision.review.done.stage != written.unwrap_or(self.review.done.stage) {
            self.turn_pings = 0;
        }
        let limit = self.company.policy.limits.pings_per_change;
        for action in &decision.actions {
            let Some(Named { key, person, .. }) = action.names() else { continue };
            // Whoever can end a silence is told of it, however many were reminded before.
            let counts = !matches!(action, Action::Ping(ping) if !matches!(ping.about,
                PingAbout::Remind { .. } | PingAbout::Ask));
            assert!(
                !counts || self.turn_pings < limit,
                "law 2: {person} gets ping {} of {limit}",
                self.turn_pings + 1
            );
            self.turn_pings += u32::from(counts);
            let before = self.pings.iter().find(|ping| ping.key == key && !ping.withdrawn);
            assert!(before.is_none(), "law 2: {person} was told already by {key}");
            let quiet = matches!(decision.review.done.stage, Stage::Draft | Stage::Done);
            assert!(!quiet, "law 2: {person} is pinged about a change that nobody has to act on");
            assert!(
                decision.review.said.hold.is_none(),
                "law 2: {person} is pinged about a change that is held"
            );
        }
        for held in decision.review.done.suppressed_pings.keys() {
            let sent = decision.actions.iter().any(|a| a.names().is_some_and(|named| named.key == held));
            assert!(!sent, "law 2: {held} is both held and sent");
        }
    }

    /// Law 4: an assignment ends by a person's hand or word, or because the forge refuses; a running
    /// box never ends one. Law 3: nobody is chosen twice.
    fn only_people_end_assignments(&self, decision: &Decision) {
        let mut chosen = BTreeSet::new();
        // What a dry run had on paper is gone when it is over; what people ended stays so.
        let went_live = decision.reasons.contains(&Reason::WentLive);
        let written = self.review.before_dry_run.as_ref().filter(|_| went_live);
        let planned = written.map_or(&self.review.planned, |written| &written.planned);
        for (index, after) in decision.review.planned.assignments.iter().enumerate() {
            if matches!(after.origin, Origin::Picked | Origin::Widened) {
                assert!(chosen.insert(&after.person), "law 3: {} was chosen twice", after.person);
            }
            let before = planned.assignments.get(index);
            let ended_now = before.is_none_or(|before| before.is_active()) && !after.is_active();
            let by_hand = matches!(
                after.ended,
                Some((_, Ended::Declined | Ended::Removed | Ended::Refused(_) | Ended::Reassigned))
            );
            // Or they are not there: what their calendar and the pool say.
            let person = self.directory.by_name(&after.person);
            let gone = match after.ended {
                Some((_, Ended::Away)) => {
                    person.is_some_and(|own| own.agenda().away_until(self.now).is_some())
                }
                Some((_, Ended::Left)) => !self.directory.in_pool(&after.pool, &after.person),
                _ => false,
            };
            assert!(!ended_now || by_hand || gone, "law 4: {} was let go by nobody", after.person);
        }
        let by_hand = |own: &&Assignment| matches!(own.ended, Some((_, Ended::Declined | Ended::Removed)));
        let known = match went_live {
            true => self.review.planned.assignments.iter().filter(by_hand).count(),
            false => self.review.planned.assignments.len(),
        };
        assert!(decision.review.planned.assignments.len() >= known, "law 3: an assignment was forgotten");
    }
}
