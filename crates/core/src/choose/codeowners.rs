//! CODEOWNERS: who owns which file, read by the rules of the forge that the file lives on.
//!
//! The two forges share the name of the file and little else:
//!
//! | | GitHub | GitLab |
//! |---|---|---|
//! | places, first found | `.github/`, root, `docs/` [order: memory] | root, `docs/`, `.gitlab/` |
//! | `docs` | file or folder of that name, with all below | a file of that name |
//! | `a/b` | from the root | in any folder |
//! | which line counts | the last that matches | the last that matches, of each section |
//! | no owners | takes the owners away | the section's default owners, else nobody |
//! | `!path`, `[a-z]`, `\#` | not supported: the line is passed over | exclusion, set, a real `#` |
//! | `# …` after the owners | a comment | not supported: what looks like an owner is one |
//! | what is no owner | the whole line is skipped | passed over: owners are found in the text |
//! | `/` | nothing | everything |
//!
//! Sources: GitHub `about-code-owners.md`, GitLab `doc/user/project/codeowners/reference.md` and
//! `advanced.md`, and for headings, owners and bare slashes its `file.rb`, `section_parser.rb` and
//! `reference_extractor.rb` (19.x); what they leave open is marked `[memory]`.
//!
//! Reading never fails: a line that is not understood is passed over and told with its number.

mod pattern;

use crate::model::change::ForgeKind;
use pattern::OwnersPattern;

/// Largest file that is read, in bytes. GitHub loads none of 3 MB or more; GitLab names no limit.
pub const BYTES_MAX: usize = 3_000_000;
/// Most lines with a pattern that are taken in, so that matching stays cheap.
const ENTRIES_MAX: usize = 10_000;
/// Longest pattern, in bytes: longer than any path.
const PATTERN_BYTES_MAX: usize = 1_024;
/// Most owners of one line.
const OWNERS_MAX: usize = 50;
/// Most mistakes that are told; further ones are not looked for.
const FLAWS_MAX: usize = 100;
/// Longest piece of a line that a flaw repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// Where a forge looks for the file; the first that is there counts.
pub fn places(kind: ForgeKind) -> [&'static str; 3] {
    match kind {
        ForgeKind::GitHub => [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"],
        ForgeKind::GitLab => ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"],
    }
}

/// A CODEOWNERS file, understood as far as possible.
#[derive(Clone, Debug)]
pub struct Codeowners {
    kind: ForgeKind,
    sections: Vec<Section>,
    /// What was not understood, in the order of lines.
    pub flaws: Vec<Flaw>,
}

/// Something in the file that was not understood or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Counted from 1.
    pub line: usize,
    /// A sentence without a full stop.
    pub what: String,
}

/// A part of the file in which the last match counts. GitHub has one, without a name.
#[derive(Clone, Debug)]
struct Section {
    /// In lower case: case does not matter.
    name: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    pattern: OwnersPattern,
    /// GitLab's `!path`: a file that it matches has no owner in its section, whatever comes after.
    excludes: bool,
    /// Handles without `@`.
    owners: Vec<String>,
}

/// What stands at the beginning of a GitLab section.
struct Heading<'a> {
    name: &'a str,
    owners: &'a str,
}

impl Codeowners {
    /// Reads the file as `kind` reads it. Whoever fetches it refuses more than [`BYTES_MAX`]; what
    /// comes after that many bytes is not looked at.
    pub fn parse(kind: ForgeKind, text: &str) -> Codeowners {
        let mut reader = Reader {
            file: Codeowners { kind, sections: vec![Section::new("")], flaws: Vec::new() },
            section: 0,
            default_owners: Vec::new(),
            entries: 0,
        };
        let head = &text[..text.floor_char_boundary(BYTES_MAX)];
        if head.len() < text.len() {
            reader.flaw(1, format!("the file is larger than {BYTES_MAX} bytes; its end is not read"));
        }
        let head = head.strip_prefix('\u{feff}').unwrap_or(head);
        for (index, line) in head.lines().enumerate() {
            if reader.entries >= ENTRIES_MAX {
                reader.flaw(index + 1, format!("more than {ENTRIES_MAX} entries; the rest is not read"));
                break;
            }
            reader.line(index + 1, line.trim());
        }
        reader.file
    }

