//! Weeks of single people, and times in which a forge is closed.

use usher_core::model::calendar::Agenda;
use usher_core::model::people::{Directory, Roster};

use super::*;

const CALENDAR: &str = "[[calendar]]\nname = \"c\"\ntimezone = \"Europe/London\"\nhours = [\"08:00-16:00\"]\n\
holidays = [\"2026-11-26\"]\n";

/// Whether rita, who is described by these lines, works at these instants.
#[track_caller]
fn rita_works(lines: &str, instants: &[&str]) -> Vec<bool> {
    let pool = LEAST.replacen("[[route]]", "calendar = \"c\"\n[[route]]", 1);
    let config = good(&format!("{pool}{CALENDAR}[[person]]\nname = \"rita\"\n{lines}"));
    let directory = Directory::new(&config.policy, "gitlab", &Roster::default());
    let agenda = directory.by_name("rita").unwrap().agenda();
    instants.iter().map(|instant| agenda.is_working(instant.parse().unwrap())).collect()
}

#[test]
fn a_persons_days_and_hours_change_the_calendar_and_keep_its_holidays() {
    // Monday, Tuesday at nine and at three, the holiday on Thursday, Friday.
    let instants = [
        "2026-11-23T09:00:00Z",
        "2026-11-24T09:00:00Z",
        "2026-11-24T15:00:00Z",
        "2026-11-26T09:00:00Z",
        "2026-11-27T09:00:00Z",
    ];
    let pool = rita_works("", &instants);
    assert_eq!(pool, [true, true, true, false, true], "the pool's calendar");
    assert_eq!(rita_works("calendar = \"c\"", &instants), pool);
    let days = "days = [\"mon\", \"tue\", \"thu\"]";
    assert_eq!(rita_works(days, &instants), [true, true, true, false, false]);
    assert_eq!(rita_works(&format!("calendar = \"c\"\n{days}"), &instants), [true, true, true, false, false]);
    let mornings = "hours = [\"08:00-12:00\"]";
    assert_eq!(rita_works(mornings, &instants), [true, true, false, false, true]);
    assert_eq!(rita_works(&format!("{days}\n{mornings}"), &instants), [true, true, false, false, false]);
    // A time zone alone has no holidays, and the default hours where none are given.
    let kolkata = "timezone = \"Asia/Kolkata\"";
    assert_eq!(rita_works(kolkata, &instants), [true, true, false, true, true]);
    assert_eq!(
        rita_works(&format!("{kolkata}\n{days}\nhours = [\"20:00-21:00\"]"), &instants),
        [false, false, true, false, false]
    );
    assert_eq!(
        rita_works(&format!("{kolkata}\n{days}\nhours = [\"20:00-21:00\"]"), &["2026-11-26T14:30:00Z"]),
        [true]
    );
}

#[test]
fn a_persons_day_is_as_long_as_their_hours() {
    let config =
        good(&format!("{LEAST}[[person]]\nname = \"rita\"\nhours = [\"09:00-11:00\", \"14:00-16:00\"]"));
    let directory = Directory::new(&config.policy, "gitlab", &Roster::default());
    assert_eq!(directory.by_name("rita").unwrap().hours.longest_day_millis(), 4 * 3_600_000);
    assert_eq!(directory.by_name("ravi").unwrap().hours.longest_day_millis(), 8 * 3_600_000);
}

#[test]
fn mistakes_in_a_persons_week() {
    let person =
        |lines: &str, expected: &str| check(&format!("[[person]]\nname = \"rita\"\n{lines}"), expected);
    person("days = []", "18:1 a person without working days (name at least one: days = [\"mon\"])");
    person("hours = []", "18:1 a person without working hours (write some: hours = [\"09:00-17:00\"])");
    person("days = [\"mon\", \"mon\"]", "18:16 this day is named twice (leave it out)");
    person(
        "hours = [\"09:00-12:00\", \"11:00-13:00\"]",
        "18:25 these hours overlap with earlier ones (join the two, or move one)",
    );
    person(
        "days = \"mon\"",
        "18:8 expected a list for `days`, found a string (put brackets around it: days = [\"…\"])",
    );
}

fn closed(windows: &str) -> Vec<(String, String)> {
    let text = LEAST.replacen(
        "projects = [\"acme/*\"]",
        &format!("projects = [\"acme/*\"]\nmaintenance = {windows}"),
        1,
    );
    let config = good(&text);
    let windows = config.policy.maintenance("gitlab");
    assert_eq!(windows, &*config.forges[0].maintenance);
    windows.iter().map(|window| (window.start.to_string(), window.end.to_string())).collect()
}

