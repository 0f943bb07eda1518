//! Tests of the configuration: what a user reads when something is wrong, and what comes out when
//! nothing is.

mod calendar_files;
mod examples;
mod kinds;
mod report;
mod secrecy;
mod shell;
mod tickets;
mod timeboxes;
mod values;
mod way;
mod words;
mod worktime;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

/// The signing token of GitLab's documentation: 32 bytes.
const SIGNING_TOKEN: &str = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=";

/// The least that is accepted; fifteen lines, so what a test adds begins on line 16.
const LEAST: &str = r#"[[forge]]
name = "gitlab"
kind = "gitlab"
token = "env:TOKEN"
secret_tokens = ["env:HOOK"]
projects = ["acme/*"]
[support]
members = ["sam"]
[[pool]]
name = "backend"
members = ["rita", "ravi"]
[[route]]
pool = "backend"
# nothing

"#;

/// Environment and files of the tests.
fn outside(files: &'static [(&'static str, &'static str)]) -> impl Fn(&[(&str, &str)]) -> Outside<'static> {
    let read: &'static dyn Fn(&Path) -> io::Result<Vec<u8>> = Box::leak(Box::new(move |path: &Path| {
        let found = files.iter().find(|(name, _)| path == Path::new("/etc/usher").join(name));
        found
            .map(|(_, text)| text.as_bytes().to_vec())
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }));
    move |more| {
        let usual = [
            ("TOKEN", "glpat-abc"),
            ("HOOK", "plain hook secret"),
            ("USHER_GITLAB_TOKEN", "glpat-abc"),
            ("USHER_GITLAB_SIGNING_TOKEN", SIGNING_TOKEN),
            ("USHER_GITHUB_TOKEN", "github_pat_abc"),
            ("USHER_GITHUB_SECRET", "a long github secret"),
        ];
        let variables: BTreeMap<String, String> =
            usual.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Outside { variables, folder: PathBuf::from("/etc/usher"), needs_secrets: true, read_file: read }
    }
}

/// The only call of [`parse`] in these tests.
fn read_with(
    text: &str,
    files: &'static [(&'static str, &'static str)],
    variables: &[(&str, &str)],
) -> Result<Loaded, Mistakes> {
    parse(text, "usher.toml", &outside(files)(variables))
}

fn read(text: &str) -> Result<Loaded, Mistakes> {
    read_with(text, &[], &[])
}

