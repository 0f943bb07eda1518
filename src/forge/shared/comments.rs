//! Comments on a change: written once, found again by their marker, edited in place.

use async_trait::async_trait;

use super::performed::{Hint, Performed};
use crate::forge::transport::fault::Fault;
use usher_core::model::change::ChangeKey;

/// Comments on a change, written by our own account.
#[async_trait]
pub(in crate::forge) trait Comments: Sync {
    /// Our comment that carries `marker`.
    async fn find(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, Fault>;
    async fn edit(&self, change: &ChangeKey, comment: u64, body: &str) -> Result<(), Fault>;
    /// The id of the new comment.
    async fn create(&self, change: &ChangeKey, body: &str) -> Result<u64, Fault>;
    /// Puts our "done" on somebody's comment; one that is gone needs none.
    async fn react(&self, change: &ChangeKey, comment: u64) -> Result<(), Fault>;
}

/// A comment as it should be.
#[derive(Clone, Copy, Debug)]
pub(in crate::forge) struct Wanted<'a> {
    /// The hidden marker by which it is found again.
    pub marker: Option<&'a str>,
    pub body: &'a str,
    /// Edited where it is there (the status comment), or written once (pings and replies).
    pub edited: bool,
}

/// Brings a comment about: edits ours where there is one, and creates it otherwise.
pub(in crate::forge) async fn write(
    comments: &dyn Comments,
    change: &ChangeKey,
    wanted: Wanted<'_>,
    hint: Hint,
) -> Result<Performed, Fault> {
    let ours = match (hint.comment_id, wanted.marker) {
        (None, Some(marker)) if hint.look_up => comments.find(change, marker).await?,
        (known, _) => known,
    };
    if let Some(comment) = ours {
        if !wanted.edited {
            return Ok(Performed::comment(comment));
        }
        match comments.edit(change, comment, wanted.body).await {
            // Somebody deleted it.
            Err(Fault::Gone) => {}
            edited => return edited.map(|()| Performed::comment(comment)),
        }
    }
    comments.create(change, wanted.body).await.map(Performed::comment)
}
