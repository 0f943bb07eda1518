//! `GET /access`: who lacks what in the watched projects, as it was read last, and what brings it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::dashboard::{clockface, render};
use super::door::Door;
use super::page::{Clockface, TimeCell};
use super::problem::Problem;
use crate::audit::access::judge;
use crate::audit::words as audit_words;
use crate::engine::{ForgeState, StateSnapshot};

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
    read: Option<TimeCell>,
    /// `2 projects`
    projects: String,
    /// There are projects that were not read.
    truncated: bool,
    /// What went wrong with the forge last.
    fault: Option<String>,
    /// People who were judged.
    people: usize,
    gaps: Vec<audit_words::AccessLine>,
    /// Who has no account there.
    strangers: Option<String>,
    /// Gaps that are not shown.
    hidden: usize,
}

pub(super) async fn page(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.shared.snapshot();
    let clock = clockface(&door, &known);
    let forges = known.forges().map(|(name, forge)| ForgeAccess::new(&clock, &known, name, forge)).collect();
    render(&AccessPage { forges, clock })
}

impl ForgeAccess {
    fn new(clock: &Clockface, known: &StateSnapshot, name: &str, forge: &ForgeState) -> ForgeAccess {
        let mut page = ForgeAccess {
            name: name.to_owned(),
            read: None,
            projects: String::new(),
            truncated: false,
            fault: forge.fault().map(str::to_owned),
            people: 0,
            gaps: Vec::new(),
            strangers: None,
            hidden: 0,
        };
        let Some(facts) = forge.access.as_deref() else { return page };
        let report = judge(&known.policy, name, &forge.directory, &forge.roster, facts);
        let mut people: Vec<&str> = report.rows.iter().map(|row| row.person.as_str()).collect();
        people.sort_unstable();
        people.dedup();
        page.people = people.len();
        page.read = Some(clock.moment(facts.read_at));
        page.projects = audit_words::access_projects(facts.projects.len());
        page.truncated = facts.truncated;
        let me = forge.directory.me.as_ref().map_or("Usher's account", |me| me.login.as_str());
        page.gaps = audit_words::access_lines(forge.directory.kind, me, &report);
        page.strangers =
            (!report.strangers.is_empty()).then(|| audit_words::access_strangers(&report.strangers));
        page.hidden = page.gaps.len().saturating_sub(GAPS_MAX);
        page.gaps.truncate(GAPS_MAX);
        page
    }
}
