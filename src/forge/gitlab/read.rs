//! A merge request as it is, with its reviewers, their verdicts and its files.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::common::NameOrId;
use gitlab::api::projects::merge_requests as mr;
use gitlab::api::projects::repository::files::FileRaw;
use gitlab::api::{AsyncQuery, raw};
use jiff::Timestamp;

use super::api::{GitLab, ListEndpoint, endpoint, fault_of};
use super::wire;
use crate::forge::shared::changes::ReadChanges;
use crate::forge::shared::inspect::if_allowed;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::{
    ChangeKey, ChangedFile, ForgeKind, SeenReviewer, SeenReviewers, Snapshot, Verdict,
};
use usher_core::model::tickets::TicketRules;

#[async_trait]
impl ReadChanges for GitLab {
    fn kind(&self) -> ForgeKind {
        ForgeKind::GitLab
    }

    async fn observe(&self, change: &ChangeKey, tickets: &TicketRules) -> Result<Snapshot, ForgeFault> {
        let seen = self.read(change).await?;
        let mut wanted = mr::MergeRequestReviewers::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let reviewers: Pages<wire::Reviewer> = match self.pages(&wanted, PAGES_LIMIT).await {
            // The change is there: this GitLab is too old to tell its reviewers with their states.
            Err(ForgeFault::Gone) => return self.without_states(change, seen, tickets).await,
            answer => answer?,
        };
        let approved = |reviewer: &wire::Reviewer| reviewer.verdict() == Some(Verdict::Approved);
        let approvals = if reviewers.entries.iter().any(approved) {
            self.approvals(change).await?
        } else {
            BTreeMap::new()
        };
        let approved_at = |reviewer: &wire::Reviewer| {
            approvals.get(&reviewer.user.id).filter(|_| approved(reviewer)).copied()
        };
        let untimed =
            |reviewer: &wire::Reviewer| reviewer.verdict().is_some() && approved_at(reviewer).is_none();
        let notes =
            if reviewers.entries.iter().any(untimed) { self.newest_notes(change).await? } else { Vec::new() };
        let list = reviewers.entries.iter().map(|reviewer| {
            let account = reviewer.user.account();
            // Of other verdicts GitLab tells no time. The person's newest note, which may be GitLab's
            // own "requested changes" in their name, is as near as it gets.
            let by_them = |note: &&wire::Note| note.author.as_ref().is_some_and(|by| by.id == account.id);
            let noted = || notes.iter().filter(by_them).filter_map(|note| note.created_at).max();
            let at = approved_at(reviewer).or_else(noted).or(reviewer.created_at).unwrap_or(seen.updated_at);
            SeenReviewer { verdict: reviewer.verdict().map(|verdict| (verdict, at)), account, review: None }
        });
        let list = list.collect();
        let complete = reviewers.is_whole();
        Ok(Snapshot { reviewers: Some(SeenReviewers { list, complete }), ..seen.snapshot(tickets) })
    }

    async fn changed_files(&self, change: &ChangeKey) -> Result<Vec<ChangedFile>, ForgeFault> {
        let mut wanted = mr::MergeRequestDiffs::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let diffs: Pages<wire::Diff> = self.pages(&wanted, PAGES_LIMIT).await?;
        if diffs.entries.is_empty() && self.read(change).await?.is_preparing() {
            return Err(ForgeFault::NotYet { why: "GitLab is still preparing the change's diff".into() });
        }
        let files = diffs.entries.into_iter().map(|diff| {
            let lines = diff.lines();
            let path = if diff.new_path.is_empty() { diff.old_path } else { diff.new_path };
            ChangedFile { path, lines, ..ChangedFile::default() }
        });
        Ok(files.collect())
    }

    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, ForgeFault> {
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
    pub(super) async fn read(&self, change: &ChangeKey) -> Result<wire::MergeRequest, ForgeFault> {
        let mut wanted = mr::MergeRequest::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let seen: wire::MergeRequest = self.get(&wanted).await?;
        self.transport.note_unread(seen.unread());
        Ok(seen)
    }

    /// The change with the reviewers that it lists itself. Of their verdicts only approvals are known.
    async fn without_states(
        &self,
        change: &ChangeKey,
        seen: wire::MergeRequest,
        tickets: &TicketRules,
    ) -> Result<Snapshot, ForgeFault> {
        let mut snapshot = seen.snapshot(tickets);
        let approvals = self.approvals(change).await?;
        for reviewer in snapshot.reviewers.iter_mut().flat_map(|seen| &mut seen.list) {
            let given = approvals.get(&reviewer.account.id);
            reviewer.verdict = given.map(|at| (Verdict::Approved, *at));
        }
        Ok(snapshot)
    }

    /// When each of those approved whose approval stands, by account id, as far as this GitLab tells.
    async fn approvals(&self, change: &ChangeKey) -> Result<BTreeMap<u64, Timestamp>, ForgeFault> {
        let project = NameOrId::from(&change.project);
        let path = format!("projects/{project}/merge_requests/{}/approvals", change.number);
        let found = self.get::<wire::Approvals, _>(&ListEndpoint { path, parameters: Vec::new() }).await;
        let found = if_allowed(found)?.unwrap_or_default();
        self.transport.note_unread(found.approved_by.unread);
        let given = |one: wire::Approval| Some((one.user?.id, one.approved_at?));
        Ok(found.approved_by.into_iter().filter_map(given).collect())
    }
}
