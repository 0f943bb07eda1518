//! `POST /hooks/{forge}`: the front door. Verified before it is read, stored before it is answered.
//!
//! Nothing of a delivery that is none of Usher's business touches the disk. What does is stored by
//! a task of its own: a sender that hangs up cannot tear a write in half.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use super::answer::DeliveryAnswer;
use super::body::{self, HeldBody, UnreadBody};
use super::door::Door;
use super::problem::Problem;
use crate::engine::RefusedWhy;
use crate::forge::{Inbound, Incoming, Reading, Unverified};
use crate::store::{NewDelivery, Put, StoreError};
use usher_core::model::change::{ChangeKey, ForgeKind};
use usher_core::model::fact::Fact;

/// In metrics and logs, instead of a forge name that a stranger made up.
const NO_FORGE: &str = "-";

/// Where the forges name the event of a delivery, and the delivery itself.
const EVENT_HEADERS: [&str; 2] = [event_header(ForgeKind::GitHub), event_header(ForgeKind::GitLab)];
const ID_HEADERS: [&str; 3] = ["x-github-delivery", "webhook-id", "idempotency-key"];
/// Longest text from a header that is logged.
const TOLD_CHARS_MAX: usize = 100;

const fn event_header(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::GitHub => "x-github-event",
        ForgeKind::GitLab => "x-gitlab-event",
    }
}

/// Takes one delivery.
pub(super) async fn receive(
    State(door): State<Arc<Door>>,
    Path(forge): Path<String>,
    request: Request,
) -> DeliveryAnswer {
    let (parts, body) = request.into_parts();
    let inbounds = door.inbounds();
    let Some(inbound) = inbounds.get(&forge) else {
        body::linger(body);
        return answered(&door, NO_FORGE, &Delivered::default(), DeliveryAnswer::NoSuchForge);
    };
    let held = match body::read(body, door.settings.body_limit, &door.budget).await {
        Ok(held) => held,
        Err((unread, rest)) => {
            let answer = refused(&door, unread, rest);
            return answered(&door, &forge, &Delivered::default(), answer);
        }
    };
    consider(&door, inbound, &parts.headers, held).await
}

/// A request to no address of ours. One that a forge sent is counted and logged: somebody mistyped the
/// address of a webhook.
pub(super) async fn astray(State(door): State<Arc<Door>>, request: Request) -> Response {
    let event = told(request.headers(), &EVENT_HEADERS);
    if event.is_empty() {
        return Problem::not_found("page").into_response();
    }
    let id = told(request.headers(), &ID_HEADERS);
    let path: String = request.uri().path().chars().take(TOLD_CHARS_MAX).collect();
    let delivered = Delivered {
        event: &event,
        id: &id,
        why: format!("it was sent to {path}; deliveries come to /hooks/ and the name of the forge"),
        ..Delivered::default()
    };
    answered(&door, NO_FORGE, &delivered, DeliveryAnswer::Astray).into_response()
}

fn refused(door: &Door, unread: UnreadBody, rest: Body) -> DeliveryAnswer {
    match unread {
        UnreadBody::TooLarge => {
            body::linger(rest);
            DeliveryAnswer::TooLarge { limit: door.settings.body_limit }
        }
        UnreadBody::NoMemory => {
            body::linger(rest);
            DeliveryAnswer::NoMemory
        }
        UnreadBody::TooSlow => DeliveryAnswer::TooSlow,
        UnreadBody::Broken => DeliveryAnswer::Broken,
    }
}

