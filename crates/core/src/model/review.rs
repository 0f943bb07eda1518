//! The review: Usher's own record of one support contribution.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::Shape;
use super::candidate::Candidate;
use super::change::{Account, ChangeKey, ChangeState, SeenReviewer, Size, Verdict};
use super::owner::Owner;
use super::queue::Queued;
use super::scope::Beyond;
use super::suppressed::HeldPing;
use super::tickets::Ticket;
use super::timebox::TimeBox;
use super::unreachable::Lost;

pub use super::assignment::{Assignment, Ended, Origin};
pub use super::stage::Stage;
pub use super::verdicts::Voice;

/// Usher's record of one support contribution: all that `decide` remembers of it. Its size does not
/// grow with its history.
///
/// It is kept as JSON across upgrades: a field that is added later is read as its default, and what
/// is added to the parts below must say `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    pub change: ChangeKey,
    /// The forge's number of the project, once a snapshot has told it.
    pub project_id: Option<u64>,
    /// The forge does not show the change where it was.
    pub lost: Option<Lost>,
    pub title: String,
    pub url: String,
    pub author: Account,
    /// The author's name, if they are on the roster.
    pub author_name: Option<String>,
    /// Whether this is (or was, when it came) a support contribution. Reviews that are not tracked
    /// are never stored.
    pub tracked: bool,
    pub target_branch: String,
    /// Customer tickets that its description names.
    pub tickets: BTreeSet<Ticket>,
    /// By which rule it looks like more than a fix, when last judged.
    pub beyond: Option<Beyond>,
    /// The lead who takes it on all the same.
    pub sponsor: Option<String>,
    pub state: ChangeState,
    pub draft: bool,
    pub head: Option<String>,
    /// How much it changes, once that is known.
    pub size: Option<Size>,
    /// The head whose size that is, or for which none could be had.
    pub size_head: Option<String>,
    /// The head for which the changed files were last asked for.
    pub size_asked: Option<String>,
    pub opened_at: Option<Timestamp>,
    /// When it was first ready for review.
    pub ready_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// The newest snapshot's `updated_at`.
    pub seen_at: Option<Timestamp>,
    /// When Usher first heard of it.
    pub seen_first_at: Option<Timestamp>,
    /// Whether it was ever seen with its reviewers and target branch; a comment alone tells neither.
    pub whole: bool,
    /// Labels as last seen on the forge.
    pub seen_labels: BTreeSet<String>,
    /// Reviewers as last seen on the forge.
    pub seen_reviewers: BTreeSet<Account>,

    /// The pools that claim the change; empty until it has been routed.
    pub pools: Vec<PoolReview>,
    /// How many pools' parts there have been so far.
    pub parts_made: u32,
    pub routing: Routing,
    pub assignments: Vec<Assignment>,
    /// What people said about the change, by account id; only people of the roster are heard.
    pub voices: BTreeMap<u64, Voice>,
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
    /// The time box rule of the ledger's last word on it: the stage, and the rule's fingerprint.
    pub box_rule_said: Option<(Stage, u64)>,
    /// Pings sent while the present court holds the change.
    pub court_pings: u32,
    /// When a retry of something held back (a ping, a choice) is worthwhile.
    pub retry_at: Option<Timestamp>,

    /// Labels of ours that a person took off: never set again on this change.
    pub hands_off: BTreeSet<String>,
    /// What we last asked the forge for.
    pub asked: Shape,
    /// Reviewers of other people whom a write of ours took off, because they came between our read
    /// and our write: they are put back.
    pub overwritten: BTreeSet<Account>,
    /// Labels that Usher set itself at some time: the only ones it takes off.
    pub set_labels: BTreeSet<String>,
    /// How often the forge was asked again for the same shape in this court, because another bot or
    /// a lost write undid it.
    pub reshapes: u32,
    /// The snapshot (its `updated_at`) that was last answered so: each is answered once.
    pub reshaped_at: Option<Timestamp>,
    /// Pings that are kept back now, by key: the ledger says so once.
    pub held_pings: BTreeMap<String, HeldPing>,
    /// Pings of the present court that could not be sent in time, by key: until when the last one
    /// could have been.
    pub lapsed_pings: BTreeMap<String, Timestamp>,
    /// Commands that were obeyed: comment id and fingerprint.
    pub obeyed: Vec<(u64, u64)>,
    /// A person said `resume`: the skip label comes off.
    pub unskip: bool,
    /// When `skip`, `snooze` or `resume` was last said, by the forge's clock: an older one that is
    /// told late is void.
    pub hold_said_at: Option<Timestamp>,
    /// When a pool was last chosen by command; as above.
    pub pool_said_at: Option<Timestamp>,
    /// Somebody who is on no roster was told that they cannot command.
    pub stranger_told: bool,
    /// Templates that could not be used for this change: the ledger says so once for each.
    pub broken_templates: BTreeSet<String>,
    /// Fingerprint of the status comment last written.
    pub status_fingerprint: Option<u64>,
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
    /// Which part of the review this is, counted from 1 (see
    /// [`Review::new_part`]): a pool that lost the change and got it back
    /// has a part of its own again, and its pings are no repetition.
    #[serde(default)]
    pub number: u32,
    /// Changed lines that the pool's routes claim; 0 where files were not read.
    pub lines: u64,
    /// The route by which it got the change ([`Route::print`](super::policy::Route::print)); `None`
    /// where a person sent it here.
    #[serde(default)]
    pub route: Option<u64>,
    /// Members who own changed files by CODEOWNERS: asked before the others.
    #[serde(default)]
    pub owners: Vec<Owner>,
    /// Runs while the pool has nobody to ask.
    pub waiting_box: TimeBox,
    /// A second reviewer has been added because a box ran out.
    pub widened: bool,
    /// Escalation named the lead (or found that there is none) while the present court holds it.
    pub escalated: bool,
    /// Nobody is chosen before this: a person just took a reviewer off and may be about to name
    /// another.
    pub not_before: Option<Timestamp>,
    /// The verdicts of the last choice, for `why`, the status comment and the dashboard.
    pub candidates: Vec<Candidate>,
    /// The ledger knows that nobody of the pool could be asked, and why (`candidates`).
    #[serde(default)]
    pub nobody_said: bool,
    /// Its place among those who wait for somebody of the pool.
    #[serde(default)]
    pub queued: Option<Queued>,
}

