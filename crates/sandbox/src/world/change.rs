//! A merge request or pull request, and what is said about it.

use std::fmt;

use jiff::Timestamp;

use super::accounts::UserId;
use super::forge::Forge;
use super::refusal::Refusal;

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

/// Where a change stands on its forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeState {
    /// Neither merged nor closed.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
}

/// A file of a change with its line counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Path from the root of the repository.
    pub path: String,
    /// Added lines.
    pub added: u64,
    /// Deleted lines.
    pub deleted: u64,
}

impl ChangedFile {
    /// A file with so many lines added and deleted.
    pub fn new(path: &str, added: u64, deleted: u64) -> ChangedFile {
        ChangedFile { path: path.to_owned(), added, deleted }
    }

    /// One hunk of a unified diff with the file's number of lines.
    pub(crate) fn hunk(&self) -> String {
        let mut hunk = format!("@@ -1,{} +1,{} @@\n", self.deleted, self.added);
        for line in 0..self.deleted {
            hunk.push_str(&format!("-old line {line}\n"));
        }
        for line in 0..self.added {
            hunk.push_str(&format!("+new line {line}\n"));
        }
        hunk
    }
}

/// A reviewer's state, in GitLab's words; on GitHub only `Unreviewed` occurs, because whoever has
/// submitted a review is no longer requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewerState {
    /// Asked, has not acted.
    Unreviewed,
    /// Submitted a review with comments only.
    Reviewed,
    /// Asked for changes.
    RequestedChanges,
    /// Approved.
    Approved,
    /// Took an approval back, or lost it to a push.
    Unapproved,
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

#[derive(Clone, Debug)]
pub(crate) struct Reviewer {
    pub(crate) user: UserId,
    pub(crate) state: ReviewerState,
    pub(crate) since: Timestamp,
}

/// What a reviewer says with a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good to merge.
    Approve,
    /// The author has to change something.
    RequestChanges,
    /// Remarks only.
    Comment,
}

/// One submitted review; GitHub lists them, on GitLab they only leave a trace in the reviewer's state.
#[derive(Clone, Debug)]
pub(crate) struct SubmittedReview {
    pub(crate) id: u64,
    pub(crate) user: UserId,
    pub(crate) verdict: Verdict,
    pub(crate) dismissed: bool,
    pub(crate) body: String,
    pub(crate) commit: String,
    pub(crate) submitted_at: Timestamp,
    /// Who reacted to its text, with which content.
    pub(crate) reactions: Vec<(UserId, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: UserId,
    pub(crate) body: String,
    /// GitLab's own notes about what happened ("requested review from @rita").
    pub(crate) system: bool,
    pub(crate) internal: bool,
    pub(crate) place: Place,
    pub(crate) edits: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) reactions: Vec<Reaction>,
    /// Who resolved the thread that it begins, and when.
    pub(crate) resolved: Option<(UserId, Timestamp)>,
}

/// Where a comment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Conversation,
    /// On a line; on GitHub within the review of this number.
    Line {
        review: u64,
    },
}

impl Comment {
    pub(crate) fn is_on_a_line(&self) -> bool {
        self.place != Place::Conversation
    }

    /// The review that GitHub wraps around it.
    pub(crate) fn wrapper(&self) -> Option<u64> {
        match self.place {
            Place::Conversation => None,
            Place::Line { review } => Some(review),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reaction {
    pub(crate) id: u64,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
}

/// A merge request or pull request.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) author: UserId,
    /// Without GitLab's `Draft: ` prefix.
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) draft: bool,
    pub(crate) state: ChangeState,
    pub(crate) source_branch: String,
    pub(crate) target_branch: String,
    pub(crate) head: String,
    pub(crate) files: Vec<ChangedFile>,
    pub(crate) labels: Vec<String>,
    pub(crate) reviewers: Vec<Reviewer>,
    /// GitLab: who approves at the moment.
    pub(crate) approvals: Vec<UserId>,
    pub(crate) reviews: Vec<SubmittedReview>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) commits: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) ended_by: Option<UserId>,
}

impl Change {
    pub(crate) fn is_requested(&self, user: UserId) -> bool {
        self.reviewers.iter().any(|reviewer| reviewer.user == user)
    }

    pub(crate) fn comment(&self, id: u64) -> Option<&Comment> {
        self.comments.iter().find(|comment| comment.id == id)
    }

    pub(crate) fn review(&self, id: u64) -> Option<&SubmittedReview> {
        self.reviews.iter().find(|review| review.id == id)
    }

    pub(crate) fn must_be_open(&self) -> Result<(), Refusal> {
        match self.state {
            ChangeState::Open => Ok(()),
            ChangeState::Closed | ChangeState::Merged => Err(Refusal::new(405, "405 Method Not Allowed")),
        }
    }

    /// Sets what GitLab shows of a reviewer; nobody else has a state.
    pub(crate) fn set_reviewer_state(&mut self, user: UserId, state: ReviewerState) {
        if let Some(reviewer) = self.reviewers.iter_mut().find(|reviewer| reviewer.user == user) {
            reviewer.state = state;
        }
    }
}
