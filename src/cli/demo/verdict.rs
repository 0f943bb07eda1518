//! The end of the demo: what became of every change, and whether the laws held.

use std::collections::BTreeMap;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ColumnConstraint, Table, Width};
use usher_sandbox::{ChangeRef, Forge};

use super::company::{BOT, Company, key};
use super::wrap::wrapped;
use crate::cli::terminal::fitted;
use crate::service::Service;
use crate::store::LedgerRow;
use usher_core::model::action::{Action, Named, STATUS_MARKER};
use usher_core::model::candidate::Judgement;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Ended, Origin, Review};
use usher_words as words;

/// Ledger rows that are read per change.
const LEDGER_ROWS: u32 = 1_000;

/// Columns beside what stands in a cell.
const PADDING: usize = 2;

/// What the week came to.
pub(super) struct DemoVerdict {
    rows: Vec<[String; 6]>,
    /// Every law with what broke it, if anything.
    laws: Vec<(&'static str, Vec<String>)>,
    numbers: String,
}

/// One support contribution of the week.
struct Case {
    change: ChangeRef,
    review: Review,
    ledger: Vec<LedgerRow>,
}

/// Looks at both forges and the store, and judges.
pub(super) async fn judge(company: &Company, service: &Service) -> anyhow::Result<DemoVerdict> {
    let mut cases = Vec::new();
    let mut strangers = Vec::new();
    let all =
        company.sandbox.changes(Forge::Gitlab).into_iter().chain(company.sandbox.changes(Forge::Github));
    for change in all {
        match service.store.load(&key(&change)).await? {
            Some(stored) => {
                let ledger = service.store.ledger(&key(&change), LEDGER_ROWS).await?;
                cases.push(Case { change, review: stored.review, ledger });
            }
            None => strangers.push(change),
        }
    }
    let counts = service.store.counts().await?;
    let left =
        format!("{} facts, {} actions, {} dead letters", counts.undecided, counts.pending, counts.dead);
    let nothing_left = counts.undecided + counts.pending + counts.dead == 0;
    let laws = vec![
        ("No author was asked to review their own change", authors_asked(&cases)),
        (
            "Nobody was pinged outside their working hours, or more than three times per change",
            pings(&cases, service),
        ),
        ("Whoever declined was not asked again", declined_again(&cases)),
        ("Labels on the forges are those of the stages", labels(company, &cases)?),
        ("Every change has one status comment, and no comment was posted twice", comments(company, &cases)?),
        ("Nothing is left undecided, undone or dead", if nothing_left { vec![] } else { vec![left] }),
        ("Changes by others were left alone", left_alone(company, &strangers)?),
        ("Every kind of step was seen, the usual ones on both forges", unseen(&cases)),
        ("Every webhook that arrived was taken", untaken(company)),
    ];
    let requests = company.sandbox.requests();
    let writes = requests.iter().filter(|request| !request.is_read()).count();
    let numbers = format!(
        "{} webhooks, {} requests to the forges ({} reads, {writes} writes), {} support contributions.",
        company.deliveries.len(),
        requests.len(),
        requests.len() - writes,
        cases.len()
    );
    Ok(DemoVerdict { rows: cases.iter().map(row).collect(), laws, numbers })
}

impl DemoVerdict {
    pub(super) fn is_good(&self) -> bool {
        self.laws.iter().all(|(_, broken)| broken.is_empty())
    }

