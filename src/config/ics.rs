//! Which days a calendar file (RFC 5545) takes off.
//!
//! Reading and repeating is the work of the crate `calcard`. Ours is which events are days off: those
//! that last whole days, however the program that wrote them says so. What cannot be a day off (a
//! single hour, a repeat that nobody understands) is left out and told by its name; a file that is
//! cut off is refused, because a holiday that is silently missing is worse than a file that does not
//! load.

use std::collections::{BTreeMap, BTreeSet};

use calcard::common::timezone::Tz;
use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType};
use calcard::{Entry, Parser};
use globset::GlobMatcher;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::ics_event::{Event, Odd};

/// Most events in one file.
const EVENT_LIMIT: usize = 5_000;
/// Most days of all events of one file, repeats included.
const DATE_LIMIT: usize = 200_000;
/// Events that are named in one warning.
const NAMED_MAX: usize = 5;

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct CalendarFile {
    /// Days off, and what they are called.
    pub days: BTreeMap<Date, String>,
    /// Days that are left out because the configuration says so, and what they are called.
    pub skipped: BTreeMap<Date, String>,
    /// What the reader should know: sentences without a full stop.
    pub warnings: Vec<String>,
}

/// Reads a file. Events whose summary or description matches one of `skip` are no days off.
///
/// # Errors
/// Why this is no calendar file, or not a whole one.
pub(super) fn read(bytes: &[u8], skip: &[GlobMatcher]) -> Result<CalendarFile, String> {
    let mut file = CalendarFile::default();
    let text = decode(bytes, &mut file.warnings);
    let series = series(components(&text)?)?;
    if series.is_empty() {
        file.warnings.push("there is no event in this file yet".to_owned());
    }
    let mut odd = Vec::new();
    for components in series {
        file.take(components, skip, &mut odd)?;
    }
    file.skipped.retain(|date, _| !file.days.contains_key(date));
    file.warnings.extend(told(&odd));
    Ok(file)
}

/// UTF-8, or what else is written where it is not: every byte is a letter there.
fn decode(bytes: &[u8], warnings: &mut Vec<String>) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            warnings.push("this file is not UTF-8; it was read as Latin-1, so names may look odd".to_owned());
            bytes.iter().copied().map(char::from).collect()
        }
    }
}

/// The components of all calendars in a file.
fn components(text: &str) -> Result<Vec<ICalendarComponent>, String> {
    let mut components = Vec::new();
    let mut calendars = 0;
    let mut parser = Parser::new(text);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => {
                calendars += 1;
                components.extend(calendar.components);
            }
            Entry::Eof => break,
            Entry::UnterminatedComponent(_) | Entry::TooManyComponents => return Err(CUT_OFF.to_owned()),
            // Lines and things that are no part of a calendar.
            _ => {}
        }
    }
    let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match calendars {
        0 => Err("this is no calendar file: BEGIN:VCALENDAR is missing".to_owned()),
        _ if !last.eq_ignore_ascii_case("END:VCALENDAR") => Err(CUT_OFF.to_owned()),
        _ => Ok(components),
    }
}

const CUT_OFF: &str = "the file ends in the middle: the last line is not END:VCALENDAR";

/// The events, those that belong together in one list: a repeated one and its moved instances have
/// one id.
fn series(components: Vec<ICalendarComponent>) -> Result<Vec<Vec<ICalendarComponent>>, String> {
    let is_event =
        |component: &ICalendarComponent| component.component_type == ICalendarComponentType::VEvent;
    let (mut series, mut places) = (Vec::<Vec<_>>::new(), BTreeMap::new());
    for (number, event) in components.into_iter().filter(is_event).enumerate() {
        if number >= EVENT_LIMIT {
            return Err(format!("more than {EVENT_LIMIT} events"));
        }
        let place = match event.uid() {
            Some(uid) => *places.entry(uid.to_owned()).or_insert(series.len()),
            None => series.len(),
        };
        match series.get_mut(place) {
            Some(together) => together.push(event),
            None => series.push(vec![event]),
        }
    }
    Ok(series)
}

impl CalendarFile {
    /// Takes the days of events that belong together.
    fn take(
        &mut self,
        components: Vec<ICalendarComponent>,
        skip: &[GlobMatcher],
        odd: &mut Vec<Odd>,
    ) -> Result<(), String> {
        let mut events = Vec::new();
        // Instances that do not take place, or do so elsewhere.
        let mut gone = BTreeSet::new();
        for component in &components {
            match Event::of(component) {
                Ok(event) => {
                    gone.extend(event.exceptions.iter().chain(&event.moved_from).copied());
                    events.extend((!event.is_cancelled).then_some(event));
                }
                Err(fault) => {
                    gone.extend(fault.moved_from);
                    odd.push(fault);
                }
            }
        }
        let plain = events.iter().map(Event::plain).collect();
        let repeated = ICalendar { components: plain }.expand_dates(Tz::Floating, DATE_LIMIT);
        for error in repeated.errors {
            odd.extend(events.get(error.comp_id as usize).map(Event::badly_repeated));
        }
        for instance in repeated.events {
            let Some(event) = events.get(instance.comp_id as usize) else { continue };
            let Some(first) = utc_date(instance.start.timestamp()) else { continue };
            if event.moved_from.is_some() || !gone.contains(&first) {
                self.add(event, first, skip)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, event: &Event, first: Date, skip: &[GlobMatcher]) -> Result<(), String> {
        let days = if event.texts.iter().any(|text| skip.iter().any(|pattern| pattern.is_match(text))) {
            &mut self.skipped
        } else {
            &mut self.days
        };
        for date in first.series(1.day()).take(event.length_days) {
            let name = days.entry(date).or_default();
            if !event.name.is_empty() && !name.split(", ").any(|other| other == event.name) {
                let comma = if name.is_empty() { "" } else { ", " };
                name.push_str(comma);
                name.push_str(&event.name);
            }
        }
        if days.len() > DATE_LIMIT {
            return Err(format!("more than {DATE_LIMIT} days in all"));
        }
        Ok(())
    }
}

/// The date of a time without a zone, which is counted as if it were in UTC.
fn utc_date(second: i64) -> Option<Date> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_second(second).ok()?).date())
}

/// One warning for all events that are left out.
fn told(odd: &[Odd]) -> Option<String> {
    let named: Vec<String> = odd.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = match odd.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let what = match odd.len() {
        0 => return None,
        1 => "an event that is no day off is left out".to_owned(),
        many => format!("{many} events that are no days off are left out"),
    };
    Some(format!("{what}: {}{more}", named.join(", ")))
}
