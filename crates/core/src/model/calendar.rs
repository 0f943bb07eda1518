//! Business time: working days, hours, holidays, leave and maintenance, in a time zone.
//!
//! Three rules decide every odd case (`docs/calendars.md` tells them to users):
//! - A time of day is reached at the first instant at which the clock on the wall shows it or a
//!   later one. So what begins or ends in the hour that daylight saving skips does so when that hour
//!   is over, and a time that comes twice counts the first time. This keeps the order of times, so
//!   no clock change can make two shifts overlap.
//! - A shift belongs to the day on which it begins. A holiday or leave takes away the shifts that
//!   begin on it: the night shift of the evening before runs to its end, and the one of that evening
//!   does not take place, its morning after included.
//! - Shifts that overlap all the same count once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// How many days in a row without work are looked through. Nobody is away for longer than this
/// without being off the roster; beyond it there is "no working time".
const IDLE_DAYS_MAX: u32 = 400;
/// How far business time is counted at all, in days: the largest budget of somebody who works two
/// hours a week, and boxes that began decades ago.
const REACH_DAYS: i32 = 20_000;
const DAY_MINUTES: u16 = 1440;

/// One shift, in minutes after midnight of the day it begins on: `start < end`. An end beyond 1440
/// lies on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shift {
    start_minute: u16,
    end_minute: u16,
}

/// Working hours of a week with holidays, in a time zone.
#[derive(Clone, Debug)]
pub struct Hours {
    timezone: TimeZone,
    /// Monday first.
    days: [bool; 7],
    /// Disjoint shifts of each weekday, Monday first, in ascending order; also of those on which
    /// nobody works as a rule, for an extra working day.
    shifts: [Vec<Shift>; 7],
    holidays: Arc<BTreeSet<Date>>,
    /// Days that are worked on whatever weekday they are, and whatever the holidays say.
    workdays: Arc<BTreeSet<Date>>,
}

/// Days on which somebody is not there, both ends included, in the person's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    pub first: Date,
    pub last: Date,
}

/// A stretch of time in which a forge is closed: `start` is the first instant of it, `end` the
/// first one after it, and `start < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Window {
    /// The windows in ascending order; those that touch or overlap become one, empty ones go.
    pub fn joined(mut windows: Vec<Window>) -> Vec<Window> {
        windows.retain(|window| window.start < window.end);
        windows.sort();
        windows.dedup_by(|next, last| {
            let joins = next.start <= last.end;
            if joins {
                last.end = last.end.max(next.end);
            }
            joins
        });
        windows
    }
}

