//! Business time against an independent implementation: the crate `workclock`.
//!
//! It differs in three definitions, and only where these play a part a case is left out or asked in
//! another way:
//! - A time in the hour that daylight saving skips: there it moves on by the length of the gap,
//!   here to the gap's end. Cases with such a time are rejected ([`in_a_gap`]); single cases are in
//!   `clock_changes`.
//! - A holiday takes away a stretch of the calendar there, the shifts that begin on it here. For
//!   shifts within a day it is the same. For night shifts the same question is asked in a zone twelve
//!   hours off, where the night is a day.
//! - Adding nothing gives the instant itself there, the next working instant here.
//!
//! Maintenance is not known there: it is taken off by hand. It counts in an older jiff: types are
//! converted at its door ([`oracle`]).

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use usher_core::model::calendar::{Agenda, Away, Hours, Window};
use workclock::{Holidays, Schedule, Weekdays, WorkDay};

use super::config;
use crate::support::company::zone;

/// Zones with whole, half and no hours of daylight saving, on both halves of the globe, with clock
/// changes at midnight (Havana, Cairo, Asuncion), before it (Nuuk) and in the small hours.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "America/Havana",
    "Africa/Cairo",
    "America/Asuncion",
    "America/Nuuk",
    "America/St_Johns",
];

/// 2023-11-14: two years from here have clock changes of every zone in both directions.
const FIRST: i64 = 1_700_000_000;
const HOUR_MILLIS: i64 = 3_600_000;

/// A calendar as both sides take it.
#[derive(Clone, Debug)]
struct Week {
    zone: &'static str,
    days: Vec<Weekday>,
    spans: Vec<(u16, u16)>,
    holidays: BTreeSet<Date>,
}

impl Week {
    fn ours(&self) -> Hours {
        Hours::new(zone(self.zone), &self.days, &self.spans, self.holidays.iter().copied())
    }

    fn theirs(&self) -> Schedule {
        let days: Weekdays = self.days.iter().copied().map(oracle::weekday).collect();
        // 24:00 is 00:00 there, which is "not after the start" and so on the next day.
        let time = |minute: u16| oracle::time((minute / 60 % 24) as i8, (minute % 60) as i8);
        let shift = |&(start, end): &(u16, u16)| WorkDay::new(time(start), time(end), days);
        let builder = Schedule::builder().time_zone(self.zone);
        let builder = self.spans.iter().map(shift).fold(builder, workclock::ScheduleBuilder::rule);
        builder.rule(Holidays::new(self.holidays.iter().copied().map(oracle::date))).build().unwrap()
    }

    /// Whether a shift that begins or ends between two instants does so in a gap of the clock.
    fn in_a_gap(&self, from: Timestamp, to: Timestamp) -> bool {
        let zone = zone(self.zone);
        let day =
            |at: Timestamp, days: i64| at.to_zoned_datetime(zone.clone()).date().saturating_add(days.days());
        let (mut date, last) = (day(from, -2), day(to, 2));
        while date <= last {
            for minute in self.spans.iter().flat_map(|&(start, end)| [start, end]) {
                let wall = date.at((minute / 60 % 24) as i8, (minute % 60) as i8, 0, 0);
                if matches!(zone.to_ambiguous_timestamp(wall).offset(), AmbiguousOffset::Gap { .. }) {
                    return true;
                }
            }
            date = date.tomorrow().unwrap();
        }
        false
    }
}

fn days() -> impl Strategy<Value = Vec<Weekday>> {
    btree_set(0_i8..7, 1..8)
        .prop_map(|days| days.into_iter().map(|day| Weekday::from_monday_zero_offset(day).unwrap()).collect())
}

/// Hours in quarters: whole ones are where clocks change, so that edges are met on purpose.
fn span() -> impl Strategy<Value = (u16, u16)> {
    (0_u16..96, 1_u16..=96)
        .prop_filter("begins and ends at once", |(start, end)| start != end)
        .prop_map(|(start, end)| (start * 15, end * 15))
}

