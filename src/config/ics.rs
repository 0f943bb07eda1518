//! Holidays from calendar files (RFC 5545), as much of it as holidays need: all-day events, over
//! one or several days, once or every year. Anything else that would move a date is refused with
//! its line, because a holiday that is silently missing is worse than a file that does not load.
//!
//! What real programs write beside it is taken: `DTSTART:20261225` without `VALUE=DATE`, a
//! `DURATION` in days or weeks, `BYMONTH` and `BYMONTHDAY` that repeat what the start says, several
//! calendars in one file. Cancelled events are left out, whatever they say.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;

/// Yearly repeats are expanded up to here.
const LAST_YEAR: i16 = 2099;
/// Longest event.
const EVENT_LIMIT_DAYS: i32 = 400;
/// Most events in one file.
const EVENT_LIMIT: usize = 5_000;
/// Most days of all events of one file, repeats included.
const DATE_LIMIT: usize = 200_000;

/// What is wrong with a calendar file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IcsError {
    /// Counted from 1.
    pub line: usize,
    pub what: String,
}

/// One content line: name, parameters, value.
struct Line {
    number: usize,
    name: String,
    parameters: String,
    value: String,
}

/// The event that is being read.
#[derive(Default)]
struct Event {
    line: usize,
    start: Option<Date>,
    end: Option<Date>,
    length_days: Option<i32>,
    yearly: Option<Yearly>,
    cancelled: bool,
    /// The first thing that was not understood; of no interest when the event is cancelled.
    error: Option<IcsError>,
}

/// A yearly repeat and where it ends.
struct Yearly {
    line: usize,
    every_years: i16,
    month: Option<i8>,
    day: Option<i8>,
    count: Option<usize>,
    until: Option<Date>,
}

/// All dates on which there is an event.
///
/// # Errors
/// The first line that is not understood.
pub(super) fn all_day_dates(text: &str) -> Result<BTreeSet<Date>, IcsError> {
    let lines = unfold(text)?;
    let mut reader = Reader::default();
    for line in &lines {
        reader.read(line)?;
    }
    let last = lines.last().map_or(1, |line| line.number);
    if let Some(error) = reader.event.and_then(|event| event.error) {
        return Err(error);
    }
    if !reader.open.is_empty() {
        return fail(last, "the file ends in the middle");
    }
    if lines.is_empty() {
        return fail(1, NO_CALENDAR);
    }
    if reader.events == 0 {
        return fail(last, "there is no event in this file");
    }
    Ok(reader.dates)
}

const NO_CALENDAR: &str = "this is no calendar file: BEGIN:VCALENDAR is missing";

/// What has been read so far.
#[derive(Default)]
struct Reader {
    dates: BTreeSet<Date>,
    /// Names of the components that the line is in, outermost first.
    open: Vec<String>,
    event: Option<Event>,
    events: usize,
    /// Days of all events, those that fall together counted each.
    days: usize,
}

impl Reader {
    fn read(&mut self, line: &Line) -> Result<(), IcsError> {
        match line.name.as_str() {
            "BEGIN" => self.begin(line),
            "END" => self.end(line),
            _ if self.open.is_empty() => fail(line.number, NO_CALENDAR),
            // Alarms and other things inside an event do not concern its dates.
            _ => {
                if let (2, Some(event)) = (self.open.len(), &mut self.event)
                    && let Err(error) = event.read(line)
                {
                    event.error.get_or_insert(error);
                }
                Ok(())
            }
        }
    }

    fn begin(&mut self, line: &Line) -> Result<(), IcsError> {
        let name = line.value.to_uppercase();
        if self.open.is_empty() && name != "VCALENDAR" {
            return fail(line.number, NO_CALENDAR);
        }
        if self.open.len() == 1 && name == "VEVENT" {
            self.events += 1;
            if self.events > EVENT_LIMIT {
                return fail(line.number, "more than 5000 events");
            }
            self.event = Some(Event { line: line.number, ..Event::default() });
        } else if name == "VEVENT" {
            return fail(line.number, "an event inside of something else");
        }
        self.open.push(name);
        Ok(())
    }

    fn end(&mut self, line: &Line) -> Result<(), IcsError> {
        if self.open.pop() != Some(line.value.to_uppercase()) {
            return fail(line.number, "END does not match its BEGIN");
        }
        if self.open.len() == 1
            && let Some(event) = self.event.take()
        {
            let line = event.line;
            for (first, days) in event.days()? {
                self.days += days;
                if self.days > DATE_LIMIT {
                    return fail(line, "more than 200000 days in all");
                }
                self.dates.extend(first.series(1.day()).take(days));
            }
        }
        Ok(())
    }
}

/// Joins folded lines (RFC 5545, 3.1) and splits them.
fn unfold(text: &str) -> Result<Vec<Line>, IcsError> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => whole.push((index + 1, line.to_owned())),
        }
    }
    whole.into_iter().map(|(number, line)| split(number, &line)).collect()
}

fn split(number: usize, line: &str) -> Result<Line, IcsError> {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    });
    let Some(colon) = colon else { return fail(number, "a line without a colon") };
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    let (name, parameters) = (name.to_uppercase(), parameters.to_uppercase());
    Ok(Line { number, name, parameters, value: value.trim().to_owned() })
}

