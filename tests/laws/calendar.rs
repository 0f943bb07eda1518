//! Laws of business time.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use usher_core::model::calendar::{Agenda, Away, Hours};

use super::config;
use crate::support::company::zone;

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "America/Havana",
    "Africa/Cairo",
    "Pacific/Apia",
];

const FIRST: i64 = 1_700_000_000;
const YEAR_SECONDS: i64 = 365 * 86_400;
const HOUR_MILLIS: i64 = 3_600_000;

fn hours() -> impl Strategy<Value = Hours> {
    let days = prop::collection::btree_set(0_i8..7, 1..8);
    let spans = vec((0_u16..1440, 1_u16..=1440), 1..3);
    let holidays = vec(0_i64..1_000, 0..6);
    (prop::sample::select(ZONES.to_vec()), days, spans, holidays).prop_map(|(name, days, spans, holidays)| {
        let days: Vec<Weekday> =
            days.into_iter().map(|day| Weekday::from_monday_zero_offset(day).unwrap()).collect();
        Hours::new(zone(name), &days, &spans, holidays.into_iter().map(day))
    })
}

fn day(offset: i64) -> Date {
    Date::constant(2023, 11, 1).saturating_add(offset.days())
}

fn away() -> impl Strategy<Value = Vec<Away>> {
    vec((0_i64..1_000, 0_i64..30), 0..4).prop_map(|leaves| {
        leaves.into_iter().map(|(first, days)| Away { first: day(first), last: day(first + days) }).collect()
    })
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (FIRST..FIRST + 2 * YEAR_SECONDS).prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn what_is_added_lies_between(hours in hours(), away in away(), from in instant(), millis in 0_i64..300 * HOUR_MILLIS) {
        let agenda = Agenda::new(&hours, &away);
        if let Some(due) = agenda.add(from, millis) {
            prop_assert!(due >= from);
            prop_assert_eq!(agenda.between(from, due), millis);
        }
    }

    #[test]
    fn what_lies_between_can_be_added(hours in hours(), away in away(), from in instant(), later in 0_i64..30 * 86_400) {
        let agenda = Agenda::new(&hours, &away);
        let to = from + SignedDuration::from_secs(later);
        let spent = agenda.between(from, to);
        prop_assert!(spent <= later * 1_000);
        let reached = agenda.add(from, spent);
        // The same amount is reached at `to`, or was when work stopped before it.
        if spent > 0 {
            prop_assert!(reached.is_some_and(|reached| reached <= to));
            if agenda.is_working(to) && reached != Some(to) {
                prop_assert_eq!(agenda.next_working(reached.unwrap()), Some(to));
            }
        }
    }

    #[test]
    fn more_time_is_never_spent_earlier(hours in hours(), from in instant(), less in 0_i64..200 * HOUR_MILLIS, more in 0_i64..200 * HOUR_MILLIS, later in 0_i64..100_000) {
        let agenda = Agenda::new(&hours, &[]);
        let (less, more) = (less.min(more), less.max(more));
        if let (Some(first), Some(second)) = (agenda.add(from, less), agenda.add(from, more)) {
            prop_assert!(first <= second);
        }
        let begun_later = from + SignedDuration::from_secs(later);
        if let (Some(first), Some(second)) = (agenda.add(from, more), agenda.add(begun_later, more)) {
            prop_assert!(first <= second);
        }
    }

    #[test]
    fn spans_add_up(hours in hours(), away in away(), from in instant(), one in 0_i64..40 * 86_400, two in 0_i64..40 * 86_400) {
        let agenda = Agenda::new(&hours, &away);
        let middle = from + SignedDuration::from_secs(one);
        let end = middle + SignedDuration::from_secs(two);
        prop_assert_eq!(agenda.between(from, end), agenda.between(from, middle) + agenda.between(middle, end));
        prop_assert_eq!(agenda.between(end, from), 0);
    }

    #[test]
    fn the_next_working_instant_is_working(hours in hours(), away in away(), from in instant()) {
        let agenda = Agenda::new(&hours, &away);
        if let Some(next) = agenda.next_working(from) {
            prop_assert!(next >= from && agenda.is_working(next));
            prop_assert!(agenda.away_until(next).is_none(), "work in a leave");
            prop_assert_eq!(agenda.between(from, next), 0);
        }
    }
}

