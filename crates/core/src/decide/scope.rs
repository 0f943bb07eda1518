//! Scope: whether a change looks like more than a fix.

use super::draft::Draft;
use crate::model::change::Size;
use crate::model::labels::LabelsOn;
use crate::model::reason::Reason;
use crate::model::review::Review;
use crate::model::scope::{OutOfScope, ScopeRules};

/// Bytes of a title that patterns look at; forges allow 255 characters.
const TITLE_BYTES_MAX: usize = 1_024;

impl ScopeRules {
    /// The first rule that the change goes beyond: labels, then title, then size.
    pub fn judge(&self, review: &Review, labels: LabelsOn<'_>) -> Option<OutOfScope> {
        if let Some(label) = labels.first_of(&self.labels) {
            return Some(OutOfScope::Label { label: label.clone() });
        }
        let title = &review.seen.title[..review.seen.title.floor_char_boundary(TITLE_BYTES_MAX)];
        if let Some(pattern) = self.titles.iter().find(|pattern| pattern.is_match(title)) {
            return Some(OutOfScope::Title { pattern: pattern.as_str().to_owned() });
        }
        let Size { lines, files } = review.seen.size?;
        if let Some(max) = self.max_lines.filter(|max| lines > *max) {
            return Some(OutOfScope::Lines { lines, max });
        }
        self.max_files.filter(|max| files > *max).map(|max| OutOfScope::Files { files, max })
    }
}

impl Draft<'_> {
    /// Judges a live change by the rules of the scope, anew with every fact: labels, title, size and
    /// rules may have changed.
    pub(super) fn scope(&mut self) {
        let policy = self.world.policy;
        let beyond = policy.scope.judge(&self.review, policy.labels_on(&self.review));
        let known = std::mem::replace(&mut self.review.planned.out_of_scope, beyond.clone());
        match (known, beyond) {
            (Some(known), Some(beyond)) if known.same_rule(&beyond) => {}
            (_, Some(beyond)) => self.say(Reason::OutOfScope { beyond }),
            (Some(_), None) => self.say(Reason::InScope),
            (None, None) => {}
        }
    }
}
