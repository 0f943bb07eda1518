//! A pull request as it is, with its reviewers, their verdicts and its files.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;

use super::api::{GitHub, fault_of};
use super::wire;
use crate::forge::shared::changes::ReadChanges;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::{
    Account, ChangeKey, ChangedFile, ForgeKind, SeenReviewer, SeenReviewers, Snapshot, Verdict,
};
use usher_core::model::threads::Thread;
use usher_core::model::tickets::TicketRules;

#[async_trait]
impl ReadChanges for GitHub {
    fn kind(&self) -> ForgeKind {
        ForgeKind::GitHub
    }

    async fn observe(&self, change: &ChangeKey, tickets: &TicketRules) -> Result<Snapshot, ForgeFault> {
        let pull = self.read(change).await?;
        let (author, requested, unread) = (pull.author(), pull.requested(), pull.unread());
        let reviews = self.reviews(change).await?;
        let mut list = verdicts(&reviews.entries, &author);
        list.extend(requested.into_iter().map(|account| SeenReviewer {
            account,
            verdict: None,
            review: None,
        }));
        let complete = reviews.is_whole() && unread == 0;
        Ok(Snapshot {
            reviewers: Some(SeenReviewers { list, complete, beside: None }),
            ..pull.snapshot(tickets)
        })
    }

    async fn changed_files(&self, change: &ChangeKey) -> Result<Vec<ChangedFile>, ForgeFault> {
        let files: Pages<wire::File> = self.pages(self.pull(change, ["files"]), PAGES_LIMIT).await?;
        let files = files.entries.into_iter();
        let files = files.map(|file| ChangedFile {
            lines: file.additions.saturating_add(file.deletions),
            path: file.filename,
            ..ChangedFile::default()
        });
        Ok(files.collect())
    }

    async fn threads(&self, change: &ChangeKey) -> Result<Option<Vec<Thread>>, ForgeFault> {
        self.review_threads(change).await
    }

    /// As it is, not wrapped into JSON: that is how files of more than 1 MB come too (up to 100 MB)
    /// `[memory]`.
    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, ForgeFault> {
        let mut url = self.in_project(project, ["contents"].into_iter().chain(path.split('/')));
        if let Some(branch) = branch {
            url.query_pairs_mut().append_pair("ref", branch);
        }
        let accept = HeaderValue::from_static("application/vnd.github.raw+json");
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
        let answer = self.crab()._get_with_headers(url.as_str(), Some(headers)).await;
        let body = answer.map_err(|error| fault_of(&error, false))?.into_body().collect().await;
        Ok(body.map_err(|error| fault_of(&error, false))?.to_bytes())
    }
}

impl GitHub {
    pub(super) async fn read(&self, change: &ChangeKey) -> Result<wire::Pull, ForgeFault> {
        let pull: wire::Pull = self.get(&self.pull(change, [])).await?;
        self.transport.note_unread(pull.unread());
        Ok(pull)
    }

    /// All reviews, in the order they were given.
    pub(super) async fn reviews(&self, change: &ChangeKey) -> Result<Pages<wire::Review>, ForgeFault> {
        self.pages(self.pull(change, ["reviews"]), PAGES_LIMIT).await
    }
}

/// Who has reviewed, with the last review of each that is more than a comment, or else the last
/// comment. Authors review their own changes by answering in threads, and bots move nothing.
fn verdicts(reviews: &[wire::Review], author: &Account) -> Vec<SeenReviewer> {
    let mut list: Vec<SeenReviewer> = Vec::new();
    for review in reviews {
        let Some(user) = review.user.as_ref().filter(|user| user.is_person()) else { continue };
        let (Some(verdict), Some(at)) = (review.verdict(), review.submitted_at) else { continue };
        let account = user.account();
        if account == *author {
            continue;
        }
        let given = Some((verdict, at));
        match list.iter_mut().find(|seen| seen.account == account) {
            None => list.push(SeenReviewer { account, verdict: given, review: review.id }),
            Some(seen) => {
                let was_comment = matches!(seen.verdict, Some((Verdict::Commented, _)));
                if verdict != Verdict::Commented || was_comment {
                    (seen.verdict, seen.review) = (given, review.id);
                }
            }
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_after_a_verdict_does_not_hide_it() {
        let reviews: Vec<wire::Review> = serde_json::from_value(serde_json::json!([
            {"user": {"id": 1, "login": "a"}, "state": "COMMENTED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 1, "login": "a"}, "state": "CHANGES_REQUESTED", "submitted_at": "2026-01-02T00:00:00Z"},
            {"user": {"id": 1, "login": "a"}, "state": "COMMENTED", "submitted_at": "2026-01-03T00:00:00Z"},
            {"user": {"id": 2, "login": "b"}, "state": "COMMENTED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 2, "login": "b"}, "state": "COMMENTED", "submitted_at": "2026-01-04T00:00:00Z"},
            {"user": {"id": 2, "login": "b"}, "state": "PENDING", "submitted_at": null},
            {"user": {"id": 3, "login": "c", "type": "Bot"}, "state": "APPROVED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 4, "login": "author"}, "state": "COMMENTED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": null, "state": "APPROVED", "submitted_at": "2026-01-01T00:00:00Z"},
            {"user": {"id": 5, "login": "e"}, "state": "DISMISSED", "submitted_at": "2026-01-01T00:00:00Z"}
        ])).unwrap();
        let seen = verdicts(&reviews, &Account::new(4, "author"));
        let told: Vec<_> = seen.into_iter().map(|seen| (seen.account.id, seen.verdict.unwrap())).collect();
        let at = |day: &str| format!("2026-01-{day}T00:00:00Z").parse().unwrap();
        let expected = [
            (1, (Verdict::ChangesRequested, at("02"))),
            (2, (Verdict::Commented, at("04"))),
            (5, (Verdict::Withdrawn, at("01"))),
        ];
        assert_eq!(told, expected);
    }
}
