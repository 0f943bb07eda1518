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
//!
//! A request may hold several mutations, which GitLab carries out one after the other, so labels go with
//! the reviewers: one write for both. `mergeRequestSetLabels` takes the labels' ids
//! (`app/graphql/mutations/merge_requests/set_labels.rb`); labels that have none yet are left to REST,
//! which makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::GitLab;
use super::graphql::{Nodes, Titled, UserNode};
use super::shape::{Difference, Membership, Seen};
use crate::forge::fault::{ANSWER_CHARS, Fault};
use usher_core::model::action::Shape;
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::{Fact, Refusal};

/// For so long REST is used alone, once GraphQL was not there.
const REST_FOR: SignedDuration = SignedDuration::from_hours(1);
/// What GraphQL says of a field, mutation or type that a server does not have.
const MISSING: [&str; 3] = ["doesn't exist on type", "isn't a defined input type", "doesn't accept argument"];

/// One mutation of a request, by the name that its answer has.
struct Step {
    name: &'static str,
    mutation: &'static str,
    /// Type of its input.
    input_type: &'static str,
    /// What is asked of the merge request afterwards.
    answer: &'static str,
    input: Value,
}

/// What one step answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    errors: Vec<String>,
    merge_request: Option<After>,
}

/// The merge request after a step.
#[derive(Deserialize)]
struct After {
    reviewers: Option<Nodes<UserNode>>,
    labels: Option<Nodes<Titled>>,
}

/// What all steps answered, by their names, and the first complaint about those that did not.
struct Answers {
    payloads: BTreeMap<String, Payload>,
    complaint: Option<String>,
}

impl Answers {
    /// The last of these steps that was carried out.
    fn last(&mut self, names: [&str; 2]) -> Option<Payload> {
        let [first, second] = names.map(|name| self.payloads.remove(name));
        second.or(first)
    }

    /// The ids of all reviewers after the write.
    fn reviewers(&mut self, wanted: bool) -> Result<Vec<u64>, Fault> {
        let removed = self.payloads.remove("removed");
        let appended = self.payloads.remove("appended");
        let payload = if wanted { appended } else { appended.or(removed) };
        let refused = |answer: String| Fault::Refused { status: 200, answer };
        let Some(payload) = payload else {
            return Err(refused(self.complaint.clone().unwrap_or_else(|| "no data".into())));
        };
        match payload.merge_request.and_then(|change| change.reviewers) {
            Some(list) => Ok(list.entries().filter_map(|user| user.account()).map(|user| user.id).collect()),
            None => Err(refused(payload.errors.join("; ").chars().take(ANSWER_CHARS).collect())),
        }
    }

    /// The names of all labels after the write; `None`: it is not told.
    fn labels(&mut self) -> Option<BTreeSet<String>> {
        let list = self.last(["labelled", "unlabelled"])?.merge_request?.labels?;
        Some(list.entries().map(|label| label.title).collect())
    }
}

impl GitLab {
    /// Takes the unwanted reviewers off and adds who is missing, and the labels with them, in one write.
    /// What it did is gone from `difference` afterwards; tells whom GitLab refused.
    pub(super) async fn write_singly(
        &self,
        change: &ChangeKey,
        seen: &Seen,
        shape: &Shape,
        difference: &mut Difference<'_>,
    ) -> Result<Vec<Fact>, Fault> {
        let Some(ids) = seen.label_ids.as_ref().filter(|_| difference.reviewers.is_some()) else {
            return Ok(Vec::new());
        };
        let gone = |account: &&Account| {
            shape.not_reviewers.contains(*account) && !shape.reviewers.contains(*account)
        };
        let remove: Vec<&str> = seen.reviewers.iter().filter(gone).map(|one| &*one.login).collect();
        let wanted: Vec<&Account> =
            shape.reviewers.iter().filter(|account| !seen.reviewers.contains(account)).collect();
        let append: Vec<&str> = wanted.iter().map(|account| &*account.login).collect();
        let mut steps = reviewer_steps(change, &remove, &append);
        steps.extend(label_steps(change, ids, difference));
        let mut answers = match self.carry_out(&steps).await {
            Ok(answers) => answers,
            Err(fault) if self.lacks_graphql(&fault) => return Ok(Vec::new()),
            // REST may be open to a token that GraphQL is closed to, and otherwise says why.
            Err(Fault::Refused { .. }) => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        if let Some(after) = answers.labels() {
            difference.add.retain(|label| !after.contains(*label));
            difference.remove.retain(|label| after.contains(*label));
        }
        match answers.reviewers(!append.is_empty()) {
            Ok(kept) => {
                difference.reviewers = None;
                self.told_of(change, &wanted, kept).await
            }
            Err(fault) => {
                tracing::debug!(%fault, "reviewers could not be added one by one; REST is asked");
                Ok(Vec::new())
            }
        }
    }

    /// Whether GraphQL may be asked about merge requests, as far as is known.
    pub(super) fn has_graphql(&self) -> bool {
        self.clock.now().as_second() >= self.rest_until.load(Ordering::Relaxed)
    }

    /// Whether the fault says that this server has no such thing, which is then remembered for a while.
    pub(super) fn lacks_graphql(&self, fault: &Fault) -> bool {
        let lacks = match fault {
            Fault::Gone => true,
            Fault::Refused { answer, .. } => MISSING.iter().any(|word| answer.contains(word)),
            _ => false,
        };
        if lacks {
            let until = self.clock.now() + REST_FOR;
            self.rest_until.store(until.as_second(), Ordering::Relaxed);
            tracing::info!(
                %until, "this GitLab cannot add single reviewers; their whole list is written, as REST has it"
            );
        }
        lacks
    }

    /// Asks again for each of `wanted` who was left out where that can help, and says who stays out.
    async fn told_of(
        &self,
        change: &ChangeKey,
        wanted: &[&Account],
        mut kept: Vec<u64>,
    ) -> Result<Vec<Fact>, Fault> {
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
            let one_only = kept.len() == 1 && !matches!(member, Membership::None);
            let refusal = if one_only { Refusal::OneReviewerOnly } else { Refusal::Dropped };
            facts.push(Fact::Refused { reviewer: (*account).clone(), refusal });
        }
        Ok(facts)
    }

