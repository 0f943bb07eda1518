//! How GitLab writes instants.

use jiff::Timestamp;

/// RFC 3339 with milliseconds, as its REST API prints it.
pub(super) fn rest_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `2026-01-16 05:56:22 UTC`, as its webhooks print it.
pub(super) fn hook_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
