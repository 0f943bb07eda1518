//! A fact is applied: what it says is written into the review. Snapshots and acts carry the forge's
//! own times and only the newest counts, so facts may come twice and in any order.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::draft::{Draft, later};
use super::plausible::CLOCKS_DIFFER;
use super::seconds::second_of;
use crate::choose::route::FilesRead;
use crate::model::absence::AbsenceWish;
use crate::model::action::{Action, DesiredState};
use crate::model::change::{Account, ChangeState, Snapshot, Verdict};
use crate::model::fact::{Act, Actor, Fact};
use crate::model::reason::Reason;
use crate::model::review::{Done, GuessedPush, Hold, HoldOrigin, Review, Stage};

/// What a sweep reads later than this after a write of ours, is from after it.
const OWN_WRITE_SETTLES: SignedDuration = SignedDuration::from_mins(1);

/// Whose doing a snapshot is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    /// Usher's own.
    Own,
    /// Another bot's: it never moves the turn and is corrected like a lost write.
    Bot,
    /// A person's, or unknown (a sweep): it is respected.
    Person,
}

/// What a fact told, beside what it wrote into the review.
#[derive(Default)]
pub(super) struct Observed<'f> {
    /// What was asked of the forge is asked again, because the forge was seen to differ.
    pub reshape: bool,
    /// Labels or target branch are others than before: routes may lead elsewhere.
    pub rerouted: bool,
    /// The changed files, where they were read.
    pub files: Option<FilesRead<'f>>,
    /// The changed files cannot be had.
    pub no_files: bool,
    /// A thread may have been resolved, or opened.
    pub threads: bool,
    /// Answers to commands.
    pub answers: Vec<Action>,
    /// Somebody said `away` or `back`.
    pub absence: Option<AbsenceWish>,
}

/// A fact is being taken in.
pub(super) struct Applying<'d, 'w, 'f> {
    pub(super) draft: &'d mut Draft<'w>,
    pub(super) observed: Observed<'f>,
    /// When what the fact tells counts as done.
    told_at: Option<Timestamp>,
}

/// Takes a fact in: what it says is written into the review.
pub(super) fn apply<'f>(draft: &mut Draft<'_>, fact: &'f Fact) -> Observed<'f> {
    let mut applying = Applying { draft, observed: Observed::default(), told_at: None };
    applying.apply(fact);
    applying.observed
}

impl<'f> Applying<'_, '_, 'f> {
    fn apply(&mut self, fact: &'f Fact) {
        match fact {
            Fact::Told { act, by, at, snapshot } => {
                let hand = self.hand(by);
                let at = match hand {
                    Hand::Person => self.draft.told_apart(act, by, *at),
                    Hand::Own | Hand::Bot => *at,
                };
                self.told_at = Some(at);
                if *act == Act::Pushed {
                    self.pushed(by, snapshot, hand);
                }
                let was_skipped = self.draft.review.said.hold == Some(Hold::Skip);
                self.apply_snapshot(snapshot, hand, Some(act));
                if !was_skipped {
                    self.note_who_skipped(by);
                }
                // While a change waits for its turn, what people do is heard: later it would be news.
                let waits = self.draft.review.said.hold == Some(Hold::FirstRun);
                if !waits || hand == Hand::Person || matches!(act, Act::Commanded { .. }) {
                    self.apply_act(act, by, at, hand);
                }
            }
            Fact::Swept { snapshot } => {
                self.apply_snapshot(snapshot, Hand::Person, None);
                self.observed.reshape = true;
            }
            Fact::Unreachable { why } => self.lose(*why),
            Fact::Moved { to } => self.move_house(to),
            Fact::Files { files, codeowners } => {
                self.measure_files(files);
                self.observed.files = Some(FilesRead { files, codeowners: *codeowners });
            }
            Fact::Threads { threads } => self.take_threads(threads),
            Fact::Failed { action, since, given_up } => self.failed(action, *since, *given_up),
            Fact::Refused { reviewer, refusal } => self.refused(reviewer, *refusal),
            Fact::Lapsed { key, not_after } => self.draft.lapsed(key, *not_after),
            Fact::TemplateBroken { template, fault } => self.draft.note_template(template, fault),
            Fact::Tick => {}
        }
    }
}

