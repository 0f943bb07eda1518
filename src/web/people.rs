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
use crate::core::membership::{Role, Source, roles};
use crate::core::people::{Person, Workloads};
use crate::core::words;
use crate::engine::{ForgeKnowledge, Known};

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    clock: Clockface,
    people: Vec<PersonRow>,
    /// How old each forge's roster is.
    rosters: Vec<String>,
    /// Blocked accounts, memberships that end, logins that changed.
    oddities: Vec<String>,
}

/// One person, on all forges.
struct PersonRow {
    name: String,
    /// `support (gitlab:acme/support)`, one line each.
    roles: Vec<String>,
    open: u32,
    /// Why they are not asked now, or will not be soon; each with its source.
    absences: Vec<String>,
}

pub(super) async fn people(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.knowledge.now();
    let clock = clockface(&door, &known);
    let workloads = door.store.workloads(clock.now).await?;
    render(&PeoplePage {
        people: rows(&known, &workloads, clock.now),
        rosters: rosters(&known, clock.now),
        oddities: oddities(&known),
        clock,
    })
}

/// How old what is known of people is, and why it is not newer.
fn rosters(known: &Known, now: Timestamp) -> Vec<String> {
    let line = |(name, forge): (&str, &ForgeKnowledge)| {
        let age = words::roster_age(forge.roster.fetched_at, now);
        let fault = forge.fault.as_ref().map(|fault| format!("; {fault}")).unwrap_or_default();
        format!("{name}: {age}{fault}")
    };
    known.forges().map(line).collect()
}

/// What somebody should look at.
fn oddities(known: &Known) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, forge) in known.forges() {
        let roster = &forge.roster;
        lines.extend(roster.unknown.iter().map(|unknown| words::unknown_there(name, unknown)));
        lines.extend(roster.renamed().map(|renamed| words::renamed_there(name, &renamed)));
        lines.extend(roster.notes.iter().map(|note| words::member_note(name, note)));
    }
    lines
}

fn rows(known: &Known, workloads: &Workloads, now: Timestamp) -> Vec<PersonRow> {
    let mut rows: BTreeMap<String, PersonRow> = BTreeMap::new();
    for (_, forge) in known.forges() {
        for person in forge.directory.people() {
            rows.entry(person.name.clone()).or_insert_with(|| PersonRow {
                name: person.name.clone(),
                roles: Vec::new(),
                open: workloads.of(&person.name).open,
                absences: absences(person, now),
            });
        }
    }
    for (name, roles) in all_roles(known) {
        if let Some(row) = rows.get_mut(&name) {
            row.roles = roles;
        }
    }
    rows.into_values().collect()
}

/// What everybody is on all forges, with the sources.
fn all_roles(known: &Known) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, BTreeMap<Role, BTreeSet<Source>>> = BTreeMap::new();
    for (forge, own) in known.forges() {
        for (name, found) in roles(&known.policy, forge, &own.directory, &own.roster) {
            let own = all.entry(name).or_default();
            found.into_iter().for_each(|(role, sources)| own.entry(role).or_default().extend(sources));
        }
    }
    let told = |roles: BTreeMap<Role, BTreeSet<Source>>| {
        roles.iter().map(|(role, sources)| words::member_role(role, sources)).collect()
    };
    all.into_iter().map(|(name, roles)| (name, told(roles))).collect()
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
