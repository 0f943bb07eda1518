//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::io;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::redact;

/// More mistakes than this are counted, but not printed.
const PRINTED_LIMIT: usize = 50;

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Usher does not start.
    Mistake,
    /// Usher starts; the reader should know.
    Warning,
}

/// Where a key or value stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Nowhere: something that is missing altogether.
    File,
    /// In an environment variable.
    Variable(String),
    /// In the text, in bytes.
    Text { start: usize, end: usize },
}

/// Something that was not understood, before it has a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// A sentence without a full stop.
    pub what: String,
    /// What to do instead; empty where `what` says it all.
    pub todo: String,
}

/// One mistake or warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub severity: Severity,
    /// What is wrong, without a full stop.
    pub what: String,
    /// What to do; may be empty.
    pub todo: String,
    /// Line, counted from 1; `None` where there is no line to point at.
    pub line: Option<usize>,
    /// Column in characters, counted from 1.
    pub column: Option<usize>,
    pub(super) place: Place,
}

/// All mistakes and warnings of one configuration, sorted by line.
///
/// Prints as a report for people: each with an excerpt in which values that may be secret are
/// blotted out, and a closing line that counts them.
#[derive(Clone, Debug)]
pub struct Mistakes {
    file_name: String,
    /// The text with secrets blotted out, byte for byte as long as the original.
    text: String,
    list: Vec<Mistake>,
}

/// Collects mistakes while the configuration is read.
#[derive(Debug, Default)]
pub(super) struct Book {
    list: Vec<Mistake>,
    /// Values that may be secret, to be blotted out of the excerpts.
    secrets: Vec<Range<usize>>,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, todo: impl Into<String>) -> Fault {
        Fault { what: what.into(), todo: todo.into() }
    }
}

impl Mistake {
    /// The environment variable that it is in; `None` where it is in the file.
    pub fn variable(&self) -> Option<&str> {
        match &self.place {
            Place::Variable(name) => Some(name),
            Place::File | Place::Text { .. } => None,
        }
    }

    pub(super) fn new(severity: Severity, place: &Place, fault: Fault) -> Mistake {
        let place = place.clone();
        let (what, todo) = (redact::line(&fault.what), redact::line(&fault.todo));
        Mistake { severity, what, todo, line: None, column: None, place }
    }
}

impl Book {
    pub(super) fn mistake(&mut self, place: &Place, what: impl Into<String>, todo: impl Into<String>) {
        self.fault(place, Fault::new(what, todo));
    }

    pub(super) fn warning(&mut self, place: &Place, what: impl Into<String>, todo: impl Into<String>) {
        self.list.push(Mistake::new(Severity::Warning, place, Fault::new(what, todo)));
    }

    pub(super) fn fault(&mut self, place: &Place, fault: Fault) {
        self.list.push(Mistake::new(Severity::Mistake, place, fault));
    }

    /// Keeps what stands at `place` out of the report's excerpts.
    pub(super) fn keep_secret(&mut self, place: &Place) {
        if let Place::Text { start, end } = place {
            self.secrets.push(*start..*end);
        }
    }

    /// The report on `text`.
    pub(super) fn close(self, file_name: &str, text: &str) -> Mistakes {
        Mistakes { text: redact::text(text, &self.secrets), ..Mistakes::new(file_name, text, self.list) }
    }
}

impl Mistakes {
    pub(super) fn new(file_name: &str, text: &str, mut list: Vec<Mistake>) -> Mistakes {
        for mistake in &mut list {
            if let Place::Text { start, .. } = mistake.place {
                let (line, column) = position(text, start);
                (mistake.line, mistake.column) = (Some(line), Some(column));
            }
        }
        list.sort_by(|a, b| (&a.place, a.severity).cmp(&(&b.place, b.severity)));
        Mistakes { file_name: file_name.to_owned(), text: redact::text(text, &[]), list }
    }