impl Event {
    fn read(&mut self, line: &Line) -> Result<(), IcsError> {
        let twice = match line.name.as_str() {
            "DTSTART" => self.start.replace(whole_day(line)?).is_some(),
            "DTEND" => self.end.replace(whole_day(line)?).is_some(),
            "DURATION" => self.length_days.replace(whole_days(line)?).is_some(),
            "RRULE" => self.yearly.replace(yearly(line)?).is_some(),
            "STATUS" => {
                self.cancelled = line.value.eq_ignore_ascii_case("CANCELLED");
                false
            }
            "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID" => {
                return fail(line.number, &format!("{} is not supported", line.name));
            }
            _ => false,
        };
        match twice {
            true => fail(line.number, &format!("a second {} in one event", line.name)),
            false => Ok(()),
        }
    }

    /// The first day of each repeat, and how many days each has.
    fn days(self) -> Result<Vec<(Date, usize)>, IcsError> {
        if self.cancelled {
            return Ok(Vec::new());
        }
        if let Some(error) = self.error {
            return Err(error);
        }
        let Some(start) = self.start else { return fail(self.line, "an event without DTSTART") };
        let length = match (self.end, self.length_days) {
            (Some(_), Some(_)) => return fail(self.line, "an event with both DTEND and DURATION"),
            // DTEND is the day after the last one.
            (Some(end), None) => start.until(end).map_or(0, |span| span.get_days()),
            (None, days) => days.unwrap_or(1),
        };
        if !(1..=EVENT_LIMIT_DAYS).contains(&length) {
            return fail(self.line, "an event that ends before it begins, or lasts longer than 400 days");
        }
        let length = usize::try_from(length).unwrap_or_default();
        let firsts = match &self.yearly {
            None => vec![start],
            Some(yearly) => yearly.first_days(start)?,
        };
        Ok(firsts.into_iter().map(|first| (first, length)).collect())
    }
}

impl Yearly {
    /// A 29 February is there only in leap years, as RFC 5545 has it.
    fn first_days(&self, start: Date) -> Result<Vec<Date>, IcsError> {
        let other = |part: Option<i8>, of_start| part.is_some_and(|part| part != of_start);
        if other(self.month, start.month()) || other(self.day, start.day()) {
            return fail(self.line, "a yearly repeat on another day than that of DTSTART");
        }
        let last = LAST_YEAR.max(start.year());
        let years = (start.year()..=last).step_by(usize::from(self.every_years.unsigned_abs()));
        let days = years.filter_map(|year| Date::new(year, start.month(), start.day()).ok());
        let until = self.until.unwrap_or(Date::MAX);
        Ok(days.take_while(|day| *day <= until).take(self.count.unwrap_or(usize::MAX)).collect())
    }
}

/// A date; that `VALUE=DATE` is missing does not make it an instant.
fn whole_day(line: &Line) -> Result<Date, IcsError> {
    let kinds = line.parameters.split(';').filter_map(|parameter| parameter.strip_prefix("VALUE="));
    match date(&line.value) {
        Some(date) if kinds.into_iter().all(|kind| kind == "DATE") => Ok(date),
        _ => fail(line.number, &format!("{} is no whole day; only all-day events are supported", line.name)),
    }
}

/// `P2D` or `P1W`.
fn whole_days(line: &Line) -> Result<i32, IcsError> {
    let text = line.value.to_uppercase();
    let text = text.strip_prefix('+').unwrap_or(&text);
    let number = |unit| text.strip_prefix('P').and_then(|text| text.strip_suffix(unit)).and_then(digits);
    let days = number('D').or_else(|| number('W').and_then(|weeks| weeks.checked_mul(7)));
    days.map_or_else(|| fail(line.number, "DURATION is not in whole days"), Ok)
}

fn digits(text: &str) -> Option<i32> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `20261224`.
fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// `FREQ=YEARLY`, at most with an end, a number of years between, and the day that it is anyway.
fn yearly(line: &Line) -> Result<Yearly, IcsError> {
    let mut rule =
        Yearly { line: line.number, every_years: 1, month: None, day: None, count: None, until: None };
    let mut names = BTreeSet::new();
    for part in line.value.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim().to_uppercase(), value.trim().to_uppercase());
        let small = |most: i32| digits(&value).filter(|number| (1..=most).contains(number));
        let understood = match name.as_str() {
            "FREQ" => value == "YEARLY",
            "WKST" => true,
            "INTERVAL" => {
                rule.every_years =
                    small(1000).and_then(|years| i16::try_from(years).ok()).unwrap_or_default();
                rule.every_years > 0
            }
            "BYMONTH" => {
                rule.month = small(12).and_then(|month| i8::try_from(month).ok());
                rule.month.is_some()
            }
            "BYMONTHDAY" => {
                rule.day = small(31).and_then(|day| i8::try_from(day).ok());
                rule.day.is_some()
            }
            "COUNT" => {
                rule.count = small(i32::MAX).and_then(|count| usize::try_from(count).ok());
                rule.count.is_some()
            }
            "UNTIL" => {
                rule.until = date(value.split('T').next().unwrap_or_default());
                rule.until.is_some()
            }
            _ => false,
        };
        if !understood || !names.insert(name) {
            return fail(line.number, &format!("the repeat `{part}` is not supported, only FREQ=YEARLY"));
        }
    }
    if !names.contains("FREQ") {
        return fail(line.number, "a repeat without FREQ=YEARLY");
    }
    if names.contains("COUNT") && names.contains("UNTIL") {
        return fail(line.number, "a repeat with both COUNT and UNTIL");
    }
    if names.contains("BYMONTHDAY") && !names.contains("BYMONTH") {
        return fail(line.number, "BYMONTHDAY without BYMONTH is a day of every month");
    }
    Ok(rule)
}

fn fail<T>(line: usize, what: &str) -> Result<T, IcsError> {
    Err(IcsError { line, what: what.to_owned() })
}