#[track_caller]
fn good(text: &str) -> Config {
    match read(text) {
        Ok(loaded) => loaded.config,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// Mistakes and warnings in short: `line:column what (what to do)`, warnings with `warning:`.
fn short(result: &Result<Loaded, Mistakes>) -> String {
    let report = match result {
        Ok(loaded) => &loaded.warnings,
        Err(mistakes) => mistakes,
    };
    let line = |mistake: &Mistake| {
        let place = match (&mistake.place, mistake.line, mistake.column) {
            (mistakes::Place::Variable(name), _, _) => name.clone(),
            (_, Some(line), Some(column)) => format!("{line}:{column}"),
            _ => "-".to_owned(),
        };
        let severity = if mistake.severity == Severity::Warning { " warning:" } else { "" };
        format!("{place}{severity} {} ({})\n", mistake.what, mistake.todo)
    };
    report.iter().map(line).collect()
}

/// Adds `more` after [`LEAST`] (so that it begins on line 16) and expects these mistakes and warnings.
#[track_caller]
fn check(more: &str, expected: &str) {
    check_text(&format!("{LEAST}{more}"), expected);
}

/// Replaces a part of [`LEAST`].
#[track_caller]
fn check_instead(old: &str, new: &str, expected: &str) {
    assert!(LEAST.contains(old));
    check_text(&LEAST.replacen(old, new, 1), expected);
}

#[track_caller]
fn check_text(text: &str, expected: &str) {
    let result = read(text);
    let found = short(&result);
    assert_eq!(found.trim_end(), expected, "\n{found}");
    let only_warnings = expected.lines().all(|line| line.contains(" warning: "));
    assert_eq!(result.is_ok(), only_warnings, "a warning does not stop Usher, a mistake does");
}

#[test]
fn the_least_configuration_has_the_documented_defaults() {
    let config = good(LEAST);
    assert!(!config.dry_run);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.admin.to_string(), "127.0.0.1:8081");
    assert_eq!(config.server.body_limit, 25 * 1024 * 1024);
    assert_eq!(config.server.keep_bodies, Duration::from_secs(3 * 24 * 3600));
    assert_eq!(config.store_url, "sqlite:usher.db");
    assert_eq!(config.reconcile_every, Duration::from_secs(600));
    assert_eq!(config.forges[0].url, "https://gitlab.com");
    let policy = &config.policy;
    assert_eq!(policy.boxes, usher_core::model::timebox::BoxRules::default());
    assert_eq!(policy.labels, usher_core::model::policy::Labels::default());
    assert_eq!(policy.limits, usher_core::model::policy::Limits::default());
    let pool = &policy.pools[0];
    assert_eq!((pool.reviewers, pool.approvals, pool.capacity), (1, 1, 5));
    assert_eq!(short(&read(LEAST)), "");
}

#[test]
fn a_missing_file_is_one_mistake() {
    let mistakes = load(Path::new("/no/such/folder/usher.toml")).unwrap_err();
    assert_eq!(mistakes.count(Severity::Mistake), 1);
    let report = mistakes.to_string();
    assert!(report.contains("cannot read the configuration: No such file or directory"), "{report}");
    assert!(report.ends_with("1 mistake in /no/such/folder/usher.toml\n"), "{report}");
}

#[test]
fn an_empty_file_says_what_is_needed() {
    let report = short(&read(""));
    for needed in ["no forge is configured", "[support] is missing", "there is no [[pool]]"] {
        assert!(report.contains(needed), "{report}");
    }
}

#[test]
fn broken_toml_is_reported_with_its_lines() {
    let text = "[server]\nadmin = \"1\"\nadmin = \"127.0.0.1:1\nlisten = yes\n[support]\nmembers = [\n";
    assert_eq!(
        short(&read(text)),
        "\
3:21 a text that does not end (close it on the same line, with the quote it began with)
4:10 this is no TOML value (texts need quotes: key = \"text\")
6:12 unclosed array, expected `]` (this is not TOML: texts need quotes, lists need brackets and commas)
"
    );
}

#[test]
fn the_environment_overrides_plain_tables() {
    let variables = [
        ("USHER__SERVER__LISTEN", "0.0.0.0:9000"),
        ("USHER__LIMITS__MAX_POOLS", "3"),
        ("USHER__DRY_RUN", "true"),
        ("USHER__LABELS__SKIP", "hands-off"),
        ("USHER__SUPPORT__EXCEPT", "[\"bot\"]"),
    ];
    let config = read_with(LEAST, &[], &variables).unwrap().config;
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(config.policy.limits.max_pools, 3);
    assert_eq!(config.policy.labels.skip, "hands-off");
    assert_eq!(config.policy.support.except, ["bot"]);
    assert!(config.dry_run);
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let variables = [
        ("USHER__FORGE__TOKEN", "glpat-secret"),
        ("USHER__LIMITS__MAX_POOLS", "many"),
        ("USHER__SERVER__LISTN", "glpat-secret"),
        ("USHER____", "x"),
    ];
    let result = read_with(LEAST, &[], &variables);
    assert_eq!(
        short(&result),
        "\
USHER__FORGE__TOKEN `USHER__FORGE__TOKEN` does not lead to a key of a plain table (lists like [[forge]] are set in the file; secrets there may say env:NAME)
USHER__LIMITS__MAX_POOLS expected a number, found a string (write a whole number from 1 to 10000, without quotes)
USHER__SERVER__LISTN unknown key `listn` in [server] (did you mean `listen`?)
USHER____ `USHER____` names no key (write it as USHER__SECTION__KEY)
"
    );
    let report = result.unwrap_err().to_string();
    assert!(report.contains("--> environment variable USHER__SERVER__LISTN"), "{report}");
    assert!(!report.contains("glpat-secret"), "{report}");
}
