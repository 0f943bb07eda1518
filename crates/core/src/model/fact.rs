//! Facts: everything that can happen to a review. The only input of a decision besides the world.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::absence::AwayEnd;
use super::change::{Account, ChangeKey, ChangedFile, OwnersFile, Snapshot, Verdict};
use super::threads::Thread;
use super::unreachable::UnreachableWhy;

/// Something that happened, forge-neutral. Webhook, sweep, answer, refusal, person and clock all
/// come in by this one door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum Fact {
    /// A forge told us by webhook that `by` did `act`; `snapshot` is the change right after it.
    Told { act: Act, by: Actor, at: Timestamp, snapshot: Snapshot },
    /// Reconcile looked at the change and this is what it saw.
    Swept { snapshot: Snapshot },
    /// Reconcile missed the change in the forge's own list, and did not find it.
    #[serde(rename = "lost")]
    Unreachable { why: UnreachableWhy },
    /// The project is the same by the forge's number, and has another name.
    Moved { to: ChangeKey },
    /// The changed files that [`Action::ReadFiles`](super::action::Action::ReadFiles) asked for.
    Files {
        files: Vec<ChangedFile>,
        #[serde(default)]
        codeowners: OwnersFile,
    },
    /// The threads that [`Action::ReadThreads`](super::action::Action::ReadThreads) asked for: all of them.
    Threads { threads: Vec<Thread> },
    /// The forge would not take a reviewer.
    Refused { reviewer: Account, refusal: Refusal },
    /// What is to be done on the forge has not come about for long: it hides the change, or refuses.
    Failed {
        /// The kind of the action: `files`, `shape`, `status`, `ping:…`, …
        action: String,
        /// When it was first wanted.
        since: Timestamp,
        /// Nobody tries it again by itself.
        given_up: bool,
    },
    /// A ping could not be sent in its hours, and was dropped: nobody was told. `not_after` is when they
    /// were over, or, where a clock was set back to before them, when that was found.
    Lapsed { key: String, not_after: Timestamp },
    /// A template of the company's could not be used, so the built-in words went out.
    TemplateBroken { template: String, fault: String },
    /// Nothing happened but time.
    Tick,
}

impl Fact {
    /// The snapshot that came with the fact, if any.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match self {
            Fact::Told { snapshot, .. } | Fact::Swept { snapshot } => Some(snapshot),
            Fact::Unreachable { .. }
            | Fact::Moved { .. }
            | Fact::Files { .. }
            | Fact::Threads { .. }
            | Fact::Refused { .. }
            | Fact::Failed { .. }
            | Fact::Lapsed { .. }
            | Fact::TemplateBroken { .. }
            | Fact::Tick => None,
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub account: Account,
    /// A bot by the forge's own word, or Usher itself. What only a bot did never moves the turn.
    pub bot: bool,
}

/// What was done. Whatever is visible in the snapshot itself (opened, closed, drafted, labelled) is
/// [`Act::Touched`]: the snapshot says it, and says it in any order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum Act {
    /// The meaning is in the snapshot alone.
    Touched,
    /// New commits.
    Pushed,
    /// The actor put these labels on. The snapshot shows them, but not that they came just now.
    Labelled { labels: BTreeSet<String> },
    /// A review was given (or taken back) by the actor.
    Reviewed { verdict: Verdict },
    /// Somebody's review was dismissed by the actor.
    Dismissed { reviewer: Account },
    /// A comment in the conversation.
    Commented,
    /// The actor asked `reviewer` to review (again).
    Requested { reviewer: Account },
    /// The actor resolved a thread, or opened it again. GitHub says who began it; GitLab tells only that all
    /// are resolved, by an update in which nothing changes.
    ThreadTurned { thread: Option<TurnedThread>, resolved: bool },
    /// The actor took `reviewer` off the change.
    Unrequested { reviewer: Account },
    /// A comment with commands for Usher: the first, and those that follow it in the same comment.
    Commanded {
        command: Command,
        comment: u64,
        #[serde(default, skip_serializing_if = "CommentPlace::is_conversation")]
        place: CommentPlace,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<Command>,
    },
}

impl Act {
    /// The commands of one comment, in their order; `None` when there are none.
    pub fn commanded(commands: Vec<Command>, comment: u64, place: CommentPlace) -> Option<Act> {
        let mut commands = commands.into_iter();
        let command = commands.next()?;
        Some(Act::Commanded { command, comment, place, also: commands.collect() })
    }
}

/// A thread that was resolved or opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedThread {
    /// The number of its first comment.
    pub number: u64,
    pub opener: Account,
}

/// Where a comment stands. Each place counts by itself on GitHub: a review may have a comment's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentPlace {
    /// In the conversation; on GitLab, where all notes are counted together, everywhere.
    #[default]
    Conversation,
    /// The text of a review.
    Review,
    /// On a line of the change, wrapped into a review of this number.
    Line { review: Option<u64> },
}

impl CommentPlace {
    pub fn is_conversation(&self) -> bool {
        *self == CommentPlace::Conversation
    }

    /// The review that a comment in this place is, or is part of. `comment` is the comment's number.
    pub fn review(&self, comment: u64) -> Option<u64> {
        match self {
            CommentPlace::Conversation => None,
            CommentPlace::Review => Some(comment),
            CommentPlace::Line { review } => *review,
        }
    }
}

/// What people can tell Usher in a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    Help,
    Accept,
    Decline {
        note: Option<String>,
    },
    /// Pause the time boxes for so long.
    Snooze {
        span: super::timebox::Budget,
    },
    /// Ask somebody else, or this login.
    Reassign {
        to: Option<String>,
    },
    Pool {
        name: String,
    },
    Skip,
    Resume,
    /// The actor is not there, on all changes; without an end that could be understood.
    Away {
        end: Option<AwayEnd>,
    },
    /// The actor is there again.
    Back,
    /// Take on what looks like more than a fix.
    Sponsor,
    /// What was asked for is done, without new commits.
    Ready,
    /// Somebody else in support carries on: this login, or whoever the lead of support finds.
    Handover {
        to: Option<String>,
    },
    /// A request for changes by this login stands no longer.
    Overrule {
        whom: String,
        note: Option<String>,
    },
    Why,
    /// Addressed to Usher, but not understood: what was written, and the nearest command if one is
    /// near.
    Unknown {
        text: String,
        nearest: Option<String>,
    },
}

/// Why a forge did not take a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The forge answered with an error (GitHub 422: not a collaborator).
    NotAllowed,
    /// The forge answered 200 and left the person out (GitLab: cannot read the change).
    Dropped,
    /// The forge keeps one reviewer only (GitLab Free), and the place is taken.
    OneReviewerOnly,
}
