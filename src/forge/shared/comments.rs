//! Comments on a change: written once, found again by their marker, edited in place.

use async_trait::async_trait;

use super::performed::{Hint, Performed};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::Pages;
use usher_core::model::action::Comment;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::CommentPlace;

/// Comments on a change, written by our own account.
#[async_trait]
pub(in crate::forge) trait Comments: Sync {
    /// Our comment that carries `marker`.
    async fn find(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, ForgeFault>;
    async fn edit(&self, change: &ChangeKey, comment: u64, body: &str) -> Result<(), ForgeFault>;
    /// The id of the new comment.
    async fn create(&self, change: &ChangeKey, body: &str) -> Result<u64, ForgeFault>;
    /// Puts our "done" on somebody's comment; one that is gone needs none.
    async fn react(&self, change: &ChangeKey, comment: u64, place: CommentPlace) -> Result<(), ForgeFault>;
}

/// The comment that was looked for among `all`. One that is not among those that could be read may be
/// among the others, and would be written twice.
pub(in crate::forge) fn found<T>(ours: Option<u64>, all: &Pages<T>) -> Result<Option<u64>, ForgeFault> {
    if ours.is_none() && all.unread > 0 {
        let what = format!("{} comments of the change are not understood", all.unread);
        return Err(ForgeFault::garbled(&what, false));
    }
    Ok(ours)
}

/// Brings a comment about: edits ours where there is one (the status comment only; pings and replies
/// are written once), and creates it otherwise.
pub(in crate::forge) async fn write(
    comments: &dyn Comments,
    change: &ChangeKey,
    wanted: &Comment,
    hint: Hint,
) -> Result<Performed, ForgeFault> {
    let ours = match hint.comment_id {
        None if hint.look_up => comments.find(change, &wanted.marker()).await?,
        known => known,
    };
    if let Some(comment) = ours {
        if !matches!(wanted, Comment::Status { .. }) {
            return Ok(Performed::comment(comment));
        }
        match comments.edit(change, comment, wanted.body()).await {
            Err(ForgeFault::Gone) => {}
            edited => return edited.map(|()| Performed::comment(comment)),
        }
        // Somebody deleted it, or it is hidden for a moment: a second one is made only where it is gone.
        match comments.find(change, &wanted.marker()).await? {
            Some(found) if found == comment => return Err(ForgeFault::Gone),
            Some(found) => {
                return comments.edit(change, found, wanted.body()).await.map(|()| Performed::comment(found));
            }
            None => {}
        }
    }
    comments.create(change, wanted.body()).await.map(Performed::comment)
}
