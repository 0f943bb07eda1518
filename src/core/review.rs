//! The review: Usher's own record of one support contribution.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::Shape;
use super::change::{Account, ChangeKey, ChangeState, Verdict};
use super::fact::Refusal;
use super::timebox::TimeBox;

/// Where a review stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Left in peace until it is ready for review.
    Draft,
    /// Nobody could be asked yet.
    #[default]
    Waiting,
    /// The reviewers have the ball.
    Reviewing,
    /// The author has it.
    WithAuthor,
    /// Whoever merges has it.
    ReadyToMerge,
    /// Merged or closed.
    Done,
}

impl Stage {
    pub const ALL: [Stage; 6] =
        [Stage::Draft, Stage::Waiting, Stage::Reviewing, Stage::WithAuthor, Stage::ReadyToMerge, Stage::Done];

    /// The word of the design, also used by the API and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Draft => "draft",
            Stage::Waiting => "waiting",
            Stage::Reviewing => "reviewing",
            Stage::WithAuthor => "with_author",
            Stage::ReadyToMerge => "ready_to_merge",
            Stage::Done => "done",
        }
    }
}

/// Usher's record of one support contribution: all that `decide` remembers of it. Its size does not
/// grow with its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub change: ChangeKey,
    pub title: String,
    pub url: String,
    pub author: Account,
    /// The author's name, if they are on the roster.
    pub author_name: Option<String>,
    /// Whether this is (or was, when it came) a support contribution. Reviews that are not tracked
    /// are never stored.
    pub tracked: bool,
    pub target_branch: String,
    pub state: ChangeState,
    pub draft: bool,
    pub head: Option<String>,
    pub opened_at: Option<Timestamp>,
    /// When it was first ready for review.
    pub ready_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// The newest snapshot's `updated_at`.
    pub seen_at: Option<Timestamp>,
    /// Labels as last seen on the forge.
    pub seen_labels: BTreeSet<String>,
    /// Reviewers as last seen on the forge.
    pub seen_reviewers: BTreeSet<Account>,

    /// The pools that claim the change; empty until it has been routed.
    pub pools: Vec<PoolReview>,
    pub routing: Routing,
    pub assignments: Vec<Assignment>,
    /// When the author last pushed, answered or asked again.
    pub author_acted_at: Option<Timestamp>,
    pub stage: Stage,
    pub stage_since: Option<Timestamp>,
    /// A stage that a person set by label, until somebody acts after it.
    pub stage_set: Option<(Stage, Timestamp)>,
    pub hold: Option<Hold>,
    /// Whether the current court's box has run out.
    pub overdue: bool,
    pub author_box: TimeBox,
    pub merge_box: TimeBox,
    /// Pings sent while the present court holds the change.
    pub court_pings: u32,
    /// When a retry of something held back (a ping, a choice) is worthwhile.
    pub retry_at: Option<Timestamp>,

    /// Labels of ours that a person took off: never set again on this change.
    pub hands_off: BTreeSet<String>,
    /// What we last asked the forge for.
    pub asked: Shape,
    /// Fingerprint of the status comment last written.
    pub status_fingerprint: Option<u64>,
    /// The changed-files read was asked for.
    pub files_asked: bool,
    /// When the next deadline is; computed by `decide`.
    pub wake: Option<Timestamp>,
}

/// How far routing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    #[default]
    Pending,
    /// The changed files are being read.
    ReadingFiles,
    Routed,
}

/// One pool's part in a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolReview {
    pub pool: String,
    /// Changed lines that the pool's routes claim; 0 where files were not read.
    pub lines: u64,
    /// Runs while the pool has nobody to ask.
    pub waiting_box: TimeBox,
    /// A second reviewer has been added because a box ran out.
    pub widened: bool,
}

/// One person asked to review the change by one pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub pool: String,
    /// Usher's name for the person.
    pub person: String,
    pub account: Account,
    pub since: Timestamp,
    pub origin: Origin,
    /// What they said last, and when.
    pub verdict: Option<(Verdict, Timestamp)>,
    /// Runs while it is this reviewer's turn.
    pub reviewing_box: TimeBox,
    /// Their box ran out at least once.
    pub ran_out: bool,
    /// False when the forge could not list them as a reviewer (one reviewer only): they are named
    /// in the comment instead.
    pub listed: bool,
    /// They said that they are on it.
    pub accepted: bool,
    /// When and how it ended; `None` while it is active.
    pub ended: Option<(Timestamp, Ended)>,
}

impl Assignment {
    pub fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    pub fn has_approved(&self) -> bool {
        matches!(self.verdict, Some((Verdict::Approved, _)))
    }
}

/// Why somebody became a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Chosen by `pick`.
    Picked,
    /// A human had put them there, or they reviewed of their own accord.
    Adopted,
    /// Added because somebody's time box ran out, or they went on leave.
    Widened,
    /// Asked for by name in a command.
    Named,
}

/// How an assignment ended before the change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Declined,
    /// A person took them off the change.
    Removed,
    /// The forge would not have them.
    Refused(Refusal),
    /// Somebody asked for another reviewer instead.
    Reassigned,
}

/// Why Usher leaves an open change alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hold")]
pub enum Hold {
    /// The skip label or command.
    Skip,
    Snooze {
        until: Timestamp,
    },
    /// Open before Usher came: waits for its turn in the first roll-out.
    FirstRun,
}

impl Review {
    /// The record of a change that has not been seen yet.
    pub fn new(change: ChangeKey) -> Review {
        Review {
            change,
            title: String::new(),
            url: String::new(),
            author: Account::new(0, ""),
            author_name: None,
            tracked: false,
            target_branch: String::new(),
            state: ChangeState::Open,
            draft: false,
            head: None,
            opened_at: None,
            ready_at: None,
            done_at: None,
            seen_at: None,
            seen_labels: BTreeSet::new(),
            seen_reviewers: BTreeSet::new(),
            pools: Vec::new(),
            routing: Routing::Pending,
            assignments: Vec::new(),
            author_acted_at: None,
            stage: Stage::Waiting,
            stage_since: None,
            stage_set: None,
            hold: None,
            overdue: false,
            author_box: TimeBox::default(),
            merge_box: TimeBox::default(),
            court_pings: 0,
            retry_at: None,
            hands_off: BTreeSet::new(),
            asked: Shape::default(),
            status_fingerprint: None,
            files_asked: false,
            wake: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.state == ChangeState::Open
    }

    /// Active assignments, in the order in which they began.
    pub fn active(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(|assignment| assignment.is_active())
    }

    /// Active assignments of one pool.
    pub fn active_in<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = &'a Assignment> {
        self.active().filter(move |assignment| assignment.pool == pool)
    }

    /// How many active reviewers of the pool have approved.
    pub fn approvals(&self, pool: &str) -> u32 {
        self.active_in(pool).filter(|assignment| assignment.has_approved()).count() as u32
    }

    /// Whether the person counts as occupied by this review: asked, open and not approved yet.
    pub fn occupies(&self) -> impl Iterator<Item = &Assignment> {
        let busy = self.is_open() && !self.draft && self.hold != Some(Hold::Skip);
        self.active().filter(move |assignment| busy && !assignment.has_approved())
    }

    /// Reviewers of other people by the forge's own list: the seen ones that are no assignment.
    pub fn last_ended(&self) -> BTreeMap<&str, Ended> {
        let ended = self.assignments.iter();
        ended.filter_map(|a| a.ended.map(|(_, how)| (a.person.as_str(), how))).collect()
    }
}