    pub(super) fn print(&self) {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header(["change", "author", "asked, in order", "pings", "stage", "open for"]);
        for row in &self.rows {
            table.add_row(row);
        }
        // The name of a change stays in one piece.
        let names = self.rows.iter().filter_map(|row| row.first()?.lines().next());
        let longest = names.map(str::len).max().and_then(|longest| u16::try_from(longest + PADDING).ok());
        if let (Some(column), Some(longest)) = (table.column_mut(0), longest) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(longest)));
        }
        anstream::println!("\n{}\n{}\n", fitted(&mut table), wrapped(&self.numbers, 0));
        for (law, broken) in &self.laws {
            let mark = if broken.is_empty() { "held  " } else { "BROKEN" };
            anstream::println!("  {mark}  {}", wrapped(law, 10));
            for what in broken {
                anstream::println!("          {what}");
            }
        }
        let held = self.laws.iter().filter(|(_, broken)| broken.is_empty()).count();
        anstream::println!("\n{held} of {} laws held.", self.laws.len());
    }
}

fn row(case: &Case) -> [String; 6] {
    let review = &case.review;
    let asked = review.planned.assignments.iter().map(|assignment| {
        let how = match (assignment.ended, assignment.origin) {
            (Some((_, Ended::Declined)), _) => " (declined)",
            (Some((_, Ended::Refused(_))), _) => " (no access)",
            (Some(_), _) => " (taken off)",
            (None, Origin::Widened) => " (as well)",
            (None, Origin::Adopted) => " (came along)",
            (None, _) => "",
        };
        format!("{}{how}", assignment.person)
    });
    let took =
        review.seen.opened_at.zip(review.seen.ended_at).map(|(opened, done)| words::elapsed(opened, done));
    [
        format!("{}\n{}", case.change, review.seen.title),
        review.author_name.clone().unwrap_or_default(),
        asked.collect::<Vec<_>>().join("\n"),
        ping_count(case).to_string(),
        words::stage_name(review.done.stage).into(),
        took.unwrap_or_else(|| "still open".into()),
    ]
}

fn actions(case: &Case) -> impl Iterator<Item = (&LedgerRow, &Action)> {
    case.ledger.iter().flat_map(|row| row.entry.actions.iter().map(move |action| (row, action)))
}

fn reasons(case: &Case) -> impl Iterator<Item = &Reason> {
    case.ledger.iter().flat_map(|row| &row.entry.reasons)
}

fn ping_count(case: &Case) -> usize {
    actions(case).filter(|(_, action)| action.names().is_some()).count()
}

fn authors_asked(cases: &[Case]) -> Vec<String> {
    let own = cases.iter().filter(|case| {
        case.review.planned.assignments.iter().any(|assignment| assignment.account == case.review.author)
    });
    own.map(|case| case.change.to_string()).collect()
}

fn pings(cases: &[Case], service: &Service) -> Vec<String> {
    let known = service.shared.snapshot();
    let mut broken = Vec::new();
    for case in cases {
        let forge = known.forge(&case.review.change.forge);
        for (row, action) in actions(case) {
            let Some(Named { person, .. }) = action.names() else { continue };
            let working = forge
                .and_then(|forge| forge.directory.by_name(person))
                .is_some_and(|person| person.agenda().is_working(row.entry.at));
            if !working {
                broken.push(format!("{}: {person} at {}", case.change, row.entry.at));
            }
        }
        if ping_count(case) > 3 {
            broken.push(format!("{}: {} pings", case.change, ping_count(case)));
        }
    }
    broken
}

fn declined_again(cases: &[Case]) -> Vec<String> {
    let mut broken = Vec::new();
    for case in cases {
        let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in reasons(case) {
            if let Reason::Picked { person, .. } = reason {
                *asked.entry(person).or_default() += 1;
            }
        }
        let twice = asked.iter().filter(|(_, times)| **times > 1);
        broken.extend(
            twice.map(|(person, times)| format!("{}: {person} was picked {times} times", case.change)),
        );
    }
    broken
}

fn labels(company: &Company, cases: &[Case]) -> anyhow::Result<Vec<String>> {
    let names = &company.config.policy.labels;
    let mut broken = Vec::new();
    for case in cases {
        let seen = company.sandbox.snapshot(&case.change)?.labels;
        let stages = seen.iter().filter_map(|label| names.stage_of(label));
        let shown: Vec<_> = stages.collect();
        let expected: Vec<_> =
            names.of(case.review.done.stage).map(|_| case.review.done.stage).into_iter().collect();
        if shown != expected || !seen.contains(&names.contribution) {
            broken.push(format!("{}: {}", case.change, seen.join(", ")));
        }
    }
    Ok(broken)
}

