//! Reviewers and labels of a pull request: read fresh, write what is missing, compare.

use async_trait::async_trait;

use super::api::GitHub;
use crate::forge::shared::changes::WriteChanges;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::meaning::Meaning;
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
        // A label that is refused is our mistake, and no reason to ask nobody.
        let labels = match self.set_labels(change, &fresh, desired).await {
            Err(fault) if fault.meaning() == Meaning::Refused => Err(fault),
            done => Ok(done?),
        };
        self.unrequest(change, &fresh, desired).await?;
        // Nobody is asked to review what is merged or closed.
        let mut facts = Vec::new();
        if fresh.state() == ChangeState::Open {
            let wanted = self.still_to_ask(change, &fresh, desired).await?;
            facts = self.request(change, &wanted).await?;
        }
        match labels {
            Err(fault) if facts.is_empty() => Err(fault),
            // What is to be told of people goes first: the labels are wanted again with what follows.
            _ => Ok(facts),
        }
    }
}
