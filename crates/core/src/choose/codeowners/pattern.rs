//! Patterns of paths as the two forges read them: GitHub's are gitignore's with exceptions, GitLab's
//! are Ruby's `File.fnmatch` with `FNM_DOTMATCH` and `FNM_PATHNAME` (`advanced.md`).
//!
//! Matched part by part without a regular expression: a file of thousands of lines is read for one
//! change and then forgotten, and compiling it would cost more than all the rest.

use crate::model::change::ForgeKind;

/// A pattern taken apart at its slashes.
#[derive(Clone, Debug)]
pub(super) struct OwnersPattern {
    parts: Vec<Part>,
}

/// What one part of a path must be.
#[derive(Clone, Debug)]
enum Part {
    /// `**`: any number of parts, also none.
    Folders,
    /// At the end: one part or more.
    Everything,
    /// At the end, after a name that may be a folder's: any number of parts, also none.
    Below,
    Name(Vec<Piece>),
}

/// What one or more characters of a name must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// `*`: any characters, also none.
    Any,
    /// `?`
    One,
    Char(char),
    /// `[a-z]`, or `[^a-z]`, `[!a-z]`.
    Set {
        inverted: bool,
        ranges: Vec<(char, char)>,
    },
}

impl OwnersPattern {
    /// `None` for a pattern that matches nothing: it is empty, or on GitHub a bare slash.
    pub(super) fn new(kind: ForgeKind, text: &str) -> Option<OwnersPattern> {
        match kind {
            ForgeKind::GitHub => OwnersPattern::github(text),
            ForgeKind::GitLab => OwnersPattern::gitlab(text),
        }
    }

    /// As gitignore: a slash at the beginning or in the middle ties the pattern to the root, and a
    /// folder stands for all that is below it; but `docs/*` means the files of that folder alone.
    fn github(text: &str) -> Option<OwnersPattern> {
        let (rooted, text) = text.strip_prefix('/').map_or((false, text), |rest| (true, rest));
        let (folder, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        if text.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        if !rooted && !text.contains('/') {
            parts.push(Part::Folders);
        }
        parts.extend(text.split('/').map(|part| match part {
            "**" => Part::Folders,
            name => Part::Name(pieces(name, false)),
        }));
        match (folder, text.rsplit('/').next()) {
            (true, _) => parts.push(Part::Everything),
            (false, Some("**")) => {
                parts.pop();
                parts.push(Part::Everything);
            }
            (false, Some("*")) if text.contains('/') || rooted => {}
            (false, _) => parts.push(Part::Below),
        }
        Some(OwnersPattern { parts })
    }

    /// A pattern without a slash before it matches in any folder; a slash at the end means all files
    /// below. `**` is more than `*` only where a slash follows it.
    fn gitlab(text: &str) -> Option<OwnersPattern> {
        if text == "/" {
            return Some(OwnersPattern { parts: vec![Part::Everything] });
        }
        let (rooted, rest) = text.strip_prefix('/').map_or((false, text), |rest| (true, rest));
        let (folder, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
        if rest.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        if !rooted {
            parts.push(Part::Folders);
        }
        let mut names = rest.split('/').peekable();
        while let Some(name) = names.next() {
            let last = names.peek().is_none() && !folder;
            parts.push(if name == "**" && !last { Part::Folders } else { Part::Name(pieces(name, true)) });
        }
        if folder {
            parts.push(Part::Everything);
        }
        Some(OwnersPattern { parts })
    }

    /// Whether the path with these parts is matched.
    ///
    /// Only the last `**` is ever taken back to, so the work is at most parts of the pattern times
    /// parts of the path.
    pub(super) fn matches(&self, path: &[&str]) -> bool {
        let (mut part, mut at) = (0, 0);
        // Where to go on when what follows the last `**` does not fit: one part of the path later.
        let mut resume: Option<(usize, usize)> = None;
        loop {
            let fits = match self.parts.get(part) {
                None => at == path.len(),
                Some(Part::Everything) => return at < path.len(),
                Some(Part::Below) => return true,
                Some(Part::Folders) => {
                    resume = Some((part + 1, at));
                    part += 1;
                    continue;
                }
                Some(Part::Name(pieces)) => {
                    let fits = path.get(at).is_some_and(|name| fits(pieces, name));
                    if fits {
                        (part, at) = (part + 1, at + 1);
                        continue;
                    }
                    false
                }
            };
            if fits {
                return true;
            }
            match resume {
                Some((next, from)) if from < path.len() => {
                    resume = Some((next, from + 1));
                    (part, at) = (next, from + 1);
                }
                _ => return false,
            }
        }
    }
}

/// A name's pieces; a backslash takes the meaning from what follows it.
fn pieces(name: &str, sets: bool) -> Vec<Piece> {
    let chars: Vec<char> = name.chars().collect();
    let mut pieces = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        let piece = match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => match chars.get(at) {
                Some(&next) => {
                    at += 1;
                    Piece::Char(next)
                }
                None => Piece::Char('\\'),
            },
            '[' if sets => match chars.get(at..).and_then(set) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Piece::Char('['),
            },
            c => Piece::Char(c),
        };
        if piece != Piece::Any || pieces.last() != Some(&Piece::Any) {
            pieces.push(piece);
        }
    }
    pieces
}

/// The set that begins after a `[`, and its length with the `]`; `None` when it is not closed.
fn set(chars: &[char]) -> Option<(Piece, usize)> {
    let end = chars.iter().position(|c| *c == ']').filter(|end| *end > 0)?;
    let inverted = matches!(chars.first(), Some('^' | '!'));
    let mut inside = chars.get(usize::from(inverted)..end)?;
    let mut ranges = Vec::new();
    while let [first, rest @ ..] = inside {
        match rest {
            ['-', last, rest @ ..] => {
                ranges.push((*first, *last));
                inside = rest;
            }
            rest => {
                ranges.push((*first, *first));
                inside = rest;
            }
        }
    }
    Some((Piece::Set { inverted, ranges }, end + 1))
}

/// Whether a name is made of the pieces. As above, only the last `*` is taken back to.
fn fits(pieces: &[Piece], name: &str) -> bool {
    let (mut piece, mut rest) = (0, name);
    let mut resume: Option<(usize, &str)> = None;
    loop {
        let mut chars = rest.chars();
        let next = chars.next();
        let one = match (pieces.get(piece), next) {
            (None, None) => return true,
            (Some(Piece::Any), _) => {
                resume = Some((piece + 1, rest));
                piece += 1;
                continue;
            }
            (Some(Piece::One), Some(_)) => true,
            (Some(Piece::Char(wanted)), Some(c)) => *wanted == c,
            (Some(Piece::Set { inverted, ranges }), Some(c)) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *inverted
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        if one {
            (piece, rest) = (piece + 1, chars.as_str());
            continue;
        }
        let Some((after, from)) = resume else { return false };
        let mut later = from.chars();
        if later.next().is_none() {
            return false;
        }
        resume = Some((after, later.as_str()));
        (piece, rest) = (after, later.as_str());
    }
}
