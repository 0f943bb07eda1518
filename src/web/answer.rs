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
pub(super) enum Answer {
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

impl Answer {
    /// The answer's name in metrics, log and body.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Answer::Stored => "stored",
            Answer::Duplicate => "duplicate",
            Answer::Irrelevant => "irrelevant",
            Answer::Unsupported => "unsupported",
            Answer::Ping => "ping",
            Answer::Roster => "roster",
            Answer::Unreadable(_) => "unreadable",
            Answer::Unverified(_) => "unverified",
            Answer::NoSuchForge => "no_such_forge",
            Answer::Astray => "wrong_path",
            Answer::TooLarge { .. } => "too_large",
            Answer::TooSlow => "too_slow",
            Answer::Broken => "broken",
            Answer::StoreFails => "store_fails",
            Answer::NoMemory => "no_memory",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Answer::Stored => StatusCode::ACCEPTED,
            Answer::Duplicate | Answer::Irrelevant | Answer::Unsupported | Answer::Ping | Answer::Roster => {
                StatusCode::OK
            }
            Answer::Unreadable(_) | Answer::Broken => StatusCode::BAD_REQUEST,
            Answer::Unverified(_) => StatusCode::UNAUTHORIZED,
            Answer::NoSuchForge | Answer::Astray => StatusCode::NOT_FOUND,
            Answer::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Answer::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Answer::StoreFails | Answer::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Why a delivery was refused, for the metrics; `None` for one that was taken, or may come again.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        match self {
            Answer::Unverified(unverified) => Some(unverified.word()),
            _ if self.status().is_client_error() => Some(self.word()),
            _ => None,
        }
    }

    /// What is wrong, for answers that are refusals.
    fn complaint(&self) -> Option<String> {
        match self {
            Answer::Unreadable(unreadable) => Some(unreadable.to_string()),
            Answer::Unverified(_) => Some("unauthorized".into()),
            Answer::NoSuchForge => Some("no such forge".into()),
            Answer::Astray => Some("deliveries come to /hooks/ and the name of a forge".into()),
            Answer::TooLarge { limit } => Some(format!("the body is larger than {limit} bytes")),
            Answer::TooSlow => Some("the body came too slowly".into()),
            Answer::Broken => Some("the body ended early".into()),
            Answer::StoreFails => Some("the delivery cannot be stored now; come again".into()),
            Answer::NoMemory => Some("too many large deliveries at once; come again".into()),
            Answer::Stored
            | Answer::Duplicate
            | Answer::Irrelevant
            | Answer::Unsupported
            | Answer::Ping
            | Answer::Roster => None,
        }
    }

    /// Whether the rest of the request is not waited for.
    fn hangs_up(&self) -> bool {
        matches!(self, Answer::TooLarge { .. } | Answer::TooSlow | Answer::Broken | Answer::NoMemory)
    }
}

impl IntoResponse for Answer {
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
