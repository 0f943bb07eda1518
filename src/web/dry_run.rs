//! What a dry run decided and did not write: a page and `/api/v1/dry-run`.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clockface::{Clockface, TimeCell};
use super::dashboard::{clockface, render};
use super::door::Door;
use super::history::wish;
use super::page::titled;
use super::problem::Problem;
use super::view;
use crate::engine::{ON_PAPER, StateSnapshot};
use crate::store::Stored;
use usher_core::model::action::{Action, Comment, DesiredState};
use usher_core::model::change::{Account, ChangeKey};
use usher_words as words;
use usher_words::templates::Templates;

/// Entries of the history that are gone through, newest first; each has what one decision asked for.
const ENTRIES_MAX: u32 = 2_000;
/// Changes in one answer, unless the request says otherwise, and at most.
const LIMIT: usize = 30;
const LIMIT_MAX: usize = 200;
/// Actions of one change, newest first.
const ACTIONS_MAX: usize = 20;

/// `?limit=&offset=`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRunQuery {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// One change and what was decided for it.
struct OnPaper {
    stored: Stored,
    /// Newest first; of each kind the newest, for it would have taken the place of the older ones.
    actions: Vec<(Timestamp, Action)>,
    /// There were more.
    cut: bool,
}

/// Everything that was decided, by change: that of the newest decision first.
struct Paper {
    changes: Vec<(ChangeKey, Vec<(Timestamp, Action)>)>,
    /// There are older entries than were gone through.
    cut: bool,
}

/// `GET /api/v1/dry-run`
#[derive(Serialize)]
pub(super) struct DryRunList {
    dry_run: bool,
    changes: Vec<PaperJson>,
    total: usize,
    limit: usize,
    offset: usize,
    /// False when there is older history than was gone through.
    complete: bool,
}

#[derive(Serialize)]
struct PaperJson {
    /// The review's id.
    id: i64,
    /// `forge:project!number`
    change: String,
    url: String,
    title: String,
    /// Newest first.
    actions: Vec<ActionJson>,
}

#[derive(Serialize)]
struct ActionJson {
    /// When it was decided.
    at: Timestamp,
    /// `shape`, `status`, `ping`, `reply`, `react` or `announce`.
    kind: String,
    sentence: String,
    /// The comment as people would have seen it, in Markdown; null where none is meant.
    comment: Option<String>,
    /// Logins and labels that would have been set, and taken off.
    reviewers: Vec<String>,
    not_reviewers: Vec<String>,
    labels: BTreeSet<String>,
    not_labels: BTreeSet<String>,
}

/// `GET /dry-run`
#[derive(Template)]
#[template(path = "dry_run.html")]
struct DryRunPage {
    clock: Clockface,
    changes: Vec<PaperRow>,
    total: usize,
    cut: bool,
}

struct PaperRow {
    id: i64,
    reference: String,
    title: String,
    author: String,
    actions: Vec<ActionRow>,
    cut: bool,
}

struct ActionRow {
    at: TimeCell,
    sentence: String,
    comment: Option<String>,
}

/// `GET /api/v1/dry-run`
pub(super) async fn json(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<DryRunQuery>, QueryRejection>,
) -> Result<Json<DryRunList>, Problem> {
    let Query(wanted) = wanted.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let known = door.shared.snapshot();
    let paper = find(&door, &known).await?;
    let (total, offset) = (paper.changes.len(), wanted.offset);
    let limit = wanted.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let complete = !paper.cut;
    let shown = load(&door, paper, offset, limit).await?;
    let templates = door.templates();
    let changes = shown.iter().map(|one| PaperJson::new(one, &templates)).collect();
    Ok(Json(DryRunList { dry_run: known.policy.dry_run, changes, total, limit, offset, complete }))
}

/// `GET /dry-run`
pub(super) async fn page(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let known = door.shared.snapshot();
    let clock = clockface(&door, &known);
    let paper = find(&door, &known).await?;
    let (total, cut) = (paper.changes.len(), paper.cut);
    let shown = load(&door, paper, 0, LIMIT).await?;
    let templates = door.templates();
    let changes = shown.iter().map(|one| PaperRow::new(&known, &clock, one, &templates)).collect();
    render(&DryRunPage { changes, total, cut, clock })
}

