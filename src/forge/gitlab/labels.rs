//! Labels put on and taken off one by one, by their ids.

use std::collections::BTreeMap;

use serde_json::json;

use gitlab::api::common::NameOrId;
use gitlab::api::endpoint_prelude::{BodyError, Cow, Endpoint, FormParams, Method};
use serde::Deserialize;

use super::api::GitLab;
use super::difference::Difference;
use super::seen::FreshMergeRequest;
use super::steps::{WriteStep, input};
use usher_core::model::action::DesiredState;
use usher_core::model::change::ChangeKey;
use usher_core::model::policy::LabelLook;

/// `POST /projects/:id/labels`. The crate's own `CreateLabel` wants the colour as one of its types.
#[derive(Debug)]
struct Make<'a> {
    project: &'a str,
    look: &'a LabelLook,
}

impl Endpoint for Make<'_> {
    fn method(&self) -> Method {
        Method::POST
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/labels", NameOrId::from(self.project)).into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let mut form = FormParams::default();
        form.push("name", &self.look.name);
        form.push("color", format!("#{}", self.look.color));
        form.push("description", self.look.description);
        form.into_body()
    }
}

#[derive(Deserialize)]
struct Made {
    id: u64,
}

impl GitLab {
    /// Makes the labels that are wanted and nowhere to be found, with their colours. Whatever goes wrong
    /// is left to the write that puts them on: it makes them, too, or says why not.
    pub(super) async fn make_labels(
        &self,
        change: &ChangeKey,
        seen: &mut FreshMergeRequest,
        desired: &DesiredState,
    ) {
        let Some(ids) = &mut seen.label_ids else { return };
        for name in &desired.labels {
            let Some(look) = self.looks.of(name).filter(|_| !ids.contains_key(name)) else { continue };
            let make = Make { project: &change.project, look: &look };
            match self.write::<Made, _>(&make).await {
                Ok(made) => drop(ids.insert(name.clone(), format!("gid://gitlab/ProjectLabel/{}", made.id))),
                Err(fault) => {
                    tracing::debug!(%fault, label = name, "a label could not be made with its colour");
                }
            }
        }
    }
}

/// None where a label is to be put on that the project does not have yet. The new stage goes on before the
/// old one comes off, so that nobody sees a change without.
pub(super) fn label_steps(
    change: &ChangeKey,
    ids: &BTreeMap<String, String>,
    difference: &Difference<'_>,
) -> Vec<WriteStep> {
    let found = |labels: &[&str]| labels.iter().map(|label| ids.get(*label)).collect::<Option<Vec<_>>>();
    let (Some(add), Some(remove)) = (found(&difference.add), found(&difference.remove)) else {
        return Vec::new();
    };
    let step = |name, mode, ids: Vec<&String>| WriteStep {
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