impl Hours {
    /// Builds a week from working days and hours. `hours` are minutes after midnight (start 0 to
    /// 1439, end 0 to 1440); one whose end is not after its start ends on the next day. Touching
    /// and overlapping ones are joined.
    pub fn new(
        timezone: TimeZone,
        days: &[Weekday],
        hours: &[(u16, u16)],
        holidays: impl IntoIterator<Item = Date>,
    ) -> Hours {
        let holidays = Arc::new(holidays.into_iter().collect());
        let shifts = std::array::from_fn(|_| shifts(hours));
        Hours { timezone, days: mask(days), shifts, holidays, workdays: Arc::default() }
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

    /// The same time zone and holidays with other working days, other hours (as in [`Hours::new`])
    /// on all of them, or both; `None` keeps what is there. Whoever has days of their own has no
    /// extra ones.
    pub fn with_week(&self, days: Option<&[Weekday]>, hours: Option<&[(u16, u16)]>) -> Hours {
        let mut own = self.clone();
        if let Some(days) = days {
            own.days = mask(days);
            own.workdays = Arc::default();
        }
        if let Some(hours) = hours {
            own.shifts = std::array::from_fn(|_| shifts(hours));
        }
        own
    }

    /// The same with other hours (as in [`Hours::new`]) on one weekday, whether or not it is worked.
    pub fn with_hours_on(mut self, day: Weekday, hours: &[(u16, u16)]) -> Hours {
        if let Some(of_day) = self.shifts.get_mut(place(day)) {
            *of_day = shifts(hours);
        }
        self
    }

    /// The same with days that are worked, holiday or not, with the hours of their weekday.
    pub fn with_workdays(self, workdays: impl IntoIterator<Item = Date>) -> Hours {
        Hours { workdays: Arc::new(workdays.into_iter().collect()), ..self }
    }

    pub fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// Business time of one whole working day, the longest of the week, in milliseconds: what a
    /// budget of "1d" means. At least one minute, at most 24 hours.
    pub fn longest_day_millis(&self) -> i64 {
        let minutes = |shifts: &Vec<Shift>| -> u16 {
            shifts.iter().map(|shift| shift.end_minute - shift.start_minute).sum()
        };
        let none_works = !self.days.contains(&true);
        let days = self.shifts.iter().zip(self.days).filter(|(_, works)| *works || none_works);
        let longest = days.map(|(shifts, _)| minutes(shifts)).max().unwrap_or_default();
        i64::from(longest.clamp(1, DAY_MINUTES)) * 60_000
    }

    /// Whether people work on `date`.
    pub fn is_workday(&self, date: Date) -> bool {
        self.workdays.contains(&date) || self.has(date.weekday()) && !self.holidays.contains(&date)
    }

    /// Whether people would work on `date` if it were no holiday.
    pub fn is_in_week(&self, date: Date) -> bool {
        self.has(date.weekday()) || self.workdays.contains(&date)
    }

    /// Whether it is a working day of the week.
    fn has(&self, day: Weekday) -> bool {
        self.days.get(place(day)).is_some_and(|works| *works)
    }

    /// The shifts that begin on `date`, where it is worked at all.
    fn shifts_of(&self, date: Date) -> &[Shift] {
        self.shifts.get(place(date.weekday())).map_or(&[], Vec::as_slice)
    }

    /// The first instant at which the clock on the wall shows this minute of `date`, or a later one.
    fn instant(&self, date: Date, minute: u16) -> Option<Timestamp> {
        let (days, minute) = (minute / DAY_MINUTES, minute % DAY_MINUTES);
        let date = if days == 0 { date } else { date.checked_add(i32::from(days).days()).ok()? };
        let wall = date.to_datetime(Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?);
        let ambiguous = self.timezone.to_ambiguous_timestamp(wall);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                let before_the_jump = after.to_timestamp(wall).ok()?;
                self.timezone.following(before_the_jump).next().map(|jump| jump.timestamp())
            }
            _ => ambiguous.compatible().ok(),
        }
    }
}

fn mask(days: &[Weekday]) -> [bool; 7] {
    std::array::from_fn(|at| days.iter().any(|day| place(*day) == at))
}

/// Days from Monday on.
fn place(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs())
}

fn shifts(hours: &[(u16, u16)]) -> Vec<Shift> {
    let over_midnight = |start, end| if start < end { end } else { end + DAY_MINUTES };
    let shift =
        |&(start, end): &(u16, u16)| Shift { start_minute: start, end_minute: over_midnight(start, end) };
    let mut shifts: Vec<Shift> = hours.iter().map(shift).collect();
    shifts.sort();
    shifts.dedup_by(|next, last| {
        let joins = next.start_minute <= last.end_minute;
        if joins {
            last.end_minute = last.end_minute.max(next.end_minute);
        }
        joins
    });
    shifts
}

/// Somebody's working time: hours minus leave, and minus the times in which the forge is closed.
#[derive(Clone, Copy, Debug)]
pub struct Agenda<'a> {
    pub hours: &'a Hours,
    pub away: &'a [Away],
    /// As [`Window::joined`] leaves them.
    closed: &'a [Window],
}

