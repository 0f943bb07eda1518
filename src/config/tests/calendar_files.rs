//! Calendar files, as real programs write them.

use std::fmt::Write;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use usher_core::model::calendar::Agenda;

use super::*;

/// A file with one event.
fn one(lines: &str) -> String {
    let lines = lines.replace('\n', "\r\n");
    format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
}

#[track_caller]
fn file(text: &str) -> ics::CalendarFile {
    ics::read(text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The dates of a file with one event, about which nothing is odd.
#[track_caller]
fn dates(lines: &str) -> Vec<Date> {
    let file = file(&one(lines));
    assert_eq!(file.warnings, [""; 0], "{lines}");
    file.days.into_keys().collect()
}

#[test]
fn an_event_lasts_until_the_day_before_its_end() {
    let (first, second) = (date(2026, 12, 25), date(2026, 12, 26));
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225"), [first]);
    assert_eq!(dates("DTSTART:20261225"), [first], "the parameter is left out by some");
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261226"), [first]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261225"), [first], "France");
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227"), [first, second]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDURATION:P2D"), [first, second]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDURATION:PT24H"), [first]);
    assert_eq!(dates("dtstart;value=date:20261225\nDURATION:P1W").len(), 7);
    let over_new_year = dates("DTSTART;VALUE=DATE:20261231\nDTEND;VALUE=DATE:20270102");
    assert_eq!(over_new_year, [date(2026, 12, 31), date(2027, 1, 1)]);
}

#[test]
fn a_time_beside_a_date_does_not_make_it_less_of_a_day() {
    let (first, second) = (date(2026, 12, 25), date(2026, 12, 26));
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDTEND:20261225T050001Z"), [first]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDTEND:20261226T120000"), [first, second]);
    assert_eq!(dates("DTSTART;VALUE=DATE:20261225\nDTEND:20261227T000000"), [first, second]);
}

#[test]
fn midnight_to_midnight_is_a_whole_day() {
    let (first, second) = (date(2026, 12, 25), date(2026, 12, 26));
    assert_eq!(dates("DTSTART:20261225T000000\nDTEND:20261226T000000"), [first]);
    assert_eq!(dates("DTSTART:20261225T000000Z\nDTEND:20261227T000000Z"), [first, second]);
    assert_eq!(
        dates("DTSTART;TZID=America/Santiago:20261225T000000\nDTEND;TZID=America/Santiago:20261226T000000"),
        [first]
    );
    assert_eq!(dates("DTSTART:20261225T000000\nDTEND:20261225T235959"), [first]);
    assert_eq!(dates("DTSTART:20261225T000000\nDURATION:P2D"), [first, second]);
    assert_eq!(dates("DTSTART:20261225T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE"), [first]);
    // The end of a repeat is an instant, and the zone says on which day.
    let paris = "DTSTART;TZID=Europe/Paris:20261225T000000\nDTEND;TZID=Europe/Paris:20261226T000000";
    let repeated = dates(&format!("{paris}\nRRULE:FREQ=YEARLY;UNTIL=20271224T230000Z"));
    assert_eq!(repeated, [first, date(2027, 12, 25)]);
    let moved = dates(&format!("{paris}\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE:20271224T230000Z"));
    assert_eq!(moved, [first, date(2028, 12, 25)]);
}

