//! Business time: working days, hours, holidays and leave, in a time zone.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far ahead working time is looked for. Nobody is away for longer than this without being off
/// the roster; beyond it there is "no working time".
const HORIZON_DAYS: usize = 400;

/// One stretch of a working day, in minutes after midnight: `start < end <= 1440`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DaySpan {
    pub start_minute: u16,
    pub end_minute: u16,
}

/// Working hours of a week with holidays, in a time zone.
#[derive(Clone, Debug)]
pub struct Hours {
    timezone: TimeZone,
    /// Disjoint spans in ascending order, Monday first.
    week: [Vec<DaySpan>; 7],
    holidays: BTreeSet<Date>,
    longest_day_millis: i64,
}

/// Days on which somebody is not there, both ends included, in the person's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    pub first: Date,
    pub last: Date,
}

impl Hours {
    /// Builds a week from working days and hours. A span whose end is not after its start goes over
    /// midnight into the next day; touching and overlapping spans are merged.
    pub fn new(
        timezone: TimeZone,
        days: &[Weekday],
        hours: &[(u16, u16)],
        holidays: impl IntoIterator<Item = Date>,
    ) -> Hours {
        let mut week: [Vec<DaySpan>; 7] = Default::default();
        for day in days {
            let index = usize::from(day.to_monday_zero_offset().unsigned_abs());
            for &(start, end) in hours {
                if start < end {
                    week[index].push(DaySpan { start_minute: start, end_minute: end });
                } else {
                    week[index].push(DaySpan { start_minute: start, end_minute: 1440 });
                    if end > 0 {
                        week[(index + 1) % 7].push(DaySpan { start_minute: 0, end_minute: end });
                    }
                }
            }
        }
        for spans in &mut week {
            *spans = merged(std::mem::take(spans));
        }
        let minutes: u16 = hours.iter().map(|&(s, e)| if s < e { e - s } else { 1440 - s + e }).sum();
        let longest_day_millis = i64::from(minutes.clamp(1, 1440)) * 60_000;
        Hours { timezone, week, holidays: holidays.into_iter().collect(), longest_day_millis }
    }

    /// Monday to Friday, 09:00 to 17:00.
    pub fn office(timezone: TimeZone) -> Hours {
        use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
        Hours::new(timezone, &[Monday, Tuesday, Wednesday, Thursday, Friday], &[(540, 1020)], [])
    }

    /// The same week and holidays in another time zone.
    pub fn in_timezone(&self, timezone: TimeZone) -> Hours {
        Hours { timezone, ..self.clone() }
    }

    pub fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// Business time of one whole working day, in milliseconds: what a budget of "1d" means.
    pub fn longest_day_millis(&self) -> i64 {
        self.longest_day_millis
    }
}

fn merged(mut spans: Vec<DaySpan>) -> Vec<DaySpan> {
    spans.sort();
    let mut result: Vec<DaySpan> = Vec::with_capacity(spans.len());
    for span in spans {
        match result.last_mut() {
            Some(last) if span.start_minute <= last.end_minute => {
                last.end_minute = last.end_minute.max(span.end_minute);
            }
            _ => result.push(span),
        }
    }
    result
}

/// Somebody's working time: hours minus leave.
#[derive(Clone, Copy, Debug)]
pub struct Agenda<'a> {
    pub hours: &'a Hours,
    pub away: &'a [Away],
}

