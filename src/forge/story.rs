//! What both dialects do in the same way, told once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::client::{Hint, Performed};
use super::fault::{ANSWER_CHARS, Fault};
use super::membership::{self, Member};
use crate::clock::Clock;
use usher_core::model::absence::Busy;
use usher_core::model::action::Comment;
use usher_core::model::change::{Account, ChangeKey, ForgeKind};
use usher_core::model::people::{Roster, RosterWish};

/// Comments on a change, written by our own account.
#[async_trait]
pub(super) trait Comments: Sync {
    /// Our comment that carries `marker`.
    async fn find(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, Fault>;
    async fn edit(&self, change: &ChangeKey, comment: u64, body: &str) -> Result<(), Fault>;
    /// The id of the new comment.
    async fn create(&self, change: &ChangeKey, body: &str) -> Result<u64, Fault>;
}

/// Who is who on a forge.
#[async_trait]
pub(super) trait People: Sync {
    /// What the token needs to read the members of a group, for whoever must give it that.
    const MEMBERS_RIGHT: &'static str;

    /// The account that the token belongs to.
    async fn me(&self) -> Result<Account, Fault>;
    /// Members of a group or team, those who cannot act included, or [`Fault::Gone`].
    async fn members(&self, group: &str) -> Result<Vec<Member>, Fault>;
    /// The account of a login, or [`Fault::Gone`].
    async fn user(&self, login: &str) -> Result<Member, Fault>;
    /// The account of an id, whatever its login is by now, or [`Fault::Gone`].
    async fn user_by_id(&self, id: u64) -> Result<Member, Fault>;
    /// Who of at most [`PEOPLE_PER_QUERY`] people is shown as busy: account id, and until when.
    async fn busy(&self, people: &[Account]) -> Result<Vec<(u64, Option<Timestamp>)>, Fault>;
}

/// People asked about in one query (both forges weigh queries by what they may give).
pub(super) const PEOPLE_PER_QUERY: usize = 50;
/// People asked about at all.
const BUSY_PEOPLE_MAX: usize = 1_000;

/// Brings `wanted` about: edits ours where there is one (the status comment only; pings and replies
/// are written once), and creates it otherwise.
pub(super) async fn comment(
    comments: &dyn Comments,
    change: &ChangeKey,
    wanted: &Comment,
    hint: Hint,
) -> Result<Performed, Fault> {
    let ours = match hint.comment_id {
        None if hint.look_up => comments.find(change, &wanted.marker()).await?,
        known => known,
    };
    if let Some(comment) = ours {
        if !matches!(wanted, Comment::Status { .. }) {
            return Ok(Performed::comment(comment));
        }
        match comments.edit(change, comment, wanted.body()).await {
            // Somebody deleted it.
            Err(Fault::Gone) => {}
            edited => return edited.map(|()| Performed::comment(comment)),
        }
    }
    comments.create(change, wanted.body()).await.map(Performed::comment)
}

/// Resolves `wish`, after the roster `before`. Groups first: who was seen there need not be looked up
/// again.
pub(super) async fn roster<P: People>(
    people: &P,
    wish: &RosterWish,
    before: &Roster,
    clock: &Clock,
) -> Result<Roster, Fault> {
    let today = clock.now().to_zoned(TimeZone::UTC).date();
    let mut roster = Roster { me: Some(people.me().await?), ..Roster::default() };
    let mut seen = Vec::new();
    for group in &wish.groups {
        let members = people.members(group).await;
        let members = members.map_err(|fault| members_fault(fault, group, P::MEMBERS_RIGHT));
        let Some(members) = known(members)? else {
            roster.unknown.push(group.clone());
            continue;
        };
        let members = membership::who_count(&mut roster, group, members, today);
        seen.extend(members.iter().cloned());
        roster.groups.insert(group.clone(), members);
    }
    roster.names = membership::kept_names(&seen, before);
    for login in &wish.logins {
        let met = seen.iter().find(|account| account.login.eq_ignore_ascii_case(login)).cloned();
        match membership::resolve(people, &mut roster, login, met, before).await? {
            Some(account) => drop(roster.accounts.insert(login.to_lowercase(), account)),
            None => roster.unknown.push(login.clone()),
        }
    }
    roster.fetched_at = Some(clock.now());
    Ok(roster)
}

/// Who of `people` is shown as busy.
pub(super) async fn busy<P: People>(
    forge: &P,
    people: &[Account],
    says: ForgeKind,
    seen_at: Timestamp,
) -> Result<BTreeMap<u64, Busy>, Fault> {
    if people.len() > BUSY_PEOPLE_MAX {
        let left_out = people.len() - BUSY_PEOPLE_MAX;
        tracing::warn!(left_out, "too many people in pools to ask a forge who of them is busy");
    }
    let mut busy = BTreeMap::new();
    let mut queries: Vec<&[Account]> =
        people[..people.len().min(BUSY_PEOPLE_MAX)].chunks(PEOPLE_PER_QUERY).collect();
    while let Some(some) = queries.pop() {
        match forge.busy(some).await {
            Ok(found) => {
                let entry = |(id, until)| (id, Busy { says, until, seen_at });
                busy.extend(found.into_iter().map(entry));
            }
            // A forge that takes less at once: GitLab's limit is set by its administrators.
            Err(fault) if some.len() > 1 && is_too_complex(&fault) => {
                let (first, second) = some.split_at(some.len() / 2);
                queries.extend([first, second]);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(busy)
}

/// GitLab: "Query has complexity of 301, which exceeds max complexity of 250"; GitHub: a query that
/// asks for too many nodes, `MAX_NODE_LIMIT_EXCEEDED`. Waiting does not help, asking for less does.
fn is_too_complex(fault: &Fault) -> bool {
    let says = |answer: &str| answer.contains("max complexity") || answer.contains("MAX_NODE_LIMIT");
    matches!(fault, Fault::Refused { answer, .. } if says(answer))
}

/// A refusal to show the members of `group`, saying which right is missing. The roster fails as a
/// whole: who is in support is waited for, not guessed.
fn members_fault(fault: Fault, group: &str, right: &str) -> Fault {
    match fault.about(&format!("the members of `{group}` cannot be read")) {
        Fault::Refused { status: 403, answer } => {
            Fault::Refused { status: 403, answer: format!("{answer}; {right}") }
        }
        fault => fault,
    }
}

/// "No such thing" as `None`.
pub(super) fn known<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Fault::Gone) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// An answer to a GraphQL query, errors included: they come with status 200.
#[derive(Deserialize)]
pub(super) struct GraphQl<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

#[derive(Deserialize)]
struct GraphQlError {
    /// GitHub's word for it: `NOT_FOUND`, `RATE_LIMITED`, …
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    message: String,
}

/// What of an answer is there, and the first of its complaints.
pub(super) fn parts<T>(answer: GraphQl<T>) -> (Option<T>, Option<String>) {
    let complaint = answer.errors.first().map(|error| error.message.chars().take(ANSWER_CHARS).collect());
    (answer.data, complaint)
}

/// What an answer gave. People who are not there any more are no error: the others are told of.
pub(super) fn data<T>(answer: GraphQl<T>) -> Result<T, Fault> {
    let weighs = |error: &&GraphQlError| error.kind.as_deref() != Some("NOT_FOUND");
    match (answer.data, answer.errors.iter().find(weighs)) {
        (Some(data), None) => Ok(data),
        (_, Some(error)) => {
            let kind = error.kind.as_deref().map(|kind| format!("{kind}: ")).unwrap_or_default();
            let answer: String = (kind + &error.message).chars().take(ANSWER_CHARS).collect();
            Err(Fault::Refused { status: 200, answer })
        }
        (None, None) => Err(Fault::Refused { status: 200, answer: "no data".into() }),
    }
}