fn dates() -> impl Strategy<Value = BTreeSet<Date>> {
    vec(0_i64..760, 0..12).prop_map(|days| days.into_iter().map(date).collect())
}

fn date(offset: i64) -> Date {
    Date::constant(2023, 11, 1).saturating_add(offset.days())
}

/// A week in which single days have hours of their own, and days that are worked out of turn.
#[derive(Clone, Debug)]
struct Uneven {
    week: Week,
    own_hours: Vec<(Weekday, Vec<(u16, u16)>)>,
    workdays: BTreeSet<Date>,
}

impl Uneven {
    fn ours(&self) -> Hours {
        let on = |hours: Hours, (day, spans): &(Weekday, Vec<(u16, u16)>)| hours.with_hours_on(*day, spans);
        self.own_hours.iter().fold(self.week.ours(), on).with_workdays(self.workdays.iter().copied())
    }

    fn spans_on(&self, day: Weekday) -> &[(u16, u16)] {
        let own = self.own_hours.iter().rev().find(|(own, _)| *own == day);
        own.map_or(&self.week.spans, |(_, spans)| spans)
    }

    /// A rule for each weekday. There are no extra working days there, so each weekday on which one falls
    /// is worked, and all its other dates are holidays.
    fn theirs(&self) -> Schedule {
        let worked = |day: Weekday| {
            self.week.days.contains(&day) || self.workdays.iter().any(|date| date.weekday() == day)
        };
        let mut builder = Schedule::builder().time_zone(self.week.zone);
        let all = (0..7).map(|day| Weekday::from_monday_zero_offset(day).unwrap());
        for day in all.filter(|day| worked(*day)) {
            for &(start, end) in self.spans_on(day) {
                let time = |minute: u16| oracle::time((minute / 60 % 24) as i8, (minute % 60) as i8);
                let days: Weekdays = [oracle::weekday(day)].into_iter().collect();
                builder = builder.rule(WorkDay::new(time(start), time(end), days));
            }
        }
        let off =
            |date: &Date| !self.week.days.contains(&date.weekday()) || self.week.holidays.contains(date);
        let idle = (-20..1_800).map(date).filter(|date| off(date) && !self.workdays.contains(date));
        builder.rule(Holidays::new(idle.map(oracle::date))).build().unwrap()
    }
}

/// Shifts within a day; of single weekdays, too.
fn uneven_week() -> impl Strategy<Value = Uneven> {
    let within = || span().prop_map(|(a, b)| (a.min(b), a.max(b)));
    let weekday = (0_i8..7).prop_map(|day| Weekday::from_monday_zero_offset(day).unwrap());
    let own_hours = vec((weekday, vec(within(), 1..3)), 0..4);
    (day_week(), own_hours, dates()).prop_map(|(week, own_hours, workdays)| Uneven {
        week,
        own_hours,
        workdays,
    })
}

/// Whatever shifts, without holidays.
fn any_week() -> impl Strategy<Value = Week> {
    (prop::sample::select(ZONES.to_vec()), days(), vec(span(), 1..4)).prop_map(|(zone, days, spans)| Week {
        zone,
        days,
        spans,
        holidays: BTreeSet::new(),
    })
}

/// Shifts within a day, with holidays.
fn day_week() -> impl Strategy<Value = Week> {
    let within = span().prop_map(|(a, b)| (a.min(b), a.max(b)));
    (prop::sample::select(ZONES.to_vec()), days(), vec(within, 1..4), dates())
        .prop_map(|(zone, days, spans, holidays)| Week { zone, days, spans, holidays })
}

/// Shifts from noon to noon in UTC, with holidays.
fn night_week() -> impl Strategy<Value = Week> {
    let night = (48_u16..96, 48_u16..144)
        .prop_filter("from noon to noon", |(start, end)| start < end)
        .prop_map(|(start, end)| (start * 15, if end > 96 { (end - 96) * 15 } else { end * 15 }));
    (days(), vec(night, 1..4), dates()).prop_map(|(days, spans, holidays)| Week {
        zone: "UTC",
        days,
        spans,
        holidays,
    })
}

