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
    groups: Vec<Group>,
}

/// People who are asked, and people who are not.
struct Group {
    heading: &'static str,
    people: Vec<PersonRow>,
}

/// One person, on all forges.
struct PersonRow {
    name: String,
    /// `support, leads docs, backend`
    roles: String,
    /// `1 of 5 open reviews`, for somebody who is in a pool.
    desk: Option<String>,
    /// Why they are not asked now, or will not be soon; each with its source.
    absences: Vec<String>,
}

/// What a person is, over all forges.
struct Met<'a> {
    person: &'a Person,
    support: bool,
    pools: BTreeSet<&'a str>,
}

pub(super) async fn people(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.knowledge.now();
    let clock = clockface(&door, &known);
    let workloads = door.store.workloads(clock.now).await?;
    render(&PeoplePage { groups: groups(&known, &workloads, clock.now), clock })
}

/// Everybody by name: reviewers first, then whoever is in no pool.
fn groups(known: &Known, workloads: &Workloads, now: Timestamp) -> Vec<Group> {
    let mut met: BTreeMap<&str, Met> = BTreeMap::new();
    for (_, forge) in known.forges() {
        for person in forge.directory.people() {
            let met = met.entry(&person.name).or_insert_with(|| Met {
                person,
                support: false,
                pools: BTreeSet::new(),
            });
            met.support |= person.support;
            let pools = known.policy.pools.iter().map(|pool| pool.name.as_str());
            met.pools.extend(pools.filter(|pool| forge.directory.in_pool(pool, &person.name)));
        }
    }
    let (reviewers, others): (Vec<_>, Vec<_>) = met.values().partition(|met| !met.pools.is_empty());
    let rows = |met: Vec<&Met>| met.into_iter().map(|met| met.row(known, workloads, now)).collect();
    let groups = [("Reviewers", rows(reviewers)), ("Support, leads and maintainers", rows(others))];
    let groups = groups.into_iter().map(|(heading, people)| Group { heading, people });
    groups.filter(|group: &Group| !group.people.is_empty()).collect()
}

impl Met<'_> {
    fn row(&self, known: &Known, workloads: &Workloads, now: Timestamp) -> PersonRow {
        let name = &self.person.name;
        let pools = || known.policy.pools.iter();
        let leads: Vec<&str> =
            pools().filter(|pool| pool.lead.as_ref() == Some(name)).map(|pool| pool.name.as_str()).collect();
        let mut roles: Vec<String> = self.pools.iter().map(|pool| (*pool).to_owned()).collect();
        if self.support {
            roles.push("support".into());
        }
        if !leads.is_empty() {
            roles.push(format!("leads {}", leads.join(", ")));
        }
        if roles.is_empty() {
            roles.push("maintainer".into());
        }
        let most =
            pools().filter(|pool| self.pools.contains(pool.name.as_str())).map(|pool| pool.capacity).max();
        let open = workloads.of(name).open;
        let desk =
            most.map(|most| format!("{open} of {} open reviews", self.person.capacity.unwrap_or(most)));
        PersonRow { name: name.clone(), roles: roles.join(", "), desk, absences: absences(self.person, now) }
    }
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
