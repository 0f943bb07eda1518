//! Reviewers requested of a pull request, and requests taken back.

use std::collections::BTreeMap;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::api::GitHub;
use super::wire;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::meaning::Meaning;
use usher_core::model::action::{AskedAgain, DesiredState};
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::{Fact, Refusal};

/// A change that was last touched so soon after it was opened has not been reviewed by anybody.
const UNTOUCHED_SECONDS: i64 = 60;

impl GitHub {
    /// Takes back the requests to those who are not wanted any more, in one write; after a 422 each on its
    /// own. Who cannot be taken off stays on, and whatever else is wanted is done all the same.
    pub(super) async fn unrequest(
        &self,
        change: &ChangeKey,
        fresh: &wire::Pull,
        desired: &DesiredState,
    ) -> Result<(), ForgeFault> {
        let requested = fresh.requested();
        let unwanted = desired.not_reviewers.difference(&desired.reviewers);
        let unwanted: Vec<&str> =
            unwanted.filter(|account| requested.contains(account)).map(|account| &*account.login).collect();
        if unwanted.is_empty() || self.unrequest_once(change, &unwanted).await? {
            return Ok(());
        }
        for login in unwanted.iter().filter(|_| unwanted.len() > 1) {
            self.unrequest_once(change, &[login]).await?;
        }
        Ok(())
    }

    /// Whether GitHub took the names (it may answer 422, to this as to a request).
    async fn unrequest_once(&self, change: &ChangeKey, unwanted: &[&str]) -> Result<bool, ForgeFault> {
        let body = json!({ "reviewers": unwanted });
        match self.write(Method::DELETE, &self.pull(change, ["requested_reviewers"]), Some(&body)).await {
            Err(fault) if fault.meaning() == Meaning::Refused => {
                tracing::warn!(%change, %fault, ?unwanted, "GitHub takes reviewers not off");
                Ok(false)
            }
            answer => answer.map(|()| true),
        }
    }

    /// The wanted reviewers who are neither requested nor have answered, and those who are to be asked again
    /// and have said nothing since.
    ///
    /// A user leaves `requested_reviewers` by submitting a review, and requesting them again would
    /// ask them again. So if somebody is missing the reviews are read (one more request), unless
    /// the change is untouched: none of the labels in `desired` is on it, which Usher puts on with
    /// its first write; nobody has commented; and its `updated_at`, which a review moves, is
    /// within a minute of `created_at`. Opening a change therefore costs one read.
    pub(super) async fn still_to_ask<'a>(
        &self,
        change: &ChangeKey,
        fresh: &wire::Pull,
        desired: &'a DesiredState,
    ) -> Result<Vec<&'a Account>, ForgeFault> {
        let requested = fresh.requested();
        let missing = |account: &&Account| !requested.contains(account);
        let mut ask: Vec<&Account> = desired.reviewers.iter().filter(missing).collect();
        let again = desired.reviewers_again.iter().filter(|again| missing(&&again.account));
        let again: Vec<&AskedAgain> = again.collect();
        if again.is_empty() && (ask.is_empty() || is_untouched(fresh, desired)) {
            return Ok(ask);
        }
        let reviews = self.reviews(change).await?;
        let given = reviews.entries.iter().filter(|review| review.verdict().is_some());
        let given = given.filter_map(|review| Some((review.user.as_ref()?.id, review.submitted_at?)));
        let mut answered: BTreeMap<u64, Timestamp> = BTreeMap::new();
        for (id, at) in given {
            let last = answered.entry(id).or_insert(at);
            *last = at.max(*last);
        }
        ask.retain(|account| !answered.contains_key(&account.id));
        let silent = |again: &&&AskedAgain| {
            answered.get(&again.account.id).is_none_or(|last| *last <= again.verdict_at)
        };
        ask.extend(again.iter().filter(silent).map(|again| &again.account));
        Ok(ask)
    }

    /// Requests all at once; one bad name fails them all, so after a 422 each on its own.
    pub(super) async fn request(
        &self,
        change: &ChangeKey,
        wanted: &[&Account],
    ) -> Result<Vec<Fact>, ForgeFault> {
        let refused = |account: &Account, refusal| Fact::Refused { reviewer: account.clone(), refusal };
        let Some(first) = self.request_once(change, wanted).await? else {
            if let [only] = wanted {
                return Ok(vec![refused(only, Refusal::NotAllowed)]);
            }
            let mut facts = Vec::new();
            for account in wanted {
                match self.request_once(change, &[account]).await? {
                    None => facts.push(refused(account, Refusal::NotAllowed)),
                    Some(left_out) if left_out.is_empty() => {}
                    Some(_) => facts.push(refused(account, Refusal::Dropped)),
                }
            }
            return Ok(facts);
        };
        Ok(first.into_iter().map(|account| refused(account, Refusal::Dropped)).collect())
    }

    /// Those whom GitHub silently left out, or `None` where it refused the names (422).
    async fn request_once<'a>(
        &self,
        change: &ChangeKey,
        wanted: &[&'a Account],
    ) -> Result<Option<Vec<&'a Account>>, ForgeFault> {
        if wanted.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let logins: Vec<&str> = wanted.iter().map(|account| account.login.as_str()).collect();
        let place = self.pull(change, ["requested_reviewers"]);
        let answer: wire::Requested = match self.post(&place, &json!({ "reviewers": logins })).await {
            Err(fault) if fault.meaning() == Meaning::Refused => return Ok(None),
            answer => answer?,
        };
        let Some(kept) = answer.requested_reviewers else { return Ok(Some(Vec::new())) };
        let left_out = |account: &&&Account| !kept.iter().any(|user| user.id == account.id);
        Ok(Some(wanted.iter().filter(left_out).copied().collect()))
    }
}

fn is_untouched(fresh: &wire::Pull, desired: &DesiredState) -> bool {
    let marked = desired.labels.iter().chain(&desired.not_labels).any(|label| fresh.label(label).is_some());
    let silent = fresh.comments == Some(0) && fresh.review_comments == Some(0);
    let young = fresh.created_at.is_some_and(|created_at| {
        fresh.updated_at.duration_since(created_at) <= SignedDuration::from_secs(UNTOUCHED_SECONDS)
    });
    silent && young && !marked
}