/// The same calendar twelve hours west of Greenwich, where noon is midnight.
fn twelve_hours_off(week: &Week) -> Week {
    let earlier = |minute: u16| (minute + 1440 - 720) % 1440;
    let spans = week.spans.iter();
    let spans = spans.map(|&(start, end)| match earlier(end) {
        0 => (earlier(start), 1440),
        end => (earlier(start), end),
    });
    Week { zone: "Etc/GMT+12", spans: spans.collect(), ..week.clone() }
}

fn instant() -> impl Strategy<Value = Timestamp> {
    let minute = 0_i64..2 * 365 * 1440;
    let whole = minute.prop_map(|minute| FIRST / 60 * 60 + minute * 60);
    let odd = FIRST..FIRST + 2 * 365 * 86_400;
    prop_oneof![whole, odd].prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn theirs_between(schedule: &Schedule, from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(schedule.between(oracle::instant(from), oracle::instant(to)).as_millis()).unwrap()
}

fn theirs_add(schedule: &Schedule, from: Timestamp, millis: i64) -> Timestamp {
    let due = schedule.add(oracle::instant(from), jiff_0_2::SignedDuration::from_millis(millis));
    oracle::ours(due.unwrap())
}

/// Our types as the oracle has them, and back.
mod oracle {
    use jiff_0_2::civil;

    pub(super) fn instant(at: jiff::Timestamp) -> jiff_0_2::Timestamp {
        jiff_0_2::Timestamp::from_nanosecond(at.as_nanosecond()).unwrap()
    }

    pub(super) fn ours(at: jiff_0_2::Timestamp) -> jiff::Timestamp {
        jiff::Timestamp::from_nanosecond(at.as_nanosecond()).unwrap()
    }

    pub(super) fn date(date: jiff::civil::Date) -> civil::Date {
        civil::Date::new(date.year(), date.month(), date.day()).unwrap()
    }

    pub(super) fn time(hour: i8, minute: i8) -> civil::Time {
        civil::Time::new(hour, minute, 0, 0).unwrap()
    }

    pub(super) fn weekday(day: jiff::civil::Weekday) -> civil::Weekday {
        civil::Weekday::from_monday_zero_offset(day.to_monday_zero_offset()).unwrap()
    }
}

/// Both say the same of the time between two instants, and of when an amount is spent.
fn agree(
    agenda: &Agenda<'_>,
    theirs: &Schedule,
    from: Timestamp,
    to: Timestamp,
    millis: i64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        agenda.between(from, to),
        theirs_between(theirs, from, to),
        "between {} and {}",
        from,
        to
    );
    let due = theirs_add(theirs, from, millis);
    prop_assert_eq!(agenda.add(from, millis), Some(due), "{} ms from {}", millis, from);
    let start = oracle::ours(theirs.next_period(oracle::instant(from)).unwrap().start);
    prop_assert_eq!(agenda.next_working(from), Some(start), "next work after {}", from);
    prop_assert_eq!(agenda.is_working(from), start == from);
    Ok(())
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn any_shifts(week in any_week(), from in instant(), seconds in 0_i64..40 * 86_400, millis in 1_i64..120 * HOUR_MILLIS) {
        let (hours, theirs) = (week.ours(), week.theirs());
        let to = from + SignedDuration::from_secs(seconds);
        let due = theirs_add(&theirs, from, millis);
        prop_assume!(!week.in_a_gap(from, to.max(due)));
        agree(&Agenda::new(&hours, &[]), &theirs, from, to, millis)?;
    }

    #[test]
    fn holidays_and_leave_of_day_workers(week in day_week(), leave in vec((0_i64..760, 0_i64..20), 0..3), from in instant(), seconds in 0_i64..40 * 86_400, millis in 1_i64..120 * HOUR_MILLIS) {
        let away: Vec<Away> = leave.iter().map(|&(first, days)| Away { first: date(first), last: date(first + days) }).collect();
        let mut off = week.clone();
        off.holidays.extend(leave.iter().flat_map(|&(first, days)| (first..=first + days).map(date)));
        let (hours, theirs) = (week.ours(), off.theirs());
        let to = from + SignedDuration::from_secs(seconds);
        let due = theirs_add(&theirs, from, millis);
        prop_assume!(!week.in_a_gap(from, to.max(due)));
        agree(&Agenda::new(&hours, &away), &theirs, from, to, millis)?;
    }

    #[test]
    fn holidays_and_leave_of_night_workers(week in night_week(), leave in vec((0_i64..760, 0_i64..20), 0..3), from in instant(), seconds in 0_i64..40 * 86_400, millis in 1_i64..120 * HOUR_MILLIS) {
        let away: Vec<Away> = leave.iter().map(|&(first, days)| Away { first: date(first), last: date(first + days) }).collect();
        let mut as_days = twelve_hours_off(&week);
        as_days.holidays.extend(leave.iter().flat_map(|&(first, days)| (first..=first + days).map(date)));
        let hours = week.ours();
        let to = from + SignedDuration::from_secs(seconds);
        agree(&Agenda::new(&hours, &away), &as_days.theirs(), from, to, millis)?;
    }

    #[test]
    fn uneven_weeks_and_extra_working_days(uneven in uneven_week(), from in instant(), seconds in 0_i64..40 * 86_400, millis in 1_i64..120 * HOUR_MILLIS) {
        let (hours, theirs) = (uneven.ours(), uneven.theirs());
        let to = from + SignedDuration::from_secs(seconds);
        let due = theirs_add(&theirs, from, millis);
        let spans = uneven.own_hours.iter().flat_map(|(_, spans)| spans).chain(&uneven.week.spans);
        let all = Week { spans: spans.copied().collect(), ..uneven.week.clone() };
        prop_assume!(!all.in_a_gap(from, to.max(due)));
        agree(&Agenda::new(&hours, &[]), &theirs, from, to, millis)?;
        let longest = (0..7).map(|day| Weekday::from_monday_zero_offset(day).unwrap());
        let longest = longest.filter(|day| uneven.week.days.contains(day)).map(|day| {
            let mut minutes = [false; 1440];
            for &(start, end) in uneven.spans_on(day) {
                minutes[usize::from(start)..usize::from(end)].fill(true);
            }
            minutes.iter().filter(|worked| **worked).count() as i64
        });
        prop_assert_eq!(Some(hours.longest_day_millis()), longest.max().map(|minutes| minutes * 60_000));
    }

    #[test]
    fn maintenance(week in any_week(), closed in vec((0_i64..60 * 1440, 1_i64..3 * 1440), 0..6), from in instant(), seconds in 0_i64..40 * 86_400) {
        let (hours, theirs) = (week.ours(), week.theirs());
        let to = from + SignedDuration::from_secs(seconds);
        prop_assume!(!week.in_a_gap(from, to));
        let window = |&(start, minutes): &(i64, i64)| {
            let start = from + SignedDuration::from_mins(start - 10 * 1440);
            Window { start, end: start + SignedDuration::from_mins(minutes) }
        };
        let closed = Window::joined(closed.iter().map(window).collect());
        let open = Agenda::new(&hours, &[]);
        let agenda = open.outside(&closed);
        let inside: i64 = closed.iter().map(|window| {
            let (start, end) = (window.start.clamp(from, to), window.end.clamp(from, to));
            theirs_between(&theirs, start, end)
        }).sum();
        let spent = agenda.between(from, to);
        prop_assert_eq!(spent, theirs_between(&theirs, from, to) - inside);
        if spent > 0 {
            let reached = agenda.add(from, spent).unwrap();
            prop_assert!(reached <= to);
            prop_assert_eq!(agenda.between(from, reached), spent);
            prop_assert_eq!(agenda.between(from, reached - SignedDuration::from_millis(1)), spent - 1);
        }
        let next = agenda.next_working(from).unwrap();
        prop_assert!(closed.iter().all(|window| next < window.start || window.end <= next));
        prop_assert!(open.is_working(next));
    }
}
