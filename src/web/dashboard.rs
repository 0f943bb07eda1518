//! The dashboard: who waits for whom, since when, until when, and why.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde::Deserialize;

use super::door::Door;
use super::forges::ForgeRow;
use super::history;
use super::page::{Clockface, DeadLetter, DoneRow, Group, LedgerLine, Overview, ReviewPage, ReviewRow, Tile};
use super::problem::Problem;
use crate::engine::StateSnapshot;
use crate::store::{Counts, Filter, OutboxState};
use usher_core::model::review::Stage;

/// Open stages in the order in which they deserve attention.
const STAGES: [(Stage, &str); 5] = [
    (Stage::Waiting, "Nobody could be asked yet"),
    (Stage::Reviewing, "The reviewer has the ball"),
    (Stage::ReadyToMerge, "Ready to merge"),
    (Stage::WithAuthor, "The author has the ball"),
    (Stage::Draft, "Drafts, left in peace"),
];
/// Rows of a stage on the overview; the rest is on pages of its own.
const ROWS: usize = 20;
/// Reviews among which the most pressing are looked for.
const SIGHT: u32 = 200;
/// Rows on the page of one stage.
const PAGE: u32 = 50;
/// Finished changes and dead letters that are shown.
const DONE_ROWS: u32 = 30;
const DEAD_ROWS: u32 = 30;
/// How long a finished change is news.
const NEWS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Style and icon change with the version only.
const FOR_AN_HOUR: &str = "private, max-age=3600";

/// `?stage=&page=`
#[derive(Debug, Deserialize)]
pub(super) struct DashboardQuery {
    stage: Option<Stage>,
    #[serde(default)]
    page: u32,
}

/// `GET /`
pub(super) async fn overview(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<DashboardQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let known = door.shared.snapshot();
    let clock = clockface(&door, &known);
    let counts = door.store.counts().await?;
    let mut groups = Vec::new();
    match wanted.stage {
        Some(stage) => groups.push(page(&door, &known, &clock, &counts, stage, wanted.page).await?),
        None => {
            for (stage, _) in STAGES {
                groups.push(group(&door, &known, &clock, &counts, stage).await?);
            }
            groups.retain(|group| group.total > 0);
        }
    }
    let (dead_letters, done) = match wanted.stage {
        Some(_) => (Vec::new(), Vec::new()),
        None => (dead_letters(&door, &known, &clock).await?, done(&door, &known, &clock).await?),
    };
    render(&Overview {
        tiles: tiles(&counts, wanted.stage),
        forges: known
            .forges()
            .map(|(name, forge)| {
                let (connection, arrived) = (door.connection(name), door.shared.arrivals.of(name));
                ForgeRow::new(&clock, name, forge, &connection, &arrived, &known.policy.default_hours)
            })
            .collect(),
        inbox: counts.undecided,
        put_off: counts.put_off,
        ailment: door.store.ailment(),
        outbox: counts.pending,
        dead: counts.dead,
        dead_letters_hidden: counts.dead > dead_letters.len() as u64,
        dead_letters,
        groups,
        done,
        stage: wanted.stage.map(Stage::word),
        clock,
    })
}

/// `GET /reviews/{id}`
pub(super) async fn review(
    State(door): State<Arc<Door>>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found("review"))?;
    let stored = door.store.review_by_id(id).await?.ok_or_else(|| Problem::not_found("review"))?;
    let known = door.shared.snapshot();
    let clock = clockface(&door, &known);
    let entries = history::entries(&door.store, &stored.review.change, history::WHOLE).await?;
    render(&ReviewPage {
        row: ReviewRow::new(&known, &clock, &stored, &entries),
        stage: heading(stored.review.done.stage),
        cut: entries.len() >= history::WHOLE as usize,
        ledger: entries.iter().rev().map(|entry| LedgerLine::new(&clock, entry)).collect(),
        clock,
    })
}

/// `GET /style.css`
pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("templates/style.css"))
}

/// `GET /icon.svg`
pub(super) async fn icon() -> Response {
    file("image/svg+xml", include_str!("templates/icon.svg"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_AN_HOUR)];
    (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), text).into_response()
}

pub(super) fn render(page: &impl Template) -> Result<Response, Problem> {
    match page.render() {
        Ok(html) => Ok(Html(html).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be rendered"))
        }
    }
}

