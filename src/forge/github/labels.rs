//! Labels put on and taken off a pull request.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::api::GitHub;
use super::wire;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::action::DesiredState;
use usher_core::model::change::ChangeKey;

impl GitHub {
    /// One write for those to put on, one for each to take off; only where something differs.
    pub(super) async fn set_labels(
        &self,
        change: &ChangeKey,
        fresh: &wire::Pull,
        desired: &DesiredState,
    ) -> Result<(), ForgeFault> {
        let missing: Vec<&String> =
            desired.labels.iter().filter(|label| fresh.label(label).is_none()).collect();
        if !missing.is_empty() {
            let place = self.issue(change, ["labels"]);
            let all: Vec<Shown> = self.post(&place, &json!({ "labels": missing })).await?;
            let is_new = |label: &&Shown| label.is_as_made() && missing.contains(&&label.name);
            for label in all.iter().filter(is_new) {
                self.dress(change, &label.name).await;
            }
        }
        for label in desired.not_labels.iter().filter_map(|label| fresh.label(label)) {
            let place = self.issue(change, ["labels", label]);
            match self.write(Method::DELETE, &place, None::<&()>).await {
                // Somebody was quicker.
                Ok(()) | Err(ForgeFault::Gone) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Gives a label that was just made its colour and description. It is on the change either way, so
    /// a refusal is no fault of the change; the next change that gets it tries again.
    async fn dress(&self, change: &ChangeKey, name: &str) {
        let Some(look) = self.looks.of(name) else { return };
        let place = self.in_project(&change.project, ["labels", name]);
        let body = json!({ "color": look.color, "description": look.description });
        if let Err(fault) = self.write(Method::PATCH, &place, Some(&body)).await {
            tracing::debug!(%fault, label = name, "a label could not be given its colour");
        }
    }
}

/// A label as GitHub shows it.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    name: String,
    #[serde(default)]
    color: String,
    description: Option<String>,
}

impl Shown {
    /// Whether nobody has touched it since GitHub made it, because it was put on something: grey, and
    /// without a description (observed; GitHub's documentation does not say so).
    fn is_as_made(&self) -> bool {
        self.color.eq_ignore_ascii_case("ededed") && self.description.as_deref().is_none_or(str::is_empty)
    }
}
