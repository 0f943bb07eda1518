//! GitLab's answers, as far as Usher reads them. Tolerant: what may be missing or null is optional.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::forge::inbound::tickets::tickets_of;
use crate::forge::shared::people::Member;
use crate::forge::transport::entries::Entries;
use usher_core::model::change::{Account, ChangeState, SeenReviewer, SeenReviewers, Snapshot, Verdict};
use usher_core::model::tickets::TicketRules;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub id: u64,
    #[serde(default)]
    pub username: String,
    /// `active`, `blocked`, `deactivated`, `banned`, …
    pub state: Option<String>,
    /// Day on which a membership ends.
    pub expires_at: Option<String>,
    /// Of a member: their role, in GitLab's number.
    pub access_level: Option<u64>,
}

impl User {
    pub(super) fn account(&self) -> Account {
        Account::new(self.id, &*self.username)
    }

    pub(super) fn member(&self) -> Member {
        let blocked = self.state.clone().filter(|_| !self.is_active());
        let ends = self.expires_at.as_deref().and_then(|day| day.parse().ok());
        Member { account: self.account(), blocked, ends }
    }

    pub(super) fn is_active(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "active")
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct MergeRequest {
    pub iid: u64,
    /// Of the project that it is to be merged into.
    pub project_id: Option<u64>,
    pub title: Option<String>,
    pub web_url: Option<String>,
    pub description: Option<String>,
    pub author: Option<User>,
    pub state: Option<String>,
    pub draft: Option<bool>,
    pub work_in_progress: Option<bool>,
    pub labels: Option<Entries<String>>,
    pub reviewers: Option<Entries<User>>,
    pub target_branch: Option<String>,
    pub sha: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub references: Option<References>,
    pub detailed_merge_status: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct References {
    /// `acme/tools/shop!12`
    pub full: Option<String>,
}

impl MergeRequest {
    /// Merged and closed changes are over; `locked` is one being merged.
    pub(super) fn state(&self) -> ChangeState {
        match self.state.as_deref() {
            Some("merged") => ChangeState::Merged,
            Some("closed") => ChangeState::Closed,
            _ => ChangeState::Open,
        }
    }

    /// Right after a change was opened its diff is not there yet, and reads as empty.
    pub(super) fn is_preparing(&self) -> bool {
        self.detailed_merge_status.as_deref() == Some("preparing")
    }

    /// Labels and reviewers that could not be read.
    pub(super) fn unread(&self) -> usize {
        let labels = self.labels.as_ref().map_or(0, |list| list.unread);
        labels + self.reviewers.as_ref().map_or(0, |list| list.unread)
    }

    pub(super) fn labels(&self) -> BTreeSet<String> {
        self.labels.iter().flatten().cloned().collect()
    }

    pub(super) fn reviewers(&self) -> Vec<Account> {
        self.reviewers.iter().flatten().map(User::account).collect()
    }

    /// Path of the project it belongs to: lists carry only the project's id beside it.
    pub(super) fn project(&self) -> Option<String> {
        let full = self.references.as_ref().and_then(|references| references.full.as_deref())?;
        full.rsplit_once('!').map(|(project, _)| project.to_owned())
    }

    /// The change as this answer shows it; nobody's verdict is known.
    pub(super) fn snapshot(self, tickets: &TicketRules) -> Snapshot {
        let reviewers = self.reviewers.as_ref().map(|list| SeenReviewers {
            list: list
                .iter()
                .map(|user| SeenReviewer { account: user.account(), verdict: None, review: None })
                .collect(),
            complete: list.unread == 0,
            beside: None,
        });
        Snapshot {
            project_id: self.project_id,
            state: self.state(),
            draft: self.draft.or(self.work_in_progress),
            labels: self.labels.as_ref().map(|labels| labels.iter().cloned().collect()),
            reviewers,
            author: self.author.as_ref().map_or_else(|| Account::new(0, ""), User::account),
            title: self.title.unwrap_or_default(),
            url: self.web_url.unwrap_or_default(),
            target_branch: self.target_branch,
            head: self.sha,
            tickets: tickets_of(self.description.as_deref(), tickets),
            size: None,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// An entry of `GET …/reviewers`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Reviewer {
    pub user: User,
    pub state: Option<String>,
    /// When the person was asked, not when they answered.
    pub created_at: Option<Timestamp>,
}

impl Reviewer {
    /// What the person's review state says; `unreviewed`, `review_started` and anything new say
    /// nothing yet.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.state.as_deref()? {
            "approved" => Some(Verdict::Approved),
            "requested_changes" => Some(Verdict::ChangesRequested),
            "reviewed" => Some(Verdict::Commented),
            "unapproved" => Some(Verdict::Withdrawn),
            _ => None,
        }
    }
}

/// `GET …/approvals`: who has approved, reviewers or not.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Approvals {
    pub approved_by: Option<Entries<Approval>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Approval {
    pub user: Option<User>,
    /// Older versions do not tell it.
    pub approved_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Note {
    pub id: u64,
    #[serde(default)]
    pub body: String,
    pub author: Option<User>,
    pub created_at: Option<Timestamp>,
}

/// What is needed of a note that was written.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct NoteId {
    pub id: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Diff {
    #[serde(default)]
    pub new_path: String,
    #[serde(default)]
    pub old_path: String,
    /// Empty where GitLab collapses it for its size.
    pub diff: Option<String>,
    pub collapsed: Option<bool>,
    pub too_large: Option<bool>,
}

/// What a file whose diff GitLab does not show counts for, so that it never passes for a small one.
/// GitLab collapses from a tenth of `diff_max_patch_bytes` on, 20 kB by default, which is some 500
/// lines of 40 bytes `[memory]`.
const HIDDEN_LINES: u64 = 500;

impl Diff {
    /// Added plus deleted lines. The text starts with the first hunk (`@@`), so that every line
    /// with a sign is a changed one.
    pub(super) fn lines(&self) -> u64 {
        let empty = self.diff.as_deref().is_none_or(str::is_empty);
        if empty && (self.collapsed == Some(true) || self.too_large == Some(true)) {
            return HIDDEN_LINES;
        }
        let signed = |line: &&str| line.starts_with('+') || line.starts_with('-');
        self.diff.iter().flat_map(|diff| diff.lines()).filter(signed).count() as u64
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Project {
    pub id: Option<u64>,
    pub path_with_namespace: String,
    #[serde(default)]
    pub archived: bool,
}
