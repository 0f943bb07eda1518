//! Reviewers and labels of a pull request: read fresh, write what is missing, compare.

use async_trait::async_trait;

use super::api::GitHub;
use crate::forge::shared::changes::WriteChanges;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::action::DesiredState;
use usher_core::model::change::{ChangeKey, ChangeState};
use usher_core::model::fact::Fact;

#[async_trait]
impl WriteChanges for GitHub {
    /// One read, one write for the labels to add, one for the reviewers to request, one for each
    /// label to remove and one for the reviewers to remove; each only where something differs.
    ///
    /// Labels go first: a change that carries one of ours has been written to before, which is how a
    /// repetition knows that it must look at the reviews (see [`GitHub::still_to_ask`]).
    async fn set_desired(&self, change: &ChangeKey, desired: &DesiredState) -> Result<Vec<Fact>, ForgeFault> {
        let fresh = self.read(change).await?;
        self.set_labels(change, &fresh, desired).await?;
        self.unrequest(change, &fresh, desired).await?;
        if fresh.state() != ChangeState::Open {
            // Nobody is asked to review what is merged or closed.
            return Ok(Vec::new());
        }
        let wanted = self.still_to_ask(change, &fresh, desired).await?;
        self.request(change, &wanted).await
    }
}