#[test]
fn a_forge_is_closed_in_its_windows() {
    let pair = |start: &str, end: &str| (start.to_owned(), end.to_owned());
    assert_eq!(closed("[]"), []);
    let expected = [pair("2026-12-05T18:00:00Z", "2026-12-06T06:00:00Z")];
    assert_eq!(closed("[\"2026-12-05T18:00Z/2026-12-06T06:00Z\"]"), expected);
    assert_eq!(closed("[\"2026-12-05T18:00:00Z/2026-12-06T06:00:00.000Z\"]"), expected);
    assert_eq!(closed("[\"2026-12-05T19:00+01:00/2026-12-06T07:00+01:00\"]"), expected);
    assert_eq!(closed("[\"2026-12-05T13:00-05:00 / 2026-12-06t06:00z\"]"), expected);
    // In any order; what overlaps or touches is one.
    let two = "[\"2026-12-06T01:00Z/2026-12-06T06:00Z\", \"2026-12-05T18:00Z/2026-12-06T01:00Z\"]";
    assert_eq!(closed(two), expected);
    let text =
        LEAST.replacen("[support]", "maintenance = [\"2026-11-26T10:00Z/2026-11-26T12:00Z\"]\n[support]", 1);
    let config = good(&text);
    let directory = Directory::new(&config.policy, "gitlab", &Roster::default());
    let rita = directory.by_name("rita").unwrap();
    let at = |text: &str| text.parse().unwrap();
    assert_eq!(rita.agenda().next_working(at("2026-11-26T10:00:00Z")), Some(at("2026-11-26T12:00:00Z")));
    assert!(Agenda::new(&rita.hours, &rita.away).is_working(at("2026-11-26T10:00:00Z")));
}

#[test]
fn mistakes_in_maintenance() {
    let todo = "write both ends with their offset from UTC: \"2026-12-05T18:00Z/2026-12-06T06:00Z\" or \"…T19:00+01:00/…T07:00+01:00\"";
    let window = |text: &str, expected: &str| {
        let line = format!("projects = [\"acme/*\"]\nmaintenance = [\"{text}\"]");
        check_instead("projects = [\"acme/*\"]", &line, &format!("7:16 `{text}` {expected}"));
    };
    for text in ["2026-12-05", "tonight"] {
        window(text, &format!("is no stretch of time ({todo})"));
    }
    for text in [
        "2026-12-05T18:00/2026-12-06T06:00Z",
        "2026-12-05T18:00[Europe/London]/2026-12-06T06:00Z",
        "2026-12-05T18:00Z[UTC]/2026-12-06T06:00Z",
        "2026-12-05Z/2026-12-06T06:00Z",
        "2026-02-30T18:00Z/2026-12-06T06:00Z",
    ] {
        window(text, &format!("does not begin at an instant ({todo})"));
    }
    window("2026-12-05T18:00Z/PT12H", &format!("does not end at an instant ({todo})"));
    window("2026-12-05T18:00Z/2026-12-05T18:00Z", "ends before it begins (write the beginning first)");
    window("2026-12-05T18:00Z/2027-12-06T06:00Z", "is longer than 31 days (look at the year of both ends)");
}

/// Whether the calendar with these lines is at work at these instants (UTC).
fn calendar_works(lines: &str, instants: &[&str]) -> Vec<bool> {
    let config = good(&format!("{LEAST}[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\n{lines}"));
    let agenda = Agenda::new(&config.policy.calendars["c"], &[]);
    instants.iter().map(|instant| agenda.is_working(instant.parse().unwrap())).collect()
}

#[test]
fn a_weekday_may_have_hours_of_its_own() {
    // Thursday and Friday, at ten, at four and at half past five.
    let instants = ["03T10:00", "03T16:00", "03T17:10", "04T10:00", "04T16:00"];
    let instants = instants.map(|text| format!("2026-12-{text}:00Z"));
    let instants = instants.each_ref().map(String::as_str);
    let short_friday = calendar_works("hours = { fri = [\"09:00-15:00\"] }", &instants);
    assert_eq!(short_friday, [true, true, false, true, false], "the others have the default hours");
    let lines = "hours = { other = [\"09:00-17:30\"], fri = [\"12:00-16:30\"] }";
    assert_eq!(calendar_works(lines, &instants), [true, true, true, false, true]);
    assert_eq!(
        calendar_works("[calendar.hours]\nfri = [\"09:00-15:00\"]", &instants),
        [true, true, false, true, false]
    );
    // A person's Friday in the week of their calendar, which is worked from eight to four.
    let friday =
        rita_works("hours = { fri = [\"18:00-20:00\"] }", &["2026-11-27T09:00:00Z", "2026-11-27T19:00:00Z"]);
    assert_eq!(friday, [false, true]);
    assert_eq!(rita_works("hours = { fri = [\"18:00-20:00\"] }", &["2026-11-24T09:00:00Z"]), [true]);
}

