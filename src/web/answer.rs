//! What a forge is told about its delivery.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::problem::Problem;
use crate::forge::{Unreadable, Unverified};

/// Seconds after which a delivery that could not be kept may come again.
const COME_AGAIN_SECONDS: &str = "30";

/// The answer to one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeliveryAnswer {
    /// It is on the disk.
    Stored,
    Duplicate,
    /// Not about a support contribution.
    Irrelevant,
    Unsupported,
    /// GitHub's greeting.
    Ping,
    /// A group or team changed; the roster is read again.
    Roster,
    Unreadable(Unreadable),
    /// No or no valid signature. Nobody is told more than that.
    Unverified(Unverified),
    NoSuchForge,
    /// A forge's delivery to no address of ours.
    Astray,
    TooLarge {
        limit: usize,
    },
    TooSlow,
    /// The body ended before its end.
    Broken,
    /// The store cannot take it now.
    StoreFails,
    /// Too many large bodies at once.
    NoMemory,
}

#[derive(Serialize)]
struct Wire {
    answer: &'static str,
}

impl DeliveryAnswer {
    /// The answer's name in metrics, log and body.
    pub(super) fn word(&self) -> &'static str {
        match self {
            DeliveryAnswer::Stored => "stored",
            DeliveryAnswer::Duplicate => "duplicate",
            DeliveryAnswer::Irrelevant => "irrelevant",
            DeliveryAnswer::Unsupported => "unsupported",
            DeliveryAnswer::Ping => "ping",
            DeliveryAnswer::Roster => "roster",
            DeliveryAnswer::Unreadable(_) => "unreadable",
            DeliveryAnswer::Unverified(_) => "unverified",
            DeliveryAnswer::NoSuchForge => "no_such_forge",
            DeliveryAnswer::Astray => "wrong_path",
            DeliveryAnswer::TooLarge { .. } => "too_large",
            DeliveryAnswer::TooSlow => "too_slow",
            DeliveryAnswer::Broken => "broken",
            DeliveryAnswer::StoreFails => "store_fails",
            DeliveryAnswer::NoMemory => "no_memory",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            DeliveryAnswer::Stored => StatusCode::ACCEPTED,
            DeliveryAnswer::Duplicate
            | DeliveryAnswer::Irrelevant
            | DeliveryAnswer::Unsupported
            | DeliveryAnswer::Ping
            | DeliveryAnswer::Roster => StatusCode::OK,
            DeliveryAnswer::Unreadable(_) | DeliveryAnswer::Broken => StatusCode::BAD_REQUEST,
            DeliveryAnswer::Unverified(_) => StatusCode::UNAUTHORIZED,
            DeliveryAnswer::NoSuchForge | DeliveryAnswer::Astray => StatusCode::NOT_FOUND,
            DeliveryAnswer::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            DeliveryAnswer::TooSlow => StatusCode::REQUEST_TIMEOUT,
            DeliveryAnswer::StoreFails | DeliveryAnswer::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Why a delivery was refused, for the metrics; `None` for one that was taken, or may come again.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        match self {
            DeliveryAnswer::Unverified(unverified) => Some(unverified.word()),
            _ if self.status().is_client_error() => Some(self.word()),
            _ => None,
        }
    }

    /// What is wrong, for answers that are refusals.
    fn complaint(&self) -> Option<String> {
        match self {
            DeliveryAnswer::Unreadable(unreadable) => Some(unreadable.to_string()),
            DeliveryAnswer::Unverified(_) => Some("unauthorized".into()),
            DeliveryAnswer::NoSuchForge => Some("no such forge".into()),
            DeliveryAnswer::Astray => Some("deliveries come to /hooks/ and the name of a forge".into()),
            DeliveryAnswer::TooLarge { limit } => Some(format!("the body is larger than {limit} bytes")),
            DeliveryAnswer::TooSlow => Some("the body came too slowly".into()),
            DeliveryAnswer::Broken => Some("the body ended early".into()),
            DeliveryAnswer::StoreFails => Some("the delivery cannot be stored now; come again".into()),
            DeliveryAnswer::NoMemory => Some("too many large deliveries at once; come again".into()),
            DeliveryAnswer::Stored
            | DeliveryAnswer::Duplicate
            | DeliveryAnswer::Irrelevant
            | DeliveryAnswer::Unsupported
            | DeliveryAnswer::Ping
            | DeliveryAnswer::Roster => None,
        }
    }

    /// Whether the rest of the request is not waited for.
    fn hangs_up(&self) -> bool {
        matches!(
            self,
            DeliveryAnswer::TooLarge { .. }
                | DeliveryAnswer::TooSlow
                | DeliveryAnswer::Broken
                | DeliveryAnswer::NoMemory
        )
    }
}

impl IntoResponse for DeliveryAnswer {
    fn into_response(self) -> Response {
        let mut response = match self.complaint() {
            Some(complaint) => Problem::new(self.status(), complaint).into_response(),
            None => (self.status(), Json(Wire { answer: self.word() })).into_response(),
        };
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            let again = HeaderValue::from_static(COME_AGAIN_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, again);
        }
        if self.hangs_up() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