#[test]
fn repeats_end_where_they_say() {
    let christmas = |rule: &str| dates(&format!("DTSTART;VALUE=DATE:20261225\nRRULE:{rule}"));
    let years = |dates: Vec<Date>| dates.iter().map(|date| date.year()).collect::<Vec<_>>();
    assert_eq!(christmas("FREQ=YEARLY").len(), 74, "from 2026 to 2099");
    assert_eq!(christmas(""), [date(2026, 12, 25)], "an empty rule repeats nothing");
    assert_eq!(years(christmas("FREQ=YEARLY;COUNT=3")), [2026, 2027, 2028]);
    assert_eq!(years(christmas("FREQ=YEARLY;UNTIL=20281225")), [2026, 2027, 2028], "the end is included");
    assert_eq!(years(christmas("FREQ=YEARLY;UNTIL=20281224")), [2026, 2027]);
    assert_eq!(years(christmas("FREQ=YEARLY;UNTIL=20271231T235959Z")), [2026, 2027]);
    assert_eq!(years(christmas("INTERVAL=4;FREQ=YEARLY;COUNT=3;WKST=MO")), [2026, 2030, 2034]);
    assert_eq!(years(christmas("FREQ=YEARLY;BYMONTH=12;COUNT=1")), [2026]);
    assert_eq!(years(christmas("FREQ=YEARLY;COUNT=2;INTERVAL=1;BYMONTHDAY=25;BYMONTH=12")), [2026, 2027]);
    let leap = dates("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=2");
    assert_eq!(leap, [date(2024, 2, 29), date(2028, 2, 29)], "in leap years only");
    assert_eq!(christmas("FREQ=WEEKLY;COUNT=2"), [date(2026, 12, 25), date(2027, 1, 1)]);
}

/// The habits of `../shared/cases/ics`, in files of our own; each was refused before.
const HABITS: [(&str, &str, &[&str]); 9] = [
    ("the end is the start", "DTSTART;VALUE=DATE:20270714\nDTEND;VALUE=DATE:20270714", &["2027-07-14"]),
    (
        "the third Monday",
        "DTSTART;VALUE=DATE:20260119\nRRULE:FREQ=YEARLY;COUNT=2;BYMONTH=1;BYDAY=3MO",
        &["2026-01-19", "2027-01-18"],
    ),
    (
        "the last Monday",
        "DTSTART;VALUE=DATE:20260831\nRRULE:FREQ=YEARLY;COUNT=2;BYMONTH=8;BYDAY=-1MO",
        &["2026-08-31", "2027-08-30"],
    ),
    (
        "the fourth Thursday, by its place",
        "DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;COUNT=2;BYMONTH=11;BYDAY=TH;BYSETPOS=4",
        &["2026-11-26", "2027-11-25"],
    ),
    (
        "not in every year",
        "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE;VALUE=DATE:20270501",
        &["2026-05-01", "2028-05-01"],
    ),
    (
        "other days beside it",
        "DTSTART;VALUE=DATE:20260406\nRDATE;VALUE=DATE:20270329,20280417",
        &["2026-04-06", "2027-03-29", "2028-04-17"],
    ),
    (
        "one year elsewhere",
        "DTSTART;VALUE=DATE:20260606\nUID:n\nSEQUENCE:1\nRRULE:FREQ=YEARLY;COUNT=3\nEND:VEVENT\n\
         BEGIN:VEVENT\nDTSTART;VALUE=DATE:20270607\nUID:n\nSEQUENCE:4\nRECURRENCE-ID;VALUE=DATE:20270606",
        &["2026-06-06", "2027-06-07", "2028-06-06"],
    ),
    (
        "one year not at all",
        "DTSTART;VALUE=DATE:20260606\nUID:n\nRRULE:FREQ=YEARLY;COUNT=3\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:n\nRECURRENCE-ID;VALUE=DATE:20270606\nSTATUS:CANCELLED",
        &["2026-06-06", "2028-06-06"],
    ),
    (
        "two of one day are two",
        "DTSTART;VALUE=DATE:20260606\nUID:a\nRRULE:FREQ=YEARLY;COUNT=2\nEND:VEVENT\n\
         BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260606\nUID:b\nRRULE:FREQ=YEARLY;COUNT=2\nEND:VEVENT\n\
         BEGIN:VEVENT\nDTSTART;VALUE=DATE:20270608\nUID:b\nRECURRENCE-ID;VALUE=DATE:20270606",
        &["2026-06-06", "2027-06-06", "2027-06-08"],
    ),
];

