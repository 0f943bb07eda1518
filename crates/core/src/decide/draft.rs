//! The review as it comes to be: what every phase of a decision reads and writes.

use jiff::{SignedDuration, Timestamp};

use crate::model::absence::AbsenceWish;
use crate::model::action::Action;
use crate::model::calendar::Walks;
use crate::model::change::Account;
use crate::model::fact::Fact;
use crate::model::reason::Reason;
use crate::model::review::{Hold, Review, Stage};
use crate::model::world::{Decision, World};

/// How long nothing is chosen after a person took a reviewer off: they may be about to name
/// another.
pub(super) const GRACE_AFTER_REMOVAL: SignedDuration = SignedDuration::from_mins(10);
/// How soon a pool without anybody to ask is looked at again.
pub(super) const RETRY_STAFFING: SignedDuration = SignedDuration::from_mins(30);
/// How soon a change that no route claims, or that waits in the first roll-out, is looked at again.
pub(super) const RETRY_TOMORROW: SignedDuration = SignedDuration::from_hours(24);
/// How long a change that was seen in part only waits for a whole look: longer than a sweep takes.
pub(super) const SEEN_WHOLE_WITHIN: SignedDuration = SignedDuration::from_mins(20);
/// How soon files that were asked for and did not come are asked for again.
pub(super) const RETRY_FILES: SignedDuration = SignedDuration::from_hours(1);

/// So much later, at most the end of time.
pub(super) fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// A review as it comes to be, and why. Phases read and write it; what else they find they return.
pub(super) struct Draft<'w> {
    pub(super) world: &'w World<'w>,
    pub(super) review: Review,
    pub(super) reasons: Vec<Reason>,
    /// When boxes run out, as far as that was found out.
    pub(super) walks: Walks<'w>,
}

impl Draft<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.world.now
    }

    pub(super) fn say(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    /// Ids stay, logins change: people are named, and on GitHub asked, by the login that they have. Where
    /// the configuration calls somebody otherwise by now, they are the same person.
    pub(super) fn freshen_logins(&mut self) {
        let directory = self.world.directory;
        let renamed = |name: &str, account: &Account| {
            let known = directory.by_id(account.id).filter(|_| directory.by_name(name).is_none());
            known.map(|person| person.name.clone())
        };
        for own in &mut self.review.planned.assignments {
            own.person =
                renamed(&own.person, &own.account).unwrap_or_else(|| std::mem::take(&mut own.person));
        }
        let author = &self.review.author;
        let named = self.review.author_name.as_ref().and_then(|name| renamed(name, author));
        self.review.author_name = named.or(self.review.author_name.take());
        let asked = self.review.planned.assignments.iter_mut().map(|assignment| &mut assignment.account);
        let carrier = self.review.said.carrier.as_mut().map(|carrier| &mut carrier.account);
        for account in asked.chain([&mut self.review.author]).chain(carrier) {
            let known = self.world.directory.by_id(account.id).and_then(|person| person.account.as_ref());
            if let Some(known) = known.filter(|known| known.login != account.login) {
                account.login.clone_from(&known.login);
            }
        }
    }

    /// Whether the change is Usher's business at all.
    pub(super) fn admits(&mut self, fact: &Fact) -> bool {
        if self.review.tracked {
            return true;
        }
        let Some(snapshot) = fact.snapshot() else { return false };
        if !self.world.policy.watches(&self.review.change) {
            self.say(Reason::NotWatched);
            return false;
        }
        if !self.world.directory.is_support(snapshot.author.id) {
            self.say(Reason::NotSupport { author: snapshot.author.login.clone() });
            return false;
        }
        true
    }

    pub(super) fn is_live(&self) -> bool {
        self.review.is_live()
    }

    /// Ends a snooze that is over and lets a change of the first roll-out in when its turn has come.
    pub(super) fn hold_back(&mut self) {
        match self.review.said.hold {
            // A snooze is over with its time, or when the ball moves.
            Some(Hold::Snooze { until }) => {
                let moved = self.stage() != self.review.done.stage && self.review.is_ready();
                if until <= self.now() || moved {
                    self.review.said.hold = None;
                    self.say(Reason::Resumed { by: None });
                }
            }
            Some(Hold::FirstRun) if self.review.is_ready() && !self.has_skip_label() => {
                let limit = self.world.policy.limits.first_run_changes_per_day;
                if self.world.workloads.first_run_taken < limit {
                    self.review.said.hold = None;
                    self.say(Reason::Resumed { by: None });
                }
            }
            _ => {}
        }
    }

    fn has_skip_label(&self) -> bool {
        self.review.seen.labels.contains(&self.world.policy.labels.skip)
    }

    /// The next deadline of the review: computed, never scheduled.
    fn next_deadline(&self) -> Option<Timestamp> {
        let review = &self.review;
        if !review.tracked || !review.is_open() || review.seen.draft {
            return self.unwritten_end();
        }
        if review.seen.unreachable.is_some() {
            // Reconcile looks for it; this is for a ledger that never ends in silence.
            return Some(later(self.now(), RETRY_TOMORROW));
        }
        match review.said.hold {
            Some(Hold::Skip) => return None,
            Some(Hold::Snooze { until }) => return Some(until),
            Some(Hold::FirstRun) => {
                // What happens meanwhile does not put it at the end of the queue.
                let tomorrow = later(self.now(), RETRY_TOMORROW);
                let set = review.planned.wake.filter(|wake| *wake > self.now());
                return Some(set.map_or(tomorrow, |set| set.min(tomorrow)));
            }
            None if review.seen.blocked.is_some() => return Some(later(self.now(), RETRY_FILES)),
            None => {}
        }
        let boxes = self.box_deadlines();
        let leaves = self.leave_deadlines().chain(self.load_deadline());
        // What is due already was dealt with, or is kept back until `retry_at`.
        let reroute = review.planned.reroute.as_ref().map(|waits| waits.at);
        boxes.chain(leaves).chain(reroute).chain(review.planned.retry_at).filter(|at| *at > self.now()).min()
    }

    /// What ended in a dry run still shows what was written before it; that is put right once it is over.
    fn unwritten_end(&self) -> Option<Timestamp> {
        let dry = self.world.policy.dry_run && self.review.tracked && !self.review.is_open();
        let written = self.review.before_dry_run.as_ref().filter(|_| dry)?;
        let stands = written.done.stage_since.is_some() && written.done.stage != Stage::Done;
        stands.then(|| later(self.now(), RETRY_TOMORROW))
    }

    pub(super) fn close(mut self, actions: Vec<Action>, absence: Option<AbsenceWish>) -> Decision {
        if !actions.is_empty() && self.reasons.is_empty() {
            let dry = self.world.policy.dry_run;
            self.say(if dry { Reason::StillOnPaper } else { Reason::BroughtUpToDate });
        }
        let wake = self.next_deadline();
        self.review.planned.wake = wake;
        let Draft { review, reasons, .. } = self;
        Decision { review, actions, reasons, absence, wake }
    }
}
