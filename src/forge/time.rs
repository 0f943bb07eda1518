//! Instants as forges write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Longest text that can be an instant.
const INSTANT_CHARS_MAX: usize = 40;

/// Reads an instant in any of the forms that GitHub and GitLab send: RFC 3339,
/// `2026-01-16 05:56:22 UTC` and `2026-01-16 05:56:22 -0500` (GitLab mixes all three in one
/// payload). `None` for anything else.
pub fn instant(text: &str) -> Option<Timestamp> {
    if text.len() > INSTANT_CHARS_MAX {
        return None;
    }
    if let Some(civil) = text.strip_suffix(" UTC") {
        let civil: DateTime = civil.parse().ok()?;
        return civil.in_tz("UTC").ok().map(|zoned| zoned.timestamp());
    }
    let standard = || text.parse::<Timestamp>().ok();
    standard().or_else(|| Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text).ok())
}

/// An instant in a payload. A text that is no instant is an error: without its time a snapshot
/// cannot be put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(pub Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Instant;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an instant such as 2026-01-16T05:56:22Z")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Instant, E> {
                instant(text)
                    .map(Instant)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_gitlab_name_one_instant() {
        let wanted: Timestamp = "2026-01-16T05:56:22Z".parse().unwrap();
        for text in [
            "2026-01-16 05:56:22 UTC",
            "2026-01-16T05:56:22Z",
            "2026-01-16T05:56:22.000Z",
            "2026-01-16T07:56:22+02:00",
            "2026-01-16 00:56:22 -0500",
            "2026-01-16 07:56:22 +0200",
        ] {
            assert_eq!(instant(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        let long = "2".repeat(10_000);
        for text in ["", "yesterday", "2026-01-16", "2026-13-16 05:56:22 UTC", " UTC", long.as_str()] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
