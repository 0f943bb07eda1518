//! The review: Usher's own record of one support contribution.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::action::DesiredState;
use super::candidate::Candidate;
use super::change::{Account, ChangeKey, ChangeState, SeenReviewer, Size, Verdict};
use super::owner::Owner;
use super::queue::Queued;
use super::scope::OutOfScope;
use super::suppressed::SuppressedPing;
use super::tickets::Ticket;
use super::timebox::TimeBox;
use super::unreachable::{Blocked, Unreachable};

pub use super::assignment::{Assignment, Ended, Origin};
pub use super::said::{Carrier, Commander, DoneCommand, GuessedPush, Hold, HoldOrigin, Said};
pub use super::stage::Stage;
pub use super::verdicts::PersonVerdicts;

/// Usher's record of one support contribution: all that `decide` remembers of it. Its size does not
/// grow with its history.
///
/// Who must act, since when and until when follows from it each time
/// ([`Standing`](super::standing::Standing)). It is kept as one flat JSON object across upgrades: a
/// field that is added later is read as its default, and what is added to the parts below must say
/// `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    pub change: ChangeKey,
    /// The forge's number of the project, once a snapshot has told it.
    pub project_id: Option<u64>,
    /// Whether this is (or was, when it came) a support contribution. Reviews that are not tracked
    /// are never stored.
    pub tracked: bool,
    pub author: Account,
    /// The author's name, if they are on the roster.
    pub author_name: Option<String>,
    #[serde(flatten)]
    pub seen: Seen,
    #[serde(flatten)]
    pub said: Said,
    #[serde(flatten)]
    pub planned: Planned,
    #[serde(flatten)]
    pub done: Done,
    /// In a dry run: what was planned and done when Usher last wrote; what stands above is on paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_dry_run: Option<Box<Written>>,
}

/// What Usher had planned and done before a dry run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Written {
    pub planned: Planned,
    pub done: Done,
    /// It waited for its turn in the first roll-out.
    pub held: bool,
}

/// The forge's word: what the change looked like in the newest snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// The forge does not show the change where it was.
    #[serde(rename = "lost")]
    pub unreachable: Option<Unreachable>,
    /// The forge does not take what is asked of it for the change.
    pub blocked: Option<Blocked>,
    pub title: String,
    pub url: String,
    pub target_branch: String,
    /// Customer tickets that its description names.
    pub tickets: BTreeSet<Ticket>,
    pub state: ChangeState,
    pub draft: bool,
    pub head: Option<String>,
    /// When the head was first seen that there is now, by the forge's clock.
    pub pushed_at: Option<Timestamp>,
    /// How much it changes, once that is known.
    pub size: Option<Size>,
    /// The head whose size that is, or for which none could be had.
    pub size_head: Option<String>,
    pub opened_at: Option<Timestamp>,
    /// When it was first ready for review.
    pub ready_at: Option<Timestamp>,
    /// When it was merged or closed.
    #[serde(rename = "done_at")]
    pub ended_at: Option<Timestamp>,
    /// The newest snapshot's `updated_at`.
    #[serde(rename = "seen_at")]
    pub at: Option<Timestamp>,
    /// `updated_at` of the newest snapshot that told all reviewers with their verdicts. What moved the change
    /// since may have been a verdict of which nobody told, although other news of it came.
    pub verdicts_at: Option<Timestamp>,
    /// `updated_at` of the newest snapshot that told of a write of Usher's.
    pub own_at: Option<Timestamp>,
    /// When Usher first heard of it.
    #[serde(rename = "seen_first_at")]
    pub first_at: Option<Timestamp>,
    /// Whether it was ever seen with its reviewers and target branch; a comment alone tells neither.
    pub whole: bool,
    #[serde(rename = "seen_labels")]
    pub labels: BTreeSet<String>,
    #[serde(rename = "seen_reviewers")]
    pub reviewers: BTreeSet<Account>,
}

/// What Usher means to do: which pools, which people, and their time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Planned {
    /// By which rule it looks like more than a fix, when last judged.
    #[serde(rename = "beyond")]
    pub out_of_scope: Option<OutOfScope>,
    /// The pools that claim the change; empty until it has been routed.
    pub pools: Vec<PoolReview>,
    /// How many pools' parts there have been so far.
    pub parts_made: u32,
    pub routing: Routing,
    /// The routes ([`Policy::routes_print`](super::policy::Policy::routes_print)) of which none claimed it:
    /// others are asked anew.
    pub unclaimed_by: Option<u64>,
    /// Runs while no route claims it.
    pub unclaimed_box: TimeBox,
    /// It was routed without its files, which could not be had: they count once they are read.
    pub provisional: bool,
    /// The head with which it was routed, and what tells the routes apart that looked at it then
    /// ([`Policy::admitted_print`](super::policy::Policy::admitted_print)).
    pub routed_head: Option<String>,
    pub routed_by: Option<u64>,
    /// Its files are read once more when a burst of pushes is over.
    pub reroute: Option<Reroute>,
    pub assignments: Vec<Assignment>,
    pub author_box: TimeBox,
    pub merge_box: TimeBox,
    /// When a retry of something held back (a ping, a choice) is worthwhile.
    pub retry_at: Option<Timestamp>,
    /// When the next deadline is, as the last decision computed it.
    pub wake: Option<Timestamp>,
}

