//! Reviewers added and taken off one by one, so that whomever somebody else adds meanwhile stays
//! (gitlab-org/quality/triage-ops#1889, rust-lang/triagebot#2468).
//!
//! REST only replaces the whole list. The mutation `mergeRequestSetReviewers` (since 2022,
//! gitlab-org/gitlab!94294) adds to the list as GitLab itself reads it when the write lands: it unites and
//! saves within the request and takes no lock, so two writes in the same instant could still meet. It
//! takes names, passes over
//! those that nobody has any more (gitlab-org/gitlab#611232), changes nothing at all when somebody
//! cannot read the change, and on GitLab Free keeps the first, which is whoever was there
//! (`app/graphql/mutations/merge_requests/set_reviewers.rb`,
//! `app/services/merge_requests/update_reviewers_service.rb`). So what it answers is compared.

use serde_json::json;

use super::api::GitLab;
use super::difference::Difference;
use super::labels::label_steps;
use super::roster::Membership;
use super::seen::FreshMergeRequest;
use super::steps::{WriteStep, input};
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::action::DesiredState;
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::{Fact, Refusal};

impl GitLab {
    /// Takes the unwanted reviewers off and adds who is missing, and the labels with them, in one write.
    /// What it did is gone from `difference` afterwards; tells whom GitLab refused.
    pub(super) async fn write_singly(
        &self,
        change: &ChangeKey,
        seen: &FreshMergeRequest,
        desired: &DesiredState,
        difference: &mut Difference<'_>,
    ) -> Result<Vec<Fact>, ForgeFault> {
        let Some(ids) = seen.label_ids.as_ref().filter(|_| difference.reviewers.is_some()) else {
            return Ok(Vec::new());
        };
        let gone = |account: &&Account| {
            desired.not_reviewers.contains(*account) && !desired.reviewers.contains(*account)
        };
        let remove: Vec<&str> = seen.reviewers.iter().filter(gone).map(|one| &*one.login).collect();
        let mut wanted: Vec<&Account> =
            desired.reviewers.iter().filter(|account| !seen.reviewers.contains(account)).collect();
        let mut facts = beyond_the_limit(seen, seen.reviewers.len() - remove.len(), &mut wanted);
        if wanted.is_empty() && remove.is_empty() {
            difference.reviewers = None;
            return Ok(facts);
        }
        let append: Vec<&str> = wanted.iter().map(|account| &*account.login).collect();
        let mut steps = reviewer_steps(change, &remove, &append);
        steps.extend(label_steps(change, ids, difference));
        let mut answers = match self.carry_out(&steps).await {
            Ok(answers) => answers,
            Err(fault) if self.lacks_graphql(&fault) => return Ok(Vec::new()),
            // REST may be open to a token that GraphQL is closed to, and otherwise says why.
            Err(ForgeFault::Refused { .. }) => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        if let Some(after) = answers.labels() {
            difference.add.retain(|label| !after.contains(*label));
            difference.remove.retain(|label| after.contains(*label));
        }
        match answers.reviewers(!append.is_empty()) {
            // One on the list who cannot read the change keeps all others there, and REST tells who it is.
            Ok(kept) if seen.reviewers.iter().filter(gone).any(|one| kept.contains(&one.id)) => Ok(facts),
            Ok(kept) => {
                difference.reviewers = None;
                facts.extend(self.told_of(change, seen, &wanted, kept).await?);
                Ok(facts)
            }
            Err(fault) => {
                tracing::debug!(%fault, "reviewers could not be added one by one; REST is asked");
                Ok(Vec::new())
            }
        }
    }

    /// Asks again for each of `wanted` who was left out where that can help, and says who stays out.
    async fn told_of(
        &self,
        change: &ChangeKey,
        seen: &FreshMergeRequest,
        wanted: &[&Account],
        mut kept: Vec<u64>,
    ) -> Result<Vec<Fact>, ForgeFault> {
        // One who cannot read the change keeps all others out.
        let held_up = wanted.len() > 1 && !wanted.iter().any(|account| kept.contains(&account.id));
        let mut facts = Vec::new();
        for account in wanted {
            if held_up {
                kept = self.ask_one(change, &account.login, kept).await?;
            }
            if kept.contains(&account.id) {
                continue;
            }
            let member = self.member(change, account).await?;
            if let Membership::Known(now) = &member
                && now.login != account.login
            {
                kept = self.ask_one(change, &now.login, kept).await?;
                if kept.contains(&account.id) {
                    continue;
                }
            }
            // The mark of GitLab Free (`reviewer_ids.first(1)`): exactly one, and somebody else.
            let may_be_free = seen.allows_several != Some(true);
            let one_only = may_be_free && kept.len() == 1 && !matches!(member, Membership::None);
            let refusal = if one_only { Refusal::OneReviewerOnly } else { Refusal::Dropped };
            facts.push(Fact::Refused { reviewer: (*account).clone(), refusal });
        }
        Ok(facts)
    }

    /// Adds one person; all reviewers after it. A refusal leaves them as they were.
    async fn ask_one(
        &self,
        change: &ChangeKey,
        login: &str,
        before: Vec<u64>,
    ) -> Result<Vec<u64>, ForgeFault> {
        let steps = reviewer_steps(change, &[], &[login]);
        let kept = match self.carry_out(&steps).await {
            Ok(mut answers) => answers.reviewers(true),
            Err(fault) => Err(fault),
        };
        match kept {
            Err(ForgeFault::Refused { .. }) => Ok(before),
            kept => kept,
        }
    }
}

/// Takes those out of `wanted` for whom there is no place beside the reviewers who `stay`, where GitLab
/// tells that it has only one.
fn beyond_the_limit(seen: &FreshMergeRequest, stay: usize, wanted: &mut Vec<&Account>) -> Vec<Fact> {
    if seen.allows_several != Some(false) {
        return Vec::new();
    }
    let free = 1_usize.saturating_sub(stay).min(wanted.len());
    let beyond = wanted.split_off(free).into_iter().cloned();
    beyond.map(|reviewer| Fact::Refused { reviewer, refusal: Refusal::OneReviewerOnly }).collect()
}

/// First the place is freed: GitLab Free has only one.
fn reviewer_steps(change: &ChangeKey, remove: &[&str], append: &[&str]) -> Vec<WriteStep> {
    let step = |name, mode, people: &[&str]| WriteStep {
        name,
        mutation: "mergeRequestSetReviewers",
        input_type: "MergeRequestSetReviewersInput",
        answer: "reviewers { nodes { id username } }",
        input: input(change, mode, "reviewerUsernames", json!(people)),
    };
    let steps = [("removed", "REMOVE", remove), ("appended", "APPEND", append)];
    let needed = steps.into_iter().filter(|(_, _, people)| !people.is_empty());
    needed.map(|(name, mode, people)| step(name, mode, people)).collect()
}