    /// The configuration file itself could not be read.
    pub(super) fn unreadable(file_name: &str, error: &io::Error) -> Mistakes {
        let todo = readable(error, "name another file with --config PATH");
        let fault = Fault::new(format!("cannot read the configuration: {error}"), todo);
        Mistakes::new(file_name, "", vec![Mistake::new(Severity::Mistake, &Place::File, fault)])
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|mistake| mistake.severity == severity).count()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.list.iter()
    }

    /// The name of the configuration file, as it was given.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The whole report, with or without colours.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut report = String::new();
        for mistake in self.list.iter().take(PRINTED_LIMIT) {
            report.push_str(&renderer.render(&[self.group(mistake)]));
            report.push_str("\n\n");
        }
        if !self.list.is_empty() {
            report.push_str(&self.summary());
            report.push('\n');
        }
        report
    }

    /// "3 mistakes and 1 warning in config/usher.toml".
    pub fn summary(&self) -> String {
        let counted = |severity, word: &str| match self.count(severity) {
            0 => None,
            1 => Some(format!("1 {word}")),
            many => Some(format!("{many} {word}s")),
        };
        let parts: Vec<String> =
            [counted(Severity::Mistake, "mistake"), counted(Severity::Warning, "warning")]
                .into_iter()
                .flatten()
                .collect();
        let first = match self.list.len() {
            0..=PRINTED_LIMIT => String::new(),
            _ => format!(" (the first {PRINTED_LIMIT} are shown)"),
        };
        format!("{} in {}{first}", parts.join(" and "), self.file_name)
    }

    fn group<'m>(&'m self, mistake: &'m Mistake) -> Group<'m> {
        let level = match mistake.severity {
            Severity::Mistake => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let group = Group::with_title(level.primary_title(mistake.what.as_str()));
        let group = match &mistake.place {
            Place::File => group.element(Origin::path(self.file_name.as_str())),
            Place::Variable(name) => group.element(Origin::path(format!("environment variable {name}"))),
            Place::Text { start, end } => {
                let span = on_one_line(&self.text, *start..*end);
                let snippet = Snippet::source(self.text.as_str()).path(self.file_name.as_str());
                group.element(snippet.annotation(AnnotationKind::Primary.span(span)))
            }
        };
        if mistake.todo.is_empty() {
            group
        } else {
            group.element(Level::HELP.message(mistake.todo.as_str()))
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Mistakes {}

/// What is often wrong with a path.
pub(super) const RELATIVE_TODO: &str = "relative paths start at the folder of the configuration file";

/// What to do about a file that cannot be read; `otherwise` where it may be another one that is meant.
pub(super) fn readable<'t>(error: &io::Error, otherwise: &'t str) -> &'t str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "let the user that runs Usher read it (chown, chmod), and enter its folder"
        }
        io::ErrorKind::InvalidData => "save it as UTF-8",
        io::ErrorKind::IsADirectory => "this is a folder: name the file in it",
        io::ErrorKind::FileTooLarge => "is it the right one?",
        _ => otherwise,
    }
}

/// Line and column of a byte offset, both counted from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |index| index + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Cuts a span at the end of its first line, and to the text.
fn on_one_line(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let line_end = text.get(start..end).and_then(|part| part.find(['\n', '\r'])).map_or(end, |at| start + at);
    start..line_end
}

/// The name nearest to `word`, if one is near enough to be meant: a few letters off, or cut short.
pub(super) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.to_lowercase();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let cut_short = word.len() >= 3 && (name.starts_with(&word) || word.starts_with(&name));
        if cut_short { 1 } else { strsim::damerau_levenshtein(&word, &name) }
    };
    let near_enough = (word.chars().count() / 3).max(1);
    let names = names.into_iter().filter(|name| !name.is_empty());
    let (best, name) = names.map(|name| (distance(name), name)).min_by_key(|(distance, _)| *distance)?;
    (best <= near_enough).then_some(name)
}

/// "did you mean `x`?", or all the names there are, or `otherwise` where there are none.
pub(super) fn did_you_mean(word: &str, names: &[&str], otherwise: &str) -> String {
    match nearest(word, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() || names.len() > 15 => otherwise.to_owned(),
        None => format!("known: {}", listed(names)),
    }
}

/// "`a`, `b`, `c`".
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