/// Verifies, reads, and goes on with what is about a change.
async fn consider(
    door: &Arc<Door>,
    inbound: &Inbound,
    headers: &HeaderMap,
    held: HeldBody,
) -> DeliveryAnswer {
    let forge = inbound.name();
    if let Err(unverified) = inbound.verify(headers, &held.bytes, door.clock.now()) {
        // The sender's word, but what finds the delivery in the forge's list.
        let id = told(headers, &ID_HEADERS);
        if headers.contains_key(event_header(inbound.kind())) {
            let why = match unverified {
                Unverified::Missing | Unverified::Wrong => RefusedWhy::Unsigned,
                Unverified::TooOld | Unverified::TooNew => RefusedWhy::Clocks,
                Unverified::NoSecret => RefusedWhy::NoSecret,
            };
            door.shared.arrivals.refused(forge, why, door.clock.now());
        }
        let delivered = Delivered { id: &id, why: unverified.to_string(), ..Delivered::default() };
        return answered(door, forge, &delivered, DeliveryAnswer::Unverified(unverified));
    }
    door.shared.arrivals.good(forge, door.clock.now());
    let (event_told, id) = (told(headers, &EVENT_HEADERS), told(headers, &ID_HEADERS));
    let event = |event| Delivered { event, id: &id, ..Delivered::default() };
    let known = door.shared.snapshot();
    let me = known.forge(forge).and_then(|known| known.directory.me.as_ref());
    match inbound.read_as(headers, &held.bytes, me.map(|me| me.login.as_str())) {
        Err(unreadable) => {
            let delivered = Delivered { why: unreadable.to_string(), ..event(&event_told) };
            answered(door, forge, &delivered, DeliveryAnswer::Unreadable(unreadable))
        }
        Ok(Reading::Ping) => answered(door, forge, &event("ping"), DeliveryAnswer::Ping),
        Ok(Reading::Unsupported { event: name }) => {
            answered(door, forge, &event(&name), DeliveryAnswer::Unsupported)
        }
        Ok(Reading::Roster { what }) => {
            door.wakeups.roster.wake();
            answered(door, forge, &event(&what), DeliveryAnswer::Roster)
        }
        Ok(Reading::Change(incoming)) => {
            let (door, forge) = (door.clone(), forge.to_owned());
            let settling = tokio::spawn(settle(door.clone(), forge.clone(), incoming, held));
            // The task goes on whether or not somebody still waits for its answer.
            match tokio::time::timeout(door.settings.patience.answer_within, settling).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(panic)) => {
                    tracing::error!(forge, error = %panic, "storing a delivery ended badly");
                    answered(&door, &forge, &event(&event_told), DeliveryAnswer::StoreFails)
                }
                // Counted and logged by the task when it ends.
                Err(_) => DeliveryAnswer::StoreFails,
            }
        }
    }
}

/// The first of these headers that is there, fit for a log: printable, and not too long.
fn told(headers: &HeaderMap, names: &[&str]) -> String {
    let value = names.iter().find_map(|name| headers.get(*name)).map_or(&b""[..], |value| value.as_bytes());
    let printable = value.iter().filter(|byte| matches!(byte, b' '..=b'~'));
    printable.take(TOLD_CHARS_MAX).map(|byte| char::from(*byte)).collect()
}

/// Decides whether a delivery about a change is our business, and stores it if so.
async fn settle(door: Arc<Door>, forge: String, incoming: Incoming, held: HeldBody) -> DeliveryAnswer {
    let mut delivered = Delivered {
        event: &incoming.event,
        id: &incoming.delivery_id,
        change: Some(&incoming.change),
        why: String::new(),
    };
    let relevant = match is_relevant(&door, &incoming).await {
        Ok(relevant) => relevant,
        Err(error) => {
            // Rather one delivery too many than one too few; storing it has patience.
            tracing::warn!(forge, %error, "whether a change is tracked cannot be told");
            true
        }
    };
    if !relevant {
        return answered(&door, &forge, &delivered, DeliveryAnswer::Irrelevant);
    }
    let delivery = NewDelivery {
        forge: forge.clone(),
        delivery_id: incoming.delivery_id.clone(),
        meaning: Some(incoming.meaning),
        event: incoming.event.clone(),
        change: incoming.change.clone(),
        facts: incoming.facts,
        received_at: door.clock.now(),
        body: door.settings.keep_bodies.then_some(held.bytes),
    };
    let answer = match put(&door, delivery).await {
        Ok(Put::Stored(_)) => {
            door.wakeups.inbox.wake();
            DeliveryAnswer::Stored
        }
        Ok(Put::Duplicate) => DeliveryAnswer::Duplicate,
        Err(error) => {
            delivered.why = error.to_string();
            DeliveryAnswer::StoreFails
        }
    };
    answered(&door, &forge, &delivered, answer)
}