    /// The owners of the file at `path` (from the root, without a slash before it) as handles
    /// without `@`: `login`, `org/team`, `group`, `group/subgroup`. Each once, in their order; empty
    /// for a file that nobody owns.
    pub fn owners(&self, path: &str) -> Vec<&str> {
        let parts: Vec<&str> = path.split('/').collect();
        let mut owners: Vec<&str> = Vec::new();
        for section in &self.sections {
            for owner in section.owners(&parts) {
                if !owners.contains(&owner.as_str()) {
                    owners.push(owner);
                }
            }
        }
        owners
    }

    /// Every handle that owns anything, each once.
    pub fn handles(&self) -> std::collections::BTreeSet<&str> {
        let entries = self.sections.iter().flat_map(|section| &section.entries);
        entries.flat_map(|entry| &entry.owners).map(String::as_str).collect()
    }
}

impl Section {
    fn new(name: &str) -> Section {
        Section { name: name.to_lowercase(), entries: Vec::new() }
    }

    fn owners(&self, parts: &[&str]) -> &[String] {
        let mut last: &[String] = &[];
        for entry in self.entries.iter().filter(|entry| entry.pattern.matches(parts)) {
            if entry.excludes {
                return &[];
            }
            last = &entry.owners;
        }
        last
    }
}

/// Reads line by line.
struct Reader {
    file: Codeowners,
    /// The section that lines go to now.
    section: usize,
    /// Of that section's latest heading.
    default_owners: Vec<String>,
    entries: usize,
}

impl Reader {
    fn flaw(&mut self, line: usize, what: impl Into<String>) {
        if self.file.flaws.len() < FLAWS_MAX {
            self.file.flaws.push(Flaw { line, what: what.into() });
        }
    }

    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        match self.file.kind {
            ForgeKind::GitHub => self.github(number, line),
            ForgeKind::GitLab => self.gitlab(number, line),
        }
    }

    fn github(&mut self, number: usize, line: &str) {
        let (pattern, owners) = split(line);
        // What follows a `#` is a comment, as in GitHub's own example of an inline comment [memory].
        let owners = owners.split_once('#').map_or(owners, |(owners, _)| owners);
        let unsupported = match pattern.chars().next() {
            Some('!') => Some("`!` takes nothing back on GitHub"),
            _ if pattern.starts_with("\\#") => Some("`\\#` is no way to write a `#` on GitHub"),
            _ if pattern.contains(['[', ']']) => Some("`[ ]` is no set of characters on GitHub"),
            _ if pattern.contains("***") => Some("three asterisks in a row"),
            _ => None,
        };
        if let Some(what) = unsupported {
            return self.flaw(number, format!("{what}: {}", shown(pattern)));
        }
        if let Some(owners) = self.github_owners(number, owners) {
            self.entry(number, pattern, false, owners);
        }
    }

    /// The handles among the owners of a line; `None` where one is no owner at all, for GitHub then skips
    /// the line. Whom an e-mail address stands for is not known here.
    fn github_owners(&mut self, number: usize, text: &str) -> Option<Vec<String>> {
        let mut handles: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let handle = word.strip_prefix('@').filter(|handle| is_handle(handle));
            match handle {
                Some(handle) if handles.len() < OWNERS_MAX => handles.push(handle.to_owned()),
                Some(_) => {
                    self.flaw(number, format!("more than {OWNERS_MAX} owners; the rest is left out"));
                    break;
                }
                None if is_address(word) => {
                    self.flaw(number, format!("{} is no user name and is passed over", shown(word)));
                }
                None => {
                    let what = format!("{} is no owner, so GitHub skips the line", shown(word));
                    self.flaw(number, what);
                    return None;
                }
            }
        }
        Some(handles)
    }

    fn gitlab(&mut self, number: usize, line: &str) {
        if let Some(heading) = heading(line) {
            let (name, owners) = (heading.name.to_lowercase(), heading.owners);
            let known = self.file.sections.iter().position(|section| section.name == name);
            self.section = known.unwrap_or_else(|| {
                self.file.sections.push(Section::new(&name));
                self.file.sections.len() - 1
            });
            self.default_owners = self.gitlab_owners(number, owners);
            return;
        }
        if line.starts_with('[') || line.starts_with("^[") {
            // GitLab takes it for a path, and so the section is missing.
            self.flaw(number, format!("this heading is not closed: {}", shown(line)));
        }
        let (pattern, owners) = split(line);
        let (pattern, excludes) = pattern.strip_prefix('!').map_or((pattern, false), |path| (path, true));
        // With anything after the path the line has owners of its own, also where they are nobody.
        let owners = match owners.trim() {
            _ if excludes => Vec::new(),
            "" => self.default_owners.clone(),
            own => self.gitlab_owners(number, own),
        };
        if owners.is_empty() && !excludes {
            self.flaw(number, format!("nobody is known to own {}", shown(pattern)));
        }
        self.entry(number, pattern, excludes, owners);
    }

    fn entry(&mut self, number: usize, pattern: &str, excludes: bool, owners: Vec<String>) {
        if pattern.len() > PATTERN_BYTES_MAX {
            return self.flaw(number, format!("a path of more than {PATTERN_BYTES_MAX} bytes"));
        }
        let Some(pattern) = OwnersPattern::new(self.file.kind, pattern) else {
            return self.flaw(number, format!("{} matches nothing", shown(pattern)));
        };
        self.entries += 1;
        if let Some(section) = self.file.sections.get_mut(self.section) {
            section.entries.push(Entry { pattern, excludes, owners });
        }
    }

    /// The handles that are found in the text. Whom addresses and roles stand for is not known here; what
    /// is none of these is told.
    fn gitlab_owners(&mut self, number: usize, text: &str) -> Vec<String> {
        for word in text.split_whitespace().filter(|word| found_in(word).next().is_none()) {
            if word.starts_with("@@") {
                self.flaw(number, format!("the role {} is passed over", shown(word)));
            } else if word.contains('@') {
                self.flaw(number, format!("{} is no user name and is passed over", shown(word)));
            } else if !text.contains('#') {
                // GitLab reads no inline comments: their words are owners that do not exist.
                self.flaw(number, format!("{} is no owner; did you mean `@…`?", shown(word)));
            }
        }
        let mut handles: Vec<String> = found_in(text).take(OWNERS_MAX + 1).map(str::to_owned).collect();
        if handles.len() > OWNERS_MAX {
            self.flaw(number, format!("more than {OWNERS_MAX} owners; the rest is left out"));
            handles.truncate(OWNERS_MAX);
        }
        handles
    }
}