#[test]
fn the_habits_of_calendar_programs() {
    for (habit, lines, expected) in HABITS {
        let found: Vec<String> = dates(lines).iter().map(Date::to_string).collect();
        assert_eq!(found, expected, "{habit}");
    }
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
    let file = file(text);
    let found: Vec<(Date, &str)> = file.days.iter().map(|(date, name)| (*date, name.as_str())).collect();
    assert_eq!(found, [(date(2026, 10, 3), "Tag der Deutschen Einheit"), (date(2026, 11, 1), "")]);
    assert_eq!(file.warnings, [""; 0]);
}

#[test]
fn a_cancelled_event_is_left_out_whatever_it_says() {
    assert_eq!(dates("DTSTART:20261225T090000Z\nRRULE:FREQ=DAILY\nSTATUS:CANCELLED"), []);
    assert_eq!(dates("STATUS:CONFIRMED\nDTSTART;VALUE=DATE:20261225"), [date(2026, 12, 25)]);
}

#[test]
fn what_cannot_be_a_day_off_is_named_and_the_rest_is_read() {
    let day = "DTSTART;VALUE=DATE:20261224";
    let repeat = "its repeat is not understood";
    for (lines, why) in [
        (
            "DTSTART;TZID=Europe/Paris:20261224T120000\nDTEND;TZID=Europe/Paris:20261224T180000",
            "it has hours of the day",
        ),
        ("DTSTART:20261224T000000", "it has hours of the day"),
        ("DTSTART:20261224T000000\nDTEND:20261224T000000", "it has hours of the day"),
        (&format!("{day}\nDTEND;VALUE=DATE:20261222"), "it ends before it begins"),
        (&format!("{day}\nDURATION:P401D"), "it lasts longer than 400 days"),
        (&format!("{day}\nRRULE:FREQ=HOURLY;COUNT=3"), repeat),
        (&format!("{day}\nRRULE:COUNT=3;BYDAY=XX"), repeat),
        (&format!("{day}\nRRULE:RSCALE=HEBREW;FREQ=YEARLY"), repeat),
        (&format!("{day}\nRRULE:FREQ=YEARLY;UNTIL=20200101"), repeat),
        (&format!("{day}\nRRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY;INTERVAL=2"), repeat),
        (&format!("{day}\nRRULE:FREQ=YEARLY\nEXRULE:FREQ=YEARLY;INTERVAL=2"), repeat),
        (&format!("{day}\nRDATE;VALUE=PERIOD:20261224T000000Z/PT5H"), repeat),
        (&format!("{day}\nEXDATE:whenever\nRRULE:FREQ=YEARLY"), repeat),
    ] {
        let file = file(&one(&format!(
            "DTSTART;VALUE=DATE:20270101\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:half day\n{lines}"
        )));
        assert_eq!(file.days.keys().copied().collect::<Vec<_>>(), [date(2027, 1, 1)], "{lines}");
        let expected = format!("an event that is no day off is left out: `half day` of 2026-12-24 ({why})");
        assert_eq!(file.warnings, [expected], "{lines}");
    }
    let no_date = file(&one("SUMMARY:sometime\nDTSTART;VALUE=DATE:20261332\nUID:1"));
    assert_eq!(no_date.warnings, ["an event that is no day off is left out: `sometime` (it has no date)"]);
}

#[test]
fn of_many_events_that_are_left_out_a_few_are_named() {
    let mut lines = "DTSTART;VALUE=DATE:20270101".to_owned();
    for hour in 10..17 {
        write!(lines, "\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20270201T{hour}0000").unwrap();
    }
    let [warning] = &file(&one(&lines)).warnings[..] else { panic!("one warning") };
    assert!(warning.starts_with("7 events that are no days off are left out: `one without a name` of 2027"));
    assert!(warning.ends_with("(it has hours of the day), and 2 more"), "{warning}");
}