impl<'a> Agenda<'a> {
    pub fn new(hours: &'a Hours, away: &'a [Away]) -> Agenda<'a> {
        Agenda { hours, away, closed: &[] }
    }

    /// The same without the time in these windows, which are as [`Window::joined`] leaves them.
    pub fn outside(self, closed: &'a [Window]) -> Agenda<'a> {
        Agenda { closed, ..self }
    }

    /// Whether it is the very same: not another one that looks alike.
    fn is_same(&self, other: &Agenda<'_>) -> bool {
        std::ptr::eq(self.hours, other.hours)
            && std::ptr::eq(self.away, other.away)
            && std::ptr::eq(self.closed, other.closed)
    }

    /// The local date at `instant`.
    pub fn date(&self, instant: Timestamp) -> Date {
        self.hours.timezone.to_datetime(instant).date()
    }

    /// The day that `instant` belongs to: the one on which the shift that covers it begins (whether
    /// or not it takes place), else the local date.
    pub fn workday(&self, instant: Timestamp) -> Date {
        let today = self.date(instant);
        let Ok(yesterday) = today.yesterday() else { return today };
        let night = self.end_over_midnight(yesterday).is_some_and(|end| instant < end);
        // A shift of today that takes place counts more than one of yesterday that does not.
        let replaced = || self.is_off(yesterday) && !self.is_off(today) && self.shift_covers(today, instant);
        if night && !replaced() { yesterday } else { today }
    }

    /// The last day of the leave that covers `instant`, joined leaves counted as one.
    pub fn away_until(&self, instant: Timestamp) -> Option<Date> {
        if self.away.is_empty() {
            return None;
        }
        let mut date = self.workday(instant);
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
        if self.away.is_empty() {
            return None;
        }
        let today = self.workday(instant);
        self.away.iter().map(|leave| leave.first).filter(|first| *first > today).min()
    }

    /// The instant at which a leave whose first day is `first` begins: midnight, or when the night
    /// shift of the day before is over.
    pub fn leave_begins(&self, first: Date) -> Option<Timestamp> {
        let midnight = self.hours.instant(first, 0)?;
        let night = first.yesterday().ok().and_then(|yesterday| self.end_over_midnight(yesterday));
        Some(night.map_or(midnight, |end| end.max(midnight)))
    }

    /// Whether `instant` is working time.
    pub fn is_working(&self, instant: Timestamp) -> bool {
        self.next_working(instant) == Some(instant)
    }

    /// The first working instant at or after `instant`; `None` when there is none within 400 days.
    pub fn next_working(&self, instant: Timestamp) -> Option<Timestamp> {
        self.stretches(instant).next().map(|(start, _)| start)
    }

    /// When the stretch of working time that `instant` lies in ends; one that another joins at once
    /// ends with that one. `None` outside working time.
    pub fn working_until(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut stretches = self.stretches(instant);
        let (_, end) = stretches.next().filter(|(start, _)| *start == instant)?;
        let next = stretches.next().filter(|(start, _)| *start == end);
        Some(next.map_or(end, |(_, end)| end))
    }

    /// When `millis` of business time that start running at `from` are spent: the earliest such
    /// instant, so a budget that ends with a shift ends there, and not as the next one begins. With
    /// 0 or less the next working instant. `None` when 400 days in a row have no working time.
    pub fn add(&self, from: Timestamp, millis: i64) -> Option<Timestamp> {
        let mut left = millis.max(0);
        for (start, end) in self.stretches(from) {
            let length = end.as_millisecond() - start.as_millisecond();
            if left <= length {
                // An instant between two milliseconds must not be carried over the end.
                return start.checked_add(SignedDuration::from_millis(left)).ok().map(|at| at.min(end));
            }
            left -= length;
        }
        None
    }

    /// Business time between two instants, in milliseconds; 0 when `to` is not after `from`. Exact
    /// however long nobody works in between, up to 20,000 days.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> i64 {
        if to <= from {
            return 0;
        }
        let stretches = Stretches { idle_days_max: u32::MAX, ..self.stretches(from) };
        // Where the clock goes back over midnight a day begins before the one ahead of it is over.
        let last = self.date(to).tomorrow().unwrap_or(Date::MAX).min(stretches.last);
        Stretches { last, ..stretches }
            .take_while(|(start, _)| *start < to)
            .map(|(start, end)| end.min(to).as_millisecond() - start.as_millisecond())
            .sum()
    }

    /// Whether the shifts that begin on `date` do not take place.
    fn is_off(&self, date: Date) -> bool {
        let away = |leave: &Away| leave.first <= date && date <= leave.last;
        !self.hours.is_workday(date) || self.away.iter().any(away)
    }

    /// When the shift of `date` that runs over midnight ends; `None` when there is none in its week.
    fn end_over_midnight(&self, date: Date) -> Option<Timestamp> {
        let hours = self.hours;
        let last = hours.shifts_of(date).last().filter(|shift| shift.end_minute > DAY_MINUTES)?;
        if hours.is_in_week(date) { hours.instant(date, last.end_minute) } else { None }
    }

    fn shift_covers(&self, date: Date, instant: Timestamp) -> bool {
        let hours = self.hours;
        hours.shifts_of(date).iter().any(|shift| {
            let start = hours.instant(date, shift.start_minute);
            let end = hours.instant(date, shift.end_minute);
            start.is_some_and(|start| start <= instant) && end.is_some_and(|end| instant < end)
        })
    }

    /// Working stretches that end after `from`, the first one cut off at `from`.
    fn stretches(&self, from: Timestamp) -> Stretches<'a> {
        let wall = self.hours.timezone.to_datetime(from);
        let minute = wall.hour().unsigned_abs() as u16 * 60 + u16::from(wall.minute().unsigned_abs());
        let today = wall.date();
        // What began before yesterday is over: no shift is longer than a day.
        let (next, passed_minutes) = match today.yesterday() {
            Ok(yesterday) => (yesterday, 2 * DAY_MINUTES + minute),
            Err(_) => (today, DAY_MINUTES + minute),
        };
        Stretches {
            agenda: *self,
            over: from,
            shifts: [].iter(),
            date: next,
            next: Some(next),
            last: today.checked_add(REACH_DAYS.days()).unwrap_or(Date::MAX),
            passed_minutes,
            idle_days: 0,
            idle_days_max: IDLE_DAYS_MAX,
            rest: None,
        }
    }
}

