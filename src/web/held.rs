//! What is held back and why: a page and `/api/v1/held`.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::dashboard::{clockface, render};
use super::door::Door;
use super::page::{Clockface, Prose, TimeCell, titled};
use super::problem::Problem;
use super::view;
use crate::engine::StateSnapshot;
use crate::store::{Filter, Stored};
use usher_core::decide::suppressed::held;
use usher_core::model::policy::Policy;
use usher_core::model::suppressed::Suppressed;
use usher_words as words;

/// Open reviews that are gone through at most, this many at a time: the newest.
const SCAN: u32 = 200;
const SCANS_MAX: u32 = 50;
/// Lines in one answer, unless the request says otherwise, and at most.
const LIMIT: usize = 200;
const LIMIT_MAX: usize = 1_000;

/// `?why=&forge=&person=&limit=&offset=`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldQuery {
    why: Option<String>,
    forge: Option<String>,
    person: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// One line of the list.
struct Line {
    stored: Stored,
    held: Suppressed,
    /// Place in the queue of the first roll-out, counted from 1.
    place: Option<usize>,
}

/// Everything that is held back.
struct Found {
    lines: Vec<Line>,
    /// There are more open reviews than were gone through.
    cut: bool,
}

#[derive(Serialize)]
pub(super) struct HeldList {
    held: Vec<HeldJson>,
    total: usize,
    limit: usize,
    offset: usize,
    /// False when there are more open reviews than were looked at.
    complete: bool,
    /// Old changes that are taken on in a day.
    first_run_changes_per_day: u32,
}

#[derive(Serialize)]
struct HeldJson {
    /// The review's id.
    id: i64,
    /// `forge:project!number`
    change: String,
    url: String,
    title: String,
    /// `not_working`, `forge_closed`, `day_limit`, `change_limit`, `first_run`, `snooze` or `skip`.
    why: &'static str,
    sentence: String,
    /// Who is not pinged now.
    person: Option<String>,
    until: Option<Timestamp>,
    /// Place in the queue of the first roll-out, counted from 1.
    place: Option<usize>,
}

/// `GET /api/v1/held`
pub(super) async fn json(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<HeldQuery>, QueryRejection>,
) -> Result<Json<HeldList>, Problem> {
    let Query(wanted) = wanted.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let known = door.shared.snapshot();
    let Found { mut lines, cut } = find(&door, &known).await?;
    lines.retain(|line| wanted.admits(line));
    let (total, offset) = (lines.len(), wanted.offset);
    let limit = wanted.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let held = lines.iter().skip(offset).take(limit).map(HeldJson::new).collect();
    let first_run_changes_per_day = known.policy.limits.first_run_changes_per_day;
    Ok(Json(HeldList { held, total, limit, offset, complete: !cut, first_run_changes_per_day }))
}

impl HeldQuery {
    fn admits(&self, line: &Line) -> bool {
        let why = self.why.as_deref().is_none_or(|why| why == line.held.word());
        let forge = self.forge.as_ref().is_none_or(|forge| *forge == line.stored.review.change.forge);
        why && forge && self.person.as_deref().is_none_or(|person| line.person() == Some(person))
    }
}

impl HeldJson {
    fn new(line: &Line) -> HeldJson {
        let review = &line.stored.review;
        HeldJson {
            id: line.stored.id,
            change: review.change.to_string(),
            url: review.seen.url.clone(),
            title: review.seen.title.clone(),
            why: line.held.word(),
            sentence: words::held(&line.held),
            person: line.person().map(str::to_owned),
            until: line.held.until(),
            place: line.place,
        }
    }
}

impl Line {
    fn person(&self) -> Option<&str> {
        match &self.held {
            Suppressed::Ping { person, .. } if !person.is_empty() => Some(person),
            _ => None,
        }
    }

    /// Pings by when they go out, then the queue by place, then the rest.
    fn order(&self) -> (u8, Option<usize>, Timestamp, i64) {
        let kind = match self.held {
            Suppressed::Ping { .. } => 0,
            Suppressed::PingsUsedUp { .. } => 1,
            Suppressed::FirstRun => 2,
            Suppressed::Snooze { .. } => 3,
            Suppressed::Skip { .. } => 4,
            Suppressed::ForgeRefuses => 5,
        };
        (kind, self.place, self.held.until().unwrap_or(Timestamp::MAX), self.stored.id)
    }
}