#[test]
fn observances_are_no_days_off_unless_the_company_says_so() {
    const GOOGLE: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20271031\nSUMMARY:Halloween\n\
DESCRIPTION:Observance\\nTo hide observances\\, go to the settings\nEND:VEVENT\nBEGIN:VEVENT\n\
DTSTART;VALUE=DATE:20271225\nSUMMARY:Christmas Day\nDESCRIPTION:Public holiday\nEND:VEVENT\nEND:VCALENDAR\n";
    let files: &'static [(&str, &str)] = &[("g.ics", GOOGLE)];
    let days = |keys: &str| {
        let text = format!(
            "{LEAST}[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays_ics = [\"g.ics\"]\n{keys}"
        );
        let calendar = read_with(&text, files, &[]).unwrap().config.calendars.remove("c").unwrap();
        let names = |days: &BTreeMap<Date, String>| days.values().cloned().collect::<Vec<_>>().join("; ");
        (names(&calendar.holidays), names(&calendar.skipped))
    };
    let told = |free: &str, worked: &str| (free.to_owned(), worked.to_owned());
    assert_eq!(days(""), told("Christmas Day", "Halloween"));
    assert_eq!(days("holidays_skip = []"), told("Halloween; Christmas Day", ""));
    assert_eq!(days("holidays_skip = [\"christmas*\"]"), told("Halloween", "Christmas Day"));
    assert_eq!(days("holidays_skip = [\"*settings\", \"Public*\"]"), told("", "Halloween; Christmas Day"));
    assert_eq!(days("holidays = [\"2027-10-31\"]"), told("; Christmas Day", ""), "who writes it means it");
    let bad = "[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays_skip = [\"[\"]".to_owned();
    let result = read(&format!("{LEAST}{bad}"));
    assert!(short(&result).starts_with("19:18 `[` is no pattern: "), "{}", short(&result));
}

#[test]
fn a_file_without_utf8_is_read_and_the_reader_told() {
    let text = one("DTSTART;VALUE=DATE:20270101\nSUMMARY:A\u{f1}o Nuevo");
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let file = ics::read(&latin1, &[]).unwrap();
    assert_eq!(file.days.into_iter().collect::<Vec<_>>(), [(date(2027, 1, 1), "A\u{f1}o Nuevo".to_owned())]);
    assert_eq!(file.warnings, ["this file is not UTF-8; it was read as Latin-1, so names may look odd"]);
}

#[test]
fn a_file_without_events_is_no_mistake() {
    let empty = file("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n");
    assert!(empty.days.is_empty());
    assert_eq!(empty.warnings, ["there is no event in this file yet"]);
}

#[test]
fn what_is_no_whole_calendar_file_is_refused() {
    let whole = one("DTSTART;VALUE=DATE:20270101");
    let refused = |text: &str| ics::read(text.as_bytes(), &[]).unwrap_err();
    let no_calendar = "this is no calendar file: BEGIN:VCALENDAR is missing";
    for text in ["", "\n", "hello: world", "<html><body>Please log in</body></html>"] {
        assert_eq!(refused(text), no_calendar, "{text}");
    }
    for cut in [whole.len() - 17, whole.len() / 2, 20] {
        assert_eq!(refused(&whole[..cut]), "the file ends in the middle: the last line is not END:VCALENDAR");
    }
    let event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nDURATION:P400D\nRRULE:FREQ=DAILY\nEND:VEVENT\n";
    let long = format!("BEGIN:VCALENDAR\n{event}END:VCALENDAR\n");
    assert!(ics::read(long.as_bytes(), &[]).is_ok_and(|file| file.days.len() < 30_000));
    let many = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", event.repeat(5_001));
    assert_eq!(refused(&many), "more than 5000 events");
}

