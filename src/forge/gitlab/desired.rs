//! Reviewers and labels of a merge request: read fresh, write what differs, compare.

use std::collections::{BTreeMap, BTreeSet};

use gitlab::api::common::NameOrId;
use gitlab::api::endpoint_prelude::{BodyError, Cow, Endpoint, FormParams, Method};
use gitlab::api::projects::members::AllProjectMember;

use super::client::{GitLab, endpoint};
use super::wire;
use crate::forge::client::Performed;
use crate::forge::fault::Fault;
use usher_core::model::action::Shape;
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::{Fact, Refusal};

/// A change as it was read.
#[derive(Debug)]
pub(super) struct Seen {
    pub is_open: bool,
    pub reviewers: Vec<Account>,
    pub labels: BTreeSet<String>,
    /// Global ids of its labels, and of those that are wanted and there; `None` when it was read by REST.
    pub label_ids: Option<BTreeMap<String, String>>,
}

/// What has to be written; `None` leaves the reviewers alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference<'a> {
    /// The whole new list, in which those who are there come first: GitLab Free keeps the first.
    pub reviewers: Option<Vec<u64>>,
    pub add: Vec<&'a str>,
    pub remove: Vec<&'a str>,
}

/// One `PUT` of a difference. The crate's own `EditMergeRequest` keeps reviewers in a set and sends
/// them sorted by id, and GitLab Free would then throw out whomever a person had put there.
#[derive(Debug)]
struct Edit<'a> {
    change: &'a ChangeKey,
    difference: &'a Difference<'a>,
}

impl Endpoint for Edit<'_> {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn endpoint(&self) -> Cow<'static, str> {
        let project = NameOrId::from(&self.change.project);
        format!("projects/{project}/merge_requests/{}", self.change.number).into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let Difference { reviewers, add, remove } = self.difference;
        let mut form = FormParams::default();
        match reviewers.as_deref() {
            None => {}
            // An empty list would be no parameter at all; GitLab takes 0 for nobody.
            Some([]) => drop(form.push("reviewer_ids", 0_u64)),
            Some(ids) => drop(form.extend(ids.iter().map(|id| ("reviewer_ids[]", *id)))),
        }
        for (key, labels) in [("add_labels", add), ("remove_labels", remove)] {
            if !labels.is_empty() {
                form.push(key, labels.join(","));
            }
        }
        form.into_body()
    }
}

impl Difference<'_> {
    fn is_empty(&self) -> bool {
        self.reviewers.is_none() && self.add.is_empty() && self.remove.is_empty()
    }
}

impl GitLab {
    /// One read and, where something differs, one write. Two where GraphQL cannot do all of it: labels
    /// that are not there yet, a GitLab too old for it (then REST replaces the whole list), a refusal.
    pub(super) async fn shape(&self, change: &ChangeKey, shape: &Shape) -> Result<Performed, Fault> {
        let seen = self.look(change, &shape.labels).await?;
        let mut difference = difference(&seen.reviewers, &seen.labels, shape, seen.is_open);
        let mut facts = self.write_singly(change, &seen, shape, &mut difference).await?;
        if difference.is_empty() {
            return Ok(Performed::facts(facts));
        }
        let after: wire::MergeRequest = self.write(&Edit { change, difference: &difference }).await?;
        let sent = difference.reviewers.unwrap_or_default();
        let kept = after.reviewers.as_ref().map(|_| after.reviewers());
        for (reviewer, refusal) in refusals(&sent, kept.as_deref(), shape) {
            facts.push(self.refused(change, reviewer, refusal).await?);
        }
        Ok(Performed::facts(facts))
    }

    /// On Premium, a second reviewer who cannot read the project looks exactly like GitLab Free at work;
    /// whether they are a member tells them apart.
    async fn refused(&self, change: &ChangeKey, reviewer: &Account, refusal: Refusal) -> Result<Fact, Fault> {
        let stranger = refusal == Refusal::OneReviewerOnly
            && matches!(self.member(change, reviewer).await?, Membership::None);
        let refusal = if stranger { Refusal::Dropped } else { refusal };
        Ok(Fact::Refused { reviewer: reviewer.clone(), refusal })
    }

    /// What the account is to the change's project.
    pub(super) async fn member(&self, change: &ChangeKey, account: &Account) -> Result<Membership, Fault> {
        let member = AllProjectMember::builder().project(&change.project).user(account.id).build();
        match self.get::<wire::User, _>(&endpoint(member)?).await {
            Ok(user) => Ok(Membership::Known(user.account())),
            Err(Fault::Gone) => Ok(Membership::None),
            // The write is done; whoever cannot be looked up is named in the comment instead.
            Err(Fault::Refused { .. }) => Ok(Membership::Hidden),
            Err(fault) => Err(fault),
        }
    }
}

