//! What happens next, in one line: the steps to come if nobody does anything.

use usher_core::model::message::NextStep;
use usher_core::model::stage::Stage;
use usher_core::model::timebox::StepKind;

use super::text::{instant, plain, zone_name};

/// The steps to come in one line, in a zone that it names; `None` when there are none.
pub(super) fn next_line(stage: Stage, steps: &[NextStep]) -> Option<String> {
    let nobody = |step: &&NextStep| step.kind == StepKind::Escalate && step.lead.is_none();
    let alone = steps.iter().any(|step| nobody(&step));
    let parts: Vec<String> =
        steps.iter().filter(|step| !nobody(step)).map(|step| part(stage, step)).collect();
    let unless = match stage {
        Stage::Waiting => "If nobody can be asked",
        Stage::Reviewing => "Without an answer",
        Stage::WithAuthor => "If nothing happens",
        Stage::ReadyToMerge => "If it is not merged",
        Stage::Draft | Stage::Done => return None,
    };
    let after = if alone { " There is no lead to ask after that." } else { "" };
    if parts.is_empty() {
        return None;
    }
    // All steps are told in one zone.
    let timed = steps.iter().find_map(|step| step.at.as_ref());
    let zone = timed.map(|at| format!(" ({})", zone_name(&at.zone))).unwrap_or_default();
    Some(format!("{unless}: {}{zone}.{after}", parts.join(", then ")))
}

fn part(stage: Stage, step: &NextStep) -> String {
    let what = match (step.kind, &step.lead) {
        (StepKind::Remind, _) => "a reminder".to_owned(),
        (StepKind::Widen, _) => "a second reviewer".to_owned(),
        (StepKind::Escalate, Some(lead)) if stage == Stage::Waiting => format!("{} is told", plain(lead)),
        (StepKind::Escalate, Some(lead)) => format!("{} is asked to help", plain(lead)),
        (StepKind::Escalate, None) => "nobody is told".to_owned(),
    };
    match &step.at {
        Some(at) => format!("{what} on {}", instant(at.at, &at.zone)),
        None => format!("{what} soon"),
    }
}
