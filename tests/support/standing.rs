//! Laws 10 to 13: somebody has the ball and a clock runs, what is called ready is ready, and Usher's own act is
//! never a person's.

use usher_core::model::action::Action;
use usher_core::model::change::Verdict;
use usher_core::model::fact::Fact;
use usher_core::model::policy::Policy;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Review, Routing, Stage};
use usher_core::model::world::Decision;

/// Law 10: on an open, ready change a clock runs, unless a stop is stated: a hold, a change or a forge that is
/// not there, files that are being read, or a minute in which a person may be
/// about to name somebody.
pub fn somebody_has_the_ball(review: &Review, policy: &Policy) -> Result<(), String> {
    let planned = &review.planned;
    let stopped = !review.is_live()
        || !review.tracked
        || policy.dry_run
        || planned.routing != Routing::Routed
        || planned.pools.iter().any(|part| part.not_before.is_some());
    let boxes = planned.pools.iter().map(|part| &part.waiting_box);
    let boxes = boxes.chain(planned.assignments.iter().map(|own| &own.reviewing_box));
    let runs = boxes
        .chain([&planned.author_box, &planned.merge_box, &planned.unclaimed_box])
        .any(|own| own.running_since.is_some());
    match stopped || runs {
        true => Ok(()),
        false => Err(format!("law 10: nobody has the ball, no clock runs ({:?})", review.done.stage)),
    }
}

/// Law 11: ready is only what has its approvals, and against which nobody's request for changes stands. The
/// stage that a person set is theirs.
pub fn ready_is_ready(review: &Review, policy: &Policy) -> Result<(), String> {
    if !is_called_ready(review) {
        return Ok(());
    }
    for own in &review.planned.assignments {
        let said = review.verdicts_of(&own.account);
        let against = matches!(said.verdict, Some((Verdict::ChangesRequested, at))
            if said.overruled_at.is_none_or(|overruled| overruled < at));
        if against {
            return Err(format!("law 11: {} asks for changes, and it is called ready", own.person));
        }
    }
    for part in &review.planned.pools {
        let approved = |id: &u64| review.said.verdicts.get(id).is_some_and(|said| said.has_approved());
        let own = review.planned.assignments.iter().filter(|own| own.pool == part.pool && own.is_active());
        let approvals = own.filter(|own| approved(&own.account.id)).count();
        let needed = policy.pool(&part.pool).map_or(1, |pool| pool.approvals) as usize;
        if approvals < needed {
            return Err(format!("law 11: {} has {approvals} approvals of {needed}", part.pool));
        }
    }
    Ok(())
}

/// Whether Usher says that it is ready, and nobody else does.
pub fn is_called_ready(review: &Review) -> bool {
    review.done.stage == Stage::ReadyToMerge && review.said.stage.is_none() && review.is_live()
}

/// Law 12: what Usher or another bot did is no person's act. Law 13: what is over promises nothing.
pub fn own_acts_are_own(fact: &Fact, decision: &Decision) {
    if let Fact::Told { by, .. } = fact
        && by.bot
    {
        let persons = decision.reasons.iter().find(|reason| {
            matches!(
                reason,
                Reason::LabelTakenOff { .. } | Reason::ReviewerTakenOff { .. } | Reason::StageSet { .. }
            )
        });
        assert!(persons.is_none(), "law 12: {persons:?} by {}", by.account.login);
    }
    for action in &decision.actions {
        if let Action::Status(view) = action {
            let over =
                view.stage == Stage::Done || view.stage == Stage::Draft || view.snoozed_until.is_some();
            assert!(!over || view.next.is_empty(), "law 13: it is over and promises {:?}", view.next);
        }
    }
}
