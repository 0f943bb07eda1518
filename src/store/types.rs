//! What goes into the store and what comes out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use usher_core::model::absence::AbsenceWish;
use usher_core::model::action::Action;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::load::Load;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Review, Stage};

/// One webhook request, read and about to be kept. It has no `Debug`, so that no body ends in a log.
#[derive(Clone)]
pub struct NewDelivery {
    /// Name of the forge in the configuration.
    pub forge: String,
    /// The forge's own id of the request.
    pub delivery_id: String,
    /// Equal for two requests that tell the same event (a project hook and a group hook).
    pub meaning: Option<String>,
    /// The forge's word for the event.
    pub event: String,
    pub change: ChangeKey,
    pub facts: Vec<Fact>,
    pub received_at: Timestamp,
    /// The body as received; the store compresses it. `None` keeps none.
    pub body: Option<Vec<u8>>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Kept durably, under this inbox id.
    Stored(i64),
    /// StateSnapshot already, by its id or its meaning; nothing was written.
    Duplicate,
}

/// One undecided inbox row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxItem {
    pub id: i64,
    pub forge: String,
    pub change: ChangeKey,
    pub facts: Vec<Fact>,
    pub received_at: Timestamp,
}

/// A review as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub id: i64,
    /// Goes up by one with every commit.
    pub version: i64,
    /// With the change as it is called now.
    pub review: Review,
    /// The change as it was called when it was decided last.
    pub called: ChangeKey,
    /// Labels and reviewers that were asked for wait in the outbox, and nobody has tried to set them.
    /// False for a review that is only looked at.
    pub unsent: bool,
}

/// A project as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectKnown {
    /// The forge's number of it.
    pub number: u64,
    /// How it is called now; `None` since another project has its path.
    pub path: Option<String>,
    /// When the forge said so last, to the half hour.
    pub seen_at: Option<Timestamp>,
}

/// An open review, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenKey {
    pub id: i64,
    pub change: ChangeKey,
}

/// One decision, to be written as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    pub change: ChangeKey,
    /// The version that was loaded; `None` when there was no review.
    pub expected_version: Option<i64>,
    /// Decided on the understanding that what was asked for before has not gone out.
    pub unsent: bool,
    /// The review to keep. With `None` no review is written or checked.
    pub review: Option<Review>,
    /// Everybody who is asked, by Usher's name for them, with what the review takes of their capacity.
    pub loads: BTreeMap<String, Load>,
    /// Inbox rows that this decision has taken in.
    pub inbox: Vec<i64>,
    pub ledger: Vec<LedgerEntry>,
    pub actions: Vec<Action>,
    /// What people said of their own absence, in order. Reviews that it may concern become due.
    pub absences: Vec<AbsenceWish>,
    /// Whom the forge would not have as a reviewer of the change's project, by name.
    pub refused: BTreeSet<String>,
    /// The review's first-run hold was lifted by this decision.
    pub first_run_taken: bool,
    /// The turn has moved: pings that did not go out yet are taken back.
    pub withdraw_pings: bool,
    pub now: Timestamp,
}

impl Commit {
    /// A decision that writes nothing yet, of a change without a review.
    pub fn empty(change: ChangeKey, now: Timestamp) -> Commit {
        Commit {
            change,
            expected_version: None,
            unsent: false,
            review: None,
            loads: BTreeMap::new(),
            inbox: Vec::new(),
            ledger: Vec::new(),
            actions: Vec::new(),
            absences: Vec::new(),
            refused: BTreeSet::new(),
            first_run_taken: false,
            withdraw_pings: false,
            now,
        }
    }
}

/// One line of a review's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    pub at: Timestamp,
    /// The fact, in short.
    pub fact: String,
    pub reasons: Vec<Reason>,
    pub actions: Vec<Action>,
}

/// A ledger entry with its place in the order of all entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    pub seq: i64,
    pub entry: LedgerEntry,
}

