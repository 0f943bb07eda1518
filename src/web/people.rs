//! `GET /people`: who is what and from which source, who is not there and who says so, what everybody
//! carries, and what is odd about the rosters.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;

use super::dashboard::{clockface, render};
use super::door::Door;
use super::page::Clockface;
use super::problem::Problem;
use crate::audit::membership::{Colleague, everybody, oddities};
use crate::audit::words as audit_words;
use crate::engine::StateSnapshot;
use usher_core::model::people::Workloads;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    clock: Clockface,
    rosters: Vec<RosterLine>,
    /// Blocked accounts, memberships that end, logins that changed or that nobody has.
    oddities: Vec<String>,
    groups: Vec<Group>,
}

/// How old what is known of a forge's people is.
struct RosterLine {
    forge: String,
    age: String,
    /// It is old, or could not be read again.
    stale: bool,
}

/// People who are asked, and people who are not.
struct Group {
    heading: &'static str,
    people: Vec<PersonRow>,
}

/// One person, on all forges.
struct PersonRow {
    name: String,
    /// `support (gitlab:acme/support)`, each with its sources.
    roles: Vec<String>,
    /// `gitlab: rita-moss`, where the login is not the name.
    logins: Vec<String>,
    /// `1 of 5 open reviews`, for somebody who is in a pool.
    desk: Option<String>,
    /// Why they are not asked now, or will not be soon; each with its source.
    absences: Vec<String>,
}

pub(super) async fn people(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.shared.snapshot();
    let clock = clockface(&door, &known);
    let workloads = door.store.workloads(clock.now).await?;
    render(&PeoplePage {
        rosters: rosters(&known, clock.now),
        oddities: oddities(&known.policy, &known.people()).iter().map(audit_words::oddity).collect(),
        groups: groups(&known, &workloads, clock.now),
        clock,
    })
}

fn rosters(known: &StateSnapshot, now: Timestamp) -> Vec<RosterLine> {
    let lines = known.forges().map(|(name, forge)| {
        let (age, stale) = audit_words::roster_age(forge.roster.fetched_at, forge.fault(), now);
        RosterLine { forge: name.to_owned(), age, stale }
    });
    lines.collect()
}

/// Everybody by name: reviewers first, then whoever is in no pool.
fn groups(known: &StateSnapshot, workloads: &Workloads, now: Timestamp) -> Vec<Group> {
    let everybody = everybody(&known.policy, known.people()).into_values();
    let (reviewers, others): (Vec<_>, Vec<_>) = everybody.partition(|one| one.pools().next().is_some());
    let rows = |people: &[Colleague]| {
        people.iter().map(|one| PersonRow::new(known, workloads, one, now)).collect::<Vec<_>>()
    };
    let groups = [("Reviewers", rows(&reviewers)), ("Support, leads and maintainers", rows(&others))];
    let groups = groups.into_iter().map(|(heading, people)| Group { heading, people });
    groups.filter(|group| !group.people.is_empty()).collect()
}

impl PersonRow {
    fn new(known: &StateSnapshot, workloads: &Workloads, colleague: &Colleague, now: Timestamp) -> PersonRow {
        let name = &colleague.person.name;
        let open = workloads.of(name).open;
        let capacity = colleague.capacity(&known.policy).filter(|_| colleague.pools().next().is_some());
        let accounts = colleague.accounts.iter().filter_map(|(forge, account)| Some((forge, (*account)?)));
        let others = accounts.filter(|(_, account)| !account.login.eq_ignore_ascii_case(name));
        PersonRow {
            name: name.clone(),
            roles: audit_words::member_roles(&colleague.roles),
            logins: others.map(|(forge, account)| format!("{forge}: {}", account.login)).collect(),
            desk: capacity.map(|most| format!("{open} of {most} open reviews")),
            absences: audit_words::not_there(colleague.person, now),
        }
    }
}
