//! Who is away or busy, in words.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::text::{brand, day, moment};
use usher_core::model::absence::{AWAY_DAYS_MAX, Busy};

/// An `away` without an end that could be read.
pub(super) fn away_unclear(today: Date, me: &str) -> String {
    let example = today.checked_add(7.days()).unwrap_or(today);
    format!(
        "Sorry, I need to know your last day away: `@{me} away until {example}`, or `@{me} away 3d` for \
         three working days."
    )
}

/// The answer to an `away` that counts days.
pub(super) fn away_until(last: Date, me: &str) -> String {
    format!("Noted: you are away up to and including {}, on all changes. `@{me} back` ends it.", day(last))
}

pub(super) fn away_over(last: Date, today: Date, me: &str) -> String {
    let example = today.checked_add(7.days()).unwrap_or(today);
    format!("Sorry, {last} is over already. Like this, for example: `@{me} away until {example}`.")
}

pub(super) fn away_too_long(latest: Date) -> String {
    format!(
        "Sorry, {AWAY_DAYS_MAX} days are the most that I remember; {latest} would be the last day. For \
         longer, the configuration is the place."
    )
}

/// The answer to `back` of somebody who is not asked all the same.
pub(super) fn still_away(
    leave: Option<Date>,
    busy: Option<Busy>,
    in_private: bool,
    zone: &TimeZone,
) -> String {
    if in_private {
        return still_away_without_dates(leave.is_some(), busy);
    }
    let leave = leave.map(|last| {
        format!(
            "Your leave until {} is in the configuration, and I cannot end that; whoever looks after it can.",
            day(last)
        )
    });
    let busy = busy.map(|busy| {
        let (forge, seen) = (brand(busy.says), moment(busy.seen_at, zone));
        format!(
            "{forge} showed you as busy on {seen}. Clear your status there, and I see it within about an hour."
        )
    });
    let causes: Vec<String> = leave.into_iter().chain(busy).collect();
    format!("Welcome back! {}", causes.join(" "))
}

fn still_away_without_dates(leave: bool, busy: Option<Busy>) -> String {
    let leave = leave.then(|| {
        "A leave of yours is in the configuration, and I cannot end that; whoever looks after it can."
            .to_owned()
    });
    let busy = busy.map(|busy| {
        let forge = brand(busy.says);
        format!("If {forge} shows you as busy, clear that there; I see it within about an hour.")
    });
    let causes: Vec<String> = leave.into_iter().chain(busy).collect();
    format!("Welcome back! {}", causes.join(" "))
}