fn comments(company: &Company, cases: &[Case]) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    for case in cases {
        let snapshot = company.sandbox.snapshot(&case.change)?;
        let mut markers: BTreeMap<String, usize> = BTreeMap::new();
        for comment in snapshot.comments_by(BOT) {
            *markers.entry(comment.body.lines().next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        if markers.get(STATUS_MARKER) != Some(&1) || markers.values().any(|times| *times > 1) {
            broken.push(format!("{}: {markers:?}", case.change));
        }
    }
    Ok(broken)
}

fn left_alone(company: &Company, strangers: &[ChangeRef]) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    if strangers.is_empty() {
        broken.push("the story has no change by anybody else".into());
    }
    for change in strangers {
        let snapshot = company.sandbox.snapshot(change)?;
        if !snapshot.comments_by(BOT).is_empty() || !snapshot.labels.is_empty() {
            broken.push(change.to_string());
        }
    }
    Ok(broken)
}

type IsIt = fn(&Reason) -> bool;

/// The steps that the demo promises to show, the usual ones on both forges, and did not.
fn unseen(cases: &[Case]) -> Vec<String> {
    let steps: [(&str, IsIt); 6] = [
        ("assignment", |reason| matches!(reason, Reason::Picked { .. })),
        ("reminder", |reason| matches!(reason, Reason::Reminded { .. })),
        ("widening", |reason| matches!(reason, Reason::Widened { .. })),
        ("escalation", |reason| matches!(reason, Reason::Escalated { .. })),
        ("decline", |reason| matches!(reason, Reason::Declined { .. })),
        ("merge", |reason| matches!(reason, Reason::Ended { .. })),
    ];
    let mut missing = Vec::new();
    for forge in [Forge::Gitlab, Forge::Github] {
        for (step, is_it) in &steps {
            let on_forge = cases.iter().filter(|case| case.change.forge == forge);
            if !on_forge.flat_map(reasons).any(is_it) {
                missing.push(format!("{step} on {forge:?}"));
            }
        }
    }
    let seen = |is_it: IsIt| cases.iter().flat_map(reasons).any(is_it);
    missing.extend(HABITS.iter().filter(|(_, is_it)| !seen(*is_it)).map(|(step, _)| (*step).to_owned()));
    missing
}

/// What the demo promises to show at least once.
const HABITS: [(&str, IsIt); 9] = [
    ("owner by CODEOWNERS", |reason| matches!(reason, Reason::Owners { .. })),
    ("time box by size", |reason| matches!(reason, Reason::BoxRuled { .. })),
    ("customer tickets", |reason| matches!(reason, Reason::Tickets { .. })),
    ("queue", |reason| matches!(reason, Reason::Queued { .. })),
    ("more than a fix", |reason| matches!(reason, Reason::OutOfScope { .. })),
    ("sponsor", |reason| matches!(reason, Reason::Sponsored { .. })),
    ("command refused", |reason| matches!(reason, Reason::CommandRefused { .. })),
    ("absence told in a comment", |reason| matches!(reason, Reason::WentAway { .. })),
    ("busy person not chosen", |reason| match reason {
        Reason::Picked { candidates, .. } => {
            candidates.iter().any(|candidate| matches!(candidate.standing, Judgement::Busy { .. }))
        }
        _ => false,
    }),
];

fn untaken(company: &Company) -> Vec<String> {
    let refused = company.deliveries.iter().filter(|delivery| delivery.status.is_none_or(|s| s >= 300));
    refused
        .map(|delivery| format!("{} {}: {:?}", delivery.event, delivery.delivery_id, delivery.status))
        .collect()
}
