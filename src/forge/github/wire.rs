//! GitHub's answers, as far as Usher reads them. Tolerant: octocrab's own models demand a score of
//! fields of every user and fail on words they do not know.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::forge::inbound::ghost;
use crate::forge::inbound::tickets::tickets_of;
use crate::forge::shared::listing::Whereabouts;
use crate::forge::shared::people::Member;
use crate::forge::transport::entries::Entries;
use usher_core::model::access::Rank;
use usher_core::model::change::{
    Account, ChangeState, ForgeKind, SeenReviewer, SeenReviewers, Size, Snapshot, Verdict,
};
use usher_core::model::tickets::TicketRules;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub id: u64,
    #[serde(default)]
    pub login: String,
    /// `User`, `Bot`, `Organization`
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Enterprise Server: since when the account cannot act.
    pub suspended_at: Option<Timestamp>,
}

impl User {
    pub(super) fn account(&self) -> Account {
        Account::new(self.id, &*self.login)
    }

    pub(super) fn member(&self) -> Member {
        let blocked = self.suspended_at.map(|_| "suspended".to_owned());
        Member { blocked, ..Member::active(self.account()) }
    }

    pub(super) fn is_person(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| kind == "User")
    }
}

/// A GitHub App, as `GET /app` shows it.
#[derive(Debug, Deserialize)]
pub(super) struct App {
    pub slug: String,
}

