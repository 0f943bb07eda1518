//! Holidays from calendar files (RFC 5545), as much of it as holidays need: all-day events, over
//! one or several days, once or every year. Anything else that would move a date is refused with
//! its line, because a holiday that is silently missing is worse than a file that does not load.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// Yearly repeats are expanded up to here.
const LAST_YEAR: i16 = 2099;
/// Longest event.
const EVENT_LIMIT_DAYS: usize = 400;
/// Most events in one file.
const EVENT_LIMIT: usize = 5_000;

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
struct Event {
    line: usize,
    start: Option<Date>,
    end: Option<Date>,
    yearly: Option<Yearly>,
    cancelled: bool,
}

/// A yearly repeat and where it ends.
struct Yearly {
    count: Option<usize>,
    until: Option<Date>,
}

/// All dates on which there is an event.
///
/// # Errors
/// The first line that is not understood.
pub(super) fn all_day_dates(text: &str) -> Result<BTreeSet<Date>, IcsError> {
    let lines = unfold(text)?;
    let first = lines.first();
    if first.is_none_or(|line| line.name != "BEGIN" || !line.value.eq_ignore_ascii_case("VCALENDAR")) {
        return fail(
            first.map_or(1, |line| line.number),
            "this is no calendar file: BEGIN:VCALENDAR is missing",
        );
    }
    let mut dates = BTreeSet::new();
    let mut open: Vec<String> = Vec::new();
    let mut event: Option<Event> = None;
    let mut events = 0;
    for line in &lines {
        match line.name.as_str() {
            "BEGIN" => {
                open.push(line.value.to_uppercase());
                if open.len() == 2 && open[1] == "VEVENT" {
                    events += 1;
                    event = Some(Event {
                        line: line.number,
                        start: None,
                        end: None,
                        yearly: None,
                        cancelled: false,
                    });
                }
            }
            "END" => {
                if open.pop() != Some(line.value.to_uppercase()) {
                    return fail(line.number, "END does not match its BEGIN");
                }
                if let (1, Some(event)) = (open.len(), event.take_if(|_| open.len() == 1)) {
                    event.add_to(&mut dates)?;
                }
            }
            // Alarms and other things inside an event do not concern its dates.
            _ if open.len() == 2 => {
                if let Some(event) = &mut event {
                    event.read(line)?;
                }
            }
            _ => {}
        }
        if events > EVENT_LIMIT {
            return fail(line.number, "more than 5000 events");
        }
    }
    match open.is_empty() {
        true => Ok(dates),
        false => fail(lines.last().map_or(1, |line| line.number), "the file ends in the middle"),
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
        match line.name.as_str() {
            "DTSTART" => self.start = Some(whole_day(line)?),
            "DTEND" => self.end = Some(whole_day(line)?),
            "RRULE" => self.yearly = Some(yearly(line)?),
            "STATUS" => self.cancelled = line.value.eq_ignore_ascii_case("CANCELLED"),
            "DURATION" | "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID" => {
                return fail(line.number, &format!("{} is not supported", line.name));
            }
            _ => {}
        }
        Ok(())
    }

    fn add_to(self, dates: &mut BTreeSet<Date>) -> Result<(), IcsError> {
        let Some(start) = self.start else { return fail(self.line, "an event without DTSTART") };
        if self.cancelled {
            return Ok(());
        }
        let days = match self.end {
            // DTEND is the day after the last one.
            Some(end) => start
                .series(jiff::Span::new().days(1))
                .take_while(|day| *day < end)
                .take(EVENT_LIMIT_DAYS + 1)
                .count(),
            None => 1,
        };
        if days == 0 || days > EVENT_LIMIT_DAYS {
            return fail(self.line, "an event that ends before it begins, or lasts longer than 400 days");
        }
        for first in self.first_days(start) {
            dates.extend(first.series(jiff::Span::new().days(1)).take(days));
        }
        Ok(())
    }

    /// The first day of each repeat. A 29 February is there only in leap years, as RFC 5545 has it.
    fn first_days(&self, start: Date) -> Vec<Date> {
        let Some(yearly) = &self.yearly else { return vec![start] };
        (start.year()..=LAST_YEAR.max(start.year()))
            .filter_map(|year| Date::new(year, start.month(), start.day()).ok())
            .take_while(|day| yearly.until.is_none_or(|until| *day <= until))
            .take(yearly.count.unwrap_or(usize::MAX))
            .collect()
    }
}

fn whole_day(line: &Line) -> Result<Date, IcsError> {
    match date(&line.value) {
        Some(date) if line.parameters.split(';').any(|parameter| parameter == "VALUE=DATE") => Ok(date),
        _ => fail(line.number, &format!("{} is no whole day; only all-day events are supported", line.name)),
    }
}

/// `20261224`.
fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// `FREQ=YEARLY`, at most with an end.
fn yearly(line: &Line) -> Result<Yearly, IcsError> {
    let mut rule = Yearly { count: None, until: None };
    let mut is_yearly = false;
    for part in line.value.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let understood = match (name.to_uppercase().as_str(), value.to_uppercase().as_str()) {
            ("FREQ", "YEARLY") => {
                is_yearly = true;
                true
            }
            ("INTERVAL", "1") | ("WKST", _) => true,
            ("COUNT", count) => {
                rule.count = count.parse().ok().filter(|count| *count > 0);
                rule.count.is_some()
            }
            ("UNTIL", until) => {
                rule.until = date(until.split('T').next().unwrap_or_default());
                rule.until.is_some()
            }
            _ => false,
        };
        if !understood {
            return fail(line.number, &format!("the repeat `{part}` is not supported, only FREQ=YEARLY"));
        }
    }
    if is_yearly { Ok(rule) } else { fail(line.number, "a repeat without FREQ=YEARLY") }
}

fn fail<T>(line: usize, what: &str) -> Result<T, IcsError> {
    Err(IcsError { line, what: what.to_owned() })
}
