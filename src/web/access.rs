//! `GET /access`: who lacks what in the watched projects, as it was read last, and what brings it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::dashboard::{clockface, render};
use super::door::Door;
use super::page::{Clockface, Moment};
use super::problem::Problem;
use crate::core::access::{AccessReport, judge};
use crate::core::words;
use crate::engine::{ForgeKnowledge, Known};

/// Gaps of one forge that are shown.
const GAPS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage {
    clock: Clockface,
    forges: Vec<ForgeAccess>,
}

/// One forge.
struct ForgeAccess {
    name: String,
    /// When it was read; `None`: not yet.
    read: Option<Moment>,
    projects: usize,
    /// There are projects that were not read.
    truncated: bool,
    /// People who were judged.
    people: usize,
    gaps: Vec<GapLine>,
    /// Gaps that are not shown.
    hidden: usize,
}

/// A gap, and what closes it.
struct GapLine {
    what: String,
    remedy: String,
    /// Usher works without.
    optional: bool,
}

pub(super) async fn page(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.knowledge.now();
    let clock = clockface(&door, &known);
    let forges = known.forges().map(|(name, forge)| ForgeAccess::new(&clock, &known, name, forge)).collect();
    render(&AccessPage { forges, clock })
}

impl ForgeAccess {
    fn new(clock: &Clockface, known: &Known, name: &str, forge: &ForgeKnowledge) -> ForgeAccess {
        let mut page = ForgeAccess {
            name: name.to_owned(),
            read: None,
            projects: 0,
            truncated: false,
            people: 0,
            gaps: Vec::new(),
            hidden: 0,
        };
        let Some(facts) = forge.access.as_deref() else { return page };
        let report = judge(&known.policy, name, &forge.directory, &forge.roster, facts);
        let mut people: Vec<&str> = report.rows.iter().map(|row| row.person.as_str()).collect();
        people.sort_unstable();
        people.dedup();
        page.people = people.len();
        (page.read, page.projects) = (Some(clock.moment(facts.read_at)), facts.projects.len());
        page.truncated = facts.truncated;
        page.gaps = gaps(forge, &report);
        page.hidden = page.gaps.len().saturating_sub(GAPS_MAX);
        page.gaps.truncate(GAPS_MAX);
        page
    }
}

fn gaps(forge: &ForgeKnowledge, report: &AccessReport) -> Vec<GapLine> {
    let kind = forge.directory.kind;
    let me = forge.directory.me.as_ref().map_or("Usher's account", |me| me.login.as_str());
    let line = |what, remedy, optional| GapLine { what, remedy, optional };
    let people = report.gaps.iter();
    let people = people.map(|gap| line(words::access_gap(gap), words::access_remedy(kind, gap), false));
    let unread = report.unread.iter().map(|(project, why)| {
        let (what, remedy) = words::access_unread(kind, me, project, why);
        line(what, remedy, false)
    });
    let bot = report
        .bot
        .iter()
        .map(|gap| line(words::access_bot_gap(gap), words::access_bot_remedy(kind, me, gap), gap.optional));
    people.chain(unread).chain(bot).collect()
}
