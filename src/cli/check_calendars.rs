//! `usher check`: how many days each calendar takes off, this year and next.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::config::{Calendar, Config};
use usher_core::model::policy::Policy;

/// What a day off that stands in the configuration itself is called.
const UNNAMED: &str = "holiday";
/// Most people without a calendar who are named.
const NAMED_MAX: usize = 10;

/// The days of one calendar in one year.
struct Year<'c> {
    year: i16,
    /// Days off on which people would work otherwise.
    free: Vec<(Date, &'c str)>,
    /// Days off on which nobody works anyway.
    idle: Vec<(Date, &'c str)>,
    /// Left out by `holidays_skip`.
    skipped: Vec<(Date, &'c str)>,
}

fn years(calendar: &Calendar, now: Timestamp) -> [Year<'_>; 2] {
    let this = calendar.hours.timezone().to_datetime(now).year();
    [this, this + 1].map(|year| {
        let in_year = |(date, _): &(&Date, &String)| date.year() == year;
        let off = |date: &Date| !calendar.hours.is_workday(*date);
        let in_week = |date: &Date| calendar.hours.is_in_week(*date);
        let (free, idle) = calendar
            .holidays
            .iter()
            .filter(in_year)
            .filter(|(date, _)| off(date))
            .partition::<Vec<_>, _>(|(date, _)| in_week(date));
        let skipped = calendar.skipped.iter().filter(in_year).map(day).collect();
        Year {
            year,
            free: free.into_iter().map(day).collect(),
            idle: idle.into_iter().map(day).collect(),
            skipped,
        }
    })
}

fn day<'c>((date, name): (&'c Date, &'c String)) -> (Date, &'c str) {
    (*date, name.as_str())
}

pub(super) fn print(config: &Config, now: Timestamp, verbose: bool) {
    for (name, calendar) in &config.calendars {
        let years = years(calendar, now);
        let told = years.each_ref().map(|year| match year.free.len() {
            0 => format!("no day off in {}", year.year),
            1 => format!("1 day off in {}", year.year),
            many => format!("{many} days off in {}", year.year),
        });
        anstream::println!("  calendar {name:<11} {}", told.join(", "));
        for year in years.iter().filter(|_| verbose) {
            let lists =
                [("", &year.free), (", no working day anyway", &year.idle), (", left out", &year.skipped)];
            let mut lines: Vec<String> =
                lists.iter().flat_map(|(why, days)| days.iter().map(move |day| line(*day, why))).collect();
            lines.sort();
            lines.iter().for_each(|line| anstream::println!("          {line}"));
        }
    }
}

/// Warns of those who count as working in the default calendar because nothing else is said of them.
pub(super) fn warn_of_missing(policy: &Policy) {
    let without = policy.without_calendar();
    if !without.is_empty() {
        let who = words_of(&without);
        anstream::println!(
            "\n  WARNING no calendar: {who} count as working Monday to Friday, 09:00 to 17:00 UTC"
        );
        anstream::println!("          write `calendar` in [support], their [[pool]] or a [[person]]");
    }
}

/// A few of them by name, the others by number.
fn words_of(names: &[String]) -> String {
    let (named, others) = names.split_at(names.len().min(NAMED_MAX));
    let named = named.join(", ");
    if others.is_empty() { named } else { format!("{named} and {} more", others.len()) }
}

/// "2026-12-25 Fri Christmas Day".
fn line((date, name): (Date, &str), why: &str) -> String {
    let name = if name.is_empty() { UNNAMED } else { name };
    format!("{} {name}{why}", date.strftime("%Y-%m-%d %a"))
}

/// By calendar and year: the days off with their names, and what was left out.
pub(super) fn json(config: &Config, now: Timestamp) -> serde_json::Value {
    let named = |days: &[(Date, &str)]| -> BTreeMap<String, String> {
        days.iter().map(|(date, name)| (date.to_string(), (*name).to_owned())).collect()
    };
    let year = |year: &Year<'_>| {
        let value = serde_json::json!({
            "free": year.free.len(),
            "days": named(&year.free),
            "no_working_day_anyway": named(&year.idle),
            "left_out": named(&year.skipped),
        });
        (year.year.to_string(), value)
    };
    let calendar = |(name, calendar): (&String, &Calendar)| {
        (name.clone(), years(calendar, now).iter().map(year).collect::<serde_json::Map<_, _>>().into())
    };
    config.calendars.iter().map(calendar).collect::<serde_json::Map<_, _>>().into()
}