/// Times are told in the zone of the company's own calendar.
pub(super) fn clockface(door: &Door, known: &StateSnapshot) -> Clockface {
    let zone = known.policy.default_hours.timezone().clone();
    Clockface { now: door.clock.now(), zone, dry_run: known.policy.dry_run }
}

fn heading(stage: Stage) -> &'static str {
    let open = STAGES.into_iter().find(|(open, _)| *open == stage);
    open.map_or("Done", |(_, heading)| heading)
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => "Drafts",
        Stage::Waiting => "Waiting",
        Stage::Reviewing => "In review",
        Stage::WithAuthor => "With author",
        Stage::ReadyToMerge => "Ready to merge",
        Stage::Done => "Done",
    }
}

fn tiles(counts: &Counts, current: Option<Stage>) -> Vec<Tile> {
    let stages = STAGES.into_iter().map(|(stage, _)| stage).chain([Stage::Done]);
    let tiles = stages.map(|stage| Tile {
        word: stage.word(),
        name: name(stage),
        count: counts.reviews.get(&stage).copied().unwrap_or(0),
        current: current == Some(stage),
    });
    tiles.collect()
}

/// The most pressing reviews of a stage.
async fn group(
    door: &Door,
    known: &StateSnapshot,
    clock: &Clockface,
    counts: &Counts,
    stage: Stage,
) -> Result<Group, Problem> {
    let filter = Filter { open_only: true, stage: Some(stage), limit: SIGHT, offset: 0 };
    let mut found = door.store.reviews(filter).await?;
    found.sort_by_cached_key(|stored| ReviewRow::order(known, clock.now, stored));
    found.truncate(ROWS);
    let mut rows = Vec::with_capacity(found.len());
    for stored in &found {
        let entries = history::recent(&door.store, &stored.review.change).await?;
        rows.push(ReviewRow::new(known, clock, stored, &entries));
    }
    let total = counts.reviews.get(&stage).copied().unwrap_or(0).max(rows.len() as u64);
    let elsewhere = total - rows.len() as u64;
    let (word, heading) = (stage.word(), heading(stage));
    Ok(Group { word, heading, total, rows, previous: None, next: None, elsewhere })
}

/// One page of all reviews of a stage, newest first.
async fn page(
    door: &Door,
    known: &StateSnapshot,
    clock: &Clockface,
    counts: &Counts,
    stage: Stage,
    number: u32,
) -> Result<Group, Problem> {
    let offset = number.saturating_mul(PAGE);
    let filter = Filter { open_only: false, stage: Some(stage), limit: PAGE + 1, offset };
    let mut found = door.store.reviews(filter).await?;
    let next = (found.len() > PAGE as usize).then(|| number + 1);
    found.truncate(PAGE as usize);
    let mut rows = Vec::with_capacity(found.len());
    for stored in &found {
        let entries = history::recent(&door.store, &stored.review.change).await?;
        rows.push(ReviewRow::new(known, clock, stored, &entries));
    }
    let total = counts.reviews.get(&stage).copied().unwrap_or(0);
    let (word, heading) = (stage.word(), heading(stage));
    Ok(Group { word, heading, total, rows, previous: number.checked_sub(1), next, elsewhere: 0 })
}

async fn dead_letters(
    door: &Door,
    known: &StateSnapshot,
    clock: &Clockface,
) -> Result<Vec<DeadLetter>, Problem> {
    let mut letters = Vec::new();
    for row in door.store.outbox_list(DEAD_ROWS).await? {
        if matches!(row.state, OutboxState::Dead { .. }) {
            let review = door.store.load(&row.change).await?.map(|stored| stored.id);
            letters.push(DeadLetter::new(clock, known, row, review));
        }
    }
    Ok(letters)
}

async fn done(door: &Door, known: &StateSnapshot, clock: &Clockface) -> Result<Vec<DoneRow>, Problem> {
    let filter = Filter { open_only: false, stage: Some(Stage::Done), limit: SIGHT, offset: 0 };
    let mut found = door.store.reviews(filter).await?;
    found.retain(|stored| stored.review.seen.ended_at.is_some_and(|at| at >= clock.now - NEWS));
    found.sort_by_key(|stored| std::cmp::Reverse(stored.review.seen.ended_at));
    found.truncate(DONE_ROWS as usize);
    Ok(found.iter().map(|stored| DoneRow::new(known, clock, stored)).collect())
}
