//! Messages: what is to be said on a forge, not how. The sentences are made where they are sent.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::absence::Busy;
use super::candidate::Judgement;
use super::change::{ChangeState, Size};
use super::choice::ChoiceTold;
use super::commands::Allowed;
use super::scope::OutOfScope;
use super::stage::Stage;
use super::terms::RuleConditions;
use super::tickets::Ticket;
use super::timebox::{Budget, StepKind};

/// An instant as somebody reads it: in their time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    pub at: Timestamp,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
}

impl Hash for Moment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
        self.zone.iana_name().hash(state);
    }
}

/// All that the one status comment says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatusView {
    /// How people call Usher here, without `@`.
    pub me: String,
    pub stage: Stage,
    pub state: ChangeState,
    /// As its author wrote it.
    pub title: String,
    pub author: AuthorView,
    pub snoozed_until: Option<Moment>,
    #[serde(default)]
    pub hold: HoldNote,
    #[serde(default)]
    pub refused_since: RefusedSince,
    /// A person set it to wait, although somebody is asked.
    pub set_to_wait: bool,
    pub reviewers: Vec<ReviewerView>,
    pub pools: Vec<PoolView>,
    pub merger: Option<MergerView>,
    #[serde(default)]
    pub pushed_since: PushedSince,
    #[serde(default)]
    pub others: Others,
    /// The steps to come if nobody does anything, in the order in which they come.
    pub next: Vec<NextStep>,
    pub tickets: BTreeSet<Ticket>,
    pub out_of_scope: Option<OutOfScope>,
    pub sponsor: Option<String>,
    /// Why the present time boxes are not those that hold everywhere.
    pub boxes: Vec<BoxNote>,
    pub opened_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
}

/// Since when the forge takes nothing that is asked of it for the change, while that is so. While it is not,
/// the comment is the same as ever, and so is its fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RefusedSince(pub Option<Moment>);

impl Hash for RefusedSince {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(since) = &self.0 {
            since.hash(state);
        }
    }
}

/// Who asked Usher to leave the change alone, while that is so; as [`RefusedSince`] it leaves the fingerprint
/// of every other comment as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldNote(pub Option<HoldView>);

impl Hash for HoldNote {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(hold) = &self.0 {
            hold.hash(state);
        }
    }
}

/// A snooze or a skip, as the status comment tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HoldView {
    /// Until somebody resumes it; else it is snoozed.
    pub skipped: bool,
    /// `None` where nobody told.
    pub by: Option<String>,
    pub since: Option<Moment>,
    /// How often it was snoozed so far.
    pub snoozes: u32,
}

/// The author, and their turn.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuthorView {
    pub login: String,
    /// Usher's name for them; `None` for somebody who is not on the roster and is not called.
    pub name: Option<String>,
    /// When their time box runs out, while it runs.
    pub due: Option<Moment>,
    /// It ran out.
    pub late: bool,
}

/// One active reviewer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReviewerView {
    pub person: String,
    pub login: String,
    pub pool: String,
    pub approved: bool,
    /// They ask something of the author.
    pub asks: bool,
    #[serde(default)]
    pub formally: Formally,
    #[serde(default)]
    pub threads: OpenThreads,
    /// They said that they are on it.
    pub accepted: bool,
    /// Asked beside a first reviewer.
    pub second: bool,
    /// They have answered before, since they were asked.
    pub answered: bool,
    /// When their time box runs out, while it runs.
    pub due: Option<Moment>,
    /// It ran out.
    pub late: bool,
}

/// One pool that has the change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PoolView {
    pub pool: String,
    /// Somebody of it is asked.
    pub staffed: bool,
    /// A person took a reviewer off; somebody else is asked in a few minutes.
    pub on_hold: bool,
    /// The time ran out, and there is no lead whom Usher could tell.
    pub leadless: bool,
    /// Everybody's judgement of the last choice.
    pub candidates: ChoiceTold,
    /// Changes ahead of this in its queue.
    pub ahead: u32,
    #[serde(default)]
    pub lacks: Lacking,
}

/// They asked for changes, so that words are no answer. Where it is a mere remark, the comment is the same as
/// ever, and so is its fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Formally(pub bool);

impl Hash for Formally {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 {
            self.0.hash(state);
        }
    }
}

/// How many of the threads are open that they opened, while they request changes, as far as is known. While it
/// is none, the comment is the same as ever, and so is its fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpenThreads(pub u32);

impl Hash for OpenThreads {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 > 0 {
            self.0.hash(state);
        }
    }
}

/// The one who is asked to merge has not approved it, others have. As [`OpenThreads`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByOthers(pub bool);

impl Hash for ByOthers {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 {
            self.0.hash(state);
        }
    }
}

/// Somebody has pushed since the change was approved, and the approval stands. While that is not so, the comment
/// is the same as ever, and so is its fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PushedSince(pub bool);

impl Hash for PushedSince {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.0 {
            self.0.hash(state);
        }
    }
}

/// What people of the roster say formally whom no pool of the change has asked, while anybody does; as
/// [`PushedSince`] it leaves the fingerprint of every other comment as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Others(pub Vec<OtherVerdict>);

impl Hash for Others {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !self.0.is_empty() {
            self.0.hash(state);
        }
    }
}

/// An approval or a request for changes that stands and counts for no pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OtherVerdict {
    /// Usher's name for them.
    pub person: String,
    /// Otherwise they ask for changes.
    pub approves: bool,
}