/// What an account is to a project.
#[derive(Debug)]
pub(super) enum Membership {
    /// A member, under the name of this moment.
    Known(Account),
    None,
    /// The token may not look.
    Hidden,
}

fn difference<'a>(
    reviewers: &[Account],
    labels: &BTreeSet<String>,
    shape: &'a Shape,
    open: bool,
) -> Difference<'a> {
    let stays =
        |account: &&Account| shape.reviewers.contains(*account) || !shape.not_reviewers.contains(*account);
    let before: Vec<u64> = reviewers.iter().map(|account| account.id).collect();
    let mut after: Vec<u64> = reviewers.iter().filter(stays).map(|account| account.id).collect();
    after.extend(shape.reviewers.iter().map(|account| account.id).filter(|id| !before.contains(id)));
    Difference {
        // Nobody is asked to review what is merged or closed.
        reviewers: (open && after != before).then_some(after),
        add: shape.labels.iter().filter(|label| !labels.contains(*label)).map(String::as_str).collect(),
        remove: shape.not_labels.iter().filter(|label| labels.contains(*label)).map(String::as_str).collect(),
    }
}

/// GitLab answers 200 whatever it leaves out. `kept`: the reviewers it answered with, if it did.
fn refusals<'a>(sent: &[u64], kept: Option<&[Account]>, shape: &'a Shape) -> Vec<(&'a Account, Refusal)> {
    let Some(kept) = kept else { return Vec::new() };
    let kept: Vec<u64> = kept.iter().map(|account| account.id).collect();
    // The mark of GitLab Free (`reviewer_ids.first(1)`): of several, exactly the first stayed.
    let one_only = sent.len() > 1 && kept.len() == 1 && kept[0] == sent[0];
    let refusal = if one_only { Refusal::OneReviewerOnly } else { Refusal::Dropped };
    let left_out = |account: &&Account| sent.contains(&account.id) && !kept.contains(&account.id);
    shape.reviewers.iter().filter(left_out).map(|account| (account, refusal)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(ids: &[u64]) -> Vec<Account> {
        ids.iter().map(|id| Account::new(*id, format!("u{id}"))).collect()
    }

    fn shape(reviewers: &[u64], not: &[u64]) -> Shape {
        let set = |ids| people(ids).into_iter().collect();
        Shape { reviewers: set(reviewers), not_reviewers: set(not), ..Shape::default() }
    }

    #[test]
    fn the_whole_list_keeps_strangers_and_puts_them_first() {
        let written = |fresh: &[u64], wish: Shape, open| {
            difference(&people(fresh), &BTreeSet::new(), &wish, open).reviewers
        };
        assert_eq!(written(&[9], shape(&[3], &[]), true), Some(vec![9, 3]));
        assert_eq!(written(&[9, 3, 4], shape(&[3], &[4]), true), Some(vec![9, 3]));
        assert_eq!(written(&[4], shape(&[], &[4]), true), Some(vec![]));
        assert_eq!(written(&[3, 9], shape(&[3], &[4]), true), None, "nothing differs");
        assert_eq!(written(&[4], shape(&[4], &[4]), true), None, "wanted beats unwanted");
        assert_eq!(written(&[], shape(&[3], &[]), false), None, "not on a closed change");
    }

    #[test]
    fn what_gitlab_left_out_is_told_apart() {
        let told = |sent: &[u64], kept: &[u64], wish: &[u64]| -> Vec<(u64, Refusal)> {
            let (kept, shape) = (people(kept), shape(wish, &[]));
            let refused = refusals(sent, Some(&kept), &shape);
            refused.into_iter().map(|(reviewer, refusal)| (reviewer.id, refusal)).collect()
        };
        assert_eq!(told(&[9, 3], &[9, 3], &[3]), []);
        assert_eq!(told(&[9, 3], &[9], &[3]), [(3, Refusal::OneReviewerOnly)]);
        assert_eq!(told(&[3, 4], &[4], &[3, 4]), [(3, Refusal::Dropped)]);
        assert_eq!(told(&[3], &[], &[3]), [(3, Refusal::Dropped)]);
        assert_eq!(refusals(&[3], None, &shape(&[3], &[])), [], "an answer without the list says nothing");
    }
}