#[test]
fn extra_working_days_are_worked() {
    // A Friday that is free, for a Saturday that is not.
    let lines =
        "holidays = [\"2027-02-12\"]\nworkdays = [\"2027-02-06\"]\nhours = { sat = [\"10:00-14:00\"] }";
    let instants =
        ["2027-02-06T11:00:00Z", "2027-02-06T15:00:00Z", "2027-02-12T11:00:00Z", "2027-02-13T11:00:00Z"];
    assert_eq!(calendar_works(lines, &instants), [true, false, false, false]);
    // Who has days of their own keeps them; hours of one's own are worked then, too.
    let works = |person: &str| {
        let pool = LEAST.replacen("[[route]]", "calendar = \"c\"\n[[route]]", 1);
        let calendar = "[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nworkdays = [\"2027-02-06\"]\n";
        let config = good(&format!("{pool}{calendar}[[person]]\nname = \"rita\"\n{person}"));
        let directory = Directory::new(&config.policy, "gitlab", &Roster::default());
        directory.by_name("rita").unwrap().agenda().is_working("2027-02-06T11:00:00Z".parse().unwrap())
    };
    assert!(works(""));
    assert!(!works("days = [\"mon\", \"tue\"]"));
    assert!(works("hours = [\"10:00-12:00\"]"));
    assert!(!works("hours = [\"08:00-10:00\"]"));
}

#[test]
fn a_calendar_file_is_overruled_by_a_working_day() {
    let files: &'static [(&str, &str)] = &[(
        "h.ics",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270205\nEND:VEVENT\nEND:VCALENDAR\n",
    )];
    let text = format!(
        "{LEAST}[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays_ics = [\"h.ics\"]\nworkdays = [\"2027-02-05\"]"
    );
    let config = read_with(&text, files, &[]).unwrap().config;
    let agenda = Agenda::new(&config.policy.calendars["c"], &[]);
    assert!(agenda.is_working("2027-02-05T10:00:00Z".parse().unwrap()));
}

#[test]
fn mistakes_in_the_hours_of_a_weekday() {
    let calendar = |lines: &str, expected: &str| {
        check(&format!("[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\n{lines}"), expected);
    };
    calendar(
        "hours = { fr = [\"09:00-15:00\"] }",
        "19:11 unknown key `fr` in the hours of a week (did you mean `fri`?)",
    );
    calendar("hours = { fri = [] }", "19:11 a day without working hours (leave it out of `days` instead)");
    calendar(
        "hours = { fri = \"09:00-15:00\" }",
        "19:17 expected a list for `fri`, found a string (put brackets around it: fri = [\"…\"])",
    );
    calendar(
        "holidays = [\"2027-02-06\"]\nworkdays = [\"2027-02-06\"]",
        "20:13 2027-02-06 is a holiday and a working day (leave it out of `holidays` or `workdays`)",
    );
}

#[test]
fn who_has_no_calendar_is_known() {
    let without = |text: &str| good(text).policy.without_calendar();
    assert_eq!(without(LEAST), ["ravi", "rita", "sam"]);
    let calendar = "[[calendar]]\nname = \"emea\"\ntimezone = \"Europe/London\"\n";
    let text = format!("{LEAST}{calendar}[escalation]\ncontact = \"carla\"\n");
    let text = text.replace("members = [\"sam\"]", "members = [\"sam\"]\ncalendar = \"emea\"");
    let text = text + "[[person]]\nname = \"ravi\"\ntimezone = \"Asia/Kolkata\"\n";
    assert_eq!(without(&text), ["carla", "rita"]);
    let pool = "members = [\"rita\", \"ravi\"]";
    let text = text.replace(pool, &format!("{pool}\nlead = \"carla\"\ncalendar = \"emea\""));
    assert_eq!(without(&text), [""; 0]);
    let group =
        text.replace("calendar = \"emea\"\n[[pool]]", "gitlab_groups = [\"gitlab:acme/s\"]\n[[pool]]");
    assert_eq!(without(&group), ["gitlab:acme/s", "sam"]);
}