async fn find(door: &Door, known: &StateSnapshot) -> Result<Found, Problem> {
    let mut found = Found { lines: Vec::new(), cut: true };
    for scan in 0..SCANS_MAX {
        let filter = Filter { open_only: true, stage: None, limit: SCAN, offset: scan * SCAN };
        let page = door.store.reviews(filter).await?;
        let last = page.len() < SCAN as usize;
        for stored in page {
            let all = held(&stored.review, &known.policy);
            found.lines.extend(all.into_iter().map(|held| Line {
                stored: stored.clone(),
                held,
                place: None,
            }));
        }
        if last {
            found.cut = false;
            break;
        }
    }
    number_the_queue(&mut found.lines);
    found.lines.sort_by_key(Line::order);
    Ok(found)
}

/// The order in which the engine looks at waiting changes: by deadline, then by age.
fn number_the_queue(lines: &mut [Line]) {
    let mut queue: Vec<&mut Line> =
        lines.iter_mut().filter(|line| line.held == Suppressed::FirstRun).collect();
    queue.sort_by_key(|line| {
        (line.stored.review.planned.wake, line.stored.review.seen.opened_at, line.stored.id)
    });
    queue.into_iter().enumerate().for_each(|(index, line)| line.place = Some(index + 1));
}

/// `GET /held`
#[derive(Template)]
#[template(path = "held.html")]
struct HeldPage {
    clock: Clockface,
    groups: Vec<HeldGroup>,
    cut: bool,
}

struct HeldGroup {
    heading: &'static str,
    hint: String,
    total: usize,
    rows: Vec<HeldRow>,
}

struct HeldRow {
    id: i64,
    reference: String,
    title: String,
    author: String,
    place: Option<usize>,
    why: Prose,
    until: Option<TimeCell>,
}

/// `GET /held`
pub(super) async fn page(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.shared.snapshot();
    let clock = clockface(&door, &known);
    let Found { lines, cut } = find(&door, &known).await?;
    let limits = &known.policy.limits;
    let headings = [
        (
            "Pings kept for later",
            "They go out when the person works again and has had fewer pings.".to_owned(),
        ),
        ("No more pings", format!("A change gets {} pings while one turn has it.", limits.pings_per_change)),
        (
            "First roll-out",
            format!(
                "Changes from before Usher came: {} are taken on a day.",
                limits.first_run_changes_per_day
            ),
        ),
        ("Snoozed", "Clocks stand still until then, or until the ball moves.".to_owned()),
        ("Skipped", "Left alone until somebody says resume or takes the label off.".to_owned()),
        ("The forge takes nothing", refusal_hint(&known.policy)),
    ];
    let groups = headings.into_iter().zip(0_u8..).map(|((heading, hint), kind)| {
        let of_kind: Vec<&Line> = lines.iter().filter(|line| line.order().0 == kind).collect();
        let rows = of_kind.iter().take(LIMIT).map(|line| HeldRow::new(&known, &clock, line)).collect();
        HeldGroup { heading, hint, total: of_kind.len(), rows }
    });
    let groups = groups.filter(|group| group.total > 0).collect();
    render(&HeldPage { groups, cut, clock })
}

fn refusal_hint(policy: &Policy) -> String {
    let told = match &policy.contact {
        Some(contact) => format!("after a day {contact} is told, where a comment can be written"),
        None => "[escalation] contact names whom to tell after a day".to_owned(),
    };
    format!("Reviewers and labels cannot be set; clocks stand still, and Usher goes on trying. {told}.")
}

impl HeldRow {
    fn new(known: &StateSnapshot, clock: &Clockface, line: &Line) -> HeldRow {
        let review = &line.stored.review;
        let kind = known.forge(&review.change.forge).map(|forge| forge.directory.kind);
        HeldRow {
            id: line.stored.id,
            reference: view::reference(&review.change, kind),
            title: titled(&review.seen.title),
            author: view::author(review),
            place: line.place,
            why: Prose::new(&words::held(&line.held)),
            until: line.held.until().map(|until| clock.moment(until)),
        }
    }
}
