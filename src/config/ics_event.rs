//! One event of a calendar file: is it a day off, and which part of it says when.

use std::fmt;

use calcard::common::{CalendarScale, PartialDateTime};
use calcard::icalendar::{
    ICalendarComponent, ICalendarDuration, ICalendarEntry, ICalendarFrequency, ICalendarParameterName,
    ICalendarProperty, ICalendarRecurrenceRule, ICalendarStatus, ICalendarValue,
};
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

/// Repeats without an end are expanded up to here.
const LAST_YEAR: i16 = 2099;
/// Longest event.
const LENGTH_LIMIT_DAYS: i32 = 400;
/// Longest name of an event that is told.
const NAME_CHARS_MAX: usize = 60;
const DAY_SECONDS: i64 = 86_400;

/// One event that lasts whole days.
#[derive(Debug)]
pub(super) struct Event {
    pub name: String,
    /// Summary and description, each on one line.
    pub texts: Vec<String>,
    start: Date,
    /// At least 1.
    pub length_days: usize,
    /// For an instance of a repeated event: the day it was moved from (or stayed on).
    pub moved_from: Option<Date>,
    /// The instance stands for all later ones, too.
    and_future: bool,
    /// Days on which it is not repeated.
    pub exceptions: Vec<Date>,
    more_days: Vec<Date>,
    repeat: Option<ICalendarRecurrenceRule>,
    pub is_cancelled: bool,
}

/// An event that cannot be a day off, and why.
#[derive(Debug)]
pub(super) struct Odd {
    name: String,
    start: Option<Date>,
    why: &'static str,
    pub moved_from: Option<Date>,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "one without a name" } else { &self.name };
        write!(f, "`{name}`")?;
        if let Some(start) = self.start {
            write!(f, " of {start}")?;
        }
        write!(f, " ({})", self.why)
    }
}

impl Event {
    pub(super) fn of(component: &ICalendarComponent) -> Result<Event, Odd> {
        let fields = Fields::of(component);
        let moved_from = fields.moved_from.as_ref().and_then(|(at, _)| fields.date(at));
        let start = fields.start.or(fields.moved_from.as_ref().map(|(at, _)| *at));
        let date = start.and_then(|start| fields.date(start));
        let odd = |why| Odd { name: fields.name.clone(), start: date, why, moved_from };
        let mut event = Event {
            name: fields.name.clone(),
            texts: fields.texts.clone(),
            start: Date::MIN,
            length_days: 1,
            moved_from,
            and_future: fields.moved_from.is_some_and(|(_, and_future)| and_future),
            exceptions: fields.exceptions.iter().filter_map(|at| fields.date(at)).collect(),
            more_days: fields.more_days.iter().filter_map(|at| fields.date(at)).collect(),
            repeat: None,
            is_cancelled: fields.is_cancelled,
        };
        // Of what does not take place only the day matters that it is missing on.
        if event.is_cancelled {
            return match event.and_future {
                true => Err(odd("it ends a repeat in a way that is not understood")),
                false => Ok(event),
            };
        }
        let (Some(start), Some(date)) = (start, date) else { return Err(odd("it has no date")) };
        event.start = date;
        event.length_days = fields.length_days(start, date).map_err(odd)?;
        event.repeat = fields.repeat(date).map_err(odd)?;
        Ok(event)
    }

    /// The same for the expansion of repeats: dates and nothing else.
    pub(super) fn plain(&self) -> ICalendarComponent {
        use ICalendarProperty::{Dtstart, Exdate, Rdate, RecurrenceId, Rrule};
        let of = |name, date: &Date| ICalendarEntry::new(name).with_value(partial(*date));
        let mut entries = vec![of(Dtstart, &self.start)];
        entries.extend(self.exceptions.iter().map(|date| of(Exdate, date)));
        entries.extend(self.more_days.iter().map(|date| of(Rdate, date)));
        entries.extend(self.repeat.clone().map(|rule| ICalendarEntry::new(Rrule).with_value(rule)));
        entries.extend(self.moved_from.iter().map(|date| {
            let entry = of(RecurrenceId, date);
            if self.and_future { entry.with_param(range_and_future()) } else { entry }
        }));
        let component_type = calcard::icalendar::ICalendarComponentType::VEvent;
        ICalendarComponent { component_type, entries, component_ids: Vec::new() }
    }

