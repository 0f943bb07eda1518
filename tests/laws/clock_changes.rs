//! The edges of business time, one by one: clocks that change, days that do not exist, nights
//! before holidays.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday, date};
use usher_core::model::calendar::{Agenda, Away, Hours, Window};

use crate::support::company::zone;

const MINUTE_MILLIS: i64 = 60_000;

fn every_day() -> Vec<Weekday> {
    Weekday::Monday.cycle_forward().take(7).collect()
}

fn daily(name: &str, spans: &[(u16, u16)]) -> Hours {
    Hours::new(zone(name), &every_day(), spans, [])
}

fn weekdays(name: &str, spans: &[(u16, u16)], holidays: &[Date]) -> Hours {
    let days: Vec<Weekday> = Weekday::Monday.cycle_forward().take(5).collect();
    Hours::new(zone(name), &days, spans, holidays.iter().copied())
}

const NIGHT: (u16, u16) = (22 * 60, 6 * 60);

/// An instant by the clock on the wall, in a minute that comes once.
fn at(hours: &Hours, wall: &str) -> Timestamp {
    let wall: DateTime = wall.parse().unwrap();
    hours.timezone().to_ambiguous_timestamp(wall).unambiguous().unwrap()
}

/// Minutes of work between two moments on the wall.
fn minutes(agenda: &Agenda<'_>, from: &str, to: &str) -> i64 {
    let millis = agenda.between(at(agenda.hours, from), at(agenda.hours, to));
    assert_eq!(millis % MINUTE_MILLIS, 0);
    millis / MINUTE_MILLIS
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_night_shift_is_an_hour_shorter_when_the_clock_goes_forward() {
    let hours = daily("Europe/London", &[NIGHT]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2027-03-27T12:00", "2027-03-28T12:00"), 7 * 60);
    // Seven of eight hours are done when it ends, the eighth is the first of the next night.
    let due = agenda.add(at(&hours, "2027-03-27T12:00"), 8 * 60 * MINUTE_MILLIS);
    assert_eq!(due, Some(at(&hours, "2027-03-28T23:00")));
}

#[test]
fn a_night_shift_is_an_hour_longer_when_the_clock_goes_back() {
    let hours = daily("Europe/London", &[NIGHT]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2027-10-30T12:00", "2027-10-31T12:00"), 9 * 60);
    let due = agenda.add(at(&hours, "2027-10-30T12:00"), 8 * 60 * MINUTE_MILLIS);
    assert_eq!(due, Some(at(&hours, "2027-10-31T05:00")));
}

#[test]
fn a_shift_that_begins_in_the_gap_begins_when_the_gap_is_over() {
    // New York skips 02:00 to 03:00 on 14 March 2027: it is 03:00 at 07:00Z.
    let hours = daily("America/New_York", &[(150, 240)]);
    let agenda = Agenda::new(&hours, &[]);
    let next = agenda.next_working(at(&hours, "2027-03-14T00:00"));
    assert_eq!(next, Some(instant("2027-03-14T07:00:00Z")));
    assert_eq!(minutes(&agenda, "2027-03-14T00:00", "2027-03-15T00:00"), 60);
}

#[test]
fn a_shift_that_ends_in_the_gap_ends_where_it_begins() {
    let hours = daily("America/New_York", &[(60, 150)]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2027-03-14T00:00", "2027-03-15T00:00"), 60);
    let end = agenda.working_until(at(&hours, "2027-03-14T01:30"));
    assert_eq!(end, Some(instant("2027-03-14T07:00:00Z")));
}

#[test]
fn shifts_on_both_sides_of_the_gap_do_not_overlap() {
    // Were 02:30 moved on by an hour, the first would end at 03:30, and half an hour count twice.
    let hours = daily("America/New_York", &[(30, 150), (180, 300)]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2027-03-14T00:00", "2027-03-15T00:00"), 90 + 120);
}

#[test]
fn the_hour_that_comes_twice_is_worked_once_more_by_those_who_work_through_it() {
    // New York has 01:00 to 02:00 twice on 7 November 2027.
    let through = daily("America/New_York", &[(0, 180)]);
    let whole = |hours: &Hours| minutes(&Agenda::new(hours, &[]), "2027-11-07T00:00", "2027-11-08T00:00");
    assert_eq!(whole(&through), 4 * 60);
    // A time that comes twice counts the first time, at the beginning and at the end.
    assert_eq!(whole(&daily("America/New_York", &[(90, 180)])), 90 + 60);
    assert_eq!(whole(&daily("America/New_York", &[(0, 90)])), 90);
    assert_eq!(whole(&daily("America/New_York", &[(60, 120)])), 2 * 60);
}

#[test]
fn lord_howe_moves_its_clock_by_half_an_hour_in_the_night_shift() {
    let hours = daily("Australia/Lord_Howe", &[NIGHT]);
    let agenda = Agenda::new(&hours, &[]);
    // At 02:00 it is 01:30 on 4 April 2027, and 02:30 on 3 October.
    assert_eq!(minutes(&agenda, "2027-04-03T12:00", "2027-04-04T12:00"), 8 * 60 + 30);
    assert_eq!(minutes(&agenda, "2027-10-02T12:00", "2027-10-03T12:00"), 8 * 60 - 30);
}

#[test]
fn havana_has_no_midnight_when_its_clock_goes_forward() {
    // 14 March 2027: 00:00 is 01:00.
    let hours = daily("America/Havana", &[(0, 480)]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2027-03-13T12:00", "2027-03-14T12:00"), 7 * 60);
    // A holiday and a leave begin with the first instant of their day all the same.
    let off = Hours::new(zone("America/Havana"), &every_day(), &[(0, 1440)], [date(2027, 3, 14)]);
    let agenda = Agenda::new(&off, &[]);
    assert_eq!(minutes(&agenda, "2027-03-13T12:00", "2027-03-15T12:00"), 24 * 60);
    assert_eq!(agenda.leave_begins(date(2027, 3, 14)), Some(instant("2027-03-14T05:00:00Z")));
}

#[test]
fn asuncion_went_back_over_midnight() {
    // On 24 March 2024 at 00:00 it was 23:00 of the 23rd again.
    let evening = daily("America/Asuncion", &[(18 * 60, 1440)]);
    assert_eq!(minutes(&Agenda::new(&evening, &[]), "2024-03-23T12:00", "2024-03-24T12:00"), 7 * 60);
    // A leave on the 24th begins with that date, not the hour before.
    let away = [Away { first: date(2024, 3, 24), last: date(2024, 3, 24) }];
    let agenda = Agenda::new(&evening, &away);
    assert_eq!(agenda.away_until(instant("2024-03-24T03:30:00Z")), None);
    assert_eq!(agenda.away_until(instant("2024-03-24T04:00:00Z")), Some(date(2024, 3, 24)));
    assert_eq!(agenda.leave_begins(date(2024, 3, 24)), Some(instant("2024-03-24T04:00:00Z")));
}

#[test]
fn nuuk_loses_the_last_hour_of_a_saturday() {
    // On 27 March 2027 at 23:00 it is 00:00 of the 28th.
    let hours = daily("America/Nuuk", &[(23 * 60 + 15, 6 * 60)]);
    assert_eq!(minutes(&Agenda::new(&hours, &[]), "2027-03-27T12:00", "2027-03-28T12:00"), 6 * 60);
    let evening = daily("America/Nuuk", &[(22 * 60 + 30, 1440)]);
    assert_eq!(minutes(&Agenda::new(&evening, &[]), "2027-03-27T12:00", "2027-03-28T12:00"), 30);
}

#[test]
fn a_day_that_does_not_exist_is_not_worked() {
    // Samoa went from Thursday, 29 December 2011 to Saturday the 31st.
    let office = weekdays("Pacific/Apia", &[(540, 1020)], &[]);
    let agenda = Agenda::new(&office, &[]);
    assert_eq!(minutes(&agenda, "2011-12-29T00:00", "2012-01-01T00:00"), 8 * 60);
    let monday = agenda.add(at(&office, "2011-12-29T09:00"), 9 * 60 * MINUTE_MILLIS);
    assert_eq!(monday, Some(at(&office, "2012-01-02T10:00")));
    // Thursday's night ends with the Thursday: the clock never showed the Friday's morning. Friday's
    // has the part of it that the clock showed.
    let night = weekdays("Pacific/Apia", &[NIGHT], &[]);
    let agenda = Agenda::new(&night, &[]);
    assert_eq!(minutes(&agenda, "2011-12-29T12:00", "2011-12-31T00:00"), 2 * 60);
    assert_eq!(minutes(&agenda, "2011-12-31T00:00", "2012-01-01T12:00"), 6 * 60);
}

#[test]
fn the_night_before_a_holiday_is_worked_and_the_night_after_it_is_not() {
    // The holiday is a Wednesday.
    let hours = weekdays("UTC", &[NIGHT], &[date(2026, 11, 25)]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2026-11-24T12:00", "2026-11-25T12:00"), 8 * 60);
    assert_eq!(minutes(&agenda, "2026-11-25T12:00", "2026-11-26T12:00"), 0);
    assert_eq!(minutes(&agenda, "2026-11-26T12:00", "2026-11-27T12:00"), 8 * 60);
}

#[test]
fn leave_begins_when_the_night_before_it_is_over() {
    let hours = weekdays("UTC", &[NIGHT], &[]);
    let away = [Away { first: date(2026, 11, 25), last: date(2026, 11, 26) }];
    let agenda = Agenda::new(&hours, &away);
    let night = instant("2026-11-25T03:00:00Z");
    assert!(agenda.is_working(night));
    assert_eq!((agenda.away_until(night), agenda.next_leave(night)), (None, Some(date(2026, 11, 25))));
    let begins = instant("2026-11-25T06:00:00Z");
    assert_eq!(agenda.leave_begins(date(2026, 11, 25)), Some(begins));
    assert_eq!(agenda.away_until(begins), Some(date(2026, 11, 26)));
    // The morning after the last night of the leave still belongs to it.
    assert_eq!(agenda.away_until(instant("2026-11-27T05:59:00Z")), Some(date(2026, 11, 26)));
    assert_eq!(agenda.away_until(instant("2026-11-27T06:00:00Z")), None);
    assert_eq!(agenda.next_working(begins), Some(instant("2026-11-27T22:00:00Z")));
}

#[test]
fn shifts_of_two_days_that_overlap_count_once() {
    let hours = daily("UTC", &[NIGHT, (300, 720)]);
    let agenda = Agenda::new(&hours, &[]);
    assert_eq!(minutes(&agenda, "2026-11-23T12:00", "2026-11-24T12:00"), 14 * 60);
    assert_eq!(agenda.working_until(instant("2026-11-23T23:00:00Z")), Some(instant("2026-11-24T12:00:00Z")));
}

#[test]
fn a_whole_day_is_what_its_shifts_have_and_never_more_than_24_hours() {
    let day = |spans: &[(u16, u16)]| daily("UTC", spans).longest_day_millis() / MINUTE_MILLIS;
    assert_eq!(day(&[(540, 1020)]), 480);
    assert_eq!(day(&[(540, 720), (900, 1200)]), 480);
    assert_eq!(day(&[(540, 720), (600, 780)]), 240, "what overlaps counts once");
    assert_eq!(day(&[NIGHT]), 480);
    assert_eq!(day(&[(0, 1440)]), 1440);
    assert_eq!(day(&[(0, 1440), (720, 360)]), 1440);
}

#[test]
fn a_long_time_without_work_ends_the_search_but_not_the_count() {
    let hours = weekdays("UTC", &[(540, 1020)], &[]);
    let away = [Away { first: date(2027, 1, 1), last: date(2029, 12, 31) }];
    let agenda = Agenda::new(&hours, &away);
    assert_eq!(agenda.next_working(instant("2027-01-01T00:00:00Z")), None);
    // The last day before it and the first after it.
    let (from, to) = (instant("2026-12-31T00:00:00Z"), instant("2030-01-02T00:00:00Z"));
    assert_eq!(agenda.between(from, to), 16 * 60 * MINUTE_MILLIS);
    // A budget that takes years is met, as long as there is work every now and then.
    let fridays = Hours::new(zone("UTC"), &[Weekday::Friday], &[(540, 780)], []);
    let due = Agenda::new(&fridays, &[]).add(from, 600 * 240 * MINUTE_MILLIS).unwrap();
    assert_eq!(due, instant("2038-06-25T13:00:00Z"));
}

#[test]
fn a_part_of_a_millisecond_is_never_carried_over_the_end_of_work() {
    let hours = weekdays("UTC", &[(540, 1020)], &[]);
    let agenda = Agenda::new(&hours, &[]);
    let from = instant("2026-11-23T16:59:59.0009Z");
    assert!(agenda.add(from, 0) == Some(from));
    assert_eq!(agenda.add(from, 1_000), Some(instant("2026-11-23T17:00:00Z")));
    assert_eq!(agenda.between(from, instant("2026-11-23T17:00:00Z")), 1_000);
}

#[test]
fn closed_windows_cut_shifts_and_end_what_they_interrupt() {
    let hours = weekdays("UTC", &[(540, 1020)], &[]);
    let window = |start: &str, end: &str| Window { start: instant(start), end: instant(end) };
    let closed = Window::joined(vec![
        window("2026-11-23T15:00:00Z", "2026-11-23T16:00:00Z"),
        window("2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z"),
        window("2026-11-23T11:30:00Z", "2026-11-23T13:00:00Z"),
        window("2026-11-23T16:30:00Z", "2026-11-24T10:00:00Z"),
    ]);
    assert_eq!(closed.len(), 3);
    let agenda = Agenda::new(&hours, &[]).outside(&closed);
    assert_eq!(minutes(&agenda, "2026-11-23T00:00", "2026-11-24T00:00"), 120 + 120 + 30);
    assert_eq!(agenda.working_until(instant("2026-11-23T10:00:00Z")), Some(instant("2026-11-23T11:00:00Z")));
    assert_eq!(agenda.working_until(instant("2026-11-23T11:00:00Z")), None);
    assert_eq!(agenda.next_working(instant("2026-11-23T11:00:00Z")), Some(instant("2026-11-23T13:00:00Z")));
    assert_eq!(
        agenda.add(instant("2026-11-23T16:00:00Z"), 31 * MINUTE_MILLIS),
        Some(instant("2026-11-24T10:01:00Z"))
    );
    // A day of work is a day of work, whatever is closed.
    assert_eq!(agenda.hours.longest_day_millis(), 480 * MINUTE_MILLIS);
}