/// Remembers where [`Agenda::add`] led to, for as long as one decision takes: it asks the same many
/// times. People and policy do not change meanwhile, so an agenda is known by where it lies.
#[derive(Debug, Default)]
pub struct Walks<'a> {
    known: RefCell<Vec<Walk<'a>>>,
}

/// One walk: from where, how far in milliseconds, and where it led.
type Walk<'a> = (Agenda<'a>, Timestamp, i64, Option<Timestamp>);

impl<'a> Walks<'a> {
    /// As [`Agenda::add`].
    pub fn add(&self, agenda: &Agenda<'a>, from: Timestamp, millis: i64) -> Option<Timestamp> {
        let asked = |(of, since, far, _): &&Walk<'a>| of.is_same(agenda) && *since == from && *far == millis;
        let known = self.known.borrow().iter().find(asked).map(|(.., at)| *at);
        known.unwrap_or_else(|| {
            let at = agenda.add(from, millis);
            self.known.borrow_mut().push((*agenda, from, millis, at));
            at
        })
    }
}

/// Walks over working time, day by day, without touching the heap.
struct Stretches<'a> {
    agenda: Agenda<'a>,
    /// Everything before this has been told, or asked to be left out.
    over: Timestamp,
    /// What is left of the shifts of `date`.
    shifts: std::slice::Iter<'a, Shift>,
    date: Date,
    /// The day after `date`, until `last` has been looked at.
    next: Option<Date>,
    last: Date,
    /// Shifts of `date` that end by this minute are over; spares a look into the time zone.
    passed_minutes: u16,
    idle_days: u32,
    idle_days_max: u32,
    /// What is left of a shift in which the forge was closed for a while.
    rest: Option<(Timestamp, Timestamp)>,
}

impl Stretches<'_> {
    fn next_shift(&mut self) -> Option<(Timestamp, Timestamp)> {
        let hours = self.agenda.hours;
        loop {
            for shift in self.shifts.by_ref() {
                if shift.end_minute <= self.passed_minutes {
                    continue;
                }
                let start = hours.instant(self.date, shift.start_minute)?.max(self.over);
                let end = hours.instant(self.date, shift.end_minute)?;
                // In the hour that daylight saving skips a shift can shrink to nothing.
                if start < end {
                    self.over = end;
                    return Some((start, end));
                }
            }
            self.open_next_day()?;
        }
    }

    fn open_next_day(&mut self) -> Option<()> {
        let date = self.next.filter(|next| *next <= self.last)?;
        if self.idle_days >= self.idle_days_max {
            return None;
        }
        self.idle_days += 1;
        self.date = date;
        self.next = date.tomorrow().ok();
        self.passed_minutes = self.passed_minutes.saturating_sub(DAY_MINUTES);
        let off = self.agenda.is_off(date);
        self.shifts = if off { [].iter() } else { self.agenda.hours.shifts_of(date).iter() };
        Some(())
    }
}

impl Iterator for Stretches<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<(Timestamp, Timestamp)> {
        loop {
            let (start, end) = match self.rest.take() {
                Some(rest) => rest,
                None => self.next_shift()?,
            };
            let closed = self.agenda.closed;
            let first = closed.partition_point(|window| window.end <= start);
            let window = closed.get(first).filter(|window| window.start < end);
            self.rest = window.filter(|window| window.end < end).map(|window| (window.end, end));
            let open_until = window.map_or(end, |window| window.start);
            if start < open_until {
                self.idle_days = 0;
                return Some((start, open_until));
            }
        }
    }
}
