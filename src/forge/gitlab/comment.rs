//! Comments on a merge request (GitLab calls them notes), and reactions to them.

use async_trait::async_trait;
use gitlab::api::projects::merge_requests::notes::awards::CreateMergeRequestNoteAward;
use gitlab::api::projects::merge_requests::notes::{CreateMergeRequestNote, EditMergeRequestNote};

use super::api::{GitLab, ListEndpoint, endpoint};
use super::wire;
use crate::forge::shared::comments::{Comments, found};
use crate::forge::shared::people::People;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::CommentPlace;

/// GitLab's name of the 👍 reaction.
const DONE: &str = "thumbsup";

#[async_trait]
impl Comments for GitLab {
    async fn create(&self, change: &ChangeKey, body: &str) -> Result<u64, ForgeFault> {
        let mut new = CreateMergeRequestNote::builder();
        let new = new.project(&change.project).merge_request(change.number).body(body).build();
        let note: wire::NoteId = self.write(&endpoint(new)?).await?;
        Ok(note.id)
    }

    async fn edit(&self, change: &ChangeKey, note: u64, body: &str) -> Result<(), ForgeFault> {
        let mut edit = EditMergeRequestNote::builder();
        let edit = edit.project(&change.project).merge_request(change.number).note(note).body(body).build();
        let _: serde::de::IgnoredAny = self.write(&endpoint(edit)?).await?;
        Ok(())
    }

    /// The note that begins with `marker` and was written by our own account: others may copy a
    /// marker, and we may repeat what they wrote.
    async fn find(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, ForgeFault> {
        let me = self.me().await?;
        let notes = self.notes(change, PAGES_LIMIT).await?;
        let ours = notes.entries.iter().find(|note| {
            note.author.as_ref().is_some_and(|author| author.id == me.id)
                && note.body.trim_start().starts_with(marker)
        });
        found(ours.map(|note| note.id), &notes)
    }

    /// Notes on lines and in the conversation have one address.
    async fn react(&self, change: &ChangeKey, note: u64, _: CommentPlace) -> Result<(), ForgeFault> {
        let mut award = CreateMergeRequestNoteAward::builder();
        let award = award.project(&change.project).merge_request(change.number).note(note).name(DONE).build();
        match self.write::<serde::de::IgnoredAny, _>(&endpoint(award)?).await {
            // "404 Award Emoji Name has already been taken", or the comment is gone: done either way.
            Ok(_) | Err(ForgeFault::Gone) => Ok(()),
            Err(ForgeFault::Refused { answer, .. }) if answer.contains("already been taken") => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

impl GitLab {
    /// The newest hundred notes, GitLab's own ("system") ones among them.
    pub(super) async fn newest_notes(&self, change: &ChangeKey) -> Result<Vec<wire::Note>, ForgeFault> {
        Ok(self.notes(change, 1).await?.entries)
    }

    /// Notes, newest first.
    async fn notes(&self, change: &ChangeKey, pages: usize) -> Result<Pages<wire::Note>, ForgeFault> {
        let project = gitlab::api::common::NameOrId::from(&change.project);
        let notes = ListEndpoint {
            path: format!("projects/{project}/merge_requests/{}/notes", change.number),
            parameters: vec![("order_by", "created_at".into()), ("sort", "desc".into())],
        };
        self.pages(&notes, pages).await
    }
}
