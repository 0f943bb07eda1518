//! Comments in the conversation of a pull request, and reactions to them.

use async_trait::async_trait;
use http::Method;
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

    /// The text of a review takes none by REST: docs.github.com, "REST API endpoints for reactions".
    async fn react(&self, change: &ChangeKey, comment: u64, place: CommentPlace) -> Result<(), ForgeFault> {
        let kind = match place {
            CommentPlace::Conversation => "issues",
            CommentPlace::Line { .. } => "pulls",
            CommentPlace::Review => return Ok(()),
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

impl GitHub {
    fn comment_place(&self, change: &ChangeKey, comment: u64) -> url::Url {
        self.in_project(&change.project, ["issues", "comments", &comment.to_string()])
    }
}
