//! Between columns and types.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use usher_core::model::change::ChangeKey;

/// An instant as a column: epoch milliseconds.
pub(super) fn millis(instant: Timestamp) -> i64 {
    instant.as_millisecond()
}

/// A deadline as a column: never earlier than the instant, so that it is over when it is due.
pub(super) fn millis_up(instant: Timestamp) -> i64 {
    let millis = instant.as_millisecond();
    let rest = instant.as_nanosecond() - i128::from(millis) * 1_000_000;
    if rest > 0 { millis + 1 } else { millis }
}

pub(super) fn instant(what: &'static str, millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis)
        .map_err(|error| StoreError::Unreadable { what, why: error.to_string() })
}

pub(super) fn instant_if(what: &'static str, millis: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    millis.map(|millis| instant(what, millis)).transpose()
}

pub(super) fn key(what: &'static str, text: &str) -> Result<ChangeKey, StoreError> {
    text.parse().map_err(|why| StoreError::Unreadable { what, why })
}

/// The keys of all changes of a project lie between these two.
pub(super) fn range(forge: &str, project: &str) -> (String, String) {
    // `"` comes right after `!`.
    (format!("{forge}:{project}!"), format!("{forge}:{project}\""))
}

pub(super) fn json<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed { what, why: error.to_string() })
}

pub(super) fn parsed<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable { what, why: error.to_string() })
}

/// Row limits and counters: never negative, never more than fits.
pub(super) fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

pub(super) fn count(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}
