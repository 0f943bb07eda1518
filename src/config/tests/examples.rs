//! The shipped files are what they claim to be.

use super::*;

const COMPLETE: &str = include_str!("../../../config/usher.toml");

#[test]
fn the_complete_file_is_accepted() {
    let loaded = read(COMPLETE).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let config = loaded.config;
    assert_eq!(config.forges.len(), 2);
    assert_eq!(config.policy.people["rita"].github.as_deref(), Some("rita-acme"));
    assert_eq!(config.policy.pools[0].leads, ["lena"]);
}

/// The values that the file shows are the defaults, as it says.
#[test]
fn the_complete_file_shows_the_defaults() {
    let (complete, least) = (good(COMPLETE), good(LEAST));
    assert_eq!(complete.server, least.server);
    assert_eq!(complete.store_url, least.store_url);
    assert_eq!(complete.reconcile_every, least.reconcile_every);
    assert_eq!(complete.policy.boxes, least.policy.boxes);
    assert_eq!(complete.policy.labels, least.policy.labels);
    assert_eq!(complete.policy.limits, least.policy.limits);
    assert_eq!(complete.calendars["emea"].skipped, Default::default());
}

#[test]
fn the_complete_file_explains_every_key() {
    // Sections are walked line by line, so that `name` of a pool does not stand for that of a forge.
    let mut seen = std::collections::BTreeSet::new();
    let mut title = "";
    for line in COMPLETE.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') {
            title = line;
        }
        let key = line.split('=').next().unwrap_or_default().trim();
        seen.insert((title, key));
        if let Some(steps) = line.strip_prefix("steps = ") {
            seen.extend(
                steps
                    .split(['{', ','])
                    .map(|part| ("a step", part.split('=').next().unwrap_or_default().trim())),
            );
        }
        for parent in ["pool", "route"] {
            if title.starts_with(&format!("[{parent}.timebox.")) {
                seen.insert((if parent == "pool" { "[[pool]]" } else { "[[route]]" }, "timebox"));
            }
        }
        if let Some((_, hours)) = line.split_once("hours = {") {
            let days = hours.split(", ").filter_map(|part| part.split(" = ").next());
            seen.extend(days.map(|day| (keys::HOURS.title, day.trim())));
        }
        if let Some(days) = line.strip_prefix("days = ") {
            seen.extend(days.split('"').map(|day| (keys::HOURS.title, day)));
        }
        seen.extend(line.ends_with("`other` for").then_some((keys::HOURS.title, "sun")));
        if let Some(name) = title.trim_matches(['[', ']']).strip_prefix("tickets.") {
            seen.insert(("[tickets]", name));
        }
        for section in ["[timebox.", "["] {
            let name = title.trim_matches(['[', ']']);
            let parent = if section == "[" { "" } else { "[timebox]" };
            seen.insert((parent, name.strip_prefix("timebox.").unwrap_or(name)));
            seen.insert(("", name.split('.').next().unwrap_or_default()));
        }
    }
    for keys in keys::ALL {
        for name in keys.names {
            assert!(
                seen.contains(&(keys.title, *name)),
                "`{name}` in {} is missing in config/usher.toml",
                keys.title
            );
        }
    }
}

