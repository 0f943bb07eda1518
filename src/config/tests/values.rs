//! Single values: durations, sizes, shares, hours, dates.

use usher_core::model::calendar::Agenda;
use usher_core::model::timebox::Budget;

use super::*;

fn with(more: &str) -> Config {
    good(&format!("{LEAST}{more}"))
}

#[test]
fn durations() {
    for (text, seconds) in [("30s", 30), ("90m", 5400), ("8h", 28_800), ("2d", 172_800), ("0", 0), ("0s", 0)]
    {
        let config = with(&format!("[server]\nkeep_bodies = \"{text}\""));
        assert_eq!(config.server.keep_bodies.as_secs(), seconds, "{text}");
    }
}

#[test]
fn a_day_in_a_time_box_is_a_business_day() {
    for (text, budget) in [
        ("2d", Budget::Days(2)),
        ("8h", Budget::Minutes(480)),
        ("90m", Budget::Minutes(90)),
        ("30s", Budget::Seconds(30)),
        ("120s", Budget::Minutes(2)),
    ] {
        let config = with(&format!("[timebox.reviewing]\nbudget = \"{text}\""));
        assert_eq!(config.policy.boxes.reviewing.budget, budget, "{text}");
        assert_eq!(config.policy.boxes.reviewing.steps.len(), 3, "the steps keep their default");
    }
    assert!(with("[timebox.with_author]\nsteps = []").policy.boxes.with_author.steps.is_empty());
}

#[test]
fn sizes() {
    for (text, bytes) in [
        ("1024", 1024),
        ("\"1024\"", 1024),
        ("\"10MB\"", 10_000_000),
        ("\"25MiB\"", 26_214_400),
        ("\"64 KiB\"", 65_536),
    ] {
        assert_eq!(with(&format!("[server]\nbody_limit = {text}")).server.body_limit, bytes, "{text}");
    }
}

/// A calendar in UTC with these hours works at these instants of Thursday and Friday, and only then.
fn works(calendar: &str, instant: &str) -> bool {
    let config = with(&format!("[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\n{calendar}"));
    Agenda::new(&config.policy.calendars["c"], &[]).is_working(instant.parse().unwrap())
}

#[test]
fn working_hours() {
    let default = "";
    assert!(works(default, "2026-11-26T09:00:00Z") && !works(default, "2026-11-26T17:00:00Z"));
    let all_day = "hours = [\"00:00-24:00\"]\ndays = [\"thu\"]";
    assert!(works(all_day, "2026-11-26T00:00:00Z") && works(all_day, "2026-11-26T23:59:00Z"));
    assert!(!works(all_day, "2026-11-27T00:00:00Z"));
    let lunch = "hours = [\"9:00-12:00\", \"13:00-17:30\"]";
    assert!(works(lunch, "2026-11-26T17:29:00Z") && !works(lunch, "2026-11-26T12:30:00Z"));
}

#[test]
fn hours_over_midnight_belong_to_the_day_they_begin() {
    let night = "hours = [\"22:00-06:00\"]\ndays = [\"thu\"]";
    assert!(!works(night, "2026-11-26T05:00:00Z"), "Thursday morning belongs to Wednesday");
    assert!(works(night, "2026-11-26T22:00:00Z"));
    assert!(works(night, "2026-11-27T05:59:00Z"));
    assert!(!works(night, "2026-11-27T06:00:00Z") && !works(night, "2026-11-27T22:00:00Z"));
}

#[test]
fn leave_and_holidays_may_be_strings_or_dates() {
    let config = with(
        "[[person]]\nname = \"rita\"\naway = [\"2026-12-22..2027-01-02\", \"2027-02-01\", 2027-03-01]\n\
         [[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays = [\"2026-12-25\", 2026-12-24]",
    );
    let away: Vec<(String, String)> = config.policy.people["rita"]
        .away
        .iter()
        .map(|away| (away.first.to_string(), away.last.to_string()))
        .collect();
    let pair = |first: &str, last: &str| (first.to_owned(), last.to_owned());
    assert_eq!(
        away,
        [
            pair("2026-12-22", "2027-01-02"),
            pair("2027-02-01", "2027-02-01"),
            pair("2027-03-01", "2027-03-01")
        ]
    );
    let agenda = Agenda::new(&config.policy.calendars["c"], &[]);
    assert!(!agenda.is_working("2026-12-24T12:00:00Z".parse().unwrap()));
    assert!(!agenda.is_working("2026-12-25T12:00:00Z".parse().unwrap()));
    assert!(agenda.is_working("2026-12-23T12:00:00Z".parse().unwrap()));
}

#[test]
fn a_person_in_another_time_zone_has_the_default_hours_there() {
    let config = with("[[person]]\nname = \"ravi\"\ntimezone = \"Asia/Kolkata\"");
    let agenda = Agenda::new(config.policy.people["ravi"].hours.as_ref().unwrap(), &[]);
    assert!(agenda.is_working("2026-11-26T03:30:00Z".parse().unwrap()));
    assert!(!agenda.is_working("2026-11-26T11:30:00Z".parse().unwrap()));
}

#[test]
fn projects_match_in_any_case_and_paths_and_branches_do_not() {
    let route = "[[route]]\npool = \"backend\"\nprojects = [\"Acme/*\"]\npaths = [\"Docs/*\"]\ntarget_branches = [\"Main\"]";
    let config =
        good(&LEAST.replacen("[[route]]\npool = \"backend\"", route, 1).replacen("acme/*", "Acme/*", 1));
    let route = &config.policy.routes[0];
    assert!(route.projects[0].matches("acme/shop") && config.forges[0].projects[0].matches("aCME/shop"));
    assert!(config.policy.watches(&usher_core::model::change::ChangeKey::new("gitlab", "acme/shop", 1)));
    assert!(!route.paths[0].matches("docs/a.md") && !route.target_branches[0].matches("main"));
}
