//! People who act. Every act follows the forge's rules, dates the change and queues the webhooks the
//! forge would send; nothing leaves before [`Sandbox::deliver_pending`].

use std::fmt;

use super::Sandbox;
use super::announce::Happened;
use super::refusal::Refusal;
use super::state::{Change, ChangedFile, Forge, ReviewerState, State, UserId, Verdict};

/// Where a change is: forge, project path, number (GitLab: iid).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeRef {
    /// The forge.
    pub forge: Forge,
    /// `group/subgroup/name` or `owner/name`.
    pub project: String,
    /// `iid` on GitLab, number on GitHub.
    pub number: u64,
}

impl fmt::Display for ChangeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.forge == Forge::Gitlab { '!' } else { '#' };
        write!(f, "{}{mark}{}", self.project, self.number)
    }
}

/// A change about to be opened.
#[derive(Clone, Debug)]
pub struct NewChange {
    /// Login of the author.
    pub author: String,
    /// Title, without a `Draft:` prefix.
    pub title: String,
    /// Description in Markdown.
    pub description: String,
    /// Changed files.
    pub files: Vec<ChangedFile>,
    /// Labels it is opened with; unknown ones are created.
    pub labels: Vec<String>,
    /// Whether it starts as a draft.
    pub draft: bool,
    /// Target branch.
    pub target_branch: String,
    /// Source branch; named after the number if not given.
    pub source_branch: Option<String>,
}

impl NewChange {
    /// A change ready for review with one small file, onto `main`.
    pub fn by(author: &str, title: &str) -> NewChange {
        NewChange {
            author: author.to_owned(),
            title: title.to_owned(),
            description: String::new(),
            files: vec![ChangedFile::new("src/lib.rs", 3, 1)],
            labels: Vec::new(),
            draft: false,
            target_branch: "main".to_owned(),
            source_branch: None,
        }
    }
}

/// People act by login. Each act returns the forge's [`Refusal`] if the forge would not allow it, and
/// then nothing has happened.
impl Sandbox {
    /// Opens a change.
    pub fn open_change(&self, forge: Forge, project: &str, new: NewChange) -> Result<ChangeRef, Refusal> {
        self.state().open_change(forge, project, new)
    }

    /// Takes the draft mark off.
    pub fn mark_ready(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.set_draft(at, user, false))
    }

    /// Makes it a draft.
    pub fn mark_draft(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.set_draft(at, user, true))
    }

    /// Pushes one more commit.
    pub fn push(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.push(at, user))
    }

    /// Changes the title.
    pub fn retitle(&self, at: &ChangeRef, who: &str, title: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.edit_text(at, user, Some(title.to_owned()), None))
    }

    /// Comments, and returns the comment's id.
    pub fn comment(&self, at: &ChangeRef, who: &str, body: &str) -> Result<u64, Refusal> {
        self.as_user(at, who, |state, user| state.comment(at, user, body, false))
    }

    /// Edits a comment.
    pub fn edit_comment(&self, at: &ChangeRef, who: &str, id: u64, body: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.edit_comment(at, user, id, body))
    }

    /// Deletes one's own comment.
    pub fn delete_comment(&self, at: &ChangeRef, who: &str, id: u64) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.delete_comment(at, user, id))
    }

    /// Submits a review. `body` may be empty. On GitLab a body becomes a note with a webhook of its
    /// own, and a request for changes without a body is silent unless
    /// [`Sandbox::gitlab_announces_reviews`] is on.
    pub fn review(&self, at: &ChangeRef, who: &str, verdict: Verdict, body: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.review(at, user, verdict, body))
    }

    /// Takes one's own approval back (GitLab).
    pub fn unapprove(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.unapprove(at, user))
    }

    /// Dismisses the latest approval or request for changes of `reviewer` (GitHub).
    pub fn dismiss_review(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| {
            let reviewer = state.known(at.forge, reviewer)?;
            state.dismiss_review(at, user, reviewer)
        })
    }

    /// A human asks `reviewer` for a review. On GitLab Free this replaces the one reviewer there is.
    pub fn request_reviewer(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| match at.forge {
            Forge::Github => state.request_reviews(at, user, &[reviewer.to_owned()]),
            Forge::Gitlab => {
                let reviewer = state.known(at.forge, reviewer)?;
                state.act(at, user, |state, change| {
                    let mut wanted = if state.is_premium() { reviewer_ids(change) } else { Vec::new() };
                    wanted.push(reviewer);
                    Ok(((), state.set_reviewers(at, user, change, &wanted)))
                })
            }
        })
    }

    /// A human takes a request back.
    pub fn remove_reviewer(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| match at.forge {
            Forge::Github => state.remove_requests(at, user, &[reviewer.to_owned()]),
            Forge::Gitlab => {
                let reviewer = state.known(at.forge, reviewer)?;
                state.act(at, user, |state, change| {
                    let mut wanted = reviewer_ids(change);
                    wanted.retain(|other| *other != reviewer);
                    Ok(((), state.set_reviewers(at, user, change, &wanted)))
                })
            }
        })
    }

    /// Asks a reviewer again who has already reviewed.
    pub fn re_request_review(&self, at: &ChangeRef, who: &str, reviewer: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| {
            let reviewer = state.known(at.forge, reviewer)?;
            state.re_request(at, user, reviewer)
        })
    }

    /// A human adds a label.
    pub fn add_label(&self, at: &ChangeRef, who: &str, label: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| {
            let label = state.ensure_label(at.forge, &at.project, label)?;
            state.act(at, user, |state, change| {
                let project = state.project(at.forge, &at.project)?;
                Ok(((), state.add_labels(project, change, &[label])))
            })
        })
    }

    /// A human removes a label.
    pub fn remove_label(&self, at: &ChangeRef, who: &str, label: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| {
            state.act(at, user, |_, change| {
                let gone = change.labels.extract_if(.., |name| name == label);
                Ok(((), gone.map(Happened::Unlabeled).collect()))
            })
        })
    }

    /// Merges.
    pub fn merge(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.end(at, user, true))
    }

    /// Closes without a merge.
    pub fn close(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.end(at, user, false))
    }

    /// Opens a closed change again.
    pub fn reopen(&self, at: &ChangeRef, who: &str) -> Result<(), Refusal> {
        self.as_user(at, who, |state, user| state.reopen(at, user))
    }

    fn as_user<T>(
        &self,
        at: &ChangeRef,
        who: &str,
        act: impl FnOnce(&mut State, UserId) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut state = self.state();
        let user = state.known(at.forge, who)?;
        act(&mut state, user)
    }
}

fn reviewer_ids(change: &Change) -> Vec<UserId> {
    change.reviewers.iter().map(|reviewer| reviewer.user).collect()
}

impl ReviewerState {
    /// GitLab's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ReviewerState::Unreviewed => "unreviewed",
            ReviewerState::Reviewed => "reviewed",
            ReviewerState::RequestedChanges => "requested_changes",
            ReviewerState::Approved => "approved",
            ReviewerState::Unapproved => "unapproved",
        }
    }
}
