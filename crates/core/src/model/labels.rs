//! Labels as a forge compares them.

use std::collections::BTreeSet;

use super::change::{ChangeKey, ForgeKind};
use super::policy::{Labels, Policy};
use super::review::Review;

impl ForgeKind {
    /// Whether two names are one label to the forge. GitHub keeps names unique without regard to case
    /// (it answers 422 `already_exists`); to GitLab `Bug` and `bug` are two.
    pub fn same_label(self, one: &str, other: &str) -> bool {
        match self {
            ForgeKind::GitLab => one == other,
            ForgeKind::GitHub => {
                one == other
                    || one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
            }
        }
    }
}

/// The labels on a change. What a configuration says of labels is looked up here, so that it is
/// compared as the forge does.
#[derive(Clone, Copy, Debug)]
pub struct LabelsOn<'a> {
    kind: ForgeKind,
    labels: &'a BTreeSet<String>,
}

impl<'a> LabelsOn<'a> {
    pub fn new(kind: ForgeKind, labels: &'a BTreeSet<String>) -> LabelsOn<'a> {
        LabelsOn { kind, labels }
    }

    pub fn has(&self, wanted: &str) -> bool {
        self.labels.contains(wanted) || self.labels.iter().any(|label| self.kind.same_label(label, wanted))
    }

    /// The first of these that is on.
    pub fn first_of<'w>(&self, wanted: impl IntoIterator<Item = &'w String>) -> Option<&'w String> {
        wanted.into_iter().find(|label| self.has(label))
    }

    /// Whether one of these is on; also where none is wanted.
    pub fn satisfy(&self, wanted: &[String]) -> bool {
        wanted.is_empty() || self.first_of(wanted).is_some()
    }
}

impl Policy {
    fn label_kind(&self, change: &ChangeKey) -> ForgeKind {
        self.forge(&change.forge).map_or(ForgeKind::GitLab, |forge| forge.kind)
    }

    /// The labels on a change as it was last seen.
    pub fn labels_on<'r>(&self, review: &'r Review) -> LabelsOn<'r> {
        LabelsOn::new(self.label_kind(&review.change), &review.seen.labels)
    }
}

impl Labels {
    /// The labels that a forge shows, with Usher's own spelled as in the configuration: what is seen,
    /// asked for and remembered of them has one spelling.
    pub fn spelled(&self, kind: ForgeKind, labels: &BTreeSet<String>) -> BTreeSet<String> {
        labels.iter().map(|label| self.spelling(kind, label).unwrap_or(label).to_owned()).collect()
    }

    /// The label of Usher's that this is to the forge.
    fn spelling(&self, kind: ForgeKind, label: &str) -> Option<&str> {
        self.all().into_iter().find(|own| kind.same_label(own, label))
    }

    fn all(&self) -> [&str; 9] {
        let Labels {
            contribution,
            waiting,
            reviewing,
            with_author,
            ready_to_merge,
            overdue,
            skip,
            out_of_scope,
            priority,
        } = self;
        [contribution, waiting, reviewing, with_author, ready_to_merge, overdue, skip, out_of_scope, priority]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_in_labels_on_gitlab_alone() {
        assert!(ForgeKind::GitHub.same_label("Für-Übersicht", "für-übersicht"));
        assert!(!ForgeKind::GitHub.same_label("bug", "bugs"));
        assert!(!ForgeKind::GitLab.same_label("Bug", "bug"));
        let on = BTreeSet::from(["Bug".to_owned()]);
        let wanted = ["later".to_owned(), "bUG".to_owned()];
        assert_eq!(LabelsOn::new(ForgeKind::GitHub, &on).first_of(&wanted), Some(&wanted[1]));
        assert!(!LabelsOn::new(ForgeKind::GitLab, &on).satisfy(&wanted));
        assert!(LabelsOn::new(ForgeKind::GitLab, &on).satisfy(&[]));
    }
}