/// Whether the change is, or may turn out to be, a support contribution.
async fn is_relevant(door: &Door, incoming: &Incoming) -> Result<bool, StoreError> {
    let change = &incoming.change;
    let known = door.shared.snapshot();
    let Some(forge) = known.forge(&change.forge).filter(|_| !known.awaits_people(&change.forge)) else {
        return Ok(true);
    };
    if forge.directory.is_support(incoming.author.id) && known.policy.watches(change) {
        return Ok(true);
    }
    let told = incoming.facts.iter().filter_map(Fact::snapshot).find_map(|snapshot| snapshot.project_id);
    door.store.is_tracked(change, told).await
}

/// Stores with patience: another attempt after each of the pauses.
async fn put(door: &Door, delivery: NewDelivery) -> Result<Put, StoreError> {
    let packed = delivery.pack()?;
    let pauses: &[Duration] = &door.settings.patience.pauses;
    for pause in pauses {
        match door.store.put_packed(&packed).await {
            Err(error) if may_pass(&error) => {
                tracing::debug!(%error, "storing a delivery is tried again");
                tokio::time::sleep(*pause).await;
            }
            result => return result,
        }
    }
    door.store.put_packed(&packed).await
}

/// Whether waiting can help.
fn may_pass(error: &StoreError) -> bool {
    error.may_pass() || matches!(error, StoreError::Failed { .. })
}

/// What is known of a delivery when it is answered.
#[derive(Default)]
struct Delivered<'a> {
    event: &'a str,
    id: &'a str,
    change: Option<&'a ChangeKey>,
    /// Why it was not taken, in more words than the sender may hear.
    why: String,
}

/// Counts the answer and logs one line; never the body.
fn answered(door: &Door, forge: &str, delivered: &Delivered<'_>, answer: DeliveryAnswer) -> DeliveryAnswer {
    door.metrics.answered(forge, answer.word());
    if let Some(reason) = answer.refusal() {
        door.metrics.refused(forge, reason);
    }
    let change = delivered.change.map(tracing::field::display);
    let why = (!delivered.why.is_empty()).then_some(delivered.why.as_str());
    let (event, delivery, word) = (delivered.event, delivered.id, answer.word());
    match answer {
        DeliveryAnswer::Astray | DeliveryAnswer::NoSuchForge => {
            tracing::warn!(forge, event, delivery, change, answer = word, why, "delivery");
        }
        DeliveryAnswer::StoreFails | DeliveryAnswer::NoMemory => {
            tracing::error!(forge, event, delivery, change, answer = word, why, "delivery");
        }
        _ => tracing::info!(forge, event, delivery, change, answer = word, why, "delivery"),
    }
    answer
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_a_header_tells_is_printable_and_short() {
        let mut headers = HeaderMap::new();
        assert_eq!(told(&headers, &ID_HEADERS), "");
        headers.insert("idempotency-key", HeaderValue::from_static("the-key"));
        assert_eq!(told(&headers, &ID_HEADERS), "the-key");
        let odd = HeaderValue::from_bytes(b"a b\tc\xf6\xffd").unwrap();
        headers.insert("webhook-id", odd);
        assert_eq!(told(&headers, &ID_HEADERS), "a bcd", "the more exact header, without what is odd");
        let long = HeaderValue::from_str(&"x".repeat(5_000)).unwrap();
        headers.insert("x-github-event", long);
        assert_eq!(told(&headers, &EVENT_HEADERS).len(), TOLD_CHARS_MAX);
    }
}
