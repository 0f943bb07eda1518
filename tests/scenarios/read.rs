//! Words of a story as values: people, days, times, amounts.

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};
use usher_core::model::change::{Account, ChangedFile};
use usher_core::model::timebox::Budget;

use super::language::fit;
use crate::support::company::{account, london};

/// Monday to Friday.
pub(super) const WORKDAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

pub(super) fn at(date: Date, time: Time) -> Timestamp {
    london().to_timestamp(date.to_datetime(time)).unwrap()
}

pub(super) fn person(name: &str) -> Result<Account, String> {
    account(name).ok_or_else(|| format!("nobody is called `{name}`"))
}

/// `rita, ravi and dora`, in order of names.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        text.replace(" and ", ", ").split(", ").map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

pub(super) fn people(text: &str) -> Result<Vec<Account>, String> {
    names(text).iter().map(|name| person(name)).collect()
}

pub(super) fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

pub(super) fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is not a date"))
}

/// `2026-12-25, 2026-12-28`
pub(super) fn dates(text: &str) -> Result<Vec<Date>, String> {
    text.split(", ").map(date).collect()
}

pub(super) fn weekday(text: &str) -> Result<Weekday, String> {
    let week = Weekday::Monday.cycle_forward().zip(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    let mut days = week.filter(|(_, name)| *name == text).map(|(day, _)| day);
    days.next().ok_or_else(|| format!("`{text}` is no day"))
}

/// `30m`, `2h` or `1d`
pub(super) fn span(text: &str) -> Result<Budget, String> {
    let (amount, unit) = text.split_at(text.len().saturating_sub(1));
    let amount = number(amount)?;
    match unit {
        "m" => Ok(Budget::Minutes(amount)),
        "h" => Ok(Budget::Minutes(amount * 60)),
        "d" => Ok(Budget::Days(amount)),
        _ => Err(format!("`{text}` is no amount of time")),
    }
}

/// `Mon 10:00` (the next one from `now` on) or `2026-12-24 10:00`, and what follows it.
pub(super) fn moment(line: &str, now: Timestamp) -> Option<(Timestamp, &str)> {
    let (day, rest) = line.split_once(' ')?;
    let (clock, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let time: Time = (clock.len() == 5).then(|| clock.parse().ok())??;
    if let Ok(date) = day.parse::<Date>() {
        return Some((at(date, time), rest.trim()));
    }
    let weekday = weekday(day).ok()?;
    let today = now.to_zoned_datetime(london()).date();
    let days = (0..8).filter_map(|days| today.checked_add(days.days()).ok());
    let mut moments = days.filter(|date| date.weekday() == weekday).map(|date| at(date, time));
    // Events move the clock by milliseconds; the same minute is still now.
    moments.find(|moment| *moment + SignedDuration::from_secs(59) >= now).map(|found| (found, rest.trim()))
}

/// A moment and nothing after it.
pub(super) fn time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    match moment(text, now) {
        Some((at, "")) => Ok(at),
        _ => Err(format!("`{text}` is no time")),
    }
}

/// `09:00-17:00` in minutes after midnight.
pub(super) fn hours(text: &str) -> Result<(u16, u16), String> {
    let minute = |clock: &str| {
        let (hour, minute) = clock.split_once(':')?;
        Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
    };
    let parsed = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    parsed.ok_or_else(|| format!("`{text}` are no hours"))
}

/// `docs/guide.md (40 lines), src/total.rs (9 lines)`
pub(super) fn files(text: &str) -> Result<Vec<ChangedFile>, String> {
    text.split(", ").map(file).collect()
}

fn file(text: &str) -> Result<ChangedFile, String> {
    let [path, lines] =
        fit("{a.md} ({5} lines)", text).ok_or_else(|| format!("`{text}`: write `path (5 lines)`"))?;
    Ok(ChangedFile { path: path.to_owned(), lines: number(lines)?.into(), owners: vec![] })
}
