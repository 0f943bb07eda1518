//! "Not now": when to come again, and why.

use jiff::{SignedDuration, Timestamp};

/// Longest wait a forge can talk us into: a wrong clock or header must not silence Usher for ever.
pub(super) const LONGEST_BLOCK_SECONDS: i64 = 24 * 3_600;

/// When a request that may not go out now may come again, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotBefore {
    pub at: Timestamp,
    pub why: String,
    /// A pace or a budget, which passes by itself; the forge did not ask to be left alone.
    pub brief: bool,
}

pub(super) fn later(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
