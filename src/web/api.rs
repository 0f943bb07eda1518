//! `/api/v1`: what the dashboard shows, for machines. Fields are added, never renamed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::door::Door;
use super::history::{self, HistoryEntry};
use super::problem::Problem;
use super::view::{self, Eyes, ReviewerTurn};
use crate::audit::membership::{self, Colleague, Role};
use crate::engine::StateSnapshot;
use crate::store::{Filter, Stored};
use usher_core::model::candidate::Criterion;
use usher_core::model::change::Account;
use usher_core::model::load::Load;
use usher_core::model::people::Workloads;
use usher_core::model::review::{Hold, Review, Stage};
use usher_core::model::tickets::Ticket;
use usher_words as words;

/// Reviews in one answer, unless the request says otherwise, and at most.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 200;
/// Reviews that one request goes through at most when it filters by forge.
const SCAN: u32 = 200;
const SCANS_MAX: u32 = 50;

/// `?stage=&forge=&open=&limit=&offset=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewsQuery {
    stage: Option<Stage>,
    forge: Option<String>,
    /// True unless `stage=done` is asked for.
    open: Option<bool>,
    limit: Option<u32>,
    #[serde(default)]
    offset: u32,
}

#[derive(Serialize)]
pub(super) struct Reviews {
    reviews: Vec<ReviewJson>,
    limit: u32,
    offset: u32,
    /// Whether there may be more behind these.
    more: bool,
}

#[derive(Serialize)]
pub(super) struct ReviewJson {
    id: i64,
    /// `forge:project!number`
    change: String,
    forge: String,
    project: String,
    number: u64,
    url: String,
    title: String,
    author: String,
    stage: Stage,
    /// `nobody`, `pool`, `reviewer`, `author` or `merger`.
    turn: &'static str,
    /// The same; the word of version 0.1.
    court: &'static str,
    /// Whose turn it is, in words.
    waits_for: String,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    overdue: bool,
    reviewers: Vec<ReviewerJson>,
    pools: Vec<String>,
    /// Customer tickets that its description names.
    tickets: Vec<Ticket>,
    /// Why it looks like more than a fix, and who takes it on all the same; null otherwise.
    out_of_scope: Option<String>,
    sponsor: Option<String>,
    /// Its place among those who wait, by pool, counted from 1; empty while it does not wait.
    queue: BTreeMap<String, u32>,
    /// `skip`, `snooze` (until `until`), `first_run`, or null.
    hold: Option<&'static str>,
    /// The newest reasons, as sentences.
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct ReviewerJson {
    person: String,
    login: String,
    pool: String,
    state: &'static str,
    since: Timestamp,
    due: Option<Timestamp>,
    /// The one criterion that decided for them, where Usher chose and it is known.
    decided_by: Option<Criterion>,
}

#[derive(Serialize)]
pub(super) struct ReviewWithLedger {
    #[serde(flatten)]
    review: ReviewJson,
    /// Oldest first.
    ledger: Vec<HistoryEntry>,
}

/// `GET /api/v1/reviews`
pub(super) async fn reviews(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<ReviewsQuery>, QueryRejection>,
) -> Result<Json<Reviews>, Problem> {
    let Query(wanted) = wanted.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = wanted.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let offset = wanted.offset;
    let (found, more) = find(&door, &wanted, limit).await?;
    let known = door.shared.snapshot();
    let mut reviews = Vec::with_capacity(found.len());
    for stored in &found {
        let entries = history::recent(&door.store, &stored.review.change).await?;
        reviews.push(json(&known, stored, &entries, door.clock.now()));
    }
    Ok(Json(Reviews { reviews, limit, offset, more }))
}

/// `GET /api/v1/reviews/{id}`
pub(super) async fn review(
    State(door): State<Arc<Door>>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<ReviewWithLedger>, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found("review"))?;
    let stored = door.store.review_by_id(id).await?.ok_or_else(|| Problem::not_found("review"))?;
    let ledger = history::entries(&door.store, &stored.review.change, history::WHOLE).await?;
    let review = json(&door.shared.snapshot(), &stored, &ledger, door.clock.now());
    Ok(Json(ReviewWithLedger { review, ledger }))
}

/// The wanted page, and whether there may be more.
async fn find(door: &Door, wanted: &ReviewsQuery, limit: u32) -> Result<(Vec<Stored>, bool), Problem> {
    let open_only = wanted.open.unwrap_or(wanted.stage != Some(Stage::Done));
    let filter = |limit, offset| Filter { open_only, stage: wanted.stage, limit, offset };
    let enough = limit as usize;
    let Some(forge) = &wanted.forge else {
        let mut found = door.store.reviews(filter(limit + 1, wanted.offset)).await?;
        let more = found.len() > enough;
        found.truncate(enough);
        return Ok((found, more));
    };
    let mut found = Vec::new();
    let mut skip = wanted.offset;
    for scan in 0..SCANS_MAX {
        let page = door.store.reviews(filter(SCAN, scan * SCAN)).await?;
        let last = page.len() < SCAN as usize;
        for stored in page.into_iter().filter(|stored| stored.review.change.forge == *forge) {
            if skip > 0 {
                skip -= 1;
            } else if found.len() == enough {
                return Ok((found, true));
            } else {
                found.push(stored);
            }
        }
        if last {
            return Ok((found, false));
        }
    }
    Ok((found, true))
}

