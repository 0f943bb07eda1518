//! One change: reading it, and bringing its reviewers and labels to where they should be.

use async_trait::async_trait;
use bytes::Bytes;

use crate::forge::transport::fault::ForgeFault;
use usher_core::model::action::DesiredState;
use usher_core::model::change::{ChangeKey, ChangedFile, ForgeKind, Snapshot};
use usher_core::model::fact::Fact;
use usher_core::model::threads::Thread;
use usher_core::model::tickets::TicketRules;

/// Reads a change, and files of its project.
#[async_trait]
pub(in crate::forge) trait ReadChanges: Sync {
    fn kind(&self) -> ForgeKind;

    /// The change with its reviewers and their verdicts.
    async fn observe(&self, change: &ChangeKey, tickets: &TicketRules) -> Result<Snapshot, ForgeFault>;

    /// The changed files, without their owners.
    async fn changed_files(&self, change: &ChangeKey) -> Result<Vec<ChangedFile>, ForgeFault>;

    /// All threads that can be resolved; `None` where not all could be read. One read for 100.
    async fn threads(&self, change: &ChangeKey) -> Result<Option<Vec<Thread>>, ForgeFault>;

    /// A file's bytes on `branch`, or on the default branch. One read.
    ///
    /// # Errors
    /// [`ForgeFault::Gone`]: there is no such file, branch or project.
    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, ForgeFault>;
}

/// Writes to a change.
#[async_trait]
pub(in crate::forge) trait WriteChanges: Sync {
    /// Brings reviewers and labels to where they should be: read fresh, write what differs, compare.
    /// Answers what the forge refused.
    async fn set_desired(&self, change: &ChangeKey, desired: &DesiredState) -> Result<Vec<Fact>, ForgeFault>;
}
