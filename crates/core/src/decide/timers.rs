//! The time boxes of a review: which of them run, in whose time, and when they are due.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Draft;
use crate::model::calendar::Agenda;
use crate::model::message::{Moment, NextStep};
use crate::model::reason::{Reason, RuleTold};
use crate::model::review::{Assignment, Stage};
use crate::model::terms::{Court, Terms};
use crate::model::timebox::{StepKind, TimeBox};

/// One of the time boxes of a review.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxId {
    /// A pool that has nobody to ask; index into `pools`.
    Waiting(usize),
    /// A reviewer's turn; index into `assignments`.
    Reviewing(usize),
    Author,
    Merge,
}

impl Draft<'_> {
    /// Says which time box rule gives the court its time, when that changes.
    pub(super) fn say_box_rule(&mut self) {
        let stage = self.review.stage;
        let Some(court) = Court::of(stage) else { return };
        let rule = self.world.policy.box_rule(&self.review, court);
        let now = rule.map(|rule| (stage, rule.print()));
        let before = std::mem::replace(&mut self.review.box_rule_said, now);
        match rule {
            _ if before == now => {}
            Some(rule) => {
                let part = self.review.pools.first();
                let budget = self.world.policy.terms(&self.review, court, part).budget;
                self.say(Reason::BoxRuled { stage, rule: RuleTold::Conditions(rule.conditions()), budget });
            }
            None if before.is_some_and(|(said, _)| said == stage) => self.say(Reason::BoxUnruled { stage }),
            None => {}
        }
    }

    /// Every box runs exactly while its holder has the ball.
    pub(super) fn run_boxes(&mut self) {
        let now = self.now();
        for id in self.boxes() {
            if self.should_run(id) {
                self.time_box_mut(id).run(now);
            } else {
                let agenda = self.agenda(id);
                self.time_box_mut(id).pause(now, &agenda);
            }
        }
        for index in 0..self.review.pools.len() {
            let staffed = self.review.active_in(&self.review.pools[index].pool).next().is_some();
            if staffed {
                self.review.pools[index].waiting_box.close();
            }
        }
    }

    fn should_run(&self, id: BoxId) -> bool {
        let stage = self.review.stage;
        self.is_live()
            && match id {
                BoxId::Waiting(index) => {
                    self.review.active_in(&self.review.pools[index].pool).next().is_none()
                }
                BoxId::Reviewing(index) => {
                    let assignment = &self.review.assignments[index];
                    stage == Stage::Reviewing && self.has_the_turn(assignment)
                }
                BoxId::Author => stage == Stage::WithAuthor,
                BoxId::Merge => stage == Stage::ReadyToMerge,
            }
    }

    /// Whether something is still wanted of the reviewer.
    pub(super) fn has_the_turn(&self, assignment: &Assignment) -> bool {
        assignment.is_active() && !self.review.has_approved(assignment) && !self.is_content(&assignment.pool)
    }

    pub(super) fn boxes(&self) -> Vec<BoxId> {
        let waiting = (0..self.review.pools.len()).map(BoxId::Waiting);
        let reviewing = (0..self.review.assignments.len()).map(BoxId::Reviewing);
        waiting.chain(reviewing).chain([BoxId::Author, BoxId::Merge]).collect()
    }

    pub(super) fn running(&self) -> Vec<BoxId> {
        let mut boxes = self.boxes();
        boxes.retain(|id| self.time_box(*id).running_since.is_some());
        boxes
    }

    pub(super) fn time_box(&self, id: BoxId) -> &TimeBox {
        match id {
            BoxId::Waiting(index) => &self.review.pools[index].waiting_box,
            BoxId::Reviewing(index) => &self.review.assignments[index].reviewing_box,
            BoxId::Author => &self.review.author_box,
            BoxId::Merge => &self.review.merge_box,
        }
    }

    pub(super) fn time_box_mut(&mut self, id: BoxId) -> &mut TimeBox {
        match id {
            BoxId::Waiting(index) => &mut self.review.pools[index].waiting_box,
            BoxId::Reviewing(index) => &mut self.review.assignments[index].reviewing_box,
            BoxId::Author => &mut self.review.author_box,
            BoxId::Merge => &mut self.review.merge_box,
        }
    }

    /// The person who holds the box, by name; nobody holds a waiting box.
    pub(super) fn holder(&self, id: BoxId) -> Option<String> {
        match id {
            BoxId::Waiting(_) => None,
            BoxId::Reviewing(index) => Some(self.review.assignments[index].person.clone()),
            BoxId::Author => self.review.author_name.clone(),
            BoxId::Merge => self.review.merger().map(|assignment| assignment.person.clone()),
        }
    }

    /// The pool whose lead answers for the box.
    pub(super) fn pool_of(&self, id: BoxId) -> Option<usize> {
        let pool = match id {
            BoxId::Waiting(index) => return Some(index),
            BoxId::Reviewing(index) => Some(self.review.assignments[index].pool.as_str()),
            BoxId::Merge => self.review.merger().map(|assignment| assignment.pool.as_str()),
            BoxId::Author => None,
        };
        let found = pool.and_then(|pool| self.review.pools.iter().position(|part| part.pool == pool));
        found.or(if self.review.pools.is_empty() { None } else { Some(0) })
    }
}

