//! Comments in the conversation of a pull request, and reactions to them.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::api::GitHub;
use super::wire;
use crate::forge::shared::comments::{Comments, found};
use crate::forge::shared::people::People;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::CommentPlace;

#[async_trait]
impl Comments for GitHub {
    async fn create(&self, change: &ChangeKey, body: &str) -> Result<u64, ForgeFault> {
        let place = self.issue(change, ["comments"]);
        let new: wire::Comment = self.post(&place, &json!({ "body": body })).await?;
        Ok(new.id)
    }

    /// With the documented verb; octocrab's `update_comment` sends POST, to which GitHub says 405.
    async fn edit(&self, change: &ChangeKey, comment: u64, body: &str) -> Result<(), ForgeFault> {
        let place = self.comment_place(change, comment);
        self.write(Method::PATCH, &place, Some(&json!({ "body": body }))).await
    }

    /// The comment that begins with `marker` and was written by our own account: others may copy a
    /// marker, and we may repeat what they wrote.
    async fn find(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, ForgeFault> {
        let me = self.me().await?;
        let comments: Pages<wire::Comment> =
            self.pages(self.issue(change, ["comments"]), PAGES_LIMIT).await?;
        let ours = comments.entries.iter().find(|comment| {
            comment.user.as_ref().is_some_and(|user| user.id == me.id)
                && comment.body.as_deref().is_some_and(|body| body.trim_start().starts_with(marker))
        });
        found(ours.map(|comment| comment.id), &comments)
    }

    async fn react(&self, change: &ChangeKey, comment: u64, place: CommentPlace) -> Result<(), ForgeFault> {
        let kind = match place {
            CommentPlace::Conversation => "issues",
            CommentPlace::Line { .. } => "pulls",
            CommentPlace::Review => return self.react_to_review(change, comment).await,
        };
        let number = comment.to_string();
        let path = [kind, "comments", &number, "reactions"];
        let address = self.in_project(&change.project, path);
        match self.write(Method::POST, &address, Some(&json!({ "content": "+1" }))).await {
            // Reacting twice answers 200; a comment that is gone needs no reaction.
            Ok(()) | Err(ForgeFault::Gone) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

/// A review, by the id that GraphQL knows it by.
#[derive(Deserialize)]
struct ReviewNode {
    /// Older servers do not tell it.
    node_id: Option<String>,
}

impl GitHub {
    /// The text of a review takes no reaction by REST (docs.github.com, "REST API endpoints for reactions");
    /// GraphQL's `addReaction` takes every `Reactable`. Who has reacted already is answered like the first time.
    async fn react_to_review(&self, change: &ChangeKey, review: u64) -> Result<(), ForgeFault> {
        let number = review.to_string();
        let review: ReviewNode = match self.get(&self.pull(change, ["reviews", &number])).await {
            Err(ForgeFault::Gone) => return Ok(()),
            found => found?,
        };
        let Some(id) = review.node_id else { return Ok(()) };
        let query =
            "mutation($input: AddReactionInput!) { addReaction(input: $input) { reaction { content } } }";
        let input = json!({ "subjectId": id, "content": "THUMBS_UP" });
        self.mutate(&json!({ "query": query, "variables": { "input": input } })).await
    }

    fn comment_place(&self, change: &ChangeKey, comment: u64) -> url::Url {
        self.in_project(&change.project, ["issues", "comments", &comment.to_string()])
    }
}