    /// Its repeat makes no sense.
    pub(super) fn badly_repeated(&self) -> Odd {
        Odd { name: self.name.clone(), start: Some(self.start), why: NO_REPEAT, moved_from: self.moved_from }
    }
}

const NO_REPEAT: &str = "its repeat is not understood";

fn range_and_future() -> calcard::icalendar::ICalendarParameter {
    let value = calcard::icalendar::ICalendarParameterValue::Bool(true);
    calcard::icalendar::ICalendarParameter { name: ICalendarParameterName::Range, value }
}

/// The properties of an event that say when it is.
#[derive(Default)]
struct Fields<'c> {
    name: String,
    texts: Vec<String>,
    start: Option<&'c PartialDateTime>,
    end: Option<&'c PartialDateTime>,
    duration: Option<&'c ICalendarDuration>,
    /// And whether all later instances move, too.
    moved_from: Option<(&'c PartialDateTime, bool)>,
    exceptions: Vec<&'c PartialDateTime>,
    more_days: Vec<&'c PartialDateTime>,
    repeats: Vec<&'c ICalendarRecurrenceRule>,
    /// Something that moves a date was not understood.
    unread: bool,
    is_cancelled: bool,
    /// As Outlook marks an event of whole days.
    is_all_day: bool,
    /// That of the start.
    zone: Option<TimeZone>,
}

impl<'c> Fields<'c> {
    fn of(component: &'c ICalendarComponent) -> Fields<'c> {
        let mut fields = Fields::default();
        component.entries.iter().for_each(|entry| fields.read(entry));
        fields
    }

    fn read(&mut self, entry: &'c ICalendarEntry) {
        use ICalendarProperty as Name;
        let first = entry.values.first();
        let at = || match first {
            Some(ICalendarValue::PartialDateTime(at)) => Some(&**at),
            _ => None,
        };
        let text = || first.and_then(ICalendarValue::as_text).unwrap_or_default();
        match &entry.name {
            Name::Summary => {
                let line = one_line(text());
                self.name = line.chars().take(NAME_CHARS_MAX).collect();
                self.texts.push(line);
            }
            Name::Description => self.texts.push(one_line(text())),
            Name::Dtstart => {
                self.start = at();
                self.zone = entry.tz_id().and_then(|name| jiff::tz::db().get(name).ok());
            }
            Name::Dtend => {
                self.end = at();
                self.unread |= self.end.is_none();
            }
            Name::Duration => match first {
                Some(ICalendarValue::Duration(duration)) => self.duration = Some(duration),
                _ => self.unread = true,
            },
            Name::RecurrenceId => {
                let and_future = entry.parameters(&ICalendarParameterName::Range).next().is_some();
                self.moved_from = at().map(|at| (at, and_future));
                self.unread |= self.moved_from.is_none();
            }
            Name::Exdate => self.exceptions.extend(dates(entry, &mut self.unread)),
            Name::Rdate => self.more_days.extend(dates(entry, &mut self.unread)),
            Name::Rrule => match first {
                Some(ICalendarValue::RecurrenceRule(rule)) => self.repeats.push(rule),
                // Some programs write an empty rule for an event that is not repeated.
                _ => self.unread |= !text().trim().is_empty(),
            },
            Name::Exrule => self.unread = true,
            Name::Status => {
                self.is_cancelled = matches!(first, Some(ICalendarValue::Status(ICalendarStatus::Cancelled)));
            }
            Name::Other(name) if name.eq_ignore_ascii_case("X-MICROSOFT-CDO-ALLDAYEVENT") => {
                self.is_all_day = text().eq_ignore_ascii_case("TRUE");
            }
            _ => {}
        }
    }

    /// The date of an instant where the event takes place, or as it is written.
    fn date(&self, at: &PartialDateTime) -> Option<Date> {
        let number = |part: Option<u8>| i8::try_from(part?).ok();
        let date = Date::new(i16::try_from(at.year?).ok()?, number(at.month)?, number(at.day)?).ok()?;
        let (Some(zone), Some(hours)) = (&self.zone, number(at.tz_hour)) else { return Some(date) };
        let sign = if at.tz_minus { -1 } else { 1 };
        let minutes = i32::from(hours) * 60 + i32::from(number(at.tz_minute).unwrap_or_default());
        let offset = Offset::from_seconds(sign * minutes * 60).ok()?;
        let clock = Time::new(number(at.hour)?, number(at.minute)?, 0, 0).ok()?;
        Some(zone.to_datetime(offset.to_timestamp(date.to_datetime(clock)).ok()?).date())
    }

    /// How many whole days it lasts from `date` on, or why it does not.
    fn length_days(&self, start: &PartialDateTime, date: Date) -> Result<usize, &'static str> {
        const HOURS: &str = "it has hours of the day";
        let end = match self.end {
            Some(end) => Some((self.date(end).ok_or("its end is no date")?, minute(end))),
            None => None,
        };
        let until = |end: Date| whole_days(end.duration_since(date).as_secs());
        let days = match (minute(start), end, self.duration) {
            // An end with a time beside a start without one: that day counts, but for its midnight.
            (None, Some((end, clock)), _) => {
                until(end) + i32::from(clock.is_some_and(|minute| minute > 0) || end == date)
            }
            (None, None, None) => 1,
            (None, None, Some(length)) => whole_days(length.as_seconds() + DAY_SECONDS - 1).max(1),
            (Some(0), Some((end, None | Some(0))), _) if end != date => until(end),
            (Some(0), Some((end, Some(1439))), _) => until(end) + 1,
            (Some(0), None, Some(length)) if length.as_seconds() % DAY_SECONDS == 0 => {
                whole_days(length.as_seconds())
            }
            (Some(0), None, None) if self.is_all_day => 1,
            _ => return Err(HOURS),
        };
        match usize::try_from(days) {
            _ if days > LENGTH_LIMIT_DAYS => Err("it lasts longer than 400 days"),
            Ok(days) if days > 0 => Ok(days),
            _ => Err("it ends before it begins"),
        }
    }