impl<'a> Agenda<'a> {
    pub fn new(hours: &'a Hours, away: &'a [Away]) -> Agenda<'a> {
        Agenda { hours, away }
    }

    /// The local date at `instant`.
    pub fn date(&self, instant: Timestamp) -> Date {
        instant.to_zoned(self.hours.timezone.clone()).date()
    }

    /// The last day of the leave that covers `instant`, joined leaves counted as one.
    pub fn away_until(&self, instant: Timestamp) -> Option<Date> {
        let mut date = self.date(instant);
        let mut until = None;
        // Each round moves past one leave, so there are at most as many rounds as leaves.
        for _ in 0..self.away.len() {
            let Some(leave) = self.away.iter().find(|leave| leave.first <= date && date <= leave.last) else {
                break;
            };
            until = Some(leave.last);
            let Ok(next) = leave.last.tomorrow() else { break };
            date = next;
        }
        until
    }

    /// The first day of the next leave that begins after today.
    pub fn next_leave(&self, instant: Timestamp) -> Option<Date> {
        let today = self.date(instant);
        self.away.iter().map(|leave| leave.first).filter(|first| *first > today).min()
    }

    /// Whether `instant` is working time.
    pub fn is_working(&self, instant: Timestamp) -> bool {
        self.next_working(instant) == Some(instant)
    }

    /// The first working instant at or after `instant`; `None` when there is none within the
    /// horizon of 400 days.
    pub fn next_working(&self, instant: Timestamp) -> Option<Timestamp> {
        self.stretches(instant).next().map(|(start, _)| start)
    }

    /// When the stretch of working time that `instant` lies in ends; one that goes on over midnight
    /// ends on the next date. `None` outside working time.
    pub fn working_until(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut stretches = self.stretches(instant);
        let (_, end) = stretches.next().filter(|(start, _)| *start == instant)?;
        let next = stretches.next().filter(|(start, _)| *start == end);
        Some(next.map_or(end, |(_, end)| end))
    }

    /// When `millis` of business time that start running at `from` are spent. With 0 the next
    /// working instant. `None` beyond the horizon.
    pub fn add(&self, from: Timestamp, millis: i64) -> Option<Timestamp> {
        let mut left = millis;
        for (start, end) in self.stretches(from) {
            let length = end.as_millisecond() - start.as_millisecond();
            if left <= length {
                return Timestamp::from_millisecond(start.as_millisecond() + left).ok();
            }
            left -= length;
        }
        None
    }

    /// Business time between two instants, in milliseconds; 0 when `to` is not after `from`. Looks
    /// no further than the horizon.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> i64 {
        self.stretches(from)
            .take_while(|(start, _)| *start < to)
            .map(|(start, end)| end.min(to).as_millisecond() - start.as_millisecond())
            .sum()
    }

    /// Working stretches that end after `from`, the first one cut off at `from`.
    fn stretches(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + use<'a> {
        let agenda = *self;
        // A span that ends at 24:00 ends on the next date, so yesterday is never needed.
        let mut date = Some(agenda.date(from));
        std::iter::from_fn(move || {
            let today = date?;
            date = today.tomorrow().ok();
            Some(agenda.day(today))
        })
        .take(HORIZON_DAYS)
        .flatten()
        .filter(move |(_, end)| *end > from)
        .map(move |(start, end)| (start.max(from), end))
    }

    /// The working stretches of one local date.
    fn day(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + use<'a> {
        let hours = self.hours;
        let off = hours.holidays.contains(&date)
            || self.away.iter().any(|leave| leave.first <= date && date <= leave.last);
        let index = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        let spans: &'a [DaySpan] = if off { &[] } else { &hours.week[index] };
        spans.iter().filter_map(move |span| {
            let start = hours.instant(date, span.start_minute)?;
            let end = hours.instant(date, span.end_minute)?;
            // In the hour that daylight saving skips a span can shrink to nothing.
            (start < end).then_some((start, end))
        })
    }
}

impl Hours {
    /// The instant of a local wall-clock minute. In a gap the later side is taken, in a fold the
    /// earlier (jiff's "compatible" rule, RFC 5545's too).
    fn instant(&self, date: Date, minute: u16) -> Option<Timestamp> {
        let (date, minute) =
            if minute == 1440 { (date.checked_add(1.day()).ok()?, 0) } else { (date, minute) };
        let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
        self.timezone.to_timestamp(date.to_datetime(time)).ok()
    }
}
