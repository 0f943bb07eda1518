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
    Account, ChangeKey, ChangedFile, ForgeKind, SeenReviewer, SeenReviewers, Snapshot, Verdict,
};
use usher_core::model::threads::Thread;
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
        let approvals = self.approvals(change).await?;
        // Who is put on the list, or remarks on something, after they approved has another state, and their
        // approval stands: asking them again is what removes it.
        let verdict = |reviewer: &wire::Reviewer| {
            let approval = approvals.as_ref().and_then(|all| all.get(&reviewer.user.id));
            match (reviewer.verdict(), approval) {
                (None | Some(Verdict::Approved | Verdict::Commented), Some((_, at))) => {
                    Some((Verdict::Approved, *at))
                }
                (verdict, _) => verdict.map(|verdict| (verdict, None)),
            }
        };
        let untimed = |reviewer: &wire::Reviewer| verdict(reviewer).is_some_and(|(_, at)| at.is_none());
        let notes =
            if reviewers.entries.iter().any(untimed) { self.newest_notes(change).await? } else { Vec::new() };
        let list = reviewers.entries.iter().map(|reviewer| {
            let account = reviewer.user.account();
            // Of other verdicts GitLab tells no time. The person's newest note, which may be GitLab's
            // own "requested changes" in their name, is as near as it gets.
            let by_them = |note: &&wire::Note| note.author.as_ref().is_some_and(|by| by.id == account.id);
            let noted = || notes.iter().filter(by_them).filter_map(|note| note.created_at).max();
            let dated = verdict(reviewer).map(|(verdict, at)| {
                (verdict, at.or_else(noted).or(reviewer.created_at).unwrap_or(seen.updated_at))
            });
            SeenReviewer { verdict: dated, account, review: None }
        });
        let list: Vec<SeenReviewer> = list.collect();
        let complete = reviewers.is_whole();
        let approvals = approvals.filter(|_| complete);
        let beside = approvals.map(|approvals| beside(&list, &approvals, seen.updated_at));
        Ok(Snapshot { reviewers: Some(SeenReviewers { list, complete, beside }), ..seen.snapshot(tickets) })
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

    async fn threads(&self, change: &ChangeKey) -> Result<Option<Vec<Thread>>, ForgeFault> {
        self.discussions(change).await
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
        let (at, mut snapshot) = (seen.updated_at, seen.snapshot(tickets));
        let approvals = self.approvals(change).await?;
        if let Some(shown) = &mut snapshot.reviewers {
            for reviewer in &mut shown.list {
                let given = approvals.as_ref().and_then(|all| all.get(&reviewer.account.id));
                reviewer.verdict = given.map(|(_, given)| (Verdict::Approved, given.unwrap_or(at)));
            }
            shown.beside = approvals.map(|approvals| beside(&shown.list, &approvals, at));
        }
        Ok(snapshot)
    }

    /// Whose approval stands, by account id, and since when, as far as this GitLab tells. `None`: it does not
    /// tell all of them.
    async fn approvals(&self, change: &ChangeKey) -> Result<Option<Approved>, ForgeFault> {
        let project = NameOrId::from(&change.project);
        let path = format!("projects/{project}/merge_requests/{}/approvals", change.number);
        let found = self.get::<wire::Approvals, _>(&ListEndpoint { path, parameters: Vec::new() }).await;
        let Some(found) = if_allowed(found)?.and_then(|found| found.approved_by) else { return Ok(None) };
        self.transport.note_unread(found.unread);
        let whole = found.unread == 0;
        let given = |one: wire::Approval| {
            let account = one.user?.account();
            Some((account.id, (account, one.approved_at)))
        };
        Ok(Some(found.into_iter().filter_map(given).collect()).filter(|_| whole))
    }
}

type Approved = BTreeMap<u64, (Account, Option<Timestamp>)>;

/// Who approves and is not on the list of reviewers. An older GitLab does not tell since when: by `at`.
fn beside(list: &[SeenReviewer], approvals: &Approved, at: Timestamp) -> Vec<SeenReviewer> {
    let others = approvals.values().filter(|(account, _)| !list.iter().any(|one| one.account == *account));
    let seen = |(account, given): &(Account, Option<Timestamp>)| SeenReviewer {
        account: account.clone(),
        verdict: Some((Verdict::Approved, given.unwrap_or(at))),
        review: None,
    };
    others.map(seen).collect()
}
