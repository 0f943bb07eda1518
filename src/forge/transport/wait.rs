//! "Not now": when to come again, and why.

use jiff::{SignedDuration, Timestamp};

use usher_core::model::fingerprint::fingerprint;

/// Longest wait a forge can talk us into: a wrong clock or header must not silence Usher for ever.
pub(super) const LONGEST_BLOCK_SECONDS: i64 = 24 * 3_600;

/// When a request that may not go out now may come again, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotBefore {
    pub at: Timestamp,
    pub why: String,
    pub cause: Cause,
}

/// What stands in a request's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A pace or a budget, which passes by itself; the forge did not ask to be left alone.
    Pace,
    /// The forge asked to be left alone.
    Limit,
    /// It keeps failing.
    Ill,
    /// The one project keeps failing.
    Project,
    /// It does not accept the token.
    DeadToken,
}

pub(super) fn later(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The pause, up to a quarter longer: what failed together does not all come again together. The same
/// seed is always answered alike, so that a test can tell.
pub(super) fn jitter(pause: SignedDuration, seed: &str) -> SignedDuration {
    if seed.is_empty() {
        return pause;
    }
    let share = i128::from(fingerprint([seed]) % 256);
    // Whole milliseconds: the clock shows no finer ones, and would never come to such an instant.
    let millis = pause.as_millis() + pause.as_millis() * share / 1_024;
    SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