impl PoolReview {
    pub fn new(pool: String, lines: u64) -> PoolReview {
        PoolReview {
            pool,
            number: 0,
            lines,
            route: None,
            owners: Vec::new(),
            waiting_box: TimeBox::default(),
            widened: false,
            escalated: false,
            not_before: None,
            candidates: Vec::new(),
            nobody_said: false,
            queued: None,
        }
    }
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

impl Default for Review {
    fn default() -> Review {
        Review::new(ChangeKey::new("", "", 0))
    }
}

impl Review {
    /// The record of a change that has not been seen yet.
    pub fn new(change: ChangeKey) -> Review {
        Review {
            change,
            project_id: None,
            lost: None,
            title: String::new(),
            url: String::new(),
            author: Account::new(0, ""),
            author_name: None,
            tracked: false,
            target_branch: String::new(),
            tickets: BTreeSet::new(),
            beyond: None,
            sponsor: None,
            state: ChangeState::Open,
            draft: false,
            head: None,
            size: None,
            size_head: None,
            size_asked: None,
            opened_at: None,
            ready_at: None,
            done_at: None,
            seen_at: None,
            seen_first_at: None,
            whole: false,
            seen_labels: BTreeSet::new(),
            seen_reviewers: BTreeSet::new(),
            pools: Vec::new(),
            parts_made: 0,
            routing: Routing::Pending,
            assignments: Vec::new(),
            voices: BTreeMap::new(),
            author_acted_at: None,
            stage: Stage::Waiting,
            stage_since: None,
            stage_set: None,
            hold: None,
            overdue: false,
            author_box: TimeBox::default(),
            merge_box: TimeBox::default(),
            box_rule_said: None,
            court_pings: 0,
            retry_at: None,
            hands_off: BTreeSet::new(),
            asked: Shape::default(),
            overwritten: BTreeSet::new(),
            set_labels: BTreeSet::new(),
            reshapes: 0,
            reshaped_at: None,
            held_pings: BTreeMap::new(),
            lapsed_pings: BTreeMap::new(),
            obeyed: Vec::new(),
            unskip: false,
            hold_said_at: None,
            pool_said_at: None,
            stranger_told: false,
            broken_templates: BTreeSet::new(),
            status_fingerprint: None,
            wake: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.state == ChangeState::Open
    }

    /// Whether it is open and no draft.
    pub fn is_ready(&self) -> bool {
        self.is_open() && !self.draft
    }

    /// Active assignments, in the order in which they began.
    pub fn active(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(|assignment| assignment.is_active())
    }

    /// A new part for a pool that claims `lines` changed lines.
    pub fn new_part(&mut self, pool: String, lines: u64) -> PoolReview {
        self.parts_made = self.parts_made.saturating_add(1);
        PoolReview { number: self.parts_made, ..PoolReview::new(pool, lines) }
    }

    /// Active assignments of one pool.
    pub fn active_in<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = &'a Assignment> {
        self.active().filter(move |assignment| assignment.pool == pool)
    }