    /// Its rule, for dates only and with an end.
    fn repeat(&self, start: Date) -> Result<Option<ICalendarRecurrenceRule>, &'static str> {
        use ICalendarFrequency::{Hourly, Minutely, Secondly};
        let rule = match self.repeats[..] {
            _ if self.unread => return Err(NO_REPEAT),
            [] => return Ok(None),
            [rule] => rule,
            _ => return Err(NO_REPEAT),
        };
        let other_calendar = rule.rscale.as_ref().is_some_and(|scale| *scale != CalendarScale::Gregorian);
        if other_calendar || matches!(rule.freq, Hourly | Minutely | Secondly) {
            return Err(NO_REPEAT);
        }
        let horizon = Date::new(LAST_YEAR.max(start.year()), 12, 31).unwrap_or(Date::MAX);
        let until = match &rule.until {
            Some(until) => self.date(until).ok_or(NO_REPEAT)?.min(horizon),
            None => horizon,
        };
        let (byhour, byminute, bysecond) = (Vec::new(), Vec::new(), Vec::new());
        let until = Some(partial(until));
        Ok(Some(ICalendarRecurrenceRule { until, byhour, byminute, bysecond, ..rule.clone() }))
    }
}

/// The dates of a list; sets `unread` where one of them is none.
fn dates<'e>(entry: &'e ICalendarEntry, unread: &mut bool) -> Vec<&'e PartialDateTime> {
    let mut dates = Vec::new();
    for value in &entry.values {
        match value {
            ICalendarValue::PartialDateTime(at) => dates.push(&**at),
            _ => *unread |= value.as_text().is_none_or(|text| !text.trim().is_empty()),
        }
    }
    dates
}

/// The minute of the day; `None` for a date without one.
fn minute(at: &PartialDateTime) -> Option<u16> {
    let part = |part: Option<u8>| u16::from(part.unwrap_or_default());
    at.hour.map(|hour| u16::from(hour) * 60 + part(at.minute))
}

fn whole_days(seconds: i64) -> i32 {
    i32::try_from(seconds / DAY_SECONDS).unwrap_or(i32::MAX)
}

fn partial(date: Date) -> PartialDateTime {
    PartialDateTime {
        year: Some(date.year().unsigned_abs()),
        month: Some(date.month().unsigned_abs()),
        day: Some(date.day().unsigned_abs()),
        ..PartialDateTime::default()
    }
}

/// On one line, without what a terminal would obey.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect()
}
