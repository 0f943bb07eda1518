//! What a row of facts comes to: decision after decision, for the engine and for a preview alike.

use jiff::Timestamp;

use crate::store::LedgerEntry;
use usher_core::decide;
use usher_core::model::absence::AbsenceWish;
use usher_core::model::action::Action;
use usher_core::model::fact::Fact;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Hold, Review};
use usher_core::model::world::World;
use usher_words::happening;

/// What the facts that were taken in so far come to.
pub(super) struct FoldOutcome {
    pub review: Review,
    pub ledger: Vec<LedgerEntry>,
    pub actions: Vec<Action>,
    pub absences: Vec<AbsenceWish>,
}

impl FoldOutcome {
    /// Nothing has happened to the review yet.
    pub(super) fn of(review: Review) -> FoldOutcome {
        FoldOutcome { review, ledger: Vec::new(), actions: Vec::new(), absences: Vec::new() }
    }

    /// Decides fact after fact; of two actions of one kind the newer stands.
    pub(super) fn take<'a>(&mut self, world: &World<'_>, facts: impl IntoIterator<Item = &'a Fact>) {
        for fact in facts {
            // What this row has asked for so far goes out with the whole of it, if at all.
            let asked = self.actions.iter().any(|action| matches!(action, Action::Desired(_)));
            let world = World { unsent: world.unsent || asked, ..*world };
            let decision = decide(&world, &self.review, fact);
            self.review = decision.review;
            self.absences.extend(decision.absence);
            if !decision.reasons.is_empty() || !decision.actions.is_empty() {
                self.ledger.push(LedgerEntry {
                    at: told_at(fact, world.now),
                    fact: if world.policy.dry_run { on_paper(fact) } else { happening(fact) },
                    reasons: decision.reasons,
                    actions: decision.actions.clone(),
                });
            }
            for action in decision.actions {
                let kind = action.kind();
                self.actions.retain(|earlier| earlier.kind() != kind);
                self.actions.push(action);
            }
        }
    }

    /// Why, in the order in which things were decided.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &Reason> {
        self.ledger.iter().flat_map(|entry| &entry.reasons)
    }

    /// A dry run records what would be done and does it not: only reads go out.
    pub(super) fn keep_dry(&mut self) {
        self.actions.retain(Action::is_read);
    }

    /// Whether the change was held back by the first roll-out and is taken on now. One that a person
    /// told Usher to skip meanwhile takes nobody's place.
    pub(super) fn leaves_first_run(&self, before: &Review) -> bool {
        let was_held = before.said.hold == Some(Hold::FirstRun)
            || self.reasons().any(|reason| *reason == Reason::HeldForFirstRun);
        let held_back = matches!(self.review.said.hold, Some(Hold::FirstRun | Hold::Skip));
        was_held && !held_back && self.review.is_open()
    }
}

/// How an entry of a dry run begins: what it names was not done.
pub const ON_PAPER: &str = "dry run, nothing of this was written: ";

/// What happened, in an entry of a dry run.
fn on_paper(fact: &Fact) -> String {
    format!("{ON_PAPER}{}", happening(fact))
}

fn told_at(fact: &Fact, now: Timestamp) -> Timestamp {
    match fact {
        Fact::Told { at, .. } => *at,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use usher_core::model::change::ChangeKey;

    #[test]
    fn a_change_that_is_skipped_in_the_first_roll_out_takes_nobodys_place() {
        let held = |hold| {
            let mut own = Review::new(ChangeKey::new("forge", "acme/shop", 7));
            own.said.hold = hold;
            own
        };
        let before = held(Some(Hold::FirstRun));
        let takes = |hold| FoldOutcome::of(held(hold)).leaves_first_run(&before);
        assert!(takes(None));
        assert!(!takes(Some(Hold::Skip)) && !takes(Some(Hold::FirstRun)));
    }
}
