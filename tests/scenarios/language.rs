//! The language of scenarios. A line of it is declared once: a pattern in words, what it does, and a
//! sentence that explains it. The list in the README is made of these.
//!
//! What stands in braces is an example: `{rita} is away {2026-11-30}..{2026-12-04}`. A word stands for any
//! word, a list of words (`rita and ravi`) for any list, other text for any text. A story's line must fit
//! one pattern and no other; only a pattern without examples goes before those with some.

use std::fmt::Write as _;
use std::fs;

use super::{Story, given, happens, then};

/// What a line without a result of its own gives.
pub(super) type Told = Result<(), String>;

/// A line of the language. What it does gives a `T`, or says why it cannot.
pub(super) struct Line<T> {
    pub(super) pattern: &'static str,
    pub(super) run: fn(&mut Story, &[&str]) -> Result<T, String>,
    pub(super) means: &'static str,
}

/// Lines on one subject.
pub(super) struct Chapter<T: 'static> {
    pub(super) title: &'static str,
    pub(super) lines: &'static [Line<T>],
}

/// `"pattern" => what it does, "what it means";` for each line. What it does is a function or closure of
/// the story and an array of the words found in place of the examples.
macro_rules! lines {
    ($($pattern:literal => $run:expr, $means:literal;)*) => {
        &[$($crate::scenarios::language::Line {
            pattern: $pattern,
            run: |story, found| $crate::scenarios::language::call(story, found, $run),
            means: $means,
        }),*]
    };
}
pub(super) use lines;

/// Hands the words over as an array, so that a function names as many as its pattern has examples.
pub(super) fn call<const N: usize, T>(
    story: &mut Story,
    found: &[&str],
    run: impl FnOnce(&mut Story, [&str; N]) -> Result<T, String>,
) -> Result<T, String> {
    let words =
        found.try_into().map_err(|_| format!("it takes {N} words, its pattern has {}", found.len()))?;
    run(story, words)
}

/// Fits a text to a pattern; what stands in place of the examples.
pub(super) fn fit<'a, const N: usize>(pattern: &str, text: &'a str) -> Option<[&'a str; N]> {
    words(pattern, text)?.try_into().ok()
}

fn words<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split(['{', '}']);
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    while let (Some(example), Some(literal)) = (parts.next(), parts.next()) {
        let end = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
        let word = rest[..end].trim();
        if !stands_for(example, word) {
            return None;
        }
        found.push(word);
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(found)
}

/// Whether an example of a pattern may stand for these words of a story.
fn stands_for(example: &str, words: &str) -> bool {
    let is_word = |text: &str| !text.is_empty() && !text.contains(' ');
    let is_list = |text: &str| text.replace(" and ", ", ").split(", ").all(is_word);
    let like_it = !is_word(example) || is_word(words);
    !words.is_empty() && like_it && (!is_list(example) || is_list(words))
}

/// A line and the words found in place of its examples.
type Found<'a, T> = (&'static Line<T>, Vec<&'a str>);

/// The one line of these chapters that fits, if any, with the words found.
pub(super) fn find<'a, T>(chapters: &[Chapter<T>], text: &'a str) -> Result<Option<Found<'a, T>>, String> {
    let lines = chapters.iter().flat_map(|chapter| chapter.lines);
    let mut fitting: Vec<_> = lines.filter_map(|line| Some((line, words(line.pattern, text)?))).collect();
    if fitting.iter().any(|(_, words)| words.is_empty()) {
        fitting.retain(|(_, words)| words.is_empty());
    }
    match &fitting[..] {
        [] | [_] => Ok(fitting.pop()),
        [(one, _), (other, _), ..] => Err(format!("it fits `{}` and `{}`", one.pattern, other.pattern)),
    }
}

/// Runs the one line of these chapters that fits; `None` where none does.
pub(super) fn run<T>(chapters: &[Chapter<T>], story: &mut Story, text: &str) -> Option<Result<T, String>> {
    match find(chapters, text) {
        Ok(found) => found.map(|(line, words)| (line.run)(story, &words)),
        Err(ambiguous) => Some(Err(ambiguous)),
    }
}

fn list<T>(text: &mut String, chapters: &[Chapter<T>]) {
    for Chapter { title, lines } in chapters {
        let _ = writeln!(text, "\n**{title}**\n");
        for line in *lines {
            let _ = writeln!(text, "- `{}`: {}", line.pattern, line.means);
        }
    }
}

/// All lines as the README lists them.
fn listed() -> String {
    let mut text = String::from("\n### given\n");
    list(&mut text, given::CHAPTERS);
    text.push_str("\n### What happens\n");
    list(&mut text, happens::DEEDS);
    list(&mut text, happens::EVENTS);
    text.push_str("\n### then\n");
    list(&mut text, then::CHAPTERS);
    text
}

#[test]
fn the_readme_lists_the_lines_there_are() {
    let file = crate::support::root().join("tests/scenarios/README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let (before, _) = readme.split_once("<!-- lines -->\n").expect("the place of the list");
    let wanted = format!("{before}<!-- lines -->\n{}", listed());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &wanted).unwrap();
    }
    let readme = fs::read_to_string(&file).unwrap();
    assert!(
        readme == wanted,
        "tests/scenarios/README.md is out of date: `just scenario-lines` writes it anew"
    );
}

/// Each example is understood as the line it stands for, and as nothing else.
fn understood<T>(chapters: &[Chapter<T>], others: &[&dyn Fn(&str) -> bool]) {
    for line in chapters.iter().flat_map(|chapter| chapter.lines) {
        let example = line.pattern.replace(['{', '}'], "");
        let found = find(chapters, &example).unwrap_or_else(|why| panic!("{example}: {why}"));
        assert_eq!(found.map(|(found, _)| found.pattern), Some(line.pattern));
        assert!(!others.iter().any(|fits| fits(&example)), "{example}: has two meanings");
    }
}

#[test]
fn no_line_stands_in_the_way_of_another() {
    understood(given::CHAPTERS, &[]);
    understood(happens::DEEDS, &[&|text| !matches!(find(happens::EVENTS, text), Ok(None))]);
    understood(happens::EVENTS, &[&|text| !matches!(find(happens::DEEDS, text), Ok(None))]);
    understood(then::CHAPTERS, &[]);
}

#[test]
fn an_example_stands_for_its_like() {
    assert_eq!(fit("{rita} is away {Mon}..{Tue}", "ravi is away Wed..Thu"), Some(["ravi", "Wed", "Thu"]));
    assert_eq!(fit("{rita} is away", "rita and ravi is away"), None::<[_; 1]>);
    assert_eq!(
        fit("{rita and ravi} are asked", "dora, dan and olga are asked"),
        Some(["dora, dan and olga"])
    );
    assert_eq!(fit("{rita and ravi} are asked", "dora are asked"), Some(["dora"]));
    assert_eq!(fit("{rita and ravi} are asked", "it says that all are asked"), None::<[_; 1]>);
    assert_eq!(fit("it says {some words}", "it says whatever there is"), Some(["whatever there is"]));
    assert_eq!(fit("it says {some words}", "it says "), None::<[_; 1]>);
}