/// The files that the whole project shares, where they are: beside the checkout, or where
/// `USHER_SHARED` says.
#[test]
fn the_shared_cases() {
    let folder = std::env::var_os("USHER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
        .join("cases/ics");
    if !folder.is_dir() {
        println!("NOT RUN: there is no {}", folder.display());
        return;
    }
    let yearly =
        |years: std::ops::RangeInclusive<i16>| years.map(|year| date(year, 1, 1)).collect::<Vec<_>>();
    let new_year = vec![date(2027, 1, 1)];
    let cases: [(&str, Vec<Date>, usize); 14] = [
        ("same_day", new_year.clone(), 0),
        ("dtend_utc", yearly(2021..=2030), 0),
        ("empty", vec![], 1),
        ("empty_rrule", new_year.clone(), 0),
        ("exdate", [yearly(2020..=2021), yearly(2023..=2099)].concat(), 0),
        ("latin1", new_year.clone(), 1),
        ("midnight_float_ms", new_year.clone(), 0),
        ("midnight_tz", new_year.clone(), 0),
        ("one_timed", new_year.clone(), 1),
        ("rdate", vec![date(2021, 4, 27), date(2022, 5, 2)], 0),
        ("recurrence", [new_year.clone(), vec![date(2028, 1, 3)], yearly(2029..=2099)].concat(), 0),
        ("ok_google", vec![date(2027, 12, 25)], 0),
        ("ok_govuk", vec![date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)], 0),
        ("ok_officeholidays", new_year, 0),
    ];
    let read = |name: &str| {
        ics::read(&std::fs::read(folder.join(name).with_extension("ics")).unwrap(), &[]).unwrap()
    };
    for (name, expected, warnings) in cases {
        let file = read(name);
        assert_eq!(file.days.into_keys().collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(file.warnings.len(), warnings, "{name}: {:?}", file.warnings);
    }
    for (name, first, day) in [("memorial", 2010, (5, 25..=31)), ("setpos", 1986, (1, 15..=21))] {
        let days: Vec<Date> = read(name).days.into_keys().collect();
        assert_eq!(
            days.iter().map(|date| date.year()).collect::<Vec<_>>(),
            (first..=2099).collect::<Vec<_>>()
        );
        let fits = |date: &Date| date.month() == day.0 && day.1.contains(&date.day());
        assert!(
            days.iter().all(|date| fits(date) && date.weekday() == jiff::civil::Weekday::Monday),
            "{name}"
        );
    }
}

#[test]
fn calendar_files_bring_holidays() {
    const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Christmas\\, both\r\n  days\r\n\
DTSTART;VALUE=DATE:20201225\r\nDTEND;VALUE=DATE:20201227\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let text = format!("{LEAST}[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays_ics = [\"h.ics\"]");
    let config = read_with(&text, &[("h.ics", HOLIDAYS)], &[]).unwrap().config;
    let agenda = Agenda::new(&config.policy.calendars["c"], &[]);
    assert!(!agenda.is_working("2028-12-25T12:00:00Z".parse().unwrap()));
    assert!(agenda.is_working("2028-12-27T12:00:00Z".parse().unwrap()));
    assert_eq!(config.calendars["c"].holidays[&date(2026, 12, 26)], "Christmas, both days");
}

/// What events are made of, whole and broken.
const PIECES: [&str; 34] = [
    "DTSTART",
    "DTEND",
    "RRULE:",
    "EXDATE",
    "RDATE",
    "RECURRENCE-ID",
    "UID:a",
    "DURATION:",
    ";VALUE=DATE:",
    ";TZID=Europe/Paris:",
    ":",
    ";",
    ",",
    "=",
    "20270101",
    "20270231",
    "00000000",
    "99991231",
    "T000000",
    "T235960Z",
    "FREQ=YEARLY",
    "FREQ=DAILY",
    "BYDAY=-1MO",
    "BYMONTH=13",
    "BYSETPOS=-366",
    "INTERVAL=0",
    "COUNT=99999999999",
    "UNTIL=",
    "P1D",
    "-P999999999W",
    "\r\n",
    "\n ",
    "END:VEVENT\r\nBEGIN:VEVENT\r\n",
    "\u{1f384}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_file_makes_the_reader_panic(pieces in proptest::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        if let Ok(file) = ics::read(one(&pieces.concat()).as_bytes(), &[]) {
            prop_assert!(file.days.len() <= 200_000);
        }
    }
}
