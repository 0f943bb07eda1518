//! Comments in the conversation of a pull request, and reactions to them.

use http::Method;
use serde_json::json;

use super::client::{GitHub, Pages};
use super::wire;
use crate::core::action::Action;
use crate::core::change::ChangeKey;
use crate::forge::client::{Hint, Performed};
use crate::forge::fault::Fault;
use crate::forge::http::PAGES_LIMIT;

impl GitHub {
    /// Edits our comment where there is one (`Status` only: pings and replies are written once),
    /// and writes it otherwise.
    pub(super) async fn comment(
        &self,
        change: &ChangeKey,
        action: &Action,
        body: &str,
        hint: Hint,
    ) -> Result<Performed, Fault> {
        let mut ours = hint.comment_id;
        if let (None, true, Some(marker)) = (ours, hint.look_up, action.marker()) {
            ours = self.find_comment(change, &marker).await?;
        }
        let body = json!({ "body": body });
        if let Some(comment) = ours {
            if !matches!(action, Action::Status { .. }) {
                return Ok(Performed::comment(comment));
            }
            let place = self.comment_place(change, comment);
            // The documented verb; octocrab's `update_comment` sends POST, to which GitHub says 405.
            match self.write(Method::PATCH, &place, Some(&body)).await {
                // Somebody deleted it.
                Err(Fault::Gone) => {}
                edited => return edited.map(|()| Performed::comment(comment)),
            }
        }
        let new: wire::Comment = self.post(&self.issue(change, ["comments"]), &body).await?;
        Ok(Performed::comment(new.id))
    }

    fn comment_place(&self, change: &ChangeKey, comment: u64) -> url::Url {
        self.in_project(&change.project, ["issues", "comments", &comment.to_string()])
    }

    /// The comment that carries `marker` and was written by our own account.
    async fn find_comment(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, Fault> {
        let me = self.me().await?;
        let comments: Pages<wire::Comment> =
            self.pages(self.issue(change, ["comments"]), PAGES_LIMIT).await?;
        let ours = comments.entries.iter().find(|comment| {
            comment.user.as_ref().is_some_and(|user| user.id == me.id)
                && comment.body.as_deref().is_some_and(|body| body.contains(marker))
        });
        Ok(ours.map(|comment| comment.id))
    }

    pub(super) async fn react(&self, change: &ChangeKey, comment: u64) -> Result<Performed, Fault> {
        let mut place = self.comment_place(change, comment);
        if let Ok(mut path) = place.path_segments_mut() {
            path.push("reactions");
        }
        match self.write(Method::POST, &place, Some(&json!({ "content": "+1" }))).await {
            // Reacting twice answers 200; a comment that is gone needs no reaction.
            Ok(()) | Err(Fault::Gone) => Ok(Performed::default()),
            Err(fault) => Err(fault),
        }
    }
}
