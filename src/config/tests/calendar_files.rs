//! Calendar files, as real programs write them.

use jiff::civil::{Date, date};

use usher_core::model::calendar::Agenda;

use super::*;

/// The dates of a file with one event.
fn dates(lines: &str) -> Vec<Date> {
    let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    ics::all_day_dates(&text).unwrap_or_else(|error| panic!("{error:?}: {text}")).into_iter().collect()
}

#[test]
fn an_event_lasts_until_the_day_before_its_end() {
    let (first, second) = (date(2026, 12, 25), date(2026, 12, 26));
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225"), [first]);
    assert_eq!(dates("DTSTART:20261225"), [first], "the parameter is left out by some");
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261226"), [first]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227"), [first, second]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\r\nDURATION:P2D"), [first, second]);
    assert_eq!(dates("dtstart;value=date:20261225\r\nDURATION:P1W").len(), 7);
    let over_new_year = dates("DTSTART;VALUE=DATE:20261231\r\nDTEND;VALUE=DATE:20270102");
    assert_eq!(over_new_year, [date(2026, 12, 31), date(2027, 1, 1)]);
}

#[test]
fn yearly_repeats_end_where_they_say() {
    let christmas = |rule: &str| dates(&format!("DTSTART;VALUE=DATE:20261225\r\nRRULE:{rule}"));
    let years = |dates: Vec<Date>| dates.iter().map(|date| date.year()).collect::<Vec<_>>();
    assert_eq!(christmas("FREQ=YEARLY").len(), 74, "from 2026 to 2099");
    assert_eq!(years(christmas("FREQ=YEARLY;COUNT=3")), [2026, 2027, 2028]);
    assert_eq!(years(christmas("FREQ=YEARLY;UNTIL=20281225")), [2026, 2027, 2028], "the end is included");
    assert_eq!(years(christmas("FREQ=YEARLY;UNTIL=20281224")), [2026, 2027]);
    assert_eq!(years(christmas("FREQ=YEARLY;UNTIL=20271231T235959Z")), [2026, 2027]);
    assert_eq!(years(christmas("INTERVAL=4;FREQ=YEARLY;COUNT=3;WKST=MO")), [2026, 2030, 2034]);
    assert_eq!(years(christmas("FREQ=YEARLY;BYMONTH=12;COUNT=1")), [2026]);
    assert_eq!(years(christmas("FREQ=YEARLY;COUNT=2;INTERVAL=1;BYMONTHDAY=25;BYMONTH=12")), [2026, 2027]);
}

/// As a groupware server writes it: folded inside of a word, quotes with a colon, alarms, a time zone.
#[test]
fn what_is_not_about_dates_is_passed_over() {
    let text = "\u{feff}BEGIN:VCALENDAR\r\nPRODID:-//Example//EN\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:Feiertage\r\n\
BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\n\
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n\
ORGANIZER;CN=\"Office: HR\":mailto:hr@example.com\r\nDTSTART;VAL\r\n UE=DATE:2026\r\n\t1003\r\n\
DTEND;VALUE=DATE:20261004\r\nSUMMARY:Tag der Deutschen\r\n  Einheit\r\nTRANSP:TRANSPARENT\r\nBEGIN:VALARM\r\n\
TRIGGER:-PT15M\r\nRRULE:FREQ=DAILY\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nDTSTART:20261005T090000Z\r\n\
END:VTODO\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261101\r\nEND:VEVENT\r\n\
END:VCALENDAR\r\n";
    let found: Vec<Date> = ics::all_day_dates(text).unwrap().into_iter().collect();
    assert_eq!(found, [date(2026, 10, 3), date(2026, 11, 1)]);
}

#[test]
fn a_cancelled_event_is_left_out_whatever_it_says() {
    let cancelled = "DTSTART:20261225T090000Z\r\nRRULE:FREQ=DAILY\r\nSTATUS:CANCELLED";
    assert_eq!(dates(cancelled), []);
    assert_eq!(dates("STATUS:CONFIRMED\r\nDTSTART;VALUE=DATE:20261225"), [date(2026, 12, 25)]);
}

#[test]
fn a_file_cannot_bring_more_days_than_it_has_use_for() {
    let event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nDURATION:P400D\nRRULE:FREQ=YEARLY\nEND:VEVENT\n";
    let text = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", event.repeat(7));
    let error = ics::all_day_dates(&text).unwrap_err();
    assert_eq!((error.line, error.what.as_str()), (32, "more than 200000 days in all"));
}

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n\
RRULE:FREQ=YEARLY;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nSUMMARY:Christmas\\, both\r\n  days\r\n\
DTSTART;VALUE=DATE:20201225\r\nDTEND;VALUE=DATE:20201227\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n\
DTSTART;VALUE=DATE:20270405\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270601\r\nSTATUS:CANCELLED\r\n\
END:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260301\r\nRRULE:FREQ=YEARLY;UNTIL=20270301\r\nBEGIN:VALARM\r\n\
DURATION:PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn calendar_files_bring_holidays() {
    let dates = ics::all_day_dates(HOLIDAYS).unwrap();
    for day in
        [date(2020, 12, 25), date(2026, 12, 26), date(2050, 12, 25), date(2027, 4, 5), date(2027, 3, 1)]
    {
        assert!(dates.contains(&day), "{day}");
    }
    for day in [date(2019, 12, 25), date(2026, 12, 27), date(2027, 6, 1), date(2028, 3, 1), date(2028, 4, 5)]
    {
        assert!(!dates.contains(&day), "{day}");
    }
    let text = format!("{LEAST}[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays_ics = [\"h.ics\"]");
    let config = read_with(&text, &[("h.ics", HOLIDAYS)], &[]).unwrap().config;
    let agenda = Agenda::new(&config.policy.calendars["c"], &[]);
    assert!(!agenda.is_working("2028-12-25T12:00:00Z".parse().unwrap()));
}

