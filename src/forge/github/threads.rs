//! The threads of a pull request. REST does not tell whether a conversation on a line is resolved, only GraphQL
//! does (GitHub's GraphQL reference, `PullRequestReviewThread`).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::api::GitHub;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::PAGES_LIMIT;
use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::threads::{Resolved, Thread};

/// A comment is seen by others when the review is submitted that it belongs to.
const QUERY: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        isResolved
        resolvedBy { ...person }
        comments(first: 1) { nodes { author { __typename ...person } createdAt pullRequestReview { submittedAt } } }
      }
    }
  } }
}
fragment person on User { databaseId login }";

/// Null where the token does not see it.
#[derive(Deserialize)]
struct Answer {
    repository: Option<Repository>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    review_threads: ThreadPage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadPage {
    page_info: PageEnd,
    nodes: Vec<Option<ThreadNode>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageEnd {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadNode {
    is_resolved: bool,
    resolved_by: Option<Person>,
    comments: FirstComment,
}

#[derive(Deserialize)]
struct FirstComment {
    nodes: Vec<Option<CommentNode>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentNode {
    author: Option<Person>,
    created_at: Timestamp,
    pull_request_review: Option<SubmittedReview>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubmittedReview {
    submitted_at: Option<Timestamp>,
}

/// Empty where it is no user but a bot.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    database_id: Option<u64>,
    #[serde(default)]
    login: String,
}

impl Person {
    fn account(self) -> Option<Account> {
        Some(Account::new(self.database_id?, self.login))
    }
}

impl ThreadNode {
    /// `None` where nobody is known who opened it.
    fn thread(self) -> Option<Thread> {
        let first = self.comments.nodes.into_iter().flatten().next()?;
        let seen_at = first.pull_request_review.and_then(|review| review.submitted_at);
        let resolved =
            self.is_resolved.then(|| Resolved { by: self.resolved_by.and_then(Person::account), at: None });
        Some(Thread {
            opener: first.author?.account()?,
            opened_at: seen_at.unwrap_or(first.created_at),
            resolved,
        })
    }
}

impl GitHub {
    /// All threads; `None` where there are more than are read. One request for 100.
    pub(super) async fn review_threads(&self, change: &ChangeKey) -> Result<Option<Vec<Thread>>, ForgeFault> {
        let (owner, name) = change.project.split_once('/').unwrap_or((&change.project, ""));
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_LIMIT {
            let variables = json!({"owner": owner, "name": name, "number": change.number, "after": after});
            let answer: Answer = self.query(&json!({ "query": QUERY, "variables": variables })).await?;
            let pull = answer.repository.and_then(|repository| repository.pull_request);
            let ThreadPage { page_info, nodes } = pull.ok_or(ForgeFault::Gone)?.review_threads;
            found.extend(nodes.into_iter().flatten().filter_map(ThreadNode::thread));
            if !page_info.has_next_page {
                return Ok(Some(found));
            }
            after = page_info.end_cursor;
        }
        Ok(None)
    }
}
