//! What differs between a merge request and what it should be.

use std::collections::BTreeSet;

use usher_core::model::action::DesiredState;
use usher_core::model::change::Account;

/// What has to be written; `None` leaves the reviewers alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference<'a> {
    /// The whole new list, in which those who are there come first: GitLab Free keeps the first.
    pub reviewers: Option<Vec<u64>>,
    pub add: Vec<&'a str>,
    pub remove: Vec<&'a str>,
}

impl Difference<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.reviewers.is_none() && self.add.is_empty() && self.remove.is_empty()
    }
}

pub(super) fn difference<'a>(
    reviewers: &[Account],
    labels: &BTreeSet<String>,
    desired: &'a DesiredState,
    open: bool,
) -> Difference<'a> {
    let stays = |account: &&Account| {
        desired.reviewers.contains(*account) || !desired.not_reviewers.contains(*account)
    };
    let before: Vec<u64> = reviewers.iter().map(|account| account.id).collect();
    let mut after: Vec<u64> = reviewers.iter().filter(stays).map(|account| account.id).collect();
    // Nobody is asked to review what is merged or closed; who is not to review it comes off all the same.
    if open {
        after.extend(desired.reviewers.iter().map(|account| account.id).filter(|id| !before.contains(id)));
    }
    Difference {
        reviewers: (after != before).then_some(after),
        add: desired.labels.iter().filter(|label| !labels.contains(*label)).map(String::as_str).collect(),
        remove: desired
            .not_labels
            .iter()
            .filter(|label| labels.contains(*label))
            .map(String::as_str)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(ids: &[u64]) -> Vec<Account> {
        ids.iter().map(|id| Account::new(*id, format!("u{id}"))).collect()
    }

    fn desired(reviewers: &[u64], not: &[u64]) -> DesiredState {
        let set = |ids| people(ids).into_iter().collect();
        DesiredState { reviewers: set(reviewers), not_reviewers: set(not), ..DesiredState::default() }
    }

    #[test]
    fn the_whole_list_keeps_strangers_and_puts_them_first() {
        let written = |fresh: &[u64], wish: DesiredState, open| {
            difference(&people(fresh), &BTreeSet::new(), &wish, open).reviewers
        };
        assert_eq!(written(&[9], desired(&[3], &[]), true), Some(vec![9, 3]));
        assert_eq!(written(&[9, 3, 4], desired(&[3], &[4]), true), Some(vec![9, 3]));
        assert_eq!(written(&[4], desired(&[], &[4]), true), Some(vec![]));
        assert_eq!(written(&[3, 9], desired(&[3], &[4]), true), None, "nothing differs");
        assert_eq!(written(&[4], desired(&[4], &[4]), true), None, "wanted beats unwanted");
        assert_eq!(written(&[], desired(&[3], &[]), false), None, "not on a closed change");
        assert_eq!(written(&[4, 9], desired(&[3], &[4]), false), Some(vec![9]), "who declined comes off");
    }
}
