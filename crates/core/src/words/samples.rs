//! A rehearsal: every template said once for every stage, with people who do not exist, so that
//! mistakes in it show before somebody waits for an answer.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::context::{ask_context, escalate_context, remind_context, status_context};
use super::next::NextStep;
use super::pings::{Escalation, Reminder};
use super::status::{Status, StatusReviewer};
use super::templates::{Fault, Naming, Templates, Text};
use crate::model::candidate::{Candidate, Standing};
use crate::model::change::{Account, ChangeKey, ChangeState};
use crate::model::policy::Policy;
use crate::model::review::{Assignment, Origin, PoolReview, Review, Stage};
use crate::model::timebox::StepKind;

/// What went wrong with the templates, each fault once.
pub fn rehearse(templates: &Templates) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut note = |fault: Option<Fault>| faults.extend(fault);
    for stage in Stage::ALL {
        for state in states(stage) {
            note(say_status(templates, stage, *state));
        }
        note(say_reminder(templates, stage));
        note(say_escalation(templates, stage));
    }
    let ask = templates.word(Text::Ask, &naming("rita"), String::new(), || ask_context("rita", "usher"));
    note(ask.fault);
    let mut known = Vec::new();
    faults.retain(|fault| {
        let new = !known.contains(fault);
        known.push(fault.clone());
        new
    });
    faults
}

fn states(stage: Stage) -> &'static [ChangeState] {
    match stage {
        Stage::Done => &[ChangeState::Merged, ChangeState::Closed],
        _ => &[ChangeState::Open],
    }
}

fn naming(handle: &str) -> Naming<'_> {
    Naming { mentions: vec![handle], must: Some(handle) }
}

fn say_status(templates: &Templates, stage: Stage, state: ChangeState) -> Option<Fault> {
    let (review, policy) = (sample(stage, state), Policy::default());
    let staffed = !matches!(stage, Stage::Waiting | Stage::Draft);
    let assignments = review.assignments.iter().filter(|_| staffed);
    let status = Status {
        review: &review,
        policy: &policy,
        reviewers: assignments.map(|assignment| seen(assignment, stage)).collect(),
        author_known: true,
        author_due: Some(later()),
        author_zone: TimeZone::UTC,
        merge_due: Some(later()),
        next: vec![NextStep { kind: StepKind::Remind, at: Some(later()), lead: None }],
        next_zone: TimeZone::UTC,
        me: "usher",
    };
    let naming = Naming { mentions: vec!["sam", "rita"], must: None };
    templates.word(Text::Status, &naming, String::new(), || status_context(&status)).fault
}

fn seen(assignment: &Assignment, stage: Stage) -> StatusReviewer<'_> {
    StatusReviewer {
        assignment,
        approved: matches!(stage, Stage::ReadyToMerge | Stage::Done),
        asks: stage == Stage::WithAuthor,
        due: (stage == Stage::Reviewing).then(later),
        zone: TimeZone::UTC,
    }
}

fn say_reminder(templates: &Templates, stage: Stage) -> Option<Fault> {
    let about = Reminder { stage, due: Some(later()), over: true, zone: TimeZone::UTC, me: "usher".into() };
    templates.word(Text::Remind, &naming("rita"), String::new(), || remind_context("rita", &about)).fault
}

fn say_escalation(templates: &Templates, stage: Stage) -> Option<Fault> {
    let about = Escalation {
        stage,
        pool: "backend".into(),
        holder: (stage != Stage::Waiting).then(|| "rita".into()),
        candidates: candidates(),
        me: "usher".into(),
    };
    templates.word(Text::Escalate, &naming("lena"), String::new(), || escalate_context("lena", &about)).fault
}

fn later() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(8)
}

fn candidates() -> Vec<Candidate> {
    let chosen = Standing::Chosen { free_at: Timestamp::UNIX_EPOCH, open: 1, capacity: 5 };
    let candidate = |person: &str, standing| Candidate { person: person.into(), standing, owns: None };
    vec![candidate("rita", chosen), candidate("ravi", Standing::Declined)]
}

/// A review of somebody's as it could be at a stage.
fn sample(stage: Stage, state: ChangeState) -> Review {
    let since = Timestamp::UNIX_EPOCH;
    let rita = Assignment::new("backend", "rita", Account::new(2, "rita"), since, Origin::Picked);
    let mut review = Review::new(ChangeKey::new("forge", "acme/shop", 7));
    let mut part = PoolReview::new("backend".into(), 0);
    part.candidates = candidates();
    review.title = "Fix the rounding of totals".into();
    review.author = Account::new(1, "sam");
    review.author_name = Some("sam".into());
    review.tracked = true;
    review.stage = stage;
    review.state = state;
    review.draft = stage == Stage::Draft;
    review.opened_at = Some(since);
    review.done_at = (state != ChangeState::Open).then(later);
    review.pools = vec![part];
    review.assignments = vec![rita];
    review
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rehearsed(text: Text, source: &str) -> Vec<String> {
        let mut templates = Templates::default();
        templates.add(text, "file.md", source);
        rehearse(&templates).iter().map(Fault::to_string).collect()
    }

    #[test]
    fn what_is_fine_for_every_stage_has_no_faults() {
        assert_eq!(rehearsed(Text::Status, "**{{ headline }}**\n\n{{ text }}\n\n{{ folded }}"), [""; 0]);
        let all = "{{ stage }}{{ title }}{{ author.name }}{{ author.mention }}{% for r in reviewers %}{{ r.name }}\
                   {{ r.mention }}{{ r.pool }}{{ r.due }}{{ r.approved }}{{ r.accepted }}{{ r.overdue }}{% endfor %}\
                   {{ due }}{{ next }}{% for c in choice %}{{ c.pool }}{{ c.person }}{{ c.verdict }}{% endfor %}\
                   {{ merged }}{{ took }}{{ me }}";
        assert_eq!(rehearsed(Text::Status, all), [""; 0]);
        let ping = "{{ person }}{{ stage }}{{ text }}{{ due }}{{ over }}{{ pool }}{{ holder }}{{ obstacles }}{{ me }}";
        for text in [Text::Remind, Text::Escalate, Text::Ask] {
            assert_eq!(rehearsed(text, &format!("{ping} {{{{ text }}}}")), [""; 0]);
        }
        assert_eq!(rehearse(&Templates::default()), []);
    }

    #[test]
    fn a_fault_of_one_stage_is_found() {
        let faults = rehearsed(Text::Status, "{{ text }}\n{% if stage == 'done' %}{{ nonsense }}{% endif %}");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("file.md:2:"), "{faults:?}");
        let faults = rehearsed(Text::Remind, "{% if over %}Hello!{% else %}{{ person }}{% endif %}");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