fn json(known: &StateSnapshot, stored: &Stored, entries: &[HistoryEntry], now: Timestamp) -> ReviewJson {
    let review: &Review = &stored.review;
    let directory = known.forge(&review.change.forge).map(|forge| &*forge.directory);
    let view = Eyes { policy: &known.policy, directory, now }.view(review);
    ReviewJson {
        id: stored.id,
        change: review.change.to_string(),
        forge: review.change.forge.clone(),
        project: review.change.project.clone(),
        number: review.change.number,
        url: review.seen.url.clone(),
        title: review.seen.title.clone(),
        author: view::author(review),
        stage: review.done.stage,
        turn: view.turn.word(),
        court: view.turn.word(),
        waits_for: view.turn.phrase(),
        since: view.since,
        until: view.until,
        overdue: view.overdue,
        reviewers: view.reviewers.into_iter().map(reviewer_json).collect(),
        pools: review.planned.pools.iter().map(|part| part.pool.clone()).collect(),
        tickets: review.seen.tickets.iter().cloned().collect(),
        out_of_scope: review.planned.out_of_scope.as_ref().map(words::beyond),
        sponsor: review.said.sponsor.clone(),
        queue: review.queued().map(|(pool, queued)| (pool.to_owned(), queued.ahead + 1)).collect(),
        hold: review.said.hold.map(|hold| match hold {
            Hold::Skip => "skip",
            Hold::Snooze { .. } => "snooze",
            Hold::FirstRun => "first_run",
        }),
        reasons: history::last_sentences(entries),
    }
}

fn reviewer_json(reviewer: ReviewerTurn) -> ReviewerJson {
    let ReviewerTurn { person, login, pool, state, since, due, decided_by } = reviewer;
    ReviewerJson { person, login, pool, state, since, due, decided_by }
}

#[derive(Serialize)]
pub(super) struct PeopleJson {
    people: Vec<PersonJson>,
}

#[derive(Serialize)]
struct PersonJson {
    name: String,
    /// By forge; null where the forge does not know the person.
    accounts: BTreeMap<String, Option<AccountJson>>,
    support: bool,
    pools: BTreeSet<String>,
    lead_of: BTreeSet<String>,
    /// Open reviews the person is asked for and has not approved.
    open: Load,
    /// Open reviews the person may hold; null for somebody who is in no pool.
    capacity: Option<u32>,
    away: Vec<AwayJson>,
    /// What a forge shows, while it counts.
    busy: Option<BusyJson>,
}

#[derive(Serialize)]
struct AccountJson {
    id: u64,
    login: String,
}

impl From<&Account> for AccountJson {
    fn from(account: &Account) -> AccountJson {
        AccountJson { id: account.id, login: account.login.clone() }
    }
}

#[derive(Serialize)]
struct AwayJson {
    first: Date,
    last: Date,
    /// `config`, or `said` with the command `away`.
    source: &'static str,
}

#[derive(Serialize)]
struct BusyJson {
    /// The kind of forge that shows it: `gitlab` or `github`.
    source: &'static str,
    until: Option<Timestamp>,
    /// When the forge was asked.
    seen_at: Timestamp,
}

/// `GET /api/v1/people`
pub(super) async fn people(State(door): State<Arc<Door>>) -> Result<Json<PeopleJson>, Problem> {
    let now = door.clock.now();
    let workloads = door.store.workloads(now).await?;
    Ok(Json(PeopleJson { people: everybody(&door.shared.snapshot(), &workloads, now) }))
}

/// Everybody of all forges, one entry per name.
fn everybody(known: &StateSnapshot, workloads: &Workloads, now: Timestamp) -> Vec<PersonJson> {
    let everybody = membership::everybody(&known.policy, known.people());
    everybody.values().map(|colleague| introduced(known, colleague, workloads, now)).collect()
}

fn introduced(
    known: &StateSnapshot,
    colleague: &Colleague,
    workloads: &Workloads,
    now: Timestamp,
) -> PersonJson {
    let person = colleague.person;
    let roles = colleague.roles.keys();
    let lead_of = roles.filter_map(|role| match role {
        Role::LeadOf(pool) => Some(pool.clone()),
        _ => None,
    });
    let accounts = colleague.accounts.iter();
    PersonJson {
        name: person.name.clone(),
        accounts: accounts.map(|(forge, one)| ((*forge).to_owned(), one.map(AccountJson::from))).collect(),
        support: colleague.roles.contains_key(&Role::Support),
        pools: colleague.pools().map(str::to_owned).collect(),
        lead_of: lead_of.collect(),
        open: workloads.of(&person.name).open,
        capacity: colleague.capacity(&known.policy),
        away: person
            .leave()
            .map(|(away, said)| AwayJson {
                first: away.first,
                last: away.last,
                source: if said { "said" } else { "config" },
            })
            .collect(),
        busy: person.busy.filter(|busy| busy.counts(now)).map(|busy| BusyJson {
            source: busy.says.word(),
            until: busy.until,
            seen_at: busy.seen_at,
        }),
    }
}
