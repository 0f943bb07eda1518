//! `[[calendar]]`: working days, hours, holidays and time zones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use usher_core::model::calendar::Hours;
use usher_core::model::policy::OwnWeek;

use super::mistakes::{Book, Fault, did_you_mean, nearest};
use super::reader::{Placed, Section};
use super::tree::Node;
use super::{Outside, ics, keys, units};

/// The calendars by name. One that was not understood is there without hours, so that nobody who
/// refers to it is told that it does not exist.
#[derive(Debug, Default)]
pub(super) struct Calendars(BTreeMap<String, Option<Arc<Hours>>>);

impl Calendars {
    pub fn read(root: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Calendars {
        let mut calendars = BTreeMap::new();
        for section in root.sections(book, "calendar", &keys::CALENDAR) {
            let todo = "pools and people refer to it: name = \"emea\"";
            let name = section.own_name(book, todo, units::word);
            let hours = hours(&section, outside, book);
            let Some(name) = name else { continue };
            if calendars.insert(name.it.clone(), hours).is_some() {
                let what = format!("a second calendar is called `{}`", name.it);
                book.mistake(&name.place, what, "each calendar has a name of its own");
            }
        }
        Calendars(calendars)
    }

    /// The hours of the calendar that `section` names under `calendar`, if any.
    pub fn named(&self, section: &Section<'_>, book: &mut Book) -> Option<Arc<Hours>> {
        let name = section.value(book, "calendar", units::text)?;
        if let Some(hours) = self.0.get(&name.it) {
            return hours.clone();
        }
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let todo = did_you_mean(&name.it, &names, "describe it with a [[calendar]] of that name");
        book.mistake(&name.place, format!("there is no calendar `{}`", name.it), todo);
        None
    }

    pub fn into_map(self) -> BTreeMap<String, Arc<Hours>> {
        self.0.into_iter().filter_map(|(name, hours)| Some((name, hours?))).collect()
    }
}

fn hours(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Option<Arc<Hours>> {
    use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    let todo = "write the name of the IANA time zone: timezone = \"Europe/London\"";
    let timezone = section.required(book, "timezone", todo, timezone);
    let days = days(section, book).unwrap_or_else(|| vec![Monday, Tuesday, Wednesday, Thursday, Friday]);
    let spans = spans(section, book).unwrap_or_else(|| vec![(540, 1020)]);
    let holidays = holidays(section, outside, book);
    Some(Arc::new(Hours::new(timezone?.it, &days, &spans, holidays)))
}

/// The keys `days` and `hours` of a person.
pub(super) fn own_week(section: &Section<'_>, book: &mut Book) -> OwnWeek {
    OwnWeek { days: days(section, book), hours: spans(section, book) }
}

/// The key `days` of a calendar or person; `None` when it is not there.
fn days(section: &Section<'_>, book: &mut Book) -> Option<Vec<Weekday>> {
    let place = section.key_place("days")?;
    let read = section.list(book, "days", units::weekday);
    if section.is_empty_list("days") {
        let what = format!("a {} without working days", section.noun());
        book.mistake(place, what, "name at least one: days = [\"mon\"]");
    }
    let mut days = Vec::new();
    for day in read {
        if days.contains(&day.it) {
            book.mistake(&day.place, "this day is named twice", "leave it out");
        }
        days.push(day.it);
    }
    Some(days)
}

/// The key `hours` of a calendar or person; `None` when it is not there.
fn spans(section: &Section<'_>, book: &mut Book) -> Option<Vec<(u16, u16)>> {
    let place = section.key_place("hours")?;
    if section.is_empty_list("hours") {
        let what = format!("a {} without working hours", section.noun());
        book.mistake(place, what, "write some: hours = [\"09:00-17:00\"]");
    }
    let mut spans: Vec<(u16, u16)> = Vec::new();
    for span in section.list(book, "hours", units::span) {
        if spans.iter().any(|other| overlap(*other, span.it)) {
            book.mistake(&span.place, "these hours overlap with earlier ones", "join the two, or move one");
        } else {
            spans.push(span.it);
        }
    }
    Some(spans)
}

/// Whether two spans share a minute of the day, also over midnight.
fn overlap(a: (u16, u16), b: (u16, u16)) -> bool {
    let pieces = |(start, end): (u16, u16)| {
        if start < end { [(start, end), (0, 0)] } else { [(start, 1440), (0, end)] }
    };
    pieces(a).iter().any(|a| pieces(b).iter().any(|b| a.0.max(b.0) < a.1.min(b.1)))
}

fn holidays(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> BTreeSet<Date> {
    let dates = section.list(book, "holidays", units::date);
    let mut holidays: BTreeSet<Date> = dates.into_iter().map(|date| date.it).collect();
    for path in section.list(book, "holidays_ics", units::text) {
        match ics_file(&path, outside) {
            Ok(dates) => holidays.extend(dates),
            Err(fault) => book.fault(&path.place, fault),
        }
    }
    holidays
}

fn ics_file(path: &Placed<String>, outside: &Outside<'_>) -> Result<BTreeSet<Date>, Fault> {
    let path = &path.it;
    let todo = "relative paths start at the folder of the configuration file";
    let text = outside
        .read(path)
        .map_err(|error| Fault::new(format!("cannot read the calendar file `{path}`: {error}"), todo))?;
    ics::all_day_dates(&text).map_err(|error| {
        let todo = "only all-day events and plain yearly repeats are read; write other days under `holidays`";
        Fault::new(format!("`{path}`, line {}: {}", error.line, error.what), todo)
    })
}

/// An IANA time zone by its name.
pub(super) fn timezone(node: &Node) -> Result<TimeZone, Fault> {
    let name = units::text(node)?;
    let known = |name: &str| jiff::tz::db().get(name).or_else(|_| TimeZoneDatabase::bundled().get(name));
    known(&name).map_err(|_| {
        let todo = match near_timezone(&name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA time zone database, such as \"Europe/London\"".to_owned(),
        };
        Fault::new(format!("unknown time zone `{name}`"), todo)
    })
}

/// The nearest name, or the nearest by its last part, so that `Lisbon` leads to `Europe/Lisbon`.
fn near_timezone(name: &str) -> Option<String> {
    let names: Vec<String> =
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let whole = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    whole.or_else(|| {
        let cities: Vec<String> = names.iter().map(|name| city(name)).collect();
        let near = nearest(&city(name), cities.iter().map(String::as_str))?;
        names.iter().find(|name| city(name) == near).cloned()
    })
}
