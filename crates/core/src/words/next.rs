//! What happens next, in one line: the steps to come if nobody does anything.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{instant, plain, zone_name};
use crate::model::review::Stage;
use crate::model::timebox::StepKind;

/// A step to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    pub kind: StepKind,
    /// When it is due; `None` when it is due already and only waits for somebody's working time.
    pub at: Option<Timestamp>,
    /// Who leads the pool: whom an escalation names.
    pub lead: Option<String>,
}

/// The steps to come in one line, in a zone that it names; `None` when there are none.
pub fn next_line(stage: Stage, steps: &[NextStep], zone: &TimeZone) -> Option<String> {
    let parts: Vec<String> = steps.iter().map(|step| part(stage, step, zone)).collect();
    let unless = match stage {
        Stage::Waiting => "If nobody can be asked",
        Stage::Reviewing => "Without an answer",
        Stage::WithAuthor => "If nothing happens",
        Stage::ReadyToMerge => "If it is not merged",
        Stage::Draft | Stage::Done => return None,
    };
    if parts.is_empty() {
        return None;
    }
    let timed = steps.iter().any(|step| step.at.is_some());
    let zone = if timed { format!(" ({})", zone_name(zone)) } else { String::new() };
    Some(format!("{unless}: {}{zone}.", parts.join(", then ")))
}

fn part(stage: Stage, step: &NextStep, zone: &TimeZone) -> String {
    let what = match (step.kind, &step.lead) {
        (StepKind::Remind, _) => "a reminder".to_owned(),
        (StepKind::Widen, _) => "a second reviewer".to_owned(),
        (StepKind::Escalate, Some(lead)) if stage == Stage::Waiting => format!("{} is told", plain(lead)),
        (StepKind::Escalate, Some(lead)) => format!("{} is asked to help", plain(lead)),
        (StepKind::Escalate, None) => "the dashboard shows it".to_owned(),
    };
    match step.at {
        Some(at) => format!("{what} on {}", instant(at, zone)),
        None => format!("{what} soon"),
    }
}