/// Files that are to be read for the routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reroute {
    /// The newest head: another one begins the wait anew.
    pub head: Option<String>,
    pub at: Timestamp,
}

/// Some of what the forge was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskedParts {
    pub reviewers: BTreeSet<Account>,
    pub labels: BTreeSet<String>,
}

impl AskedParts {
    fn is_empty(&self) -> bool {
        self.reviewers.is_empty() && self.labels.is_empty()
    }
}

impl Review {
    /// The forge shows what is there: of what is to go, only what is there still has to.
    pub(crate) fn forget_what_left(&mut self) {
        let Done { leaving, last_applied, .. } = &mut self.done;
        let (seen, asked) = (&self.seen, last_applied);
        leaving.labels.retain(|label| asked.not_labels.contains(label) && seen.labels.contains(label));
        let goes = |one: &Account| asked.not_reviewers.contains(one) && seen.reviewers.contains(one);
        leaving.reviewers.retain(goes);
    }
}

/// What Usher did: what it last asked of the forge, and what it has told whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Done {
    /// The stage that the last decision told, by which the next one sees that it moved.
    pub stage: Stage,
    pub stage_since: Option<Timestamp>,
    /// Whether the overdue label was wanted then: the turn's box had run out.
    pub overdue: bool,
    /// Labels and reviewers as Usher last asked the forge for.
    #[serde(rename = "asked")]
    pub last_applied: DesiredState,
    /// Reviewers of other people whom a write of ours took off, because they came between our read
    /// and our write: they are put back.
    pub overwritten: BTreeSet<Account>,
    /// Labels that Usher set itself at some time: the only ones it takes off.
    pub set_labels: BTreeSet<String>,
    /// What the last request asked for first. As long as it has not gone out, none of it is Usher's.
    pub unproven: AskedParts,
    /// What is to go by a request of Usher's, and was there when the forge was last seen; also where it is wanted
    /// again since.
    #[serde(skip_serializing_if = "AskedParts::is_empty")]
    pub leaving: AskedParts,
    /// Reviewers of requests that may have gone out, whom no list has shown since.
    pub unshown: BTreeSet<Account>,
    /// How often the forge was asked again for the same state in this turn, because another bot or
    /// a lost write undid it.
    #[serde(rename = "reshapes")]
    pub applied_again: u32,
    /// The snapshot (its `updated_at`) that was last answered so: each is answered once.
    #[serde(rename = "reshaped_at")]
    pub applied_again_at: Option<Timestamp>,
    /// The head for which the changed files were last asked for.
    pub size_asked: Option<String>,
    /// Pings sent in the present turn.
    #[serde(rename = "court_pings")]
    pub turn_pings: u32,
    /// Pings that are kept back now, by key: the ledger says so once.
    #[serde(rename = "held_pings")]
    pub suppressed_pings: BTreeMap<String, SuppressedPing>,
    /// Pings of the present turn that could not be sent in time, by key: until when the last one
    /// could have been.
    pub lapsed_pings: BTreeMap<String, Timestamp>,
    /// The time box rule of the ledger's last word on it: the stage, and the rule's fingerprint.
    pub box_rule_said: Option<(Stage, u64)>,
    /// The `handover` of which the lead of support was told.
    pub handover_told: Option<Timestamp>,
    /// The leave of the author (its last day) of which the lead of support was told.
    pub leave_told: Option<Date>,
    /// Templates that could not be used for this change: the ledger says so once for each.
    pub broken_templates: BTreeSet<String>,
    /// Fingerprint of the status comment last written.
    pub status_fingerprint: Option<u64>,
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
    /// Escalation named the lead (or found that there is none) while the present turn holds it.
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
            tracked: false,
            author: Account::new(0, ""),
            author_name: None,
            seen: Seen::default(),
            said: Said::default(),
            planned: Planned::default(),
            done: Done::default(),
            before_dry_run: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.seen.state == ChangeState::Open
    }

    /// Whether it is open and no draft.
    pub fn is_ready(&self) -> bool {
        self.is_open() && !self.seen.draft
    }

    /// Whether Usher asked for somebody whom no list has shown since: they may have been taken off unheard.
    pub fn awaits_proof(&self) -> bool {
        let wanted = &self.done.last_applied.reviewers;
        self.done.unshown.iter().any(|account| wanted.contains(account))
    }

    /// Active assignments, in the order in which they began.
    pub fn active(&self) -> impl Iterator<Item = &Assignment> {
        self.planned.assignments.iter().filter(|assignment| assignment.is_active())
    }

    /// A new part for a pool that claims `lines` changed lines.
    pub fn new_part(&mut self, pool: String, lines: u64) -> PoolReview {
        self.planned.parts_made = self.planned.parts_made.saturating_add(1);
        PoolReview { number: self.planned.parts_made, ..PoolReview::new(pool, lines) }
    }

    /// Active assignments of one pool.
    pub fn active_in<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = &'a Assignment> {
        self.active().filter(move |assignment| assignment.pool == pool)
    }

    /// How many active reviewers of the pool have approved.
    pub fn approvals(&self, pool: &str) -> u32 {
        self.active_in(pool).filter(|assignment| self.has_approved(assignment)).count() as u32
    }

    /// Who acts for the author: whoever carries on, else the author. Usher's name for them, if they have one.
    pub fn acting_author(&self) -> (Option<&str>, &Account) {
        match &self.said.carrier {
            Some(carrier) => (Some(&carrier.person), &carrier.account),
            None => (self.author_name.as_deref(), &self.author),
        }
    }

    /// Whether the account is the author's, or that of whoever carries on for them.
    pub fn is_authors(&self, account: &Account) -> bool {
        *account == self.author || self.said.carrier.as_ref().is_some_and(|own| own.account == *account)
    }

    /// What the account has said so far.
    pub fn verdicts_of(&self, account: &Account) -> PersonVerdicts {
        self.said.verdicts.get(&account.id).copied().unwrap_or_default()
    }

    pub fn has_approved(&self, assignment: &Assignment) -> bool {
        self.verdicts_of(&assignment.account).has_approved()
    }

    /// The places that it holds now, by pool; none while nobody should act on it.
    pub fn queued(&self) -> impl Iterator<Item = (&str, &Queued)> {
        let shown = self.seen.unreachable.is_none() && self.seen.blocked.is_none();
        let waits = self.is_ready() && self.said.hold.is_none() && shown;
        let parts = self.planned.pools.iter().filter(move |_| waits);
        parts.filter_map(|part| Some((part.pool.as_str(), part.queued.as_ref()?)))
    }

    /// The latest time of which anything is known: the newest snapshot, the newest verdicts.
    pub fn known_until(&self) -> Option<Timestamp> {
        let spoke = self.said.verdicts.values().filter_map(PersonVerdicts::newest_at);
        spoke.chain(self.seen.at).max()
    }

    /// Since when the reviewer wants an answer to a remark. A remark from before they were chosen was no
    /// answer to the request; what was before is told by the forge's own time, for our clock may be wrong.
    fn remarked_at(&self, assignment: &Assignment) -> Option<Timestamp> {
        let chosen = matches!(assignment.origin, Origin::Picked | Origin::Widened);
        let remarked = self.verdicts_of(&assignment.account).remarked_at();
        let chosen_at = assignment.known_until.unwrap_or(assignment.since);
        remarked.filter(|at| !chosen || *at >= chosen_at)
    }

    /// Whether the reviewer asks for changes, whoever has answered that meanwhile: the change is not ready
    /// before they approve.
    pub fn requests_changes(&self, assignment: &Assignment) -> bool {
        self.verdicts_of(&assignment.account).requests_changes().is_some()
    }

    /// Whether the reviewer has asked something of the author on this change, answered or not.
    pub fn has_asked(&self, assignment: &Assignment) -> bool {
        self.requests_changes(assignment) || self.remarked_at(assignment).is_some()
    }

    /// Whether the reviewer has answered, and the answer still stands.
    pub fn has_answered(&self, assignment: &Assignment) -> bool {
        let overruled = self.verdicts_of(&assignment.account).is_overruled();
        self.has_approved(assignment) || self.has_asked(assignment) || overruled
    }

    /// Who has asked for changes, while that stands, whether or not they are still asked to review.
    pub fn requesters(&self) -> impl Iterator<Item = &Assignment> {
        self.planned.assignments.iter().filter(|assignment| self.requests_changes(assignment))
    }

    /// Whether a list shows somebody as a reviewer. GitHub shows people for a review that was dismissed,
    /// and for one from before they were asked, too.
    pub fn is_listed(&self, seen: &SeenReviewer, complete: bool, dated: bool) -> bool {
        let awaited = |a: &Assignment| a.account == seen.account && a.listed && !self.has_answered(a);
        match seen.verdict {
            None => true,
            // A dismissed review says nothing of who is asked now.
            Some((Verdict::Withdrawn, _)) => {
                complete && (!dated || self.seen.reviewers.contains(&seen.account))
            }
            Some(_) => !dated || !self.planned.assignments.iter().any(awaited),
        }
    }

    /// Whether the reviewer asks something that the author has not answered since: a request for changes is
    /// answered by commits, by asking again or by resolving all its threads, a mere remark by any word.
    pub fn asks_author(&self, assignment: &Assignment) -> bool {
        let verdicts = self.verdicts_of(&assignment.account);
        let settled = verdicts.threads.settled_at();
        let acted = self.said.author_acted_at.max(verdicts.asked_again_at).max(settled);
        let wrote = acted.max(self.said.author_wrote_at);
        verdicts.requests_changes().is_some_and(|at| acted < Some(at))
            || self.remarked_at(assignment).is_some_and(|at| wrote < Some(at))
    }
}