impl<'w> Draft<'w> {
    /// Budget and steps of the box on this change, at this moment.
    pub(super) fn terms(&self, id: BoxId) -> Terms<'w> {
        let court = match id {
            BoxId::Waiting(_) => Court::Waiting,
            BoxId::Reviewing(_) => Court::Reviewing,
            BoxId::Author => Court::WithAuthor,
            BoxId::Merge => Court::ReadyToMerge,
        };
        let part = self.pool_of(id).map(|index| &self.review.pools[index]);
        self.world.policy.terms(&self.review, court, part)
    }

    /// The business time in which the box runs: the holder's, or the pool's while nobody holds it.
    /// It stands still while the forge is closed.
    pub(super) fn agenda(&self, id: BoxId) -> Agenda<'w> {
        let world = self.world;
        let closed = world.policy.maintenance(&self.review.change.forge);
        if let BoxId::Waiting(index) = id {
            return Agenda::new(world.policy.pool_hours(&self.review.pools[index].pool), &[]).outside(closed);
        }
        let holder = self.holder(id);
        match holder.and_then(|name| world.directory.by_name(&name)) {
            Some(person) => person.agenda(),
            None => Agenda::new(&world.policy.default_hours, &[]).outside(closed),
        }
    }

    /// When the current court's box runs out, in the order of boxes; for the status comment.
    pub(super) fn due_of(&self, assignment: usize) -> Option<Timestamp> {
        self.due(BoxId::Reviewing(assignment))
    }

    pub(super) fn author_due(&self) -> Option<Timestamp> {
        self.due(BoxId::Author)
    }

    pub(super) fn merge_due(&self) -> Option<Timestamp> {
        self.due(BoxId::Merge)
    }

    pub(super) fn due(&self, id: BoxId) -> Option<Timestamp> {
        self.time_box(id).due(self.terms(id).budget, 100, &self.agenda(id), &self.walks)
    }

    /// The steps to come in the box that runs out first, in the zone in which its holder reads times.
    pub(super) fn next_steps(&self) -> Vec<NextStep> {
        let soonest = self.running().into_iter().min_by_key(|id| self.due(*id).unwrap_or(Timestamp::MAX));
        let Some(id) = soonest else { return Vec::new() };
        let (time_box, terms, agenda) = (self.time_box(id), self.terms(id), self.agenda(id));
        let part = self.pool_of(id).map(|index| &self.review.pools[index]);
        let lead = part.and_then(|part| self.reachable_lead(&part.pool));
        let done = |kind| match kind {
            StepKind::Remind => false,
            StepKind::Widen => part.is_none_or(|part| part.widened),
            StepKind::Escalate => part.is_none_or(|part| part.escalated),
        };
        let untaken =
            terms.steps.iter().filter(|step| !time_box.taken_steps.contains(step) && !done(step.kind));
        let steps = untaken.map(|step| NextStep {
            kind: step.kind,
            at: time_box
                .due(terms.budget, step.at_percent, &agenda, &self.walks)
                .filter(|at| *at > self.now())
                .map(|at| Moment { at, zone: agenda.hours.timezone().clone() }),
            lead: lead.clone(),
        });
        steps.collect()
    }

    /// The time zone in which a person reads a time.
    pub(super) fn zone_of(&self, name: Option<&str>) -> TimeZone {
        let person = name.and_then(|name| self.world.directory.by_name(name));
        person.map_or_else(|| self.world.policy.default_hours.timezone(), |p| p.hours.timezone()).clone()
    }
}

/// Deadlines.
impl Draft<'_> {
    /// When the next step of each running box is due, or its budget is spent.
    pub(super) fn box_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        self.running().into_iter().flat_map(move |id| {
            let (time_box, terms, agenda) = (self.time_box(id), self.terms(id), self.agenda(id));
            let untaken = terms.steps.iter().filter(|step| !time_box.taken_steps.contains(step));
            let steps = untaken.map(|step| step.at_percent).chain([100]).collect::<Vec<_>>();
            steps
                .into_iter()
                .filter_map(move |percent| time_box.due(terms.budget, percent, &agenda, &self.walks))
        })
    }

    /// When a reviewer who has the turn goes on leave.
    pub(super) fn leave_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        let reviewing = self.review.stage == Stage::Reviewing;
        let turns = self.review.active().filter(move |a| reviewing && self.has_the_turn(a));
        turns.filter_map(|assignment| {
            let person = self.world.directory.by_name(&assignment.person)?;
            let agenda = person.agenda();
            agenda.leave_begins(agenda.next_leave(self.now())?)
        })
    }
}
