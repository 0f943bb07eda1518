//! Reasons: every decision says why, in types. Their sentences are in `words`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::assignment::Origin;
use super::candidate::Candidate;
use super::change::ChangeState;
use super::fact::Refusal;
use super::scope::OutOfScope;
use super::stage::Stage;
use super::suppressed::SuppressedWhy;
use super::terms::RuleConditions;
use super::tickets::Ticket;
use super::timebox::Budget;
use super::unreachable::UnreachableWhy;

/// One typed why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Reason {
    /// The author is no support engineer and the change is not tracked: not our business.
    NotSupport {
        author: String,
    },
    /// The project is not among the watched ones.
    NotWatched,
    /// The snapshot is older than one already seen, so it changed nothing.
    OlderSnapshot,
    /// A support contribution came into view.
    Tracked {
        author: String,
    },
    /// It is a draft and is left in peace.
    IsDraft,
    /// It is ready for review; the clock starts.
    Ready,
    /// Only a part of it was told so far; its reviewers and target branch are not known yet.
    SeenInPart,
    /// The changed files must be read before a pool can be chosen.
    ReadingFiles,
    /// A route follows CODEOWNERS: that and the changed files must be read first.
    ReadingOwners,
    /// A rule looks at the size of the change, so the changed files are read.
    MeasuringSize,
    /// Members of the pool own changed files, `path` among them, and are asked first.
    Owners {
        pool: String,
        people: Vec<String>,
        path: String,
    },
    /// Nobody of the pool owns a changed file, so everybody in it may be asked.
    NoOwners {
        pool: String,
        why: NoOwners,
    },
    /// None of the owners can take it now, so somebody else of the pool is asked.
    OwnersPassed {
        pool: String,
        people: Vec<String>,
    },
    /// The change belongs to these pools.
    Routed {
        pools: Vec<String>,
    },
    /// No route matches.
    NoRoute,
    /// A choice was made among the members of a pool.
    Picked {
        pool: String,
        person: String,
        origin: Origin,
        candidates: Vec<Candidate>,
    },
    /// Nobody of the pool could be asked.
    NobodyFree {
        pool: String,
        candidates: Vec<Candidate>,
    },
    /// A human had chosen a reviewer, or one came by themselves.
    Adopted {
        pool: String,
        person: String,
    },
    Declined {
        person: String,
        note: Option<String>,
    },
    Accepted {
        person: String,
    },
    /// Somebody asked for another reviewer.
    Reassigned {
        from: Option<String>,
        by: String,
    },
    /// The forge would not have the reviewer.
    Refused {
        person: String,
        refusal: Refusal,
    },
    /// The reviewer is on leave now, so a second one is asked.
    ReviewerAway {
        person: String,
        until: Date,
    },
    Approved {
        person: String,
    },
    ApprovalWithdrawn {
        person: String,
    },
    ChangesRequested {
        person: String,
    },
    ReviewerCommented {
        person: String,
    },
    /// The author pushed, answered or asked again.
    AuthorActed,
    /// They cannot merge it: somebody else is asked to.
    CannotMerge {
        person: String,
    },
    /// Others resolved all threads that the reviewer had opened.
    ThreadsResolved {
        person: String,
    },
    /// So many threads are open that the reviewer opened.
    ThreadsOpen {
        person: String,
        open: u32,
    },
    StageMoved {
        from: Stage,
        to: Stage,
    },
    /// A person set the stage by label.
    StageSet {
        stage: Stage,
    },
    /// A person took one of our labels off; it stays off.
    LabelTakenOff {
        label: String,
    },
    /// A person took a reviewer off; they stay off.
    ReviewerTakenOff {
        person: String,
    },
    /// A write of ours took off a reviewer whom a person had added meanwhile; they are put back.
    Overwritten {
        login: String,
    },
    /// The time box of the turn has run out. `holder` names who had it.
    BoxRanOut {
        stage: Stage,
        holder: String,
    },
    /// A time box rule gives this turn its time.
    BoxRuled {
        stage: Stage,
        rule: RuleTold,
        budget: Budget,
    },
    /// No time box rule holds any more in this turn.
    BoxUnruled {
        stage: Stage,
    },
    Reminded {
        person: String,
    },
    Widened {
        pool: String,
        person: String,
    },
    /// Widening was due and nobody is left to ask.
    NobodyToWiden {
        pool: String,
        candidates: Vec<Candidate>,
    },
    Escalated {
        pool: String,
        lead: String,
    },
    /// Escalation was due and the pool has no lead on this forge.
    NoLead {
        pool: String,
    },
    /// A ping was due and is kept back.
    PingHeld {
        person: String,
        why: SuppressedWhy,
    },
    /// The forge could not take a ping while it was time for it; what it was for is due again.
    PingLapsed {
        person: String,
    },
    Skipped {
        by: Option<String>,
    },
    Resumed {
        by: Option<String>,
    },
    Snoozed {
        by: String,
        until: Timestamp,
    },
    /// The description names these customer tickets now, or none any more.
    Tickets {
        tickets: BTreeSet<Ticket>,
    },
    /// Nobody of the pool is free; so many changes wait ahead of this one.
    Queued {
        pool: String,
        ahead: u32,
    },
    /// It looks like more than a bug fix or docs.
    OutOfScope {
        beyond: OutOfScope,
    },
    /// It no longer does.
    InScope,
    /// A lead decided that somebody's request for changes stands no longer.
    Overruled {
        by: String,
        person: String,
        #[serde(default)]
        note: Option<String>,
    },
    /// A reviewer left the pool before they said anything.
    LeftPool {
        pool: String,
        person: String,
    },
    /// A colleague in support carries on for the author.
    HandedOver {
        by: String,
        to: String,
    },
    /// The author asks for somebody who carries on.
    WantsToHandOver {
        by: String,
        lead: String,
    },
    /// Somebody was told that the author is silent, away or wants to hand over, or that no route claims the change.
    ToldOfSilence {
        person: String,
    },
    /// The configuration names nobody who could be told.
    NobodyToTell,
    /// The author has answered what they asked for, and Usher told them so.
    HandedBack {
        person: String,
    },
    /// Somebody who does not answer for the author pushed.
    OthersPushed {
        login: String,
    },
    /// A lead takes it on all the same.
    Sponsored {
        by: String,
    },
    /// The ticket system is told of the merge.
    Announced {
        tickets: u32,
    },
    /// Open before Usher came; its turn in the first roll-out is later.
    HeldForFirstRun,
    /// The dry run is over: what was decided until now was on paper only.
    WentLive,
    /// The pool was chosen by a command.
    PoolChosen {
        pool: String,
        by: String,
    },
    /// Somebody said that they are not there, on all changes.
    WentAway {
        person: String,
        until: Date,
    },
    /// Somebody said that they are there again.
    CameBack {
        person: String,
    },
    /// Somebody's word on their absence came late: they have said something newer.
    OlderWord {
        person: String,
    },
    /// A command was answered in words.
    Answered {
        by: String,
        command: String,
    },
    /// Somebody whom no roster names gave a command.
    StrangerRefused {
        login: String,
        command: String,
    },
    /// A command was refused or not understood.
    CommandRefused {
        by: String,
        command: String,
    },
    /// A template of the company's could not be used, so the built-in words were. Said once for each
    /// change and fault.
    TemplateBroken {
        template: String,
        fault: String,
    },
    /// Only a bot did this; the turn does not move.
    OnlyABot {
        login: String,
    },
    Ended {
        state: ChangeState,
    },
    Reopened,
    /// The forge does not show the change any more: time boxes stand still.
    LostSight {
        why: UnreachableWhy,
    },
    /// It was looked for long enough, and the review is closed.
    GivenUp {
        why: UnreachableWhy,
    },
    /// The forge shows the change again.
    FoundAgain,
    /// Reviewers and labels do not come about: time boxes stand still.
    ForgeRefuses {
        given_up: bool,
    },
    /// Whoever looks after Usher was told that the forge refuses.
    ContactTold {
        person: String,
    },
    /// They did after all.
    ForgeTakesIt,
    /// A comment, ping or reply did not come about and is not tried any more.
    NotSaid {
        action: String,
    },
    /// The changed files cannot be had, so it goes where it would without them, for now.
    WithoutFiles,
    /// The project has another name, and the review went with it.
    Moved {
        from: String,
        to: String,
    },
    /// The forge's labels or reviewers differed from what they should be.
    Reshaped,
    /// Nothing happened to the change, but what is shown of it is out of date: a calendar, a leave or
    /// the configuration has changed.
    BroughtUpToDate,
    /// Nothing happened to the change, and what should be shown of it is on paper only: a dry run goes on.
    StillOnPaper,
}

/// Why no owner of changed files is in the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum NoOwners {
    /// The target branch has no CODEOWNERS.
    NoFile,
    /// CODEOWNERS is too large, or could not be read.
    Unusable,
    /// The file names nobody for the changed files.
    Unowned,
    /// Its owners are not in the pool; some of them, as handles.
    Outside { handles: Vec<String> },
}

/// A time box rule in a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RuleTold {
    /// As 0.1.0 wrote it: the rule's name or conditions, in words.
    InWords(String),
    Conditions(RuleConditions),
}

impl Reason {
    /// What was held back just now, as the word of the metric; `None` for every other reason.
    pub fn holds_back(&self) -> Option<&'static str> {
        match self {
            Reason::PingHeld { why, .. } => Some(why.word()),
            Reason::HeldForFirstRun => Some("first_run"),
            Reason::Snoozed { .. } => Some("snooze"),
            Reason::Skipped { .. } => Some("skip"),
            _ => None,
        }
    }
}