fn example(text: &str) -> Config {
    let loaded = read(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded.config
}

#[test]
fn one_pool_on_github() {
    let config = example(include_str!("../../../config/examples/one-pool-github.toml"));
    assert_eq!(config.forges[0].url, "https://api.github.com");
    assert_eq!(config.policy.pools[0].groups[0].path, "acme/developers");
    assert_eq!(config.policy.routes.len(), 1, "everything goes to the only pool");
    assert_eq!(config.policy.routes[0].pool, "developers");
}

#[test]
fn docs_and_backend_by_path_on_gitlab() {
    let config = example(include_str!("../../../config/examples/docs-and-backend-gitlab.toml"));
    assert!(config.policy.routes[0].paths[1].matches("src/README.md"));
    assert!(config.policy.routes[1].paths.is_empty());
}

#[test]
fn own_words() {
    const TEMPLATES: &[(&str, &str)] = &[
        ("templates/status.md", include_str!("../../../config/examples/templates/status.md")),
        ("templates/remind.md", include_str!("../../../config/examples/templates/remind.md")),
    ];
    let text = include_str!("../../../config/examples/own-words.toml");
    let loaded = read_with(text, TEMPLATES, &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let files: Vec<_> = loaded.config.templates.files().map(|(text, _)| text.word()).collect();
    assert_eq!(files, ["status", "remind"]);
    assert_eq!(loaded.config.policy.maintainers.members, ["olga"]);
}

#[test]
fn two_forges_one_team() {
    let config = example(include_str!("../../../config/examples/two-forges-one-team.toml"));
    let kinds: Vec<&str> = config.forges.iter().map(|forge| forge.kind.word()).collect();
    assert_eq!(kinds, ["gitlab", "github"]);
    assert_eq!(config.policy.people["rita"].capacity, Some(3));
}

#[test]
fn follow_the_sun() {
    let config = example(include_str!("../../../config/examples/follow-the-sun.toml"));
    let night = config.policy.people["nadia"].hours.as_ref().unwrap();
    let agenda = usher_core::model::calendar::Agenda::new(night, &[]);
    let works = |instant: &str| agenda.is_working(instant.parse().unwrap());
    assert!(works("2026-11-21T23:00:00Z"), "Saturday night");
    assert!(works("2026-11-22T05:59:00Z"), "and on into Sunday morning");
    assert!(!works("2026-11-22T06:00:00Z"));
    assert!(!works("2026-11-22T21:59:00Z"));
}

#[test]
fn small_team_time_boxes() {
    use usher_core::model::timebox::{Budget, StepKind};
    let config = example(include_str!("../../../config/examples/small-team-time-boxes.toml"));
    let boxes = &config.policy.boxes;
    assert_eq!(boxes.reviewing.budget, Budget::Minutes(240));
    assert_eq!(boxes.with_author.budget, Budget::Days(2));
    assert_eq!((boxes.reviewing.steps[0].at_percent, boxes.reviewing.steps[0].kind), (50, StepKind::Remind));
}

#[test]
fn small_fixes_first() {
    use usher_core::model::timebox::Budget;
    let config = example(include_str!("../../../config/examples/small-fixes-first.toml"));
    let budgets: Vec<_> = config.policy.box_rules.iter().map(|rule| rule.boxes.reviewing.budget).collect();
    assert_eq!(budgets, [Budget::Minutes(60), Budget::Minutes(120), Budget::Days(2)].map(Some));
    let by_size: Vec<bool> = config.policy.box_rules.iter().map(|rule| rule.needs_size()).collect();
    assert_eq!(by_size, [false, true, true]);
}

#[test]
fn code_owners() {
    let config = example(include_str!("../../../config/examples/code-owners.toml"));
    assert!(config.policy.routes[0].codeowners);
    assert_eq!(config.policy.pools[0].groups[0].path, "acme/backend");
}

#[test]
fn tickets_and_scope() {
    let policy = example(include_str!("../../../config/examples/tickets-and-scope.toml")).policy;
    assert!(policy.scope.titles[0].is_match("Feature: pages of any size"));
    assert!(!policy.scope.titles[0].is_match("Fix features of the page"));
    assert_eq!(policy.tickets.find("ZD-12 and SUP-7, but not ABC-3").len(), 2);
}

#[test]
fn part_time_and_leave() {
    use usher_core::model::calendar::Agenda;
    use usher_core::model::people::{Directory, Roster};
    let policy = example(include_str!("../../../config/examples/part-time-and-leave.toml")).policy;
    let directory = Directory::new(&policy, "gitlab", &Roster::default());
    let works = |name: &str, instant: &str| {
        let person = directory.by_name(name).unwrap();
        Agenda::new(&person.hours, &person.away).is_working(instant.parse().unwrap())
    };
    assert!(
        works("rita", "2026-11-25T10:00:00Z") && !works("rita", "2026-11-26T10:00:00Z"),
        "Thursday is free"
    );
    assert!(works("ravi", "2026-11-26T10:00:00Z") && !works("ravi", "2026-11-26T15:00:00Z"), "no afternoons");
    assert!(works("nadia", "2026-11-28T05:00:00Z"), "the shift of Friday");
    assert!(!works("nadia", "2026-11-28T23:00:00Z"), "Saturday night");
    assert!(!works("nadia", "2026-12-21T23:00:00Z"), "on leave");
}

/// A file that nobody reads here would not be found out when it grows old.
#[test]
fn every_example_has_a_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let source = include_str!("examples.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let tested = source.contains(&format!("config/examples/{name}"));
        assert!(tested || !name.ends_with(".toml"), "{name} has no test in src/config/tests/examples.rs");
    }
}
