//! Instants as forges write them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;

/// Longest text that can be an instant.
const INSTANT_CHARS_MAX: usize = 64;
/// Finest fraction of a second that an instant holds: nanoseconds.
const FRACTION_DIGITS: usize = 9;

/// Reads an instant in any of the forms that GitHub and GitLab send: RFC 3339,
/// `2026-01-16 05:56:22 UTC` and `2026-01-16 05:56:22 -0500` (GitLab mixes all three in one
/// payload). Fractions finer than a nanosecond are floored. `None` for anything else.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    if text.len() > INSTANT_CHARS_MAX {
        return None;
    }
    let text = &*floored(text);
    if let Some(civil) = text.strip_suffix(" UTC") {
        let civil: DateTime = civil.parse().ok()?;
        return civil.in_tz("UTC").ok().map(|zoned| zoned.timestamp());
    }
    let standard = || text.parse::<Timestamp>().ok();
    standard().or_else(|| Timestamp::strptime("%Y-%m-%d %H:%M:%S%.f %z", text).ok())
}

/// The text without the digits of its fraction of a second that no instant can hold.
fn floored(text: &str) -> Cow<'_, str> {
    let Some(dot) = text.find('.') else { return Cow::Borrowed(text) };
    let digits = text[dot + 1..].bytes().take_while(u8::is_ascii_digit).count();
    if digits <= FRACTION_DIGITS {
        return Cow::Borrowed(text);
    }
    let (kept, rest) = (dot + 1 + FRACTION_DIGITS, dot + 1 + digits);
    Cow::Owned(format!("{}{}", &text[..kept], &text[rest..]))
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
    fn fractions_are_floored_to_what_an_instant_holds() {
        let wanted: Timestamp = "2026-01-16T05:56:22.123456789Z".parse().unwrap();
        for text in [
            "2026-01-16T05:56:22.123456789Z",
            "2026-01-16T05:56:22.1234567899Z",
            "2026-01-16T07:56:22.12345678999999999999+02:00",
            "2026-01-16 05:56:22.1234567899 UTC",
            "2026-01-16 00:56:22.1234567899 -0500",
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
