//! Scenarios in words: every `.txt` file in `tests/scenarios/` is one story, its first line the idea.
//!
//! `given` lines set the company up, lines that begin with a time let that time come, other lines
//! happen right away, and `then` lines say what must be so. The lines are declared in `given`, `happens`
//! and `then`; the README lists them. One function, [`play`], touches the judgement.

mod given;
mod happens;
mod language;
mod read;
mod then;

use std::fs;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use usher_core::model::action::{Action, Comment, STATUS_MARKER};
use usher_core::model::change::ForgeKind;
use usher_core::model::fact::Fact;
use usher_core::model::policy::{PersonPolicy, Pool};
use usher_words::templates::Templates;

use language::{Told, run};
use read::{at, date, moment, person};

use crate::support::company::{Company, PROJECT, account, london};
use crate::support::forge::Forge;
use crate::support::play::Play;
use crate::support::root;

/// Monday of the week in which a story begins unless it names a date.
const FIRST_DAY: &str = "2026-11-23";

#[test]
fn every_scenario_comes_true() {
    let folder = root().join("tests/scenarios");
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "txt"));
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios were found", files.len());
    files.retain(|file| file.to_string_lossy().contains(&only));
    let mut failures = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file).unwrap();
        let result = std::panic::catch_unwind(|| play(&name, &text));
        match result {
            Ok(Ok(story)) if !only.is_empty() => println!("=== {name}\n{story}"),
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => failures.push(failure),
            Err(_) => failures.push(format!("{name}: panicked (see above)")),
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n\n{}", failures.len(), files.len(), failures.join("\n\n"));
}

/// Plays one story; the error names file and line, and tells the history so far.
fn play(name: &str, text: &str) -> Result<String, String> {
    let mut lines = text.lines().enumerate();
    let idea = lines.next().map(|(_, line)| line.trim()).unwrap_or_default();
    if idea.len() < 10 || idea.starts_with("given") {
        return Err(format!("{name}:1: the first line says the idea of the story"));
    }
    let mut story = Story::new();
    let mut expectations = 0;
    for (number, line) in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let result = match line.split_once(' ') {
            Some(("given", rest)) => story.given(rest.trim()),
            Some(("then", rest)) => {
                expectations += 1;
                story.then(rest.trim())
            }
            _ => story.happens(line),
        };
        result.map_err(|error| {
            format!("{name}:{}: {idea}\n  {line}\n  {error}\n{}", number + 1, story.play.story())
        })?;
    }
    if expectations == 0 {
        return Err(format!("{name}: a story without a `then`"));
    }
    Ok(format!("{idea}\n{}", story.play.story()))
}

/// A story while it is told.
struct Story {
    play: Play,
    begun: bool,
    /// Ledger entries, pings and replies before the last thing that happened.
    ledger_seen: usize,
    pings_seen: usize,
    /// Deliveries that are on their way.
    late: Vec<Fact>,
    last: Vec<Fact>,
}

impl Story {
    fn new() -> Story {
        let author = account("sam").unwrap();
        let monday: Date = FIRST_DAY.parse().unwrap();
        let start = at(monday, Time::midnight());
        let play = Play::new(Company::new(), Forge::new(ForgeKind::GitLab, author), start);
        Story { play, begun: false, ledger_seen: 0, pings_seen: 0, late: vec![], last: vec![] }
    }

    fn given(&mut self, line: &str) -> Told {
        let told = run(given::CHAPTERS, self, line).unwrap_or_else(|| Err("no such `given` line".into()));
        self.play.reload();
        told
    }

    fn person_mut(&mut self, name: &str) -> Result<&mut PersonPolicy, String> {
        person(name)?;
        Ok(self.play.company.person_mut(name))
    }

    fn pool_mut(&mut self, name: &str) -> Result<&mut Pool, String> {
        let mut pools = self.play.company.policy.pools.iter_mut();
        pools.find(|pool| pool.name == name).ok_or_else(|| format!("there is no pool {name}"))
    }
}

/// The marker is what the harness finds the status comment by.
#[test]
fn a_status_comment_is_found_by_its_marker() {
    let mut forge = Forge::new(ForgeKind::GitHub, account("sam").unwrap());
    assert_eq!(forge.status(), None);
    let body = format!("{STATUS_MARKER}\nhello");
    let written = Action::Comment(Comment::Status { body: body.clone() });
    forge.perform(Timestamp::UNIX_EPOCH, &written, &Templates::default());
    assert_eq!(forge.status(), Some(body.as_str()));
}

/// A line that nobody understands fails the story and says where.
#[test]
fn an_unknown_line_fails_the_story_with_file_and_line() {
    let story = "An idea that is long enough\n\nMon 10:00 sam opens a change\nthen the moon is full\n";
    let failure = play("moon.txt", story).unwrap_err();
    assert!(failure.starts_with("moon.txt:4:"), "{failure}");
    let wrong = "An idea that is long enough\nMon 10:00 sam opens a change\nthen the stage is done\n";
    let failure = play("done.txt", wrong).unwrap_err();
    assert!(failure.contains("expected \"done\"") && failure.contains("was chosen"), "{failure}");
}

/// The hours in stories are London's; this is what the words mean.
#[test]
fn moments_are_the_next_of_their_name() {
    let monday = moment("Mon 10:00", at(date(FIRST_DAY).unwrap(), Time::midnight())).unwrap().0;
    assert_eq!(
        monday.to_zoned_datetime(london()).datetime(),
        "2026-11-23T10:00".parse::<DateTime>().unwrap()
    );
    let next = moment("Mon 09:00  rita approves", monday).unwrap();
    assert_eq!(
        next.0.to_zoned_datetime(london()).datetime(),
        "2026-11-30T09:00".parse::<DateTime>().unwrap()
    );
    assert_eq!(next.1, "rita approves");
    assert_eq!(PROJECT, "acme/shop");
}
