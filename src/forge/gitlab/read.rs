//! A merge request as it is, with its reviewers, their verdicts and its files.

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::projects::merge_requests as mr;
use gitlab::api::projects::repository::files::FileRaw;
use gitlab::api::{AsyncQuery, raw};

use super::api::{GitLab, endpoint, fault_of};
use super::wire;
use crate::forge::shared::changes::ReadChanges;
use crate::forge::transport::fault::Fault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::{ChangeKey, ChangedFile, ForgeKind, SeenReviewer, SeenReviewers, Snapshot};
use usher_core::model::tickets::TicketRules;

#[async_trait]
impl ReadChanges for GitLab {
    fn kind(&self) -> ForgeKind {
        ForgeKind::GitLab
    }

    async fn observe(&self, change: &ChangeKey, tickets: &TicketRules) -> Result<Snapshot, Fault> {
        let seen = self.read(change).await?;
        let mut wanted = mr::MergeRequestReviewers::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let reviewers: Pages<wire::Reviewer> = self.pages(&wanted, PAGES_LIMIT).await?;
        let spoken = reviewers.entries.iter().any(|reviewer| reviewer.verdict().is_some());
        let notes = if spoken { self.newest_notes(change).await? } else { Vec::new() };
        let list = reviewers.entries.iter().map(|reviewer| {
            let account = reviewer.user.account();
            // GitLab keeps no time beside the state. The person's newest note, which may be GitLab's
            // own "approved this merge request" in their name, is as near as it tells.
            let by_them = |note: &&wire::Note| note.author.as_ref().is_some_and(|by| by.id == account.id);
            let at = notes.iter().filter(by_them).filter_map(|note| note.created_at).max();
            let at = at.or(reviewer.created_at).unwrap_or(seen.updated_at);
            SeenReviewer { verdict: reviewer.verdict().map(|verdict| (verdict, at)), account }
        });
        let list = list.collect();
        let complete = !reviewers.truncated;
        Ok(Snapshot { reviewers: Some(SeenReviewers { list, complete }), ..seen.snapshot(tickets) })
    }

    async fn changed_files(&self, change: &ChangeKey) -> Result<Vec<ChangedFile>, Fault> {
        let mut wanted = mr::MergeRequestDiffs::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let diffs: Pages<wire::Diff> = self.pages(&wanted, PAGES_LIMIT).await?;
        if diffs.entries.is_empty() && self.read(change).await?.is_preparing() {
            return Err(Fault::NotYet { why: "GitLab is still preparing the change's diff".into() });
        }
        let files = diffs.entries.into_iter().map(|diff| {
            let lines = diff.lines();
            let path = if diff.new_path.is_empty() { diff.old_path } else { diff.new_path };
            ChangedFile { path, lines, ..ChangedFile::default() }
        });
        Ok(files.collect())
    }

    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, Fault> {
        let mut wanted = FileRaw::builder();
        wanted.project(project).file_path(path);
        if let Some(branch) = branch {
            wanted.ref_(branch);
        }
        let wanted = raw(endpoint(wanted.build())?);
        let bytes: Vec<u8> =
            wanted.query_async(&*self.transport).await.map_err(|error| fault_of(error, false))?;
        Ok(bytes.into())
    }
}

impl GitLab {
    pub(super) async fn read(&self, change: &ChangeKey) -> Result<wire::MergeRequest, Fault> {
        let mut wanted = mr::MergeRequest::builder();
        self.get(&endpoint(wanted.project(&change.project).merge_request(change.number).build())?).await
    }
}
