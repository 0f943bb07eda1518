//! The ledger of a review, told in sentences.

use jiff::Timestamp;
use serde::Serialize;

use crate::store::{LedgerRow, Store, StoreError};
use usher_core::model::action::{Action, Comment};
use usher_core::model::change::ChangeKey;
use usher_core::model::reason::Reason;
use usher_words as words;

/// Entries among which the newest reasons are looked for.
const RECENT: u32 = 6;
/// Entries of a review that are shown at most.
pub(super) const WHOLE: u32 = 1_000;

/// One entry.
#[derive(Clone, Debug, Serialize)]
pub(super) struct HistoryEntry {
    pub(super) at: Timestamp,
    /// What happened, in half a sentence.
    pub(super) fact: String,
    pub(super) reasons: Vec<Told>,
    /// What was asked of the forge.
    pub(super) actions: Vec<String>,
}

/// A reason with its sentence.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) sentence: String,
    #[serde(flatten)]
    pub(super) reason: Reason,
}

/// The last `limit` entries of a change, oldest first.
pub(super) async fn entries(
    store: &Store,
    change: &ChangeKey,
    limit: u32,
) -> Result<Vec<HistoryEntry>, StoreError> {
    Ok(store.ledger(change, limit).await?.into_iter().map(entry).collect())
}

/// The recent entries of a change, oldest first.
pub(super) async fn recent(store: &Store, change: &ChangeKey) -> Result<Vec<HistoryEntry>, StoreError> {
    entries(store, change, RECENT).await
}

/// The sentences of the newest entry that gives reasons.
pub(super) fn last_sentences(entries: &[HistoryEntry]) -> Vec<String> {
    let newest = entries.iter().rev().find(|entry| !entry.reasons.is_empty());
    newest.map(|entry| entry.reasons.iter().map(|told| told.sentence.clone()).collect()).unwrap_or_default()
}

fn entry(row: LedgerRow) -> HistoryEntry {
    let entry = row.entry;
    let told = |reason: Reason| Told { sentence: words::sentence(&reason), reason };
    HistoryEntry {
        at: entry.at,
        fact: entry.fact,
        reasons: entry.reasons.into_iter().map(told).collect(),
        actions: entry.actions.iter().map(wish).collect(),
    }
}

/// An action as what is wanted of the forge.
pub(super) fn wish(action: &Action) -> String {
    match action {
        Action::ReadFiles { .. } => "read the changed files".into(),
        Action::Look => "look at the whole change".into(),
        Action::ReadThreads => "read the threads".into(),
        Action::Desired(_) => "set labels and reviewers".into(),
        Action::Status(_) | Action::Comment(Comment::Status { .. }) => "write the status comment".into(),
        Action::Ping(ping) => format!("ping {}", ping.person),
        Action::Comment(Comment::Ping { person, .. }) => format!("ping {person}"),
        Action::Reply(_) | Action::Comment(Comment::Reply { .. }) => "reply to a command".into(),
        Action::React { .. } => "react to a command".into(),
        Action::Announce(_) => "tell the ticket system of the merge".into(),
    }
}
