//! Labels put on and taken off a pull request.

use http::Method;
use serde_json::json;

use super::api::GitHub;
use super::wire;
use crate::forge::transport::fault::Fault;
use usher_core::model::action::Shape;
use usher_core::model::change::ChangeKey;

impl GitHub {
    /// One write for those to put on, one for each to take off; only where something differs.
    pub(super) async fn set_labels(
        &self,
        change: &ChangeKey,
        fresh: &wire::Pull,
        desired: &Shape,
    ) -> Result<(), Fault> {
        let present = fresh.labels();
        // GitHub takes label names that differ in case only for the same label.
        let has = |wanted: &str| present.iter().any(|label| label.eq_ignore_ascii_case(wanted));
        let missing: Vec<&String> = desired.labels.iter().filter(|label| !has(label)).collect();
        if !missing.is_empty() {
            let place = self.issue(change, ["labels"]);
            self.write(Method::POST, &place, Some(&json!({ "labels": missing }))).await?;
        }
        for label in desired.not_labels.iter().filter(|label| has(label)) {
            let place = self.issue(change, ["labels", label]);
            match self.write(Method::DELETE, &place, None::<&()>).await {
                // Somebody was quicker.
                Ok(()) | Err(Fault::Gone) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}
