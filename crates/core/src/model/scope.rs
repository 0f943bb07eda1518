//! The scope guard: support fixes bugs and docs, features belong to product. Its rules give advice,
//! never a block, and a lead can take a change on all the same.

use std::collections::BTreeSet;

use regex::Regex;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum OutOfScope {
    Label { label: String },
    Title { pattern: String },
    Lines { lines: u64, max: u64 },
    Files { files: u64, max: u64 },
}

impl OutOfScope {
    /// Whether both name the same rule; by how much a size is exceeded does not matter.
    pub fn same_rule(&self, other: &OutOfScope) -> bool {
        match (self, other) {
            (OutOfScope::Lines { .. }, OutOfScope::Lines { .. })
            | (OutOfScope::Files { .. }, OutOfScope::Files { .. }) => true,
            (one, other) => one == other,
        }
    }
}

impl ScopeRules {
    /// Whether a rule asks for the size of changes, so that their files must be read.
    pub fn needs_size(&self) -> bool {
        self.max_lines.is_some() || self.max_files.is_some()
    }
}
