//! How GitHub writes instants.

use jiff::Timestamp;

/// RFC 3339 in whole seconds, as GitHub prints it everywhere.
pub(super) fn github_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
