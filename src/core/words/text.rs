//! The pieces that sentences are made of: moments, spans, quotes, verdicts.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::core::candidate::{Candidate, Standing};

/// Longest piece of a user's text that is repeated.
const QUOTE_CHARS_MAX: usize = 120;

/// Why nobody could be asked, in half a sentence.
pub(super) fn obstacles(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "the pool has no members on this forge".into();
    }
    let each = candidates.iter().map(|c| format!("{} {}", plain(&c.person), standing(&c.standing)));
    each.collect::<Vec<_>>().join("; ")
}

/// The verdict on one candidate as a phrase.
pub fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Chosen { open, capacity, .. } => format!("chosen ({open} of {capacity} open reviews)"),
        Standing::Free { open, capacity, .. } => {
            format!("could have been asked ({open} of {capacity} open reviews)")
        }
        Standing::Author => "is the author".into(),
        Standing::Away { until } => format!("is away until {}", day(*until)),
        Standing::LeaveSoon { from } => format!("goes on leave on {}", day(*from)),
        Standing::AtCapacity { open, capacity } => format!("has {open} open reviews of at most {capacity}"),
        Standing::Declined => "declined".into(),
        Standing::HadTurn => "had their turn".into(),
        Standing::AlreadyAsked => "is asked already".into(),
        Standing::NoAccess => "cannot be a reviewer there".into(),
        Standing::UnknownOnForge => "is not known on this forge".into(),
        Standing::NeverWorks => "has no working time in sight".into(),
    }
}

/// A moment in somebody's own terms: `Tue 24 Nov, 17:30 (Europe/London)`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("local time");
    format!("{} ({name})", local.strftime("%a %-d %b, %H:%M"))
}

/// A date in a sentence: `Tue 24 Nov`.
pub(super) fn day(date: jiff::civil::Date) -> String {
    date.strftime("%a %-d %b").to_string()
}

/// How long something took, in the two largest units.
pub fn elapsed(from: Timestamp, to: Timestamp) -> String {
    let minutes = (to.as_millisecond() - from.as_millisecond()).max(0) / 60_000;
    let unit = |n: i64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, m) => unit(m.max(1), "minute"),
        (0, h, 0) => unit(h, "hour"),
        (0, h, m) => format!("{} and {}", unit(h, "hour"), unit(m, "minute")),
        (d, 0, _) => unit(d, "day"),
        (d, h, _) => format!("{} and {}", unit(d, "day"), unit(h, "hour")),
    }
}

/// Zero-width and bidirectional formatting characters, tags and line separators: nobody sees them,
/// but they hide text or turn its direction (Unicode Cf and Zl, Zp, as far as they matter).
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A user's text in a code span: nothing in it is live, and no marker of ours is found in it.
pub fn quote(text: &str) -> String {
    let text = text.replace("<!--", "<!- -");
    let mut tame: String = text
        .chars()
        .filter(|c| !is_unseen(*c))
        .map(|c| if c == '`' || c.is_control() { '\'' } else { c })
        .take(QUOTE_CHARS_MAX)
        .collect();
    if text.chars().count() > QUOTE_CHARS_MAX {
        tame.push('…');
    }
    let tame = tame.trim();
    if tame.is_empty() { "`(nothing)`".into() } else { format!("`{tame}`") }
}

/// A configured name as plain text: Markdown and mentions in it are disarmed.
pub(super) fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !c.is_control() && !is_unseen(*c)) {
        if matches!(c, '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#' | '!' | '~' | '|') {
            text.push('\\');
        }
        if c != '@' {
            text.push(c);
        }
    }
    text
}