/// The handles in a text as GitLab finds them: after an `@` before which no letter, digit, `_` or `@`
/// stands, whatever is around it.
fn found_in(text: &str) -> impl Iterator<Item = &str> {
    let before = |at: usize| text[..at].chars().next_back();
    let begins =
        move |at: &usize| before(*at).is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '@')));
    let signs = text.match_indices('@').map(|(at, _)| at).filter(begins);
    signs.map(|at| handle_at(&text[at + 1..])).filter(|handle| !handle.is_empty())
}

/// The handle that a text begins with; empty where it begins with none. A full stop does not end one.
fn handle_at(text: &str) -> &str {
    let mut end = 0;
    for part in text.split('/') {
        let length = part.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
        let known = part[..length.unwrap_or(part.len())].trim_end_matches('.');
        let begins = known.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if !begins {
            break;
        }
        // The slash before it belongs to the handle only together with it.
        end = if end == 0 { known.len() } else { end + 1 + known.len() };
        if known.len() < part.len() {
            break;
        }
    }
    &text[..end]
}

/// As much of an e-mail address as matters: something before and after one `@`.
fn is_address(word: &str) -> bool {
    word.split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// Letters, digits and `-_.`, in parts between slashes.
fn is_handle(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    text.len() <= PATTERN_BYTES_MAX && text.split('/').all(part)
}

/// The path and what follows it: white space ends it, unless a backslash is before it.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !escaped {
            return (&line[..at], &line[at..]);
        }
        escaped = c == '\\' && !escaped;
    }
    (line, "")
}

/// `[Name]`, `^[Name]`, `[Name][2]`, each with default owners after it: whatever begins so is a heading, also
/// `[a-z]*.rb`. The owners end with the first character that is in no handle.
fn heading(line: &str) -> Option<Heading<'_>> {
    let (name, rest) = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?.split_once(']')?;
    let number = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let number = number.filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit() || c.is_whitespace()));
    let rest = number.map_or(rest, |(_, rest)| rest);
    let ends =
        |c: char| !(c.is_alphanumeric() || c.is_whitespace() || matches!(c, '@' | '_' | '.' | '-' | '/'));
    Some(Heading { name, owners: &rest[..rest.find(ends).unwrap_or(rest.len())] })
}

/// A piece of the file for a flaw: short, on one line, in backquotes.
fn shown(text: &str) -> String {
    let tame = text.chars().map(|c| if c.is_control() || c == '`' { '?' } else { c });
    let mut tame: String = tame.take(SHOWN_CHARS_MAX).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        tame.push('…');
    }
    format!("`{tame}`")
}

#[cfg(test)]
mod tests;