    /// Adds one person; all reviewers after it. A refusal leaves them as they were.
    async fn ask_one(&self, change: &ChangeKey, login: &str, before: Vec<u64>) -> Result<Vec<u64>, Fault> {
        let steps = reviewer_steps(change, &[], &[login]);
        let kept = match self.carry_out(&steps).await {
            Ok(mut answers) => answers.reviewers(true),
            Err(fault) => Err(fault),
        };
        match kept {
            Err(Fault::Refused { .. }) => Ok(before),
            kept => kept,
        }
    }

    /// One write. [`Fault::Refused`]: none of the steps was carried out.
    async fn carry_out(&self, steps: &[Step]) -> Result<Answers, Fault> {
        let (data, complaint) = self.mutate::<BTreeMap<String, Option<Payload>>>(&request(steps)).await?;
        let payloads: BTreeMap<String, Payload> =
            data.into_iter().flatten().filter_map(|(name, payload)| Some((name, payload?))).collect();
        if payloads.is_empty() {
            let answer = complaint.unwrap_or_else(|| "no data".into());
            return Err(Fault::Refused { status: 200, answer });
        }
        Ok(Answers { payloads, complaint })
    }
}

/// First the place is freed: GitLab Free has only one.
fn reviewer_steps(change: &ChangeKey, remove: &[&str], append: &[&str]) -> Vec<Step> {
    let step = |name, mode, people: &[&str]| Step {
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

/// None where a label is to be put on that the project does not have yet. The new stage goes on before the
/// old one comes off, so that nobody sees a change without.
fn label_steps(change: &ChangeKey, ids: &BTreeMap<String, String>, difference: &Difference<'_>) -> Vec<Step> {
    let found = |labels: &[&str]| labels.iter().map(|label| ids.get(*label)).collect::<Option<Vec<_>>>();
    let (Some(add), Some(remove)) = (found(&difference.add), found(&difference.remove)) else {
        return Vec::new();
    };
    let step = |name, mode, ids: Vec<&String>| Step {
        name,
        mutation: "mergeRequestSetLabels",
        input_type: "MergeRequestSetLabelsInput",
        answer: "labels { nodes { id title } }",
        input: input(change, mode, "labelIds", json!(ids)),
    };
    let steps = [("labelled", "APPEND", add), ("unlabelled", "REMOVE", remove)];
    let needed = steps.into_iter().filter(|(_, _, ids)| !ids.is_empty());
    needed.map(|(name, mode, ids)| step(name, mode, ids)).collect()
}

fn input(change: &ChangeKey, mode: &str, list: &str, entries: Value) -> Value {
    let mut input = json!({
        "projectPath": change.project, "iid": change.number.to_string(), "operationMode": mode,
    });
    input[list] = entries;
    input
}

/// The body of a request that takes these steps in this order.
fn request(steps: &[Step]) -> Value {
    let (mut declared, mut fields, mut variables) = (Vec::new(), String::new(), Map::new());
    for Step { name, mutation, input_type, answer, input } in steps {
        declared.push(format!("${name}: {input_type}!"));
        let answer = format!("{{ errors mergeRequest {{ {answer} }} }}");
        fields.push_str(&format!("  {name}: {mutation}(input: ${name}) {answer}\n"));
        variables.insert((*name).to_owned(), input.clone());
    }
    let query = format!("mutation({}) {{\n{fields}}}", declared.join(", "));
    json!({ "query": query, "variables": variables })
}