/// An action that was claimed and is to be performed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    pub id: i64,
    /// Which content of the row this is; a replacement has a higher one.
    pub generation: i64,
    pub change: ChangeKey,
    pub kind: String,
    pub action: Action,
    /// Attempts that counted, this one included.
    pub attempts: u32,
    /// An earlier attempt may have reached the forge: look before creating.
    pub outcome_unknown: bool,
    pub created_at: Timestamp,
    /// Until when nobody else is given the row; names this claim when it is settled.
    pub leased_until: Timestamp,
    /// Under what the change is kept, whatever its project is called by the time it is settled.
    pub(super) row_key: String,
}

/// Who goes first among actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutboxUrgency {
    /// Somebody asked, and waits.
    Answer,
    /// A ping, which has its hour; somebody who is taken off.
    Ping,
    /// What a new change needs.
    Opening,
    /// The status comment says it differently.
    Edit,
}

impl OutboxUrgency {
    /// As it is stored; lower goes first.
    pub(super) fn rank(self) -> i64 {
        match self {
            OutboxUrgency::Answer => 0,
            OutboxUrgency::Ping => 1,
            OutboxUrgency::Opening => 2,
            OutboxUrgency::Edit => 3,
        }
    }
}

/// Which actions may be taken now.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// Nothing that is less urgent.
    pub least: OutboxUrgency,
    /// Nothing of these projects, by their paths.
    pub not_of: &'a [String],
}

impl Within<'_> {
    /// Everything.
    pub const ALL: Within<'static> = Within { least: OutboxUrgency::Edit, not_of: &[] };
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The forge is as the action wants it.
    Done {
        /// Marker and forge id of the comment that was written, if one was.
        comment: Option<(String, u64)>,
        /// Answers of the forge, for the inbox.
        facts: Vec<Fact>,
    },
    /// It must not be done any more, and was not: a ping that came too late. The review is told.
    Dropped { facts: Vec<Fact> },
    /// To be tried again.
    Retry {
        at: Timestamp,
        error: String,
        /// The request may have reached the forge.
        outcome_unknown: bool,
        /// Whether the attempt counts; being told to wait does not.
        counts: bool,
        /// What the review must know meanwhile.
        facts: Vec<Fact>,
    },
    /// The forge will never take it; kept as a dead letter. The review is told.
    Dead { error: String, facts: Vec<Fact> },
}

/// Which reviews to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    pub open_only: bool,
    pub stage: Option<Stage>,
    pub limit: u32,
    pub offset: u32,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter { open_only: true, stage: None, limit: 200, offset: 0 }
    }
}

/// One inbox row, decided or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    pub id: i64,
    /// `None` for facts from our own house.
    pub delivery_id: Option<String>,
    pub event: String,
    pub change: ChangeKey,
    pub facts: Vec<Fact>,
    pub received_at: Timestamp,
    /// Later than `received_at` when it was put off, and why.
    pub not_before: Timestamp,
    pub why: Option<String>,
    pub decided_at: Option<Timestamp>,
}

/// One outbox row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: i64,
    pub generation: i64,
    pub change: ChangeKey,
    pub kind: String,
    pub action: Action,
    pub attempts: u32,
    pub outcome_unknown: bool,
    pub created_at: Timestamp,
    pub state: OutboxState,
    /// What the forge answered last.
    pub error: Option<String>,
}

/// Where an outbox row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    Pending { run_at: Timestamp },
    Leased { until: Timestamp },
    Dead { since: Timestamp },
}

/// Numbers for metrics and readiness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stages without reviews are left out.
    pub reviews: BTreeMap<Stage, u64>,
    pub undecided: u64,
    /// Undecided rows that were tried and put off.
    pub put_off: u64,
    pub oldest_undecided_at: Option<Timestamp>,
    /// Outbox rows that are not dead, those being performed included.
    pub pending: u64,
    pub dead: u64,
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub bodies: u64,
    pub inbox: u64,
    pub pings: u64,
    pub refusals: u64,
}
