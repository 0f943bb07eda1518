//! `[[calendar]]`: working days, hours, holidays and time zones.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use usher_core::model::calendar::Hours;
use usher_core::model::policy::OwnWeek;

use super::ics::{self, CalendarFile};
use super::mistakes::{Book, Fault, Place, RELATIVE_TODO, did_you_mean, nearest, readable};
use super::outside::Outside;
use super::reader::{Placed, Section, bare};
use super::settings::Calendar;
use super::tree::{Node, Value};
use super::{keys, units};

/// What is left out of calendar files unless `holidays_skip` says otherwise: how Google marks the
/// days on which people work all the same.
const SKIPPED: &str = "Observance*";
/// The keys of a table of hours: the weekdays, and all others.
const OTHER_DAYS: &str = "other";

/// The calendars by name. One that was not understood is there without hours, so that nobody who
/// refers to it is told that it does not exist.
#[derive(Debug, Default)]
pub(super) struct Calendars(BTreeMap<String, Option<Calendar>>);

impl Calendars {
    pub(super) fn read(root: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Calendars {
        let mut calendars = BTreeMap::new();
        for section in root.sections(book, "calendar", &keys::CALENDAR) {
            let todo = "pools and people refer to it: name = \"emea\"";
            let name = section.own_name(book, todo, units::word);
            let calendar = calendar(&section, outside, book);
            let Some(name) = name else { continue };
            if calendars.insert(name.it.clone(), calendar).is_some() {
                let what = format!("a second calendar is called `{}`", name.it);
                book.mistake(&name.place, what, "each calendar has a name of its own");
            }
        }
        Calendars(calendars)
    }

    /// The hours of the calendar that `section` names under `calendar`, if any.
    pub(super) fn named(&self, section: &Section<'_>, book: &mut Book) -> Option<Arc<Hours>> {
        let name = section.value(book, "calendar", units::text)?;
        if let Some(calendar) = self.0.get(&name.it) {
            return calendar.as_ref().map(|calendar| calendar.hours.clone());
        }
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let todo = did_you_mean(&name.it, &names, "describe it with a [[calendar]] of that name");
        book.mistake(&name.place, format!("there is no calendar `{}`", name.it), todo);
        None
    }

    pub(super) fn into_map(self) -> BTreeMap<String, Calendar> {
        self.0.into_iter().filter_map(|(name, calendar)| Some((name, calendar?))).collect()
    }
}

fn calendar(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Option<Calendar> {
    use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    let todo = "write the name of the IANA time zone: timezone = \"Europe/London\"";
    let timezone = section.required(book, "timezone", todo, timezone);
    let days = days(section, book).unwrap_or_else(|| vec![Monday, Tuesday, Wednesday, Thursday, Friday]);
    let written = hours(section, book);
    let workdays = workdays(section, book);
    let file = holidays(section, outside, book);
    let hours = Hours::new(
        timezone?.it,
        &days,
        &written.usual.unwrap_or_else(|| vec![(540, 1020)]),
        file.days.keys().copied(),
    );
    let hours = written.on.iter().fold(hours, |hours, (day, spans)| hours.with_hours_on(*day, spans));
    Some(Calendar {
        hours: Arc::new(hours.with_workdays(workdays)),
        holidays: file.days,
        skipped: file.skipped,
    })
}

/// The keys `days` and `hours` of a person.
pub(super) fn own_week(section: &Section<'_>, book: &mut Book) -> OwnWeek {
    let hours = hours(section, book);
    OwnWeek { days: days(section, book), hours: hours.usual, hours_on: hours.on }
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

/// The key `hours` of a calendar or person.
#[derive(Default)]
struct WrittenHours {
    /// On every day that `on` does not name.
    usual: Option<Vec<(u16, u16)>>,
    on: Vec<(Weekday, Vec<(u16, u16)>)>,
}

/// A list of spans, or a table of lists by weekday.
fn hours(section: &Section<'_>, book: &mut Book) -> WrittenHours {
    if !matches!(section.node("hours").map(|node| &node.value), Some(Value::Table(_))) {
        return WrittenHours { usual: spans(section, "hours", section.noun(), book), on: Vec::new() };
    }
    let Some(table) = section.section(book, "hours", &keys::HOURS) else { return WrittenHours::default() };
    let mut written = WrittenHours { usual: spans(&table, OTHER_DAYS, section.noun(), book), on: Vec::new() };
    for (name, day) in keys::HOURS.names.iter().zip(Weekday::Monday.cycle_forward().take(7)) {
        if let Some(spans) = spans(&table, name, "day", book) {
            written.on.push((day, spans));
        }
    }
    written
}

/// The spans under `key`; `None` when it is not there.
fn spans(section: &Section<'_>, key: &str, noun: &str, book: &mut Book) -> Option<Vec<(u16, u16)>> {
    let place = section.key_place(key)?;
    if section.is_empty_list(key) {
        let what = format!("a {noun} without working hours");
        let todo = match noun {
            "day" => "leave it out of `days` instead".to_owned(),
            _ => format!("write some: {key} = [\"09:00-17:00\"]"),
        };
        book.mistake(place, what, todo);
    }
    let mut spans: Vec<(u16, u16)> = Vec::new();
    for span in section.list(book, key, units::span) {
        if spans.iter().any(|other| overlap(*other, span.it)) {
            book.mistake(&span.place, "these hours overlap with earlier ones", "join the two, or move one");
        } else {
            spans.push(span.it);
        }
    }
    Some(spans)
}

/// The extra working days. One that is a holiday, too, is a contradiction where both stand here; a
/// calendar file is overruled.
fn workdays(section: &Section<'_>, book: &mut Book) -> Vec<Date> {
    let holidays: Vec<Date> = section.nodes("holidays").filter_map(|node| units::date(node).ok()).collect();
    let workdays = section.list(book, "workdays", units::date);
    for day in workdays.iter().filter(|day| holidays.contains(&day.it)) {
        let what = format!("{} is a holiday and a working day", day.it);
        book.mistake(&day.place, what, "leave it out of `holidays` or `workdays`");
    }
    bare(workdays)
}

/// Whether two spans share a minute of the day, also over midnight.
fn overlap(a: (u16, u16), b: (u16, u16)) -> bool {
    let pieces = |(start, end): (u16, u16)| {
        if start < end { [(start, end), (0, 0)] } else { [(start, 1440), (0, end)] }
    };
    pieces(a).iter().any(|a| pieces(b).iter().any(|b| a.0.max(b.0) < a.1.min(b.1)))
}

/// The days off, written here or in calendar files, with what they are called.
fn holidays(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> CalendarFile {
    let written = section.list(book, "holidays", units::date);
    let mut all = CalendarFile {
        days: written.into_iter().map(|date| (date.it, String::new())).collect(),
        ..CalendarFile::default()
    };
    let skip = match section.key_place("holidays_skip") {
        Some(_) => bare(section.list(book, "holidays_skip", text_pattern)),
        None => matcher(SKIPPED).into_iter().collect(),
    };
    for path in section.list(book, "holidays_ics", units::text) {
        match ics_file(&path, &skip, outside, book) {
            Ok(file) => {
                all.days.extend(file.days);
                all.skipped.extend(file.skipped);
            }
            Err(fault) => book.fault(&path.place, fault),
        }
    }
    all.skipped.retain(|date, _| !all.days.contains_key(date));
    all
}

fn ics_file(
    path: &Placed<String>,
    skip: &[GlobMatcher],
    outside: &Outside<'_>,
    book: &mut Book,
) -> Result<CalendarFile, Fault> {
    let (place, path): (&Place, &str) = (&path.place, &path.it);
    let bytes = outside.read_bytes(path).map_err(|error| {
        let todo = readable(&error, RELATIVE_TODO);
        Fault::new(format!("cannot read the calendar file `{path}`: {error}"), todo)
    })?;
    let file = ics::read(&bytes, skip).map_err(|what| {
        Fault::new(format!("`{path}`: {what}"), "export it once more, or write the days under `holidays`")
    })?;
    for warning in &file.warnings {
        book.warning(
            place,
            format!("`{path}`: {warning}"),
            "where a day off is missing, write it under `holidays`",
        );
    }
    Ok(file)
}

/// A pattern for the name of an event: `*` stands for any text, upper and lower case are the same.
fn text_pattern(node: &Node) -> Result<GlobMatcher, Fault> {
    let text = units::text(node)?;
    matcher(&text).map_err(|error| {
        Fault::new(format!("`{text}` is no pattern: {error}"), "`*` stands for any text: \"Observance*\"")
    })
}

fn matcher(text: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(text).case_insensitive(true).literal_separator(false).build()?.compile_matcher())
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
