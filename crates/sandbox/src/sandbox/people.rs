//! People who act. Every act follows the forge's rules, dates the change and queues the webhooks the
//! forge would send; nothing leaves before [`Sandbox::deliver_pending`].

use super::Sandbox;
use crate::world::{ChangeRef, Forge, NewChange, Refusal, State, UserId, Verdict};

/// People act by login. Each act returns the forge's [`Refusal`] if the forge would not allow it, and
/// then nothing has happened.
impl Sandbox {
    /// Opens a change.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn open_change(&self, forge: Forge, project: &str, new: NewChange) -> Result<ChangeRef, Refusal> {
        self.act(|state| state.open_change(forge, project, new))
    }

    /// Takes the draft mark off.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn mark_ready(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.set_draft(at, user, false))
    }

    /// Makes it a draft.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn mark_draft(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.set_draft(at, user, true))
    }

    /// Pushes one more commit.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn push(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.push(at, user))
    }

    /// Changes the title.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn retitle(&self, at: &ChangeRef, who: &str, title: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.edit_text(at, user, Some(title.to_owned()), None))
    }

    /// Comments, and returns the comment's id.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn comment(&self, at: &ChangeRef, who: &str, body: &str) -> Result<u64, Refusal> {
        self.as_user(at, who, |state, user| state.comment(at, user, body, false))
    }

    /// Writes a remark on a line of the change, which GitHub wraps into a review without a text.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn remark(&self, at: &ChangeRef, who: &str, body: &str) -> Result<u64, Refusal> {
        self.as_user(at, who, |state, user| state.remark(at, user, body))
    }

    /// Resolves the thread that a remark on a line begins; `id` is the remark's.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn resolve_thread(&self, at: &ChangeRef, who: &str, id: u64) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.turn_thread(at, user, id, true))
    }

    /// Opens a resolved thread again.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn unresolve_thread(&self, at: &ChangeRef, who: &str, id: u64) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.turn_thread(at, user, id, false))
    }

    /// Edits a comment.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn edit_comment(&self, at: &ChangeRef, who: &str, id: u64, body: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.edit_comment(at, user, id, body))
    }

    /// Deletes one's own comment.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn delete_comment(&self, at: &ChangeRef, who: &str, id: u64) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.delete_comment(at, user, id))
    }

    /// Submits a review. `body` may be empty. On GitLab a body becomes a note with a webhook of its
    /// own, and a request for changes without a body is silent unless
    /// [`Sandbox::gitlab_announces_reviews`] is on.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn review(&self, at: &ChangeRef, who: &str, verdict: Verdict, body: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.review(at, user, verdict, body))
    }

    /// Takes one's own approval back (GitLab).
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn unapprove(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.unapprove(at, user))
    }

    /// Dismisses the latest approval or request for changes of `reviewer` (GitHub).
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn dismiss_review(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| {
            let reviewer = state.known(at.forge, reviewer)?;
            state.dismiss_review(at, user, reviewer)
        })
    }

    /// A human asks `reviewer` for a review. On GitLab Free this replaces the one reviewer there is.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn request_reviewer(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.request_reviewer(at, user, reviewer))
    }

    /// A human takes a request back.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn remove_reviewer(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.remove_reviewer(at, user, reviewer))
    }

    /// Asks a reviewer again who has already reviewed.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn re_request_review(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| {
            let reviewer = state.known(at.forge, reviewer)?;
            state.re_request(at, user, reviewer)
        })
    }

    /// A human adds a label.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn add_label(&self, at: &ChangeRef, who: &str, label: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.add_label(at, user, label))
    }

    /// A human removes a label.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn remove_label(&self, at: &ChangeRef, who: &str, label: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.remove_labels(at, user, |name| name == label))
    }

    /// Merges.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn merge(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.end(at, user, true))
    }

    /// Closes without a merge.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn close(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.end(at, user, false))
    }

    /// Opens a closed change again.
    ///
    /// # Errors
    /// What the forge refuses; nothing has happened then.
    pub fn reopen(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.reopen(at, user))
    }

    fn as_user<T>(
        &self,
        at: &ChangeRef,
        who: &str,
        act: impl FnOnce(&mut State, UserId) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.act(|state| {
            let user = state.known(at.forge, who)?;
            act(state, user)
        })
    }
}
