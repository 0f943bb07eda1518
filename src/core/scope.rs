//! The scope guard: support fixes bugs and docs, features belong to product. Its rules give advice,
//! never a block, and a lead can take a change on all the same.

use std::collections::BTreeSet;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::change::Size;
use super::decide::Judge;
use super::reason::Reason;
use super::review::Review;

/// Characters of a title that patterns look at; forges allow 255.
const TITLE_BYTES_MAX: usize = 1_024;

/// What looks like more than a bug fix or docs. Without any rule nothing does.
#[derive(Clone, Debug, Default)]
pub struct ScopeRules {
    /// One of these labels is on the change.
    pub labels: BTreeSet<String>,
    /// The title matches one of these.
    pub titles: Vec<Regex>,
    /// More changed lines than this.
    pub max_lines: Option<u64>,
    /// More changed files than this.
    pub max_files: Option<u64>,
}

/// The rule by which a change looks like more than a fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum Beyond {
    Label { label: String },
    Title { pattern: String },
    Lines { lines: u64, max: u64 },
    Files { files: u64, max: u64 },
}

impl Beyond {
    /// Whether both name the same rule; by how much a size is exceeded does not matter.
    fn same_rule(&self, other: &Beyond) -> bool {
        match (self, other) {
            (Beyond::Lines { .. }, Beyond::Lines { .. }) | (Beyond::Files { .. }, Beyond::Files { .. }) => {
                true
            }
            (one, other) => one == other,
        }
    }
}

impl ScopeRules {
    /// Whether a rule asks for the size of changes, so that their files must be read.
    pub fn needs_size(&self) -> bool {
        self.max_lines.is_some() || self.max_files.is_some()
    }

    /// The first rule that the change goes beyond: labels, then title, then size.
    pub fn judge(&self, review: &Review) -> Option<Beyond> {
        let label = self.labels.iter().find(|label| review.seen_labels.contains(*label));
        if let Some(label) = label {
            return Some(Beyond::Label { label: label.clone() });
        }
        let title = &review.title[..review.title.floor_char_boundary(TITLE_BYTES_MAX)];
        if let Some(pattern) = self.titles.iter().find(|pattern| pattern.is_match(title)) {
            return Some(Beyond::Title { pattern: pattern.as_str().to_owned() });
        }
        let Size { lines, files } = review.size?;
        if let Some(max) = self.max_lines.filter(|max| lines > *max) {
            return Some(Beyond::Lines { lines, max });
        }
        self.max_files.filter(|max| files > *max).map(|max| Beyond::Files { files, max })
    }
}

impl Judge<'_> {
    /// Judges a live change by the rules of the scope, anew with every fact: labels, title, size and
    /// rules may have changed.
    pub(super) fn scope(&mut self) {
        let beyond = self.world.policy.scope.judge(&self.review);
        let known = std::mem::replace(&mut self.review.beyond, beyond.clone());
        match (known, beyond) {
            (Some(known), Some(beyond)) if known.same_rule(&beyond) => {}
            (_, Some(beyond)) => self.say(Reason::OutOfScope { beyond }),
            (Some(_), None) => self.say(Reason::InScope),
            (None, None) => {}
        }
    }
}
