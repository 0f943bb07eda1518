//! How people say until when they are away.

use jiff::civil::Date;

use usher_core::model::absence::{AWAY_DAYS_MAX, AwayEnd};

/// Reads what follows `away`: `until 2026-12-01`, `2026-12-01`, or `3d` (working days); what follows
/// that is a word to the colleagues. `None` for everything else.
pub(super) fn end(said: &str) -> Option<AwayEnd> {
    let mut words = said.split_whitespace().map(|word| word.trim_matches(['.', ',', ';', '!', '?', ':']));
    let mut word = words.next()?;
    if ["until", "till", "to"].iter().any(|until| word.eq_ignore_ascii_case(until)) {
        word = words.next()?;
    } else if word.eq_ignore_ascii_case("for") {
        return days(words.next()?);
    }
    date(word).map(AwayEnd::Until).or_else(|| days(word))
}

/// `2026-12-01`, and nothing that merely begins so (a date with a time, or a range).
fn date(word: &str) -> Option<Date> {
    let shape = word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    word.parse().ok().filter(|_| shape)
}

/// `3d`: at least one, at most [`AWAY_DAYS_MAX`] days.
fn days(word: &str) -> Option<AwayEnd> {
    let number = word.strip_suffix(['d', 'D'])?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let days = number.parse().ok().filter(|days| digits && (1..=AWAY_DAYS_MAX).contains(days))?;
    Some(AwayEnd::Days(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_or_a_span() {
        let until = |day: &str| Some(AwayEnd::Until(day.parse().unwrap()));
        assert_eq!(end("until 2026-12-01"), until("2026-12-01"));
        assert_eq!(end("Until 2026-12-01, see you"), until("2026-12-01"));
        assert_eq!(end("2026-12-01."), until("2026-12-01"));
        assert_eq!(end("3d"), Some(AwayEnd::Days(3)));
        assert_eq!(end("for 3d"), Some(AwayEnd::Days(3)));
        for wrong in [
            "",
            "until",
            "soon",
            "until monday",
            "rita until 2026-12-01",
            "until 2026-02-30",
            "2026-12-01T10:00",
            "2026-12-01..2026-12-09",
            "01.12.2026",
            "0d",
            "-1d",
            "+1d",
            "367d",
            "99999999999d",
            "3",
            "3h",
            "d",
            "until 2026\u{661}12",
        ] {
            assert_eq!(end(wrong), None, "{wrong:?}");
        }
    }
}