/// What the newest entries of the history tell; nothing while no dry run is on.
async fn find(door: &Door, known: &StateSnapshot) -> Result<Paper, Problem> {
    let mut paper = Paper { changes: Vec::new(), cut: false };
    if !known.policy.dry_run {
        return Ok(paper);
    }
    let entries = door.store.newest_ledger(ON_PAPER, ENTRIES_MAX).await?;
    paper.cut = entries.len() == ENTRIES_MAX as usize;
    for (change, entry) in entries {
        let written = entry.actions.into_iter().filter(|action| !action.is_read());
        for action in written {
            let place = paper.changes.iter().position(|(known, _)| *known == change);
            let place = place.unwrap_or_else(|| {
                paper.changes.push((change.clone(), Vec::new()));
                paper.changes.len() - 1
            });
            let Some((_, actions)) = paper.changes.get_mut(place) else { continue };
            if actions.iter().all(|(_, newer)| newer.kind() != action.kind()) {
                actions.push((entry.at, action));
            }
        }
    }
    Ok(paper)
}

/// The reviews of some of them.
async fn load(door: &Door, paper: Paper, offset: usize, limit: usize) -> Result<Vec<OnPaper>, Problem> {
    let mut found = Vec::new();
    for (change, mut actions) in paper.changes.into_iter().skip(offset).take(limit) {
        // One that is gone, or was renamed since, has nothing to be shown by.
        let Some(stored) = door.store.load(&change).await? else { continue };
        let cut = actions.len() > ACTIONS_MAX;
        actions.truncate(ACTIONS_MAX);
        found.push(OnPaper { stored, actions, cut });
    }
    Ok(found)
}

impl PaperRow {
    fn new(known: &StateSnapshot, clock: &Clockface, one: &OnPaper, templates: &Templates) -> PaperRow {
        let review = &one.stored.review;
        let kind = known.forge(&review.change.forge).map(|forge| forge.directory.kind);
        let actions = one.actions.iter().map(|(at, action)| ActionRow {
            at: clock.moment(*at),
            sentence: sentence(action),
            comment: comment(action, templates),
        });
        PaperRow {
            id: one.stored.id,
            reference: view::reference(&review.change, kind),
            title: titled(&review.seen.title),
            author: view::author(review),
            actions: actions.collect(),
            cut: one.cut,
        }
    }
}

impl PaperJson {
    fn new(one: &OnPaper, templates: &Templates) -> PaperJson {
        let review = &one.stored.review;
        PaperJson {
            id: one.stored.id,
            change: review.change.to_string(),
            url: review.seen.url.clone(),
            title: review.seen.title.clone(),
            actions: one.actions.iter().map(|(at, action)| ActionJson::new(*at, action, templates)).collect(),
        }
    }
}

impl ActionJson {
    fn new(at: Timestamp, action: &Action, templates: &Templates) -> ActionJson {
        let nothing = DesiredState::default();
        let shape = if let Action::Desired(shape) = action { shape } else { &nothing };
        ActionJson {
            at,
            kind: action.kind().split(':').next().unwrap_or_default().to_owned(),
            sentence: sentence(action),
            comment: comment(action, templates),
            reviewers: logins(&shape.reviewers),
            not_reviewers: logins(&shape.not_reviewers),
            labels: shape.labels.clone(),
            not_labels: shape.not_labels.clone(),
        }
    }
}

fn logins(accounts: &BTreeSet<Account>) -> Vec<String> {
    accounts.iter().map(|account| account.login.clone()).collect()
}

/// What would have been done, in a few words.
fn sentence(action: &Action) -> String {
    let Action::Desired(shape) = action else { return wish(action) };
    let labels = |labels: &BTreeSet<String>| labels.iter().cloned().collect();
    let parts: [(&str, Vec<String>); 4] = [
        ("ask for a review:", logins(&shape.reviewers)),
        ("take off:", logins(&shape.not_reviewers)),
        ("put on labels:", labels(&shape.labels)),
        ("take off labels:", labels(&shape.not_labels)),
    ];
    let parts = parts.iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> = parts.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
    if parts.is_empty() { wish(action) } else { parts.join("; ") }
}

/// The comment as people would have seen it: in the company's words, without the hidden marker.
fn comment(action: &Action, templates: &Templates) -> Option<String> {
    let comment: Comment = match action {
        Action::Status(view) => words::status(templates, view).comment,
        Action::Ping(ping) => words::ping(templates, ping).comment,
        Action::Reply(reply) => words::reply(reply),
        Action::Comment(comment) => comment.clone(),
        Action::ReadFiles { .. }
        | Action::Look
        | Action::ReadThreads
        | Action::Desired(_)
        | Action::React { .. }
        | Action::Announce(_) => return None,
    };
    let body = comment.body();
    let text =
        body.strip_prefix("<!--").and_then(|rest| rest.split_once('\n')).map_or(body, |(_, text)| text);
    Some(text.trim().to_owned())
}