    /// How many active reviewers of the pool have approved.
    pub fn approvals(&self, pool: &str) -> u32 {
        self.active_in(pool).filter(|assignment| self.has_approved(assignment)).count() as u32
    }

    /// Whether the person counts as occupied by this review: asked, open and not approved yet.
    pub fn occupies(&self) -> impl Iterator<Item = &Assignment> {
        let busy = self.is_ready() && self.hold != Some(Hold::Skip) && self.lost.is_none();
        self.active().filter(move |assignment| busy && !self.has_approved(assignment))
    }

    /// What the account has said so far.
    pub fn voice(&self, account: &Account) -> Voice {
        self.voices.get(&account.id).copied().unwrap_or_default()
    }

    pub fn has_approved(&self, assignment: &Assignment) -> bool {
        self.voice(&assignment.account).has_approved()
    }

    /// The places that it holds now, by pool; none while nobody should act on it.
    pub fn queued(&self) -> impl Iterator<Item = (&str, &Queued)> {
        let waits = self.is_ready() && self.hold.is_none() && self.lost.is_none();
        let parts = self.pools.iter().filter(move |_| waits);
        parts.filter_map(|part| Some((part.pool.as_str(), part.queued.as_ref()?)))
    }

    /// The latest time of which anything is known: the newest snapshot, the newest voice.
    pub fn heard_until(&self) -> Option<Timestamp> {
        let spoke = self.voices.values().filter_map(Voice::heard_at);
        spoke.chain(self.seen_at).max()
    }

    /// Since when the reviewer asks something of the author. A remark from before they were chosen was
    /// no answer to the request.
    fn asks_since(&self, assignment: &Assignment) -> Option<Timestamp> {
        let voice = self.voice(&assignment.account);
        let chosen = matches!(assignment.origin, Origin::Picked | Origin::Widened);
        let formal = matches!(voice.verdict, Some((Verdict::ChangesRequested, _)));
        voice.asks_author_since().filter(|at| formal || !chosen || *at >= assignment.since)
    }

    /// Whether the reviewer has answered, and the answer still stands. Being asked again is a fresh
    /// start.
    pub fn has_answered(&self, assignment: &Assignment) -> bool {
        self.has_approved(assignment) || self.asks_since(assignment).is_some()
    }

    /// Whether a list shows somebody as a reviewer. GitHub shows people for a review that was dismissed,
    /// and for one from before they were asked, too.
    pub fn is_listed(&self, seen: &SeenReviewer, complete: bool, dated: bool) -> bool {
        let awaited = |a: &Assignment| a.account == seen.account && a.listed && !self.has_answered(a);
        match seen.verdict {
            None => true,
            Some((Verdict::Withdrawn, _)) => complete,
            Some(_) => !dated || !self.active().any(awaited),
        }
    }

    /// Whether the reviewer asks something that the author has not acted on since.
    pub fn asks_author(&self, assignment: &Assignment) -> bool {
        self.asks_since(assignment).is_some_and(|at| self.author_acted_at.is_none_or(|acted| acted < at))
    }
}
