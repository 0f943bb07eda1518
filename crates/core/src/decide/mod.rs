//! `decide`: the whole of Usher's judgement, in the order in which it is made.
//!
//! 1. *apply*: what the fact says is written into the review (in any order, the newest wins);
//! 2. *assign*: pools are claimed, humans' choices adopted, reviewers picked;
//! 3. *stage* and *timers*: who must act next; time boxes run or pause, due steps are taken;
//! 4. *desired*: what should be seen on the forge becomes actions.

// A new variant must be thought of wherever its kind is judged.
#![warn(clippy::wildcard_enum_match_arm)]
// Times and numbers come from forges and from the store: what overflows there must end somewhere.
#![warn(clippy::arithmetic_side_effects)]

mod absence;
mod actor;
mod apply;
mod assign;
mod commands;
mod desired;
mod draft;
mod dry_run;
mod escalate;
mod find;
mod hand_back;
mod handover;
mod holds;
mod load;
mod merging;
mod owners;
mod plausible;
mod presence;
mod reroute;
mod reviewers;
mod scope;
mod seconds;
mod size;
mod stage;
pub mod suppressed;
mod tell;
mod terms;
mod threads;
mod timers;
mod unreachable;
mod verdicts;

pub use load::loads;
pub use stage::{holders, standing};

use actor::named;
use apply::{Observed, apply};
use assign::claim;
use draft::Draft;
use plausible::plausible;

use crate::model::calendar::Walks;
use crate::model::change::ChangeState;
use crate::model::fact::Fact;
use crate::model::review::Review;
use crate::model::world::{Decision, World};

/// Decides what a fact means for a review. Total, pure and deterministic: the same world, review
/// and fact give the same decision, and every combination has one.
pub fn decide(world: &World<'_>, review: &Review, fact: &Fact) -> Decision {
    let fact = &*plausible(world.now, review, fact);
    let fact = &*named(world, review, fact);
    let mut draft = Draft { world, review: review.clone(), reasons: Vec::new(), walks: Walks::default() };
    if !draft.admits(fact) {
        return draft.close(Vec::new(), None);
    }
    let was_open = draft.review.tracked && draft.review.seen.state != ChangeState::Merged;
    draft.begin_or_end_dry_run();
    draft.freshen_logins();
    draft.note_what_went_out();
    let Observed { reshape, rerouted, files, no_files, threads, answers, absence } = apply(&mut draft, fact);
    let mut actions = answers;
    actions.extend(claim(&mut draft, files, no_files).reads);
    draft.hold_back();
    if draft.is_live() {
        actions.extend(draft.assign_reviewers(rerouted).reads);
        draft.scope();
    }
    actions.extend(draft.read_threads(threads));
    actions.extend(draft.run_timers().pings);
    let desired = draft.desired(reshape);
    actions.extend(draft.take_up(desired, reshape));
    if was_open {
        actions.extend(draft.announce());
    }
    draft.keep_dry(review);
    draft.close(actions, absence)
}