impl Applying<'_, '_, '_> {
    fn hand(&self, by: &Actor) -> Hand {
        match &self.draft.world.directory.me {
            Some(me) if *me == by.account => Hand::Own,
            _ if by.bot => Hand::Bot,
            _ => Hand::Person,
        }
    }

    /// A look at the forge also counts where what was last seen is dated in the future.
    fn is_news(&self, snapshot: &Snapshot, looked: bool) -> bool {
        let plausible = later(self.draft.now(), CLOCKS_DIFFER);
        self.draft
            .review
            .seen
            .at
            .is_none_or(|seen| seen <= snapshot.updated_at || (looked && seen > plausible))
    }

    /// Takes in what the change looks like after `act`; `None` where only the looks are known.
    fn apply_snapshot(&mut self, snapshot: &Snapshot, hand: Hand, act: Option<&Act>) {
        if !self.draft.review.tracked {
            self.first_look(snapshot);
        }
        let known_until = self.draft.review.known_until();
        if let Some(seen) = &snapshot.reviewers {
            self.take_verdicts(seen, snapshot.updated_at);
        }
        if !self.is_news(snapshot, act.is_none()) {
            self.draft.say(Reason::OlderSnapshot);
            return;
        }
        let fresh = self.draft.review.seen.at != Some(snapshot.updated_at);
        let beside = hand != Hand::Own && self.is_beside_own(snapshot, act);
        if hand == Hand::Own {
            self.draft.review.seen.own_at = self.draft.review.seen.own_at.max(Some(snapshot.updated_at));
        }
        // A webhook that tells nothing new may be a late copy, from before the change was missed.
        if fresh || act.is_none() {
            self.find_again();
        }
        self.note_looks(snapshot);
        self.observed.threads |= fresh && act.is_none();
        let pushed = act == Some(&Act::Pushed);
        self.apply_head(snapshot, pushed || hand == Hand::Bot, known_until);
        self.measure_snapshot(snapshot);
        self.apply_state(snapshot);
        if let Some(labels) = &snapshot.labels {
            let (names, kind) = (&self.draft.world.policy.labels, self.draft.world.directory.kind);
            // What this act put on was not there before: that we took it off may not have been told.
            if let (Some(Act::Labelled { labels: put_on }), true) = (act, fresh) {
                let put_on = names.spelled(kind, put_on);
                self.draft.review.seen.labels.retain(|label| !put_on.contains(label));
                if hand != Hand::Own {
                    self.give_away(&put_on);
                }
            }
            let labels = names.spelled(kind, labels);
            let labels = if beside { self.with_own_labels(&labels) } else { labels };
            self.apply_labels(&labels, hand, snapshot.updated_at);
        }
        if let Some(reviewers) = &snapshot.reviewers {
            let asked = self.draft.review.active().count();
            self.apply_reviewers(reviewers, hand, beside, snapshot.updated_at);
            if self.draft.review.active().count() > asked {
                // Somebody who dropped off the roster is heard since a person asks them again.
                self.take_verdicts(reviewers, snapshot.updated_at);
            }
        }
        if fresh || act.is_none() {
            self.draft.review.forget_what_left();
        }
        // Our own write may be told with the second in which the change was seen last.
        if fresh || act.is_none() || hand == Hand::Own {
            self.look_for_what_was_blocked();
        }
        // Only news: the forge may have looked so before it was asked for anything else.
        self.observed.reshape |= hand == Hand::Bot && fresh;
    }

    /// What needs no judgement.
    fn note_looks(&mut self, snapshot: &Snapshot) {
        self.draft.review.project_id = snapshot.project_id.or(self.draft.review.project_id);
        self.draft.review.seen.at = Some(snapshot.updated_at);
        self.draft.review.seen.title.clone_from(&snapshot.title);
        self.draft.review.seen.url.clone_from(&snapshot.url);
        self.draft.review.seen.whole |= snapshot.reviewers.is_some() && snapshot.target_branch.is_some();
        if let Some(tickets) =
            snapshot.tickets.as_ref().filter(|tickets| **tickets != self.draft.review.seen.tickets)
        {
            self.draft.review.seen.tickets.clone_from(tickets);
            self.draft.say(Reason::Tickets { tickets: tickets.clone() });
        }
        if let Some(branch) = &snapshot.target_branch {
            self.observed.rerouted |= self.draft.review.seen.target_branch != *branch;
            self.draft.review.seen.target_branch.clone_from(branch);
        }
    }

    /// Whether the snapshot is of the same second as the newest one of a write of ours, so that it may be
    /// from before it. What is read by a sweep a while later is from after it.
    fn is_beside_own(&self, snapshot: &Snapshot, act: Option<&Act>) -> bool {
        let own_at = self.draft.review.seen.own_at;
        let settled = own_at.is_some_and(|at| self.draft.now().duration_since(at) > OWN_WRITE_SETTLES);
        own_at == Some(snapshot.updated_at) && (act.is_some() || !settled)
    }

    /// Labels as they are with what our write, of the same second, has put on and taken off.
    fn with_own_labels(&self, labels: &BTreeSet<String>) -> BTreeSet<String> {
        let (seen, asked) = (&self.draft.review.seen.labels, &self.draft.review.done.last_applied);
        let off = |label: &&String| asked.not_labels.contains(*label) && !seen.contains(*label);
        let shown = labels.iter().filter(|label| !off(label));
        shown.chain(seen.intersection(&asked.labels)).cloned().collect()
    }

    /// New commits that no fact told of: the author's push was lost. It is dated right after what
    /// was known before, so that it answers that and not what came with the same news. `told`: a fact
    /// tells whose commits they are, or they are taken for the bot's that is at work.
    fn apply_head(&mut self, snapshot: &Snapshot, told: bool, known_until: Option<Timestamp>) {
        let Some(head) = &snapshot.head else { return };
        let moved = self.draft.review.seen.head.as_ref().is_some_and(|known| known != head);
        self.draft.review.seen.head = Some(head.clone());
        if moved {
            self.draft.review.seen.pushed_at = Some(snapshot.updated_at);
            // Commits resolve threads on the lines that they change, where a project is set up so.
            self.observed.threads |= self.draft.review.active().any(|own| self.draft.open_threads(own) > 0);
        }
        if let (true, false, Some(known_until)) = (moved, told, known_until) {
            let moment = SignedDuration::from_millis(1);
            let after = known_until.checked_add(moment).unwrap_or(known_until);
            let before = snapshot.updated_at.checked_sub(moment).unwrap_or(snapshot.updated_at);
            let (at, before) = (after.min(before), self.draft.review.said.author_acted_at);
            self.author_acts(at);
            self.draft.review.said.guessed_push = Some(GuessedPush { head: head.clone(), at, before });
        }
    }

    /// It is told now who pushed: if it was not the author, it was no answer.
    fn pushed(&mut self, by: &Actor, snapshot: &Snapshot, hand: Hand) {
        let theirs = hand == Hand::Person && self.answers_for_author(by);
        let said = &mut self.draft.review.said;
        let guessed = said.guessed_push.take_if(|guessed| snapshot.head.as_ref() == Some(&guessed.head));
        if let Some(guessed) = guessed.filter(|guessed| !theirs && said.author_acted_at == Some(guessed.at)) {
            said.author_acted_at = guessed.before;
        }
    }

    /// Whether what the actor does to the code is the author's answer: the author, or a colleague in support
    /// who carries on.
    fn answers_for_author(&self, by: &Actor) -> bool {
        self.draft.review.is_authors(&by.account) || self.draft.world.directory.is_support(by.account.id)
    }

    fn first_look(&mut self, snapshot: &Snapshot) {
        let person = self.draft.world.directory.by_id(snapshot.author.id);
        let account = person.and_then(|person| person.account.clone());
        self.draft.review.tracked = true;
        self.draft.review.seen.first_at = Some(self.draft.now());
        self.draft.review.author = account.unwrap_or_else(|| snapshot.author.clone());
        self.draft.review.author_name = person.map(|person| person.name.clone());
        self.draft.review.seen.opened_at = snapshot.created_at.or(Some(snapshot.updated_at));
        let author =
            self.draft.review.author_name.clone().unwrap_or_else(|| self.draft.review.author.login.clone());
        self.draft.say(Reason::Tracked { author });
        if self.draft.review.seen.opened_at.is_some_and(|opened| opened < self.draft.world.first_seen)
            && snapshot.state == ChangeState::Open
        {
            self.draft.review.said.hold = Some(Hold::FirstRun);
            self.draft.say(Reason::HeldForFirstRun);
        }
    }

    fn apply_state(&mut self, snapshot: &Snapshot) {
        if self.draft.review.seen.state != snapshot.state {
            self.draft.review.seen.ended_at = match snapshot.state {
                ChangeState::Open => None,
                ChangeState::Closed | ChangeState::Merged => Some(snapshot.updated_at),
            };
            self.draft.say(match snapshot.state {
                ChangeState::Open => Reason::Reopened,
                state @ (ChangeState::Closed | ChangeState::Merged) => Reason::Ended { state },
            });
            self.draft.review.seen.state = snapshot.state;
            if self.draft.review.is_open() {
                self.take_care_of_stage_labels();
            }
        }
        if let Some(draft) = snapshot.draft {
            if draft && !self.draft.review.seen.draft {
                self.draft.say(Reason::IsDraft);
            }
            self.draft.review.seen.draft = draft;
        }
        if !self.draft.review.seen.draft
            && self.draft.review.seen.ready_at.is_none()
            && self.draft.review.is_open()
        {
            self.draft.review.seen.ready_at = Some(snapshot.updated_at);
            self.draft.say(Reason::Ready);
        }
    }

    /// A stage that somebody put on a finished change is over when it is open again.
    fn take_care_of_stage_labels(&mut self) {
        let (names, review) = (&self.draft.world.policy.labels, &mut self.draft.review);
        let stages = review.seen.labels.iter().filter(|label| names.stage_of(label).is_some());
        review.done.set_labels.extend(stages.cloned());
    }

    /// What somebody else has put on is theirs, though Usher has asked for it as well: it was taken off
    /// meanwhile, and that was not noticed where nobody told that it was on. The stage is Usher's.
    fn give_away(&mut self, put_on: &BTreeSet<String>) {
        let names = &self.draft.world.policy.labels;
        let is_stage = |label: &String| Stage::ALL.into_iter().any(|stage| names.of(stage) == Some(label));
        let done = &mut self.draft.review.done;
        done.set_labels.retain(|label| !put_on.contains(label) || is_stage(label));
        done.leaving.labels.retain(|label| !put_on.contains(label));
    }

    /// Compares labels with those seen before: what a person took off stays off, a stage label that
    /// a person put on is the stage, and the skip label is obeyed.
    fn apply_labels(&mut self, labels: &BTreeSet<String>, hand: Hand, at: Timestamp) {
        let names = &self.draft.world.policy.labels;
        let seen = std::mem::replace(&mut self.draft.review.seen.labels, labels.clone());
        self.observed.rerouted |= hand != Hand::Own && seen != *labels;
        match (labels.contains(&names.skip), seen.contains(&names.skip)) {
            // In the first roll-out it waits for its turn, and goes on waiting while the label is on.
            (true, false) if self.draft.review.said.hold == Some(Hold::FirstRun) => {}
            (true, false) if self.draft.review.said.hold != Some(Hold::Skip) && hand != Hand::Own => {
                self.draft.review.said.hold = Some(Hold::Skip);
                self.draft.review.said.hold_origin = Some(HoldOrigin { by: None, at });
                self.draft.review.said.unskip = false;
                self.draft.say(Reason::Skipped { by: None });
            }
            (false, true) if self.draft.review.said.hold == Some(Hold::Skip) => {
                self.draft.review.said.hold = None;
                self.draft.say(Reason::Resumed { by: None });
            }
            _ => {}
        }
        if hand == Hand::Own {
            return;
        }
        // What somebody else puts on is theirs, and Usher does not take it off.
        for label in labels.iter().filter(|label| !seen.contains(*label)) {
            if !self.draft.review.done.last_applied.labels.contains(label) {
                self.draft.review.done.set_labels.remove(label);
            }
        }
        if hand == Hand::Bot {
            return;
        }
        let Done { last_applied: DesiredState { labels: wanted, .. }, leaving, .. } = &self.draft.review.done;
        let missing = wanted.iter().filter(|label| seen.contains(*label) && !labels.contains(*label));
        let by_others = missing.filter(|label| **label != names.skip && !leaving.labels.contains(*label));
        let taken_off: Vec<String> = by_others.cloned().collect();
        let set = Stage::ALL.into_iter().find(|stage| {
            let label = names.of(*stage);
            label.is_some_and(|label| {
                labels.contains(label) && !seen.contains(label) && !wanted.contains(label)
            })
        });
        // On a finished change it is a label like any other, and stays.
        if let Some(stage) = set.filter(|_| self.draft.review.is_open()) {
            // The label that the new one replaces was taken off as part of the same wish.
            let told_at = self.told_at.filter(|told| second_of(*told) == at);
            self.draft.review.said.stage = Some((stage, told_at.unwrap_or(at)));
            self.draft.say(Reason::StageSet { stage });
            // With the stage the label is in Usher's care again.
            let label = names.of(stage).unwrap_or_default();
            self.draft.review.said.hands_off.remove(label);
            self.draft.review.done.set_labels.insert(label.to_owned());
        }
        let back = labels.iter().filter(|label| !seen.contains(*label));
        for label in back {
            self.draft.review.said.hands_off.remove(label);
        }
        for label in taken_off {
            if set.is_none() || names.stage_of(&label).is_none() {
                self.draft.review.said.hands_off.insert(label.clone());
                self.draft.say(Reason::LabelTakenOff { label });
            }
        }
    }

    /// Takes in what somebody did.
    fn apply_act(&mut self, act: &Act, by: &Actor, at: Timestamp, hand: Hand) {
        if hand != Hand::Person {
            if hand == Hand::Bot
                && !matches!(act, Act::Touched | Act::Labelled { .. } | Act::ThreadTurned { .. })
            {
                self.draft.say(Reason::OnlyABot { login: by.account.login.clone() });
            }
            return;
        }
        let is_author = self.draft.review.is_authors(&by.account);
        match act {
            Act::Touched | Act::Labelled { .. } => {}
            Act::Pushed if self.answers_for_author(by) => self.author_acts(at),
            Act::Pushed => self.draft.say(Reason::OthersPushed { login: by.account.login.clone() }),
            Act::Reviewed { verdict: Verdict::Commented } | Act::Commented if is_author => {
                self.author_writes(at)
            }
            // They said that they are on it: what they ask meanwhile they ask in a review.
            Act::Commented if self.has_accepted(&by.account) => {}
            Act::Reviewed { verdict: Verdict::Commented } if self.reviewed_by_command(&by.account, at) => {}
            Act::Reviewed { verdict: Verdict::Commented } if !is_author => self.remarks(&by.account, at),
            Act::Reviewed { verdict } if !is_author => self.take_verdict(&by.account, *verdict, at, false),
            Act::Reviewed { .. } => {}
            Act::Commented => self.writes(&by.account, at),
            Act::Dismissed { reviewer } => self.take_verdict(reviewer, Verdict::Withdrawn, at, false),
            Act::Requested { reviewer } => self.requested(reviewer, by, at),
            Act::ThreadTurned { thread, resolved } => {
                self.thread_turned(thread.as_ref(), *resolved, &by.account, at);
            }
            Act::Unrequested { reviewer } => self.taken_off(reviewer, at),
            Act::Commanded { command, comment, place, also } => {
                if !self.draft.world.policy.dates_reviews(&self.draft.review.change.forge) {
                    self.commands(&by.account, at);
                }
                self.obey_all(std::iter::once(command).chain(also), (*place, *comment), by, at);
            }
        }
    }

    /// Somebody wrote into the conversation.
    fn writes(&mut self, account: &Account, at: Timestamp) {
        self.take_verdict(account, Verdict::Commented, at, false);
        let dates = self.draft.world.policy.dates_reviews(&self.draft.review.change.forge);
        if let Some(own) = self.draft.review.said.verdicts.get_mut(&account.id).filter(|_| !dates) {
            own.wrote_at = own.wrote_at.max(Some(at));
        }
    }

    fn has_accepted(&self, account: &Account) -> bool {
        self.draft.review.active().any(|own| own.account == *account && own.accepted)
    }

    /// The author pushed, asked again or says that it is ready.
    pub(super) fn author_acts(&mut self, at: Timestamp) {
        if self.draft.review.said.author_acted_at.is_none_or(|acted| acted < at) {
            self.answered_by(|review| review.said.author_acted_at = Some(at));
        }
    }

    /// The author wrote something.
    fn author_writes(&mut self, at: Timestamp) {
        if self.draft.review.said.author_wrote_at.is_none_or(|wrote| wrote < at) {
            self.answered_by(|review| review.said.author_wrote_at = Some(at));
        }
    }

    pub(super) fn answered_by(&mut self, act: impl FnOnce(&mut Review)) {
        let asking = |review: &Review| review.active().filter(|a| review.asks_author(a)).count();
        let before = asking(&self.draft.review);
        act(&mut self.draft.review);
        if asking(&self.draft.review) < before {
            // Answered: whatever is asked of the author next is a turn of its own.
            self.draft.review.planned.author_box.close();
            self.draft.say(Reason::AuthorActed);
        }
    }
}
