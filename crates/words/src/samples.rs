//! A rehearsal: every template said once for every stage, with people who do not exist, so that
//! mistakes in it show before somebody waits for an answer.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use usher_core::model::candidate::{Candidate, Criterion, DecidedBy, Judgement};
use usher_core::model::change::ChangeState;
use usher_core::model::choice::ChoiceTold;
use usher_core::model::load::Load;
use usher_core::model::message::{
    AuthorView, ByOthers, Formally, HoldNote, Lacking, MergerView, Moment, NextStep, OpenThreads, Others,
    Ping, PingAbout, PoolView, PushedSince, RefusedSince, ReviewerView, StatusView,
};
use usher_core::model::stage::Stage;
use usher_core::model::timebox::StepKind;

use super::comments::{ping, status};
use super::templates::{TemplateFault, Templates};

/// What went wrong with the templates, each fault once.
pub fn rehearse(templates: &Templates) -> Vec<TemplateFault> {
    let mut faults: Vec<TemplateFault> = Vec::new();
    let mut note = |fault: Option<TemplateFault>| faults.extend(fault);
    for stage in Stage::ALL {
        for state in states(stage) {
            note(status(templates, &sample(stage, *state)).fault);
        }
        note(ping(templates, &reminder(stage)).fault);
        note(ping(templates, &escalation(stage)).fault);
    }
    note(ping(templates, &to("rita", PingAbout::Ask)).fault);
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

fn to(person: &str, about: PingAbout) -> Ping {
    Ping {
        key: "key".into(),
        person: person.into(),
        login: person.into(),
        not_after: Timestamp::MAX,
        me: "usher".into(),
        about,
    }
}

fn reminder(stage: Stage) -> Ping {
    to("rita", PingAbout::Remind { stage, due: Some(later()), over: true })
}

fn escalation(stage: Stage) -> Ping {
    let holder = (stage != Stage::Waiting).then(|| "rita".into());
    to(
        "lena",
        PingAbout::Escalate {
            stage,
            pool: "backend".into(),
            holder,
            candidates: ChoiceTold::Full(candidates()),
        },
    )
}

fn later() -> Moment {
    Moment { at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(8), zone: TimeZone::UTC }
}

fn candidates() -> Vec<Candidate> {
    let chosen = Judgement::Chosen {
        free_at: Timestamp::UNIX_EPOCH,
        open: Load::WHOLE,
        capacity: 5,
        decided_by: DecidedBy(Some(Criterion::FewestOpen)),
    };
    let candidate = |person: &str, standing| Candidate { person: person.into(), standing, owns: None };
    vec![candidate("rita", chosen), candidate("ravi", Judgement::Declined)]
}

fn rita(stage: Stage) -> ReviewerView {
    ReviewerView {
        person: "rita".into(),
        login: "rita".into(),
        pool: "backend".into(),
        approved: matches!(stage, Stage::ReadyToMerge | Stage::Done),
        asks: stage == Stage::WithAuthor,
        accepted: false,
        second: false,
        formally: Formally(stage == Stage::WithAuthor),
        threads: OpenThreads(0),
        answered: false,
        due: (stage == Stage::Reviewing).then(later),
        late: false,
    }
}

/// What the comment of somebody's change could say at a stage.
fn sample(stage: Stage, state: ChangeState) -> StatusView {
    let staffed = !matches!(stage, Stage::Waiting | Stage::Draft);
    let merges = MergerView {
        login: "rita".into(),
        approved: true,
        by_others: ByOthers(false),
        due: Some(later()),
        late: false,
    };
    let backend = PoolView {
        pool: "backend".into(),
        staffed,
        on_hold: false,
        leadless: false,
        candidates: ChoiceTold::Full(candidates()),
        ahead: 0,
        lacks: Lacking::default(),
    };
    StatusView {
        me: "usher".into(),
        stage,
        state,
        title: "Fix the rounding of totals".into(),
        author: AuthorView { login: "sam".into(), name: Some("sam".into()), due: Some(later()), late: false },
        refused_since: RefusedSince::default(),
        snoozed_until: None,
        hold: HoldNote::default(),
        set_to_wait: false,
        reviewers: if staffed { vec![rita(stage)] } else { Vec::new() },
        pools: vec![backend],
        merger: staffed.then_some(merges),
        pushed_since: PushedSince::default(),
        others: Others::default(),
        next: vec![NextStep { kind: StepKind::Remind, at: Some(later()), lead: None }],
        tickets: BTreeSet::new(),
        out_of_scope: None,
        sponsor: None,
        boxes: Vec::new(),
        opened_at: Some(Timestamp::UNIX_EPOCH),
        done_at: (state != ChangeState::Open).then(|| later().at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::TemplateName;

    fn rehearsed(text: TemplateName, source: &str) -> Vec<String> {
        let mut templates = Templates::default();
        templates.add(text, "file.md", source);
        rehearse(&templates).iter().map(TemplateFault::to_string).collect()
    }

    #[test]
    fn what_is_fine_for_every_stage_has_no_faults() {
        assert_eq!(
            rehearsed(TemplateName::Status, "**{{ headline }}**\n\n{{ text }}\n\n{{ folded }}"),
            [""; 0]
        );
        let all = "{{ stage }}{{ title }}{{ author.name }}{{ author.mention }}{% for r in reviewers %}{{ r.name }}\
                   {{ r.mention }}{{ r.pool }}{{ r.due }}{{ r.approved }}{{ r.accepted }}{{ r.overdue }}{% endfor %}\
                   {{ due }}{{ next }}{% for c in choice %}{{ c.pool }}{{ c.person }}{{ c.verdict }}{% endfor %}\
                   {{ merged }}{{ took }}{{ me }}";
        assert_eq!(rehearsed(TemplateName::Status, all), [""; 0]);
        let ping = "{{ person }}{{ stage }}{{ text }}{{ due }}{{ over }}{{ pool }}{{ holder }}{{ obstacles }}{{ me }}";
        for text in [TemplateName::Remind, TemplateName::Escalate, TemplateName::Ask] {
            assert_eq!(rehearsed(text, &format!("{ping} {{{{ text }}}}")), [""; 0]);
        }
        assert_eq!(rehearse(&Templates::default()), []);
    }

    #[test]
    fn a_fault_of_one_stage_is_found() {
        let faults =
            rehearsed(TemplateName::Status, "{{ text }}\n{% if stage == 'done' %}{{ nonsense }}{% endif %}");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("file.md:2:"), "{faults:?}");
        let faults = rehearsed(TemplateName::Remind, "{% if over %}Hello!{% else %}{{ person }}{% endif %}");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
