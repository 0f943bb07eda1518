//! The company's own words: templates that take the place of built-in texts.
//!
//! A template gets values that are tame already, may use little time and room, and its output is
//! tamed again: whatever it says, it mentions nobody whom Usher would not have mentioned, gives no
//! quick action, and carries no hidden marker. A template that cannot be used never stops anything:
//! the built-in text takes its place, and the fault is told.

use std::fmt;
use std::sync::Arc;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

/// Steps that one text may take, and, by minijinja's rule, 64 bytes of memory for each.
const FUEL: u64 = 50_000;
/// Nesting of macros and loops.
const RECURSION_MAX: usize = 50;
/// Longest text, in bytes. GitHub takes 65,536 characters, and a comment should be short.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;
/// Longest message about a fault.
const FAULT_CHARS_MAX: usize = 200;

/// A text that can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplateName {
    /// The one status comment.
    Status,
    /// A reminder to whoever has the ball.
    Remind,
    /// The word to a pool's lead.
    Escalate,
    /// The request to a reviewer whom the forge cannot list.
    Ask,
}

impl TemplateName {
    pub const ALL: [TemplateName; 4] =
        [TemplateName::Status, TemplateName::Remind, TemplateName::Escalate, TemplateName::Ask];

    /// The key in `[templates]`.
    pub fn word(self) -> &'static str {
        match self {
            TemplateName::Status => "status",
            TemplateName::Remind => "remind",
            TemplateName::Escalate => "escalate",
            TemplateName::Ask => "ask",
        }
    }
}

/// Why a template could not be used, and where in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    pub text: TemplateName,
    /// The file, as configured.
    pub file: String,
    /// Line and column, counted from 1, as far as they are known.
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub what: String,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The templates of a policy, compiled. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    list: Vec<Arc<Template>>,
}

struct Template {
    text: TemplateName,
    file: String,
    compiled: Result<Environment<'static>, TemplateFault>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.compiled.as_ref().err();
        f.debug_struct("Template")
            .field("text", &self.text)
            .field("file", &self.file)
            .field("fault", &fault)
            .finish()
    }
}

/// Whom a text may mention.
#[derive(Clone, Debug, Default)]
pub(super) struct Naming<'a> {
    /// Logins that the built-in text would write with `@`.
    pub mentions: Vec<&'a str>,
    /// A ping that does not name its person reaches nobody.
    pub must: Option<&'a str>,
}

impl Templates {
    /// Compiles a template; one for the same text is replaced. A fault in it is kept and told when it
    /// would be used.
    pub fn add(&mut self, text: TemplateName, file: &str, source: &str) {
        let mut environment = Environment::new();
        environment.set_debug(true);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        let added = environment.add_template_owned(text.word(), source.to_owned());
        let compiled = added.map(|()| environment).map_err(|error| fault(text, file, &error));
        self.list.retain(|known| known.text != text);
        self.list.push(Arc::new(Template { text, file: file.to_owned(), compiled }));
    }

    fn get(&self, text: TemplateName) -> Option<&Template> {
        self.list.iter().find(|template| template.text == text).map(Arc::as_ref)
    }

    /// Which texts are replaced, with their files.
    pub fn files(&self) -> impl Iterator<Item = (TemplateName, &str)> {
        self.list.iter().map(|template| (template.text, template.file.as_str()))
    }

    /// The company's words where there are any that can be used, else the built-in ones; and why a
    /// template was not used.
    pub(super) fn word(
        &self,
        text: TemplateName,
        naming: &Naming<'_>,
        built_in: impl FnOnce() -> String,
        context: impl FnOnce() -> Value,
    ) -> (String, Option<TemplateFault>) {
        match self.get(text).map(|template| template.render(context(), naming)) {
            None => (built_in(), None),
            Some(Ok(text)) => (text, None),
            Some(Err(fault)) => (built_in(), Some(fault)),
        }
    }
}

