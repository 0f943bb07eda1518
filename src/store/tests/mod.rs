//! The store on a real SQLite file; `model` compares it with its rules in plain Rust.

mod absences;
mod backup;
mod courier;
mod engine;
mod failing;
mod group;
mod intake;
mod kindness;
mod model;
mod opening;
mod projects;
mod queue;
mod refusals;
mod upkeep;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use usher_core::model::action::{Action, Comment, DesiredState, STATUS_MARKER};
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::{Fact, Refusal};
use usher_core::model::load::Load;
use usher_core::model::review::{Assignment, Origin, Review};

/// A store in a folder of its own, removed with it.
struct Home {
    folder: TempDir,
    store: Store,
}

impl Home {
    async fn new() -> Home {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&url(&folder)).await.unwrap();
        Home { folder, store }
    }

    fn url(&self) -> String {
        url(&self.folder)
    }

    /// Closes the store and opens the file again.
    async fn reopen(self) -> Home {
        self.store.close().await;
        let store = Store::open(&self.url()).await.unwrap();
        Home { store, ..self }
    }
}

fn url(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("usher.db").display())
}

/// Minutes after an arbitrary start.
fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_mins(minutes)
}

fn change(number: u64) -> ChangeKey {
    ChangeKey::new("gitlab", "acme/tools/shop", number)
}

fn refused(id: u64) -> Fact {
    Fact::Refused { reviewer: Account::new(id, ""), refusal: Refusal::Dropped }
}

fn delivery(change_number: u64, id: &str, meaning: Option<&str>) -> NewDelivery {
    NewDelivery {
        forge: "gitlab".into(),
        delivery_id: id.into(),
        meaning: meaning.map(Into::into),
        event: "Merge Request Hook".into(),
        change: change(change_number),
        facts: vec![refused(7)],
        received_at: minute(0),
        body: Some(b"{\"object_kind\":\"merge_request\"}".to_vec()),
    }
}

async fn put(store: &Store, change_number: u64, id: &str) -> i64 {
    match store.put(delivery(change_number, id, None)).await.unwrap() {
        Put::Stored(id) => id,
        Put::Duplicate => panic!("{id} is no duplicate"),
    }
}

/// A tracked review with these people asked since minute 0.
fn review(number: u64, people: &[&str]) -> Review {
    let mut review = Review::new(change(number));
    review.tracked = true;
    review.seen.opened_at = Some(minute(0));
    review.planned.assignments = people.iter().map(|person| assignment(person)).collect();
    review
}

/// Tells the people of these tests apart.
fn account_id(person: &str) -> u64 {
    person.bytes().map(u64::from).sum()
}

fn assignment(person: &str) -> Assignment {
    Assignment::new("backend", person, Account::new(account_id(person), person), minute(0), Origin::Picked)
}

/// A commit that keeps `review` and wants `actions`.
fn keep(review: Review, expected_version: Option<i64>, actions: Vec<Action>) -> Commit {
    Commit {
        expected_version,
        actions,
        loads: review
            .active()
            .map(|own| {
                let waits = review.is_open() && !review.has_approved(own);
                (own.person.clone(), if waits { Load::WHOLE } else { Load::NONE })
            })
            .collect(),
        review: Some(review.clone()),
        ..Commit::empty(review.change, minute(0))
    }
}

/// Wants `actions` for a change without touching its review.
async fn want(store: &Store, number: u64, actions: Vec<Action>, now: Timestamp) {
    let commit = Commit { review: None, now, ..keep(review(number, &[]), None, actions) };
    store.commit(commit).await.unwrap();
}

fn status(body: &str) -> Action {
    Action::Comment(Comment::Status { body: format!("{STATUS_MARKER}{body}") })
}

fn ping(key: &str, person: &str) -> Action {
    Action::Comment(Comment::Ping {
        key: key.into(),
        person: person.into(),
        body: String::new(),
        not_after: Timestamp::MAX,
    })
}

fn shape() -> Action {
    Action::Desired(DesiredState::default())
}

fn done() -> Settlement {
    Settlement::Done { comment: None, facts: Vec::new() }
}

fn retry(at: Timestamp, outcome_unknown: bool) -> Settlement {
    Settlement::Retry { at, error: "502 from the forge".into(), outcome_unknown, counts: true, facts: vec![] }
}

/// Claims what may go now, at most `limit`, in the order of their ids.
async fn claim(store: &Store, now: Timestamp, limit: u32) -> Vec<OutboxItem> {
    let mut items = Vec::new();
    while items.len() < limit as usize {
        let Some(item) = store.claim_next("gitlab", now, &Within::ALL).await.unwrap() else { break };
        items.push(item);
    }
    items.sort_by_key(|item| item.id);
    items
}

/// Claims all there is and names it as `change number/kind`.
async fn claimed(store: &Store, now: Timestamp) -> Vec<String> {
    let items = claim(store, now, 100).await;
    items.iter().map(|item| format!("{}/{}", item.change.number, item.kind)).collect()
}

async fn undecided(store: &Store, now: Timestamp) -> Vec<i64> {
    store.undecided(now, 100).await.unwrap().into_iter().map(|item| item.id).collect()
}
