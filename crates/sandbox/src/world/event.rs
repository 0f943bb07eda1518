//! What happened, before a forge has put it in its own words.

use jiff::Timestamp;

use super::accounts::{Access, UserId};
use super::change::{Change, ChangeRef, Comment};
use super::forge::Forge;
use super::project::Project;

/// Something that webhooks may tell of. It carries what has to be told as it was, because the rest of
/// the state goes on.
pub(crate) enum Event {
    /// A change was changed.
    Change(Box<ChangeEvent>),
    /// GitLab: somebody joined a group, left it, or got another role there.
    GroupMember { group: String, user: UserId, access: Access, what: Membership },
    /// GitHub: somebody joined a team or left it.
    TeamMember { org: String, team: String, user: UserId, actor: UserId, what: Membership },
    /// A project was renamed, archived, opened again or deleted.
    Project { project: Box<Project>, what: ProjectEvent },
    /// A webhook was attached.
    HookAdded { forge: Forge, hook: u64 },
    /// GitLab: somebody wants to see whether a webhook works.
    HookTested { hook: u64, project: String },
}

impl Event {
    /// The forge that it happened on.
    pub(crate) fn forge(&self) -> Forge {
        match self {
            Event::Change(told) => told.at.forge,
            Event::GroupMember { .. } | Event::HookTested { .. } => Forge::Gitlab,
            Event::TeamMember { .. } => Forge::Github,
            Event::Project { project, .. } => project.forge,
            Event::HookAdded { forge, .. } => *forge,
        }
    }
}

/// What one act made of a change.
pub(crate) struct ChangeEvent {
    pub(crate) at: ChangeRef,
    pub(crate) actor: UserId,
    pub(crate) before: Change,
    pub(crate) after: Change,
    pub(crate) happened: Vec<Happened>,
}

/// What became of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    Added,
    Updated,
    Removed,
}

/// What became of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProjectEvent {
    /// `from` is the last part of the old path.
    Renamed {
        from: String,
    },
    Archived,
    Unarchived,
    Deleted,
}

/// One thing that happened to a change.
#[derive(Clone, Debug)]
pub(crate) enum Happened {
    Opened,
    Readied,
    Drafted,
    /// `before` is the head the push replaced.
    Pushed {
        before: String,
    },
    Edited {
        title_was: Option<String>,
        description_was: Option<String>,
    },
    Labeled(String),
    Unlabeled(String),
    Requested(UserId),
    Unrequested(UserId),
    ReRequested(UserId),
    Commented(u64),
    CommentEdited {
        id: u64,
        was: String,
    },
    CommentDeleted(Comment),
    /// A thread was resolved or opened again; `all`: none is open now.
    ThreadTurned {
        id: u64,
        resolved: bool,
        all: bool,
    },
    Reviewed(u64),
    ReviewDismissed(u64),
    Approved,
    Unapproved,
    /// GitLab took all approvals away after a push.
    ApprovalsReset,
    Merged,
    Closed,
    Reopened,
}

/// Something that happened on a forge, for timelines.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// Login of who did it.
    pub actor: String,
    /// Whether the actor is a bot account.
    pub by_bot: bool,
    /// The change it happened to.
    pub change: ChangeRef,
    /// What, in words: `opened`, `requested review from rita`, `commented: …`.
    pub what: String,
}