impl Template {
    fn render(&self, context: Value, naming: &Naming<'_>) -> Result<String, TemplateFault> {
        let environment = self.compiled.as_ref().map_err(Clone::clone)?;
        let template = environment.get_template(self.text.word());
        let output = template.and_then(|template| template.render(context));
        let output = output.map_err(|error| fault(self.text, &self.file, &error))?;
        let wrong = |what: String| TemplateFault {
            text: self.text,
            file: self.file.clone(),
            line: None,
            column: None,
            what,
        };
        let too_long = || wrong(format!("the text is longer than {OUTPUT_BYTES_MAX} bytes"));
        // Before anything reads it: fuel allows megabytes.
        if output.len() > OUTPUT_BYTES_MAX {
            return Err(too_long());
        }
        let tame = tamed(&output, &naming.mentions);
        if tame.len() > OUTPUT_BYTES_MAX {
            return Err(too_long());
        }
        if tame.trim().is_empty() {
            return Err(wrong("the text is empty".into()));
        }
        match naming.must {
            Some(must) if !mentions(&tame, must) => {
                Err(wrong("the text names nobody, so it would reach nobody: write {{ person }} in it".into()))
            }
            _ => Ok(tame.trim().to_owned()),
        }
    }
}

fn fault(text: TemplateName, file: &str, error: &minijinja::Error) -> TemplateFault {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {FUEL} steps"),
        (ErrorKind::UndefinedError, None) => "there is no such value".into(),
        (kind, None) => kind.to_string(),
        (_, Some(detail)) => detail.to_owned(),
    };
    let what = what.chars().map(|c| if c.is_control() { ' ' } else { c }).take(FAULT_CHARS_MAX).collect();
    let start = error.range().map(|range| range.start);
    let place = error.template_source().zip(start).and_then(|(source, start)| source.get(..start));
    let column = place.map(|before| before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    TemplateFault { text, file: file.to_owned(), line: error.line(), column, what }
}

