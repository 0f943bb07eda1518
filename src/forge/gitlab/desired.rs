//! Reviewers and labels of a merge request: read fresh, write what differs, compare.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use gitlab::api::endpoint_prelude::{BodyError, Cow, Endpoint, FormParams, Method};

use super::api::GitLab;
use super::difference::{Difference, difference};
use super::roster::Membership;
use super::wire;
use crate::forge::shared::changes::WriteChanges;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::action::DesiredState;
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::{Fact, Refusal};

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

#[async_trait]
impl WriteChanges for GitLab {
    /// One read and, where something differs, one write; one more for each label that is made. Two where
    /// GraphQL cannot do all of it: labels that may not be made, a GitLab too old for it (then REST
    /// replaces the whole list), a refusal.
    async fn set_desired(&self, change: &ChangeKey, desired: &DesiredState) -> Result<Vec<Fact>, ForgeFault> {
        let mut seen = self.read_fresh(change, &desired.labels).await?;
        self.make_labels(change, &mut seen, desired).await;
        let mut difference = difference(&seen.reviewers, &seen.labels, desired, seen.is_open);
        let mut facts = self.write_singly(change, &seen, desired, &mut difference).await?;
        if difference.is_empty() {
            return Ok(facts);
        }
        let after: wire::MergeRequest = self.write(&Edit { change, difference: &difference }).await?;
        let asked = difference.reviewers.is_some();
        let sent = difference.reviewers.unwrap_or_default();
        let kept = after.reviewers.as_ref().map(|_| after.reviewers());
        for (reviewer, refusal) in refusals(&sent, kept.as_deref(), desired) {
            facts.push(self.refused(change, reviewer, refusal).await?);
        }
        if let Some(kept) = kept.filter(|_| asked) {
            facts.extend(self.who_keeps_others(change, &kept, desired).await?);
        }
        Ok(facts)
    }
}

impl GitLab {
    /// While somebody on the list cannot read the change any more, GitLab changes nothing of it: whoever is to
    /// go stays. Those of ours are told of; where it is nobody of ours, people have to do it.
    async fn who_keeps_others(
        &self,
        change: &ChangeKey,
        kept: &[Account],
        desired: &DesiredState,
    ) -> Result<Vec<Fact>, ForgeFault> {
        let ours = |account: &&Account| desired.reviewers.contains(*account);
        let goes = |account: &&Account| desired.not_reviewers.contains(*account) && !ours(account);
        let Some(stuck) = kept.iter().find(goes) else { return Ok(Vec::new()) };
        let mut facts = Vec::new();
        for reviewer in kept.iter().filter(ours) {
            if matches!(self.member(change, reviewer).await?, Membership::None) {
                let refusal = Refusal::Dropped;
                facts.push(Fact::Refused { reviewer: reviewer.clone(), refusal });
            }
        }
        if facts.is_empty() {
            let answer = format!("{} stays a reviewer whatever is asked for", stuck.login);
            return Err(ForgeFault::Refused { status: 200, answer });
        }
        Ok(facts)
    }

    /// On Premium, a second reviewer who cannot read the project looks exactly like GitLab Free at work;
    /// whether they are a member tells them apart.
    async fn refused(
        &self,
        change: &ChangeKey,
        reviewer: &Account,
        refusal: Refusal,
    ) -> Result<Fact, ForgeFault> {
        let stranger = refusal == Refusal::OneReviewerOnly
            && matches!(self.member(change, reviewer).await?, Membership::None);
        let refusal = if stranger { Refusal::Dropped } else { refusal };
        Ok(Fact::Refused { reviewer: reviewer.clone(), refusal })
    }
}

/// GitLab answers 200 whatever it leaves out. `kept`: the reviewers it answered with, if it did.
fn refusals<'a>(
    sent: &[u64],
    kept: Option<&[Account]>,
    desired: &'a DesiredState,
) -> Vec<(&'a Account, Refusal)> {
    let Some(kept) = kept else { return Vec::new() };
    let kept: Vec<u64> = kept.iter().map(|account| account.id).collect();
    // The mark of GitLab Free (`reviewer_ids.first(1)`): of several, exactly the first stayed.
    let one_only = sent.len() > 1 && kept.len() == 1 && kept[0] == sent[0];
    let refusal = if one_only { Refusal::OneReviewerOnly } else { Refusal::Dropped };
    let left_out = |account: &&Account| sent.contains(&account.id) && !kept.contains(&account.id);
    desired.reviewers.iter().filter(left_out).map(|account| (account, refusal)).collect()
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
    fn what_gitlab_left_out_is_told_apart() {
        let told = |sent: &[u64], kept: &[u64], wish: &[u64]| -> Vec<(u64, Refusal)> {
            let (kept, shape) = (people(kept), desired(wish, &[]));
            let refused = refusals(sent, Some(&kept), &shape);
            refused.into_iter().map(|(reviewer, refusal)| (reviewer.id, refusal)).collect()
        };
        assert_eq!(told(&[9, 3], &[9, 3], &[3]), []);
        assert_eq!(told(&[9, 3], &[9], &[3]), [(3, Refusal::OneReviewerOnly)]);
        assert_eq!(told(&[3, 4], &[4], &[3, 4]), [(3, Refusal::Dropped)]);
        assert_eq!(told(&[3], &[], &[3]), [(3, Refusal::Dropped)]);
        assert_eq!(refusals(&[3], None, &desired(&[3], &[])), [], "an answer without the list says nothing");
    }
}