#[test]
fn a_yearly_29_february_is_there_in_leap_years_only() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=2\nEND:VEVENT\nEND:VCALENDAR\n";
    let dates: Vec<_> = ics::all_day_dates(text).unwrap().into_iter().collect();
    assert_eq!(dates, [date(2024, 2, 29), date(2028, 2, 29)]);
}

#[test]
fn what_a_calendar_file_cannot_say_is_refused_with_its_line() {
    let event = |lines: &str| format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n");
    let start = "DTSTART;VALUE=DATE:20261225";
    let cases = [
        (event("DTSTART:20261225T090000Z"), 3, "DTSTART is no whole day; only all-day events are supported"),
        (
            event("DTSTART;VALUE=DATE:20261332"),
            3,
            "DTSTART is no whole day; only all-day events are supported",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=WEEKLY")),
            4,
            "the repeat `FREQ=WEEKLY` is not supported, only FREQ=YEARLY",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;BYDAY=4TH")),
            4,
            "the repeat `BYDAY=4TH` is not supported, only FREQ=YEARLY",
        ),
        (event(&format!("{start}\nRRULE:COUNT=2")), 4, "a repeat without FREQ=YEARLY"),
        (event(&format!("{start}\nEXDATE;VALUE=DATE:20261225")), 4, "EXDATE is not supported"),
        (
            event(&format!("{start}\nDTEND;VALUE=DATE:20261225")),
            2,
            "an event that ends before it begins, or lasts longer than 400 days",
        ),
        (event("SUMMARY:x"), 2, "an event without DTSTART"),
        (event("nonsense"), 3, "a line without a colon"),
        (event(&format!("{start}\n{start}")), 4, "a second DTSTART in one event"),
        (event(&format!("{start}\nRRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY")), 5, "a second RRULE in one event"),
        (event(&format!("{start}\nRDATE;VALUE=DATE:20271225")), 4, "RDATE is not supported"),
        (event(&format!("{start}\nRECURRENCE-ID;VALUE=DATE:20261225")), 4, "RECURRENCE-ID is not supported"),
        (event(&format!("{start}\nDURATION:PT24H")), 4, "DURATION is not in whole days"),
        (
            event(&format!("{start}\nDURATION:P1D\nDTEND;VALUE=DATE:20261226")),
            2,
            "an event with both DTEND and DURATION",
        ),
        (
            event(&format!("{start}\nDTEND:20261226T000000")),
            4,
            "DTEND is no whole day; only all-day events are supported",
        ),
        (
            event("DTSTART;VALUE=DATE-TIME:20261225"),
            3,
            "DTSTART is no whole day; only all-day events are supported",
        ),
        (
            event("SUMMARY:Folded\n  over two lines\nDTSTART;TZID=Europe/London:20261225T000000"),
            5,
            "DTSTART is no whole day; only all-day events are supported",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;INTERVAL=0")),
            4,
            "the repeat `INTERVAL=0` is not supported, only FREQ=YEARLY",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")),
            4,
            "the repeat `BYDAY=4TH` is not supported, only FREQ=YEARLY",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25,26")),
            4,
            "the repeat `BYMONTHDAY=25,26` is not supported, only FREQ=YEARLY",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1")),
            4,
            "a yearly repeat on another day than that of DTSTART",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;BYMONTHDAY=25")),
            4,
            "BYMONTHDAY without BYMONTH is a day of every month",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;COUNT=2;UNTIL=20301225")),
            4,
            "a repeat with both COUNT and UNTIL",
        ),
        (
            event(&format!("{start}\nRRULE:FREQ=YEARLY;COUNT=2;COUNT=3")),
            4,
            "the repeat `COUNT=3` is not supported, only FREQ=YEARLY",
        ),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n".to_owned(), 2, "there is no event in this file"),
        ("\n".to_owned(), 1, "this is no calendar file: BEGIN:VCALENDAR is missing"),
        (
            "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nEND:VEVENT\n".to_owned(),
            1,
            "this is no calendar file: BEGIN:VCALENDAR is missing",
        ),
        (
            format!("{}DTSTART;VALUE=DATE:20261226\n", event(start)),
            6,
            "this is no calendar file: BEGIN:VCALENDAR is missing",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nBEGIN:VEVENT\n".to_owned(),
            3,
            "an event inside of something else",
        ),
        ("hello: world".to_owned(), 1, "this is no calendar file: BEGIN:VCALENDAR is missing"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n".to_owned(), 2, "END does not match its BEGIN"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n".to_owned(), 2, "the file ends in the middle"),
    ];
    for (text, line, what) in cases {
        let error = ics::all_day_dates(&text).unwrap_err();
        assert_eq!((error.line, error.what.as_str()), (line, what), "{text}");
    }
}