/// Disarms what a forge, or Usher itself, would act on.
fn tamed(output: &str, mentions: &[&str]) -> String {
    let output = output.replace("\r\n", "\n").replace("<!--", "&lt;!--");
    let lines = output.lines().map(|line| {
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let line = without_mentions(&line, mentions);
        let indent = line.len() - line.trim_start().len();
        let action =
            line[indent..].strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        // A line of HTML makes HTML of what follows, where a code span is none: an empty line ends it.
        let html = line[indent..].strip_prefix('<');
        let html = html.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '/'));
        match (action, html) {
            (true, _) => format!("{}\\{}", &line[..indent], &line[indent..]),
            (false, true) => format!("{line}\n"),
            (false, false) => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Takes the `@` from every mention outside of code spans that is not among `allowed`.
fn without_mentions(line: &str, allowed: &[&str]) -> String {
    let spans = code_spans(line);
    let mut text = String::with_capacity(line.len());
    let mut done = 0;
    for (at, _) in line.match_indices('@') {
        text.push_str(&line[done..at]);
        done = at + 1;
        let live = !spans.iter().any(|(from, to)| (*from..*to).contains(&at));
        let in_word = line[..at].ends_with(char::is_alphanumeric);
        let handle = handle_at(&line[done..]);
        if !live || in_word || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(handle)) {
            text.push('@');
        }
    }
    text.push_str(&line[done..]);
    text
}

/// The login at the start of a text. A full stop or dash at its end belongs to the sentence.
fn handle_at(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')));
    text[..end.unwrap_or(text.len())].trim_end_matches(['.', '-', '/'])
}

/// Whether a text mentions `handle` where it is live.
fn mentions(text: &str, handle: &str) -> bool {
    text.lines().any(|line| {
        let spans = code_spans(line);
        line.match_indices('@').any(|(at, _)| {
            let live = !spans.iter().any(|(from, to)| (*from..*to).contains(&at));
            live && handle_at(&line[at + 1..]).eq_ignore_ascii_case(handle)
        })
    })
}

/// The code spans of a line, as byte ranges: from a run of backticks to the next one as long.
fn code_spans(line: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in line.match_indices('`') {
        match runs.last_mut() {
            Some((start, length)) if *start + *length == at => *length += 1,
            _ => runs.push((at, 1)),
        }
    }
    let mut spans = Vec::new();
    let mut next = 0;
    while let Some((start, length)) = runs.get(next).copied() {
        let close = runs[next + 1..].iter().position(|(_, other)| *other == length);
        match close {
            Some(skip) => {
                spans.push((start, runs[next + 1 + skip].0));
                next += skip + 2;
            }
            None => next += 1,
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worded(source: &str, naming: &Naming<'_>) -> (String, Option<TemplateFault>) {
        let mut templates = Templates::default();
        templates.add(TemplateName::Remind, "remind.md", source);
        let context = || minijinja::context! { person => "@rita", name => "rita", due => (), me => "usher" };
        templates.word(TemplateName::Remind, naming, || "built in".into(), context)
    }

    fn rita() -> Naming<'static> {
        Naming { mentions: vec!["rita"], must: Some("rita") }
    }

    fn said(source: &str) -> String {
        let (text, fault) = worded(source, &rita());
        assert_eq!(fault, None, "{source}");
        text
    }

    fn refused(source: &str) -> TemplateFault {
        let (text, fault) = worded(source, &rita());
        assert_eq!(text, "built in", "{source}");
        fault.unwrap_or_else(|| panic!("{source} was used"))
    }

    #[test]
    fn a_template_takes_the_place_of_the_built_in_text() {
        assert_eq!(said("{{ person }}, hello{% if due %} by {{ due }}{% endif %}!\n"), "@rita, hello!");
        let none = Templates::default().word(
            TemplateName::Ask,
            &Naming::default(),
            || "built in".into(),
            || panic!("not asked for"),
        );
        assert_eq!(none, ("built in".to_owned(), None));
    }

    #[test]
    fn a_fault_has_its_place() {
        let fault = refused("{{ person }}\n\n  {{ nobody }}");
        assert_eq!((fault.line, fault.column), (Some(3), Some(6)), "{fault}");
        let fault = refused("{{ person }}\n{% if %}");
        assert_eq!(fault.line, Some(2), "{fault}");
        assert!(fault.to_string().starts_with("remind.md:2:"), "{fault}");
    }

    #[test]
    fn there_is_a_limit_on_everything() {
        for source in [
            "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
            "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
            "{{ 'x' * 100000000000 }}",
            "{{ person }}{{ 'x' * 20000 }}",
            "{% include 'status' %}",
            "{% include 'remind' %}",
            "{{ range(100000000) }}",
            "",
            " {# nothing #} ",
        ] {
            let fault = refused(source);
            assert!(!fault.what.is_empty() && fault.what.len() <= 4 * FAULT_CHARS_MAX, "{source}: {fault}");
        }
    }

    #[test]
    fn a_ping_names_its_person() {
        assert!(refused("Hello!").what.contains("names nobody"));
        assert!(refused("`{{ person }}`").what.contains("names nobody"), "in a code span nobody is told");
        assert_eq!(said("Hi @RITA."), "Hi @RITA.");
    }

    #[test]
    fn only_those_are_mentioned_whom_usher_would_mention() {
        for (source, text) in [
            ("@rita @all @ravi", "@rita all ravi"),
            ("@rita (@acme/devs) @rita-k @rita.", "@rita (acme/devs) rita-k @rita."),
            ("@rita, `@usher decline` is fine, `@person`", "@rita, `@usher decline` is fine, `@person`"),
            ("@rita ` @all", "@rita ` all"),
            ("@rita ``@all`", "@rita ``all`"),
            ("@rita\n</details>\n`@all`", "@rita\n</details>\n\n`@all`"),
            ("@rita mail help@acme.example", "@rita mail help@acme.example"),
            ("@rita\n@usher skip", "@rita\nusher skip"),
            ("@rita\n<!-- usher:status -->x", "@rita\n&lt;!-- usher:status -->x"),
            ("@rita\n/merge\n  /label ~x\n / x", "@rita\n\\/merge\n  \\/label ~x\n / x"),
        ] {
            assert_eq!(said(source), text);
        }
    }
}
