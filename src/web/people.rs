//! `GET /people`: who is there, who is not and who says so, and what everybody carries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;

use super::dashboard::{clockface, render};
use super::door::Door;
use super::page::Clockface;
use super::problem::Problem;
use super::view;
use crate::core::calendar::Agenda;
use crate::core::people::{Person, Workloads};
use crate::core::words;
use crate::engine::Known;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    clock: Clockface,
    people: Vec<PersonRow>,
}

/// One person, on all forges.
struct PersonRow {
    name: String,
    support: bool,
    /// `backend, docs`; empty for somebody who is in no pool.
    pools: BTreeSet<String>,
    open: u32,
    /// Why they are not asked now, or will not be soon; each with its source.
    absences: Vec<String>,
}

pub(super) async fn people(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.knowledge.now();
    let clock = clockface(&door, &known);
    let workloads = door.store.workloads(clock.now).await?;
    render(&PeoplePage { people: rows(&known, &workloads, clock.now), clock })
}

fn rows(known: &Known, workloads: &Workloads, now: Timestamp) -> Vec<PersonRow> {
    let mut rows: BTreeMap<String, PersonRow> = BTreeMap::new();
    for (_, forge) in known.forges() {
        for person in forge.directory.people() {
            let row = rows.entry(person.name.clone()).or_insert_with(|| PersonRow {
                name: person.name.clone(),
                support: false,
                pools: BTreeSet::new(),
                open: workloads.of(&person.name).open,
                absences: absences(person, now),
            });
            row.support |= person.support;
            let pools = known.policy.pools.iter().map(|pool| &pool.name);
            row.pools.extend(pools.filter(|pool| forge.directory.in_pool(pool, &person.name)).cloned());
        }
    }
    rows.into_values().collect()
}

/// What keeps somebody from being asked, now or later, in words.
fn absences(person: &Person, now: Timestamp) -> Vec<String> {
    let today = Agenda::new(&person.hours, &[]).date(now);
    let leave = view::absences(person).filter(|(away, _)| away.last >= today).map(|(away, source)| {
        let source = if source == "said" { "they said so" } else { "configuration" };
        match away.first <= today {
            true => format!("away until {} ({source})", day(away.last)),
            false => format!("away from {} until {} ({source})", day(away.first), day(away.last)),
        }
    });
    let busy = person.busy.filter(|busy| busy.counts(now)).map(|busy| {
        let asked = view::relative(busy.seen_at, now);
        format!("{} (asked {asked})", words::busy_phrase(busy.says, busy.until))
    });
    leave.chain(busy).collect()
}

fn day(date: Date) -> String {
    date.strftime("%a %-d %b %Y").to_string()
}
