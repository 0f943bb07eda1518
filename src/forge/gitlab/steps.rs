//! Mutations of a merge request.
//!
//! A request may hold several mutations, which GitLab carries out one after the other, so labels go with
//! the reviewers: one write for both. `mergeRequestSetLabels` takes the labels' ids
//! (`app/graphql/mutations/merge_requests/set_labels.rb`); labels that have none yet are left to REST,
//! which makes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::GitLab;
use super::graphql::{Nodes, Titled, UserNode};
use crate::forge::transport::fault::{ANSWER_CHARS, ForgeFault};
use usher_core::model::change::ChangeKey;

/// One mutation of a request, by the name that its answer has.
pub(super) struct WriteStep {
    pub name: &'static str,
    pub mutation: &'static str,
    /// Type of its input.
    pub input_type: &'static str,
    /// What is asked of the merge request afterwards.
    pub answer: &'static str,
    pub input: Value,
}

/// What one step answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    errors: Option<Vec<String>>,
    merge_request: Option<After>,
}

/// The merge request after a step.
#[derive(Deserialize)]
struct After {
    reviewers: Option<Nodes<UserNode>>,
    labels: Option<Nodes<Titled>>,
}

/// What all steps answered, by their names, and the first complaint about those that did not.
pub(super) struct Answers {
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
    pub(super) fn reviewers(&mut self, wanted: bool) -> Result<Vec<u64>, ForgeFault> {
        let removed = self.payloads.remove("removed");
        let appended = self.payloads.remove("appended");
        let payload = if wanted { appended } else { appended.or(removed) };
        let refused = |answer: String| ForgeFault::Refused { status: 200, answer };
        let Some(payload) = payload else {
            return Err(refused(self.complaint.clone().unwrap_or_else(|| "no data".into())));
        };
        match payload.merge_request.and_then(|change| change.reviewers) {
            Some(list) => Ok(list.entries().filter_map(|user| user.account()).map(|user| user.id).collect()),
            None => Err(refused(
                payload.errors.unwrap_or_default().join("; ").chars().take(ANSWER_CHARS).collect(),
            )),
        }
    }

    /// The names of all labels after the write; `None`: it is not told.
    pub(super) fn labels(&mut self) -> Option<BTreeSet<String>> {
        let list = self.last(["labelled", "unlabelled"])?.merge_request?.labels?;
        Some(list.entries().map(|label| label.title).collect())
    }
}

impl GitLab {
    /// One write. [`ForgeFault::Refused`]: none of the steps was carried out.
    pub(super) async fn carry_out(&self, steps: &[WriteStep]) -> Result<Answers, ForgeFault> {
        let (data, complaint) = self.mutate::<BTreeMap<String, Option<Payload>>>(&request(steps)).await?;
        let payloads: BTreeMap<String, Payload> =
            data.into_iter().flatten().filter_map(|(name, payload)| Some((name, payload?))).collect();
        if payloads.is_empty() {
            let answer = complaint.unwrap_or_else(|| "no data".into());
            return Err(ForgeFault::Refused { status: 200, answer });
        }
        Ok(Answers { payloads, complaint })
    }
}

pub(super) fn input(change: &ChangeKey, mode: &str, list: &str, entries: Value) -> Value {
    let mut input = json!({
        "projectPath": change.project, "iid": change.number.to_string(), "operationMode": mode,
    });
    input[list] = entries;
    input
}

/// The body of a request that takes these steps in this order.
fn request(steps: &[WriteStep]) -> Value {
    let (mut declared, mut fields, mut variables) = (Vec::new(), String::new(), Map::new());
    for WriteStep { name, mutation, input_type, answer, input } in steps {
        declared.push(format!("${name}: {input_type}!"));
        let answer = format!("{{ errors mergeRequest {{ {answer} }} }}");
        fields.push_str(&format!("  {name}: {mutation}(input: ${name}) {answer}\n"));
        variables.insert((*name).to_owned(), input.clone());
    }
    let query = format!("mutation({}) {{\n{fields}}}", declared.join(", "));
    json!({ "query": query, "variables": variables })
}
