//! Labels put on and taken off one by one, by their ids.

use std::collections::BTreeMap;

use serde_json::json;

use super::difference::Difference;
use super::steps::{Step, input};
use usher_core::model::change::ChangeKey;

/// None where a label is to be put on that the project does not have yet. The new stage goes on before the
/// old one comes off, so that nobody sees a change without.
pub(super) fn label_steps(
    change: &ChangeKey,
    ids: &BTreeMap<String, String>,
    difference: &Difference<'_>,
) -> Vec<Step> {
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