/// A page of an installation's repositories, which alone comes wrapped.
#[derive(Debug, Deserialize)]
pub(super) struct Installed {
    pub repositories: Entries<Repository>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pull {
    pub number: u64,
    pub title: Option<String>,
    pub html_url: Option<String>,
    /// The description; null where it is empty.
    pub body: Option<String>,
    /// Null for an account that is gone.
    pub user: Option<User>,
    pub state: Option<String>,
    pub merged_at: Option<Timestamp>,
    pub draft: Option<bool>,
    pub labels: Option<Entries<Label>>,
    pub requested_reviewers: Option<Entries<User>>,
    pub base: Option<Branch>,
    pub head: Option<Branch>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    /// Comments in the conversation and on lines; absent in lists.
    pub comments: Option<u64>,
    pub review_comments: Option<u64>,
    /// These three as well are absent in lists.
    pub additions: Option<u64>,
    pub deletions: Option<u64>,
    pub changed_files: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Label {
    #[serde(default)]
    pub name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Branch {
    #[serde(rename = "ref")]
    pub name: Option<String>,
    pub sha: Option<String>,
    /// Null where a fork is gone.
    pub repo: Option<BranchHome>,
}

/// The repository of a branch.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct BranchHome {
    pub id: Option<u64>,
    pub full_name: Option<String>,
    #[serde(default)]
    pub archived: bool,
}

impl Pull {
    pub(super) fn state(&self) -> ChangeState {
        match (self.merged_at, self.state.as_deref()) {
            (Some(_), _) => ChangeState::Merged,
            (None, Some("closed")) => ChangeState::Closed,
            _ => ChangeState::Open,
        }
    }

    /// Path of the project it belongs to, as GitHub spells it (and webhooks do): it answers to any
    /// case.
    pub(super) fn project(&self) -> Option<&str> {
        self.home()?.full_name.as_deref()
    }

    /// The repository it is to be merged into.
    pub(super) fn home(&self) -> Option<&BranchHome> {
        self.base.as_ref()?.repo.as_ref()
    }

    /// Labels and reviewers that could not be read.
    pub(super) fn unread(&self) -> usize {
        let labels = self.labels.as_ref().map_or(0, |list| list.unread);
        labels + self.requested_reviewers.as_ref().map_or(0, |list| list.unread)
    }

    pub(super) fn author(&self) -> Account {
        self.user.as_ref().map_or_else(ghost, User::account)
    }

    pub(super) fn labels(&self) -> BTreeSet<&str> {
        self.labels.iter().flatten().map(|label| label.name.as_str()).collect()
    }

    /// The label that is this one to GitHub, as it is spelled there.
    pub(super) fn label(&self, wanted: &str) -> Option<&str> {
        self.labels().into_iter().find(|label| ForgeKind::GitHub.same_label(label, wanted))
    }

    pub(super) fn requested(&self) -> Vec<Account> {
        self.requested_reviewers.iter().flatten().map(User::account).collect()
    }

    /// The change as this answer shows it. Who has reviewed is no longer among the requested.
    pub(super) fn snapshot(self, tickets: &TicketRules) -> Snapshot {
        let reviewers = self.requested_reviewers.is_some().then(|| {
            let seen = |account| SeenReviewer { account, verdict: None, review: None };
            SeenReviewers {
                list: self.requested().into_iter().map(seen).collect(),
                complete: false,
                beside: None,
            }
        });
        Snapshot {
            project_id: self.home().and_then(|home| home.id),
            author: self.author(),
            state: self.state(),
            draft: self.draft,
            labels: self.labels.is_some().then(|| self.labels().into_iter().map(str::to_owned).collect()),
            reviewers,
            title: self.title.unwrap_or_default(),
            url: self.html_url.unwrap_or_default(),
            target_branch: self.base.and_then(|base| base.name),
            head: self.head.and_then(|head| head.sha),
            tickets: tickets_of(self.body.as_deref(), tickets),
            size: (self.additions.zip(self.deletions).zip(self.changed_files))
                .map(|((added, deleted), files)| Size { lines: added.saturating_add(deleted), files }),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// The answer to a request for reviewers: a pull request, of which only these are needed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Requested {
    pub requested_reviewers: Option<Entries<User>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Review {
    pub id: Option<u64>,
    pub user: Option<User>,
    /// Upper case here, lower case in webhooks.
    pub state: Option<String>,
    /// Absent while the review is a draft (`PENDING`).
    pub submitted_at: Option<Timestamp>,
}

impl Review {
    /// What the review says; `None` for one that is not given yet, or of a kind unknown here.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.state.as_deref()?.to_ascii_uppercase().as_str() {
            "APPROVED" => Some(Verdict::Approved),
            "CHANGES_REQUESTED" => Some(Verdict::ChangesRequested),
            "COMMENTED" => Some(Verdict::Commented),
            "DISMISSED" => Some(Verdict::Withdrawn),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Comment {
    pub id: u64,
    pub body: Option<String>,
    pub user: Option<User>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct File {
    pub filename: String,
    #[serde(default)]
    pub additions: u64,
    #[serde(default)]
    pub deletions: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Repository {
    pub id: Option<u64>,
    pub full_name: String,
    #[serde(default)]
    pub archived: bool,
    /// Issues and pull requests together.
    pub open_issues_count: Option<u64>,
    pub private: Option<bool>,
    /// Of a private one: whether it may be forked.
    pub allow_forking: Option<bool>,
    pub has_pull_requests: Option<bool>,
    /// `all`, `collaborators_only`
    pub pull_request_creation_policy: Option<String>,
    /// What this token's account may do.
    pub permissions: Option<Permissions>,
}

impl Repository {
    pub(super) fn whereabouts(self) -> Whereabouts {
        Whereabouts { project: self.full_name, number: self.id, archived: self.archived }
    }
}

/// Roles as a hash of flags (OpenAPI: `collaborator`, `minimal-repository`).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Permissions {
    pull: bool,
    triage: bool,
    push: bool,
    maintain: bool,
    admin: bool,
}

impl Permissions {
    pub(super) fn rank(self) -> Rank {
        let flags = [
            (self.admin, Rank::Admin),
            (self.maintain, Rank::Maintain),
            (self.push, Rank::Write),
            (self.triage, Rank::Triage),
            (self.pull, Rank::Read),
        ];
        flags.into_iter().find(|(has, _)| *has).map_or(Rank::Nobody, |(_, rank)| rank)
    }
}