/// What a pool lacks that nobody who is asked can give, while that is so. While it is not, the comment is
/// the same as ever, and so is its fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lacking(pub Option<LackingView>);

/// What is missing before the change is ready.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LackingView {
    /// So many more approvals.
    pub approvals: u32,
    /// Whose request for changes stands, by name.
    pub against: Vec<String>,
}

impl Hash for Lacking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(lacking) = &self.0 {
            lacking.hash(state);
        }
    }
}

/// Who is expected to merge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MergerView {
    pub login: String,
    pub approved: bool,
    #[serde(default)]
    pub by_others: ByOthers,
    /// When the time box runs out, while it runs.
    pub due: Option<Moment>,
    /// It ran out.
    pub late: bool,
}

/// A step to come.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NextStep {
    pub kind: StepKind,
    /// When it is due; `None` when it is due already and only waits for somebody's working time.
    pub at: Option<Moment>,
    /// Who leads the pool: whom an escalation names.
    pub lead: Option<String>,
}

/// A time box whose terms are not those that hold everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BoxNote {
    pub budget: Budget,
    pub by: BoxNoteSource,
}

/// Who gives it these terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum BoxNoteSource {
    Pool {
        pool: String,
    },
    Route {
        pool: String,
    },
    Rule {
        rule: RuleConditions,
        /// How large the change is, where the rule asks for it.
        size: Option<Size>,
    },
}

/// A short new comment that names one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Unique on its change.
    pub key: String,
    pub person: String,
    /// The person's login on this forge, without `@`.
    pub login: String,
    /// The end of the stretch of the person's working time in which it was decided: later it must not
    /// go out any more.
    pub not_after: Timestamp,
    /// How people call Usher here, without `@`.
    pub me: String,
    pub about: PingAbout,
}

/// What a ping is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum PingAbout {
    /// A reminder to whoever has the turn.
    Remind {
        stage: Stage,
        due: Option<Moment>,
        /// The time is over already.
        over: bool,
    },
    /// The word to a pool's lead.
    Escalate { stage: Stage, pool: String, holder: Option<String>, candidates: ChoiceTold },
    /// The word to whoever looks after Usher: the forge takes nothing for the change.
    Refused { since: Moment },
    /// The request to a reviewer whom the forge cannot list.
    Ask,
    /// The word to the lead of support: the author is silent.
    AuthorSilent {
        /// Usher's name for whoever acts for the author.
        author: Option<String>,
        since: Moment,
    },
    /// The word to the lead of support: the author is on leave while it is their turn.
    AuthorAway { author: Option<String> },
    /// The word to the lead of support: the author asks for somebody who carries on.
    HandOver { author: Option<String> },
    /// The word to the contact: no route claims the change.
    NoRoute,
    /// The author has answered a request for changes: the reviewer may look again.
    Back {
        /// Usher's name for the author.
        author: Option<String>,
        due: Option<Moment>,
    },
}

/// The one answer to the commands of one comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Unique on its change.
    pub key: String,
    /// How people call Usher here, without `@`.
    pub me: String,
    /// Each once, in the order of the commands.
    pub answers: Vec<Answer>,
}

/// What is answered to one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    Help,
    Why {
        pools: Vec<ChoiceView>,
        boxes: Vec<BoxNote>,
    },
    /// They are back, and not asked all the same: a leave of the configuration, or a forge's status.
    StillAway {
        leave: Option<Date>,
        busy: Option<Busy>,
        /// No dates are told in public.
        #[serde(default)]
        in_private: bool,
        #[serde(with = "jiff::fmt::serde::tz::required")]
        zone: TimeZone,
    },
    NotAllowed {
        command: String,
        allowed: Allowed,
    },
    /// To somebody whom no roster names: who can do it, by name.
    Stranger {
        #[serde(default)]
        ask: Vec<String>,
    },
    /// The change is merged or closed already.
    Finished {
        state: ChangeState,
    },
    /// All have approved who are asked.
    AlreadyApproved {
        people: Vec<String>,
    },
    /// They are noted as away up to and including this day.
    AwayUntil {
        last: Date,
    },
    /// Snoozed for the longest time that is possible at once.
    SnoozeCapped {
        max: Budget,
        until: Moment,
    },
    /// Newer words have made the command pointless.
    Overtaken,
    NotUnderstood {
        text: String,
        nearest: Option<String>,
    },
    SnoozeTooLong,
    SnoozeSkipped,
    SnoozeFirstRun,
    NoPoolYet,
    NobodyElse {
        candidates: ChoiceTold,
    },
    /// Only a colleague in support can carry on.
    NotInSupport {
        person: String,
    },
    /// Who reviews the change cannot be its author.
    ReviewsIt {
        person: String,
    },
    /// Nobody is named who could find a colleague.
    NobodyToHandOverTo,
    /// They do not ask for changes.
    NothingToOverrule {
        person: String,
    },
    UnknownPerson {
        handle: String,
    },
    NotInPool {
        person: String,
        pool: String,
    },
    CannotBeAsked {
        person: String,
        why: Judgement,
    },
    UnknownPool {
        name: String,
        pools: Vec<String>,
    },
    /// An `away` without an end that could be read.
    AwayUnclear {
        today: Date,
    },
    AwayOver {
        last: Date,
        today: Date,
    },
    AwayTooLong {
        latest: Date,
    },
}

/// How the reviewers of one pool came to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceView {
    pub pool: String,
    /// Everybody's judgement; empty where no choice was made.
    pub candidates: ChoiceTold,
    /// Who is asked now.
    pub asked: Vec<String>,
}
