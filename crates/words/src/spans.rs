//! How people say for how long: `2d`, `2 days`, `for 3 working hours`, `a week`.

use usher_core::model::timebox::Budget;

/// Days that are told apart; whoever asks for more means as long as possible.
const DAYS_MAX: u64 = 366;

/// Working days of a week.
const DAYS_OF_A_WEEK: u64 = 5;

/// Reads a span; a day is a working day. What follows it is a word to the colleagues. `None` for anything
/// else, and for no time at all.
pub(super) fn span(said: &str) -> Option<Budget> {
    let trim = |word: &str| word.trim_matches(['.', ',', ';', '!', '?']).to_lowercase();
    let mut words = said.split_whitespace().map(trim).peekable();
    words.next_if(|word| word == "for");
    let first = words.next()?;
    let digits = first.bytes().take_while(u8::is_ascii_digit).count();
    let (number, glued) = first.split_at(digits);
    let number = match (number, glued) {
        ("", "a" | "an" | "one") => 1,
        ("", _) => return None,
        // More digits than a number has are more than enough.
        (digits, _) => digits.parse().unwrap_or(u64::MAX),
    };
    let unit = if digits > 0 && !glued.is_empty() {
        glued.to_owned()
    } else {
        words.next_if(|word| word == "working" || word == "business");
        words.next()?
    };
    amount(number, &unit)
}

fn amount(number: u64, unit: &str) -> Option<Budget> {
    let at_most =
        |amount: u64, limit: u64| u32::try_from(amount.min(limit)).ok().filter(|amount| *amount > 0);
    let minutes = |factor: u64| {
        let minutes = at_most(number.saturating_mul(factor), DAYS_MAX * 24 * 60);
        minutes.map(Budget::Minutes)
    };
    match unit {
        "w" | "week" | "weeks" => at_most(number.saturating_mul(DAYS_OF_A_WEEK), DAYS_MAX).map(Budget::Days),
        "d" | "day" | "days" => at_most(number, DAYS_MAX).map(Budget::Days),
        "h" | "hour" | "hours" => minutes(60),
        "m" | "min" | "minute" | "minutes" => minutes(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_people_write_it() {
        for two_days in ["2d", "2D", "2 days", "2 d", "for 2 days", "2 working days, please", "2days.", "02d"]
        {
            assert_eq!(span(two_days), Some(Budget::Days(2)), "{two_days}");
        }
        assert_eq!(span("a day"), Some(Budget::Days(1)));
        assert_eq!(span("1 week"), Some(Budget::Days(5)));
        assert_eq!(span("4h"), Some(Budget::Minutes(240)));
        assert_eq!(span("an hour"), Some(Budget::Minutes(60)));
        assert_eq!(span("90 minutes"), Some(Budget::Minutes(90)));
        for wrong in
            ["", "soon", "0d", "-2d", "+2d", "2", "2\u{e9}", "2 x", "d", "for", "until friday", "0.5d"]
        {
            assert_eq!(span(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn there_is_an_end_to_every_span() {
        for ages in ["367d", "99999999999999999999999d", "9999999 weeks"] {
            assert_eq!(span(ages), Some(Budget::Days(366)), "{ages}");
        }
        assert_eq!(span("71582789h"), Some(Budget::Minutes(366 * 24 * 60)));
    }
}