/// Business hours between two local moments.
fn hours_between(hours: &Hours, from: &str, to: &str) -> i64 {
    let instant = |text: &str| {
        let local: jiff::civil::DateTime = text.parse().unwrap();
        hours.timezone().to_timestamp(local).unwrap()
    };
    Agenda::new(hours, &[]).between(instant(from), instant(to)) / 60_000
}

fn around_the_clock(name: &str) -> Hours {
    let days: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
    Hours::new(zone(name), &days, &[(0, 1440)], [])
}

#[test]
fn the_day_on_which_the_clock_goes_forward_has_23_hours() {
    let hours = around_the_clock("Europe/London");
    assert_eq!(hours_between(&hours, "2027-03-28T00:00", "2027-03-29T00:00"), 23 * 60);
}

#[test]
fn the_day_on_which_the_clock_goes_back_has_25_hours() {
    let hours = around_the_clock("Europe/London");
    assert_eq!(hours_between(&hours, "2027-10-31T00:00", "2027-11-01T00:00"), 25 * 60);
}

#[test]
fn lord_howe_moves_its_clock_by_half_an_hour() {
    let hours = around_the_clock("Australia/Lord_Howe");
    assert_eq!(hours_between(&hours, "2027-04-04T00:00", "2027-04-05T00:00"), 24 * 60 + 30);
}

#[test]
fn office_days_around_a_clock_change_have_eight_hours_each() {
    let hours = Hours::office(zone("Europe/London"));
    assert_eq!(hours_between(&hours, "2027-03-26T00:00", "2027-03-30T00:00"), 16 * 60);
}

#[test]
fn a_shift_over_midnight_is_counted_once() {
    let hours = Hours::new(zone("UTC"), &[Weekday::Monday], &[(22 * 60, 6 * 60)], []);
    assert_eq!(hours_between(&hours, "2026-11-23T00:00", "2026-11-25T00:00"), 8 * 60);
    assert_eq!(hours.longest_day_millis(), 8 * HOUR_MILLIS);
}

#[test]
fn hours_that_lie_in_the_gap_are_not_worked() {
    let hours = Hours::new(zone("Europe/London"), &[Weekday::Sunday], &[(60, 120)], []);
    assert_eq!(hours_between(&hours, "2027-03-28T00:00", "2027-03-29T00:00"), 0);
    let sunday =
        TimeZone::UTC.to_timestamp("2027-03-28T00:00".parse::<jiff::civil::DateTime>().unwrap()).unwrap();
    let next = Agenda::new(&hours, &[]).next_working(sunday).unwrap();
    assert_eq!(next.to_string(), "2027-04-04T00:00:00Z");
}

#[test]
fn samoa_skipped_a_whole_day() {
    let hours = around_the_clock("Pacific/Apia");
    assert_eq!(hours_between(&hours, "2011-12-29T00:00", "2012-01-01T00:00"), 48 * 60);
}

#[test]
fn without_working_time_there_is_no_deadline() {
    let hours = Hours::office(zone("UTC"));
    let away = [Away { first: day(0), last: day(2_000) }];
    let now = Timestamp::from_second(FIRST).unwrap();
    assert_eq!(Agenda::new(&hours, &away).add(now, 1), None);
    assert_eq!(Agenda::new(&hours, &away).next_working(now), None);
}

#[test]
fn a_stretch_of_work_ends_with_the_shift_also_over_midnight() {
    let until = |hours: &Hours, at: &str| {
        let at: Timestamp = at.parse().unwrap();
        Agenda::new(hours, &[]).working_until(at).map(|end| end.to_string())
    };
    let lunch = Hours::new(zone("UTC"), &[Weekday::Monday], &[(540, 720), (780, 1020)], []);
    assert_eq!(until(&lunch, "2026-11-23T11:59:00Z").as_deref(), Some("2026-11-23T12:00:00Z"));
    assert_eq!(until(&lunch, "2026-11-23T12:00:00Z"), None);
    assert_eq!(until(&lunch, "2026-11-23T13:00:00Z").as_deref(), Some("2026-11-23T17:00:00Z"));
    let night = Hours::new(zone("UTC"), &[Weekday::Monday], &[(22 * 60, 6 * 60)], []);
    assert_eq!(until(&night, "2026-11-23T23:59:00Z").as_deref(), Some("2026-11-24T06:00:00Z"));
    let always = around_the_clock("UTC");
    assert_eq!(until(&always, "2026-11-23T23:59:00Z").as_deref(), Some("2026-11-25T00:00:00Z"));
}
