//! A forge says no.

use serde_json::Value;

/// Why a forge refuses, in the forge's own words.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{status} {message}")]
pub struct Refusal {
    /// The HTTP status the REST API answers with.
    pub status: u16,
    /// The `message` (or GitLab's `error`) of the body.
    pub message: String,
    /// GitHub's `errors`, `null` if there are none.
    pub errors: Value,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into(), errors: Value::Null }
    }

    /// GitHub's 422 with its list of errors.
    pub(crate) fn invalid(errors: Value) -> Refusal {
        Refusal { status: 422, message: "Validation Failed".to_owned(), errors }
    }
}
