//! The time boxes of a review: which of them run, in whose time, and when they are due.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::draft::Draft;
use super::find::{AssignmentId, PartId};
use super::stage::holders;
use crate::model::calendar::Agenda;
use crate::model::message::{Moment, NextStep};
use crate::model::people::Person;
use crate::model::reason::{Reason, RuleTold};
use crate::model::review::{Assignment, PoolReview, Stage};
use crate::model::standing::Holder;
use crate::model::terms::{Terms, Turn};
use crate::model::timebox::{StepKind, TimeBox};

/// One of the time boxes of a review.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxId {
    /// No route claims the change.
    Unclaimed,
    /// A pool that has nobody to ask.
    Waiting(PartId),
    /// A reviewer's turn.
    Reviewing(AssignmentId),
    Author,
    Merge,
}

impl Draft<'_> {
    /// Says which time box rule gives the turn its time, when that changes.
    pub(super) fn say_box_rule(&mut self) {
        let stage = self.review.done.stage;
        let Some(turn) = Turn::of(stage) else { return };
        let rule = self.world.policy.box_rule(&self.review, turn);
        let now = rule.map(|rule| (stage, rule.print()));
        let before = std::mem::replace(&mut self.review.done.box_rule_said, now);
        match rule {
            _ if before == now => {}
            Some(rule) => {
                let part = self.review.planned.pools.first();
                let budget = self.world.policy.terms(&self.review, turn, part).budget;
                self.say(Reason::BoxRuled { stage, rule: RuleTold::Conditions(rule.conditions()), budget });
            }
            None if before.is_some_and(|(said, _)| said == stage) => self.say(Reason::BoxUnruled { stage }),
            None => {}
        }
    }

    /// Every box runs exactly while its holder has the turn.
    pub(super) fn run_boxes(&mut self) {
        let now = self.now();
        for (id, runs) in self.turns() {
            let paused = (!runs).then(|| self.agenda(id));
            let Some(time_box) = self.time_box_mut(id) else { continue };
            match paused {
                None => time_box.run(now),
                Some(agenda) => time_box.pause(now, &agenda),
            }
        }
        let policy = self.world.policy;
        let helped = |part: &&PoolReview| {
            !policy.is_stuck(&self.review, &part.pool) && part.waiting_box.running_since.is_none()
        };
        let helped: Vec<PartId> = self.review.planned.pools.iter().filter(helped).map(PartId::of).collect();
        if !self.review.planned.pools.is_empty() {
            self.review.planned.unclaimed_box.close();
        }
        for part in helped {
            self.part_by_mut(part).into_iter().for_each(|part| part.waiting_box.close());
        }
    }

    /// All boxes, and whether it is their holder's turn.
    fn turns(&self) -> Vec<(BoxId, bool)> {
        let holders = holders(self.world.policy, &self.review, self.review.done.stage);
        let held = |id| match id {
            BoxId::Waiting(part) => self.part_by(part).is_some_and(|part| {
                holders.iter().any(|holder| matches!(holder, Holder::Pool { pool } if *pool == part.pool))
            }),
            BoxId::Reviewing(id) => self.assignment(id).is_some_and(|own| {
                let turn = Holder::Reviewer { pool: &own.pool, person: &own.person };
                own.is_active() && holders.contains(&turn)
            }),
            BoxId::Unclaimed => holders.contains(&Holder::Unclaimed),
            BoxId::Author => holders.contains(&Holder::Author),
            BoxId::Merge => holders.iter().any(|holder| matches!(holder, Holder::Merger { .. })),
        };
        self.boxes().into_iter().map(|id| (id, held(id))).collect()
    }

    /// Whether something is still wanted of the reviewer.
    pub(super) fn has_the_turn(&self, assignment: &Assignment) -> bool {
        self.world.policy.has_the_turn(&self.review, assignment)
    }

    pub(super) fn boxes(&self) -> Vec<BoxId> {
        let waiting = self.review.planned.pools.iter().map(|part| BoxId::Waiting(PartId::of(part)));
        let reviewing = self.assignment_ids().map(BoxId::Reviewing);
        waiting.chain(reviewing).chain([BoxId::Unclaimed, BoxId::Author, BoxId::Merge]).collect()
    }

    pub(super) fn running(&self) -> Vec<BoxId> {
        let mut boxes = self.boxes();
        boxes.retain(|id| self.time_box(*id).is_some_and(|own| own.running_since.is_some()));
        boxes
    }

    pub(super) fn time_box(&self, id: BoxId) -> Option<&TimeBox> {
        match id {
            BoxId::Waiting(id) => self.part_by(id).map(|part| &part.waiting_box),
            BoxId::Reviewing(id) => self.assignment(id).map(|own| &own.reviewing_box),
            BoxId::Unclaimed => Some(&self.review.planned.unclaimed_box),
            BoxId::Author => Some(&self.review.planned.author_box),
            BoxId::Merge => Some(&self.review.planned.merge_box),
        }
    }

    pub(super) fn time_box_mut(&mut self, id: BoxId) -> Option<&mut TimeBox> {
        match id {
            BoxId::Waiting(id) => self.part_by_mut(id).map(|part| &mut part.waiting_box),
            BoxId::Reviewing(id) => self.assignment_mut(id).map(|own| &mut own.reviewing_box),
            BoxId::Unclaimed => Some(&mut self.review.planned.unclaimed_box),
            BoxId::Author => Some(&mut self.review.planned.author_box),
            BoxId::Merge => Some(&mut self.review.planned.merge_box),
        }
    }

    /// The person who holds the box, by name; nobody holds that of a change which waits.
    pub(super) fn holder(&self, id: BoxId) -> Option<String> {
        match id {
            BoxId::Waiting(_) | BoxId::Unclaimed => None,
            BoxId::Reviewing(id) => self.assignment(id).map(|own| own.person.clone()),
            BoxId::Author => self.review.acting_author().0.map(str::to_owned),
            BoxId::Merge => self.review.merger().map(|assignment| assignment.person.clone()),
        }
    }

    /// The part of the pool whose lead answers for the box.
    pub(super) fn part_of(&self, id: BoxId) -> Option<&PoolReview> {
        let pool = match id {
            BoxId::Waiting(id) => return self.part_by(id),
            BoxId::Reviewing(id) => self.assignment(id).map(|own| own.pool.as_str()),
            BoxId::Merge => self.review.merger().map(|assignment| assignment.pool.as_str()),
            BoxId::Author | BoxId::Unclaimed => None,
        };
        pool.and_then(|pool| self.part(pool)).or(self.review.planned.pools.first())
    }
}

impl<'w> Draft<'w> {
    /// Budget and steps of the box on this change, at this moment.
    pub(super) fn terms(&self, id: BoxId) -> Terms<'w> {
        let turn = match id {
            BoxId::Waiting(_) | BoxId::Unclaimed => Turn::Waiting,
            BoxId::Reviewing(_) => Turn::Reviewing,
            BoxId::Author => Turn::WithAuthor,
            BoxId::Merge => Turn::ReadyToMerge,
        };
        self.world.policy.terms(&self.review, turn, self.part_of(id))
    }

    /// The business time in which the box runs: the holder's, or the pool's while nobody holds it.
    /// It stands still while the forge is closed.
    pub(super) fn agenda(&self, id: BoxId) -> Agenda<'w> {
        let world = self.world;
        let closed = world.policy.maintenance(&self.review.change.forge);
        if let BoxId::Waiting(id) = id
            && let Some(part) = self.part_by(id)
        {
            return Agenda::new(world.policy.pool_hours(&part.pool), &[]).outside(closed);
        }
        let holder = self.holder(id);
        match holder.and_then(|name| self.person_of(id, &name)) {
            Some(person) => person.agenda(),
            None => Agenda::new(&world.policy.default_hours, &[]).outside(closed),
        }
    }

    /// When the current turn's box runs out, in the order of boxes; for the status comment.
    pub(super) fn due_of(&self, assignment: AssignmentId) -> Option<Timestamp> {
        self.due(BoxId::Reviewing(assignment))
    }

    pub(super) fn author_due(&self) -> Option<Timestamp> {
        self.due(BoxId::Author)
    }

    pub(super) fn merge_due(&self) -> Option<Timestamp> {
        self.due(BoxId::Merge)
    }

    pub(super) fn due(&self, id: BoxId) -> Option<Timestamp> {
        self.time_box(id)?.due(self.terms(id).budget, 100, &self.agenda(id), &self.walks)
    }

    /// The steps to come in the box that runs out first, in the zone in which its holder reads times.
    pub(super) fn next_steps(&self) -> Vec<NextStep> {
        let soonest = self.running().into_iter().min_by_key(|id| self.due(*id).unwrap_or(Timestamp::MAX));
        let Some((id, time_box)) = soonest.and_then(|id| Some((id, self.time_box(id)?))) else {
            return Vec::new();
        };
        let (terms, agenda) = (self.terms(id), self.agenda(id));
        let part = self.part_of(id);
        let lead = self.who_is_told(id);
        let done = |kind| match kind {
            StepKind::Remind => false,
            StepKind::Widen => part.is_none_or(|part| part.widened),
            StepKind::Escalate => self.is_escalated(id),
        };
        let untaken =
            terms.steps.iter().filter(|step| !time_box.taken_steps.contains(step) && !done(step.kind));
        let again = self.tells_again_at(id).filter(|at| *at > self.now());
        let again = again.map(|at| NextStep {
            kind: StepKind::Escalate,
            at: Some(Moment { at, zone: agenda.hours.timezone().clone() }),
            lead: lead.clone(),
        });
        let steps = untaken.map(|step| NextStep {
            kind: step.kind,
            at: time_box
                .due(terms.budget, step.at_percent, &agenda, &self.walks)
                .filter(|at| *at > self.now())
                .map(|at| Moment { at, zone: agenda.hours.timezone().clone() }),
            lead: lead.clone(),
        });
        let steps: Vec<NextStep> = steps.collect();
        if steps.is_empty() { again.into_iter().collect() } else { steps }
    }

    /// Somebody with the working time that they have as the box concerns them.
    pub(super) fn person_of(&self, id: BoxId, name: &str) -> Option<&'w Person> {
        let directory = self.world.directory;
        match self.part_of(id) {
            Some(part) if id != BoxId::Author => directory.asked_by(&part.pool, name),
            _ => directory.by_name(name),
        }
    }

    /// The time zone in which a person reads a time, as somebody whom the pool asks or else.
    pub(super) fn zone_of(&self, name: Option<&str>, pool: Option<&str>) -> TimeZone {
        let directory = self.world.directory;
        let person = name.and_then(|name| match pool {
            Some(pool) => directory.asked_by(pool, name),
            None => directory.by_name(name),
        });
        person.map_or_else(|| self.world.policy.default_hours.timezone(), |p| p.hours.timezone()).clone()
    }
}

/// Deadlines.
impl Draft<'_> {
    /// When the next step of each running box is due, or its budget is spent.
    pub(super) fn box_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        let running = self.running().into_iter().filter_map(|id| Some((id, self.time_box(id)?)));
        running.flat_map(move |(id, time_box)| {
            let (terms, agenda) = (self.terms(id), self.agenda(id));
            let untaken = terms.steps.iter().filter(|step| !time_box.taken_steps.contains(step));
            let steps = untaken.map(|step| step.at_percent).chain([100]).collect::<Vec<_>>();
            let again = self.tells_again_at(id);
            let dues = steps
                .into_iter()
                .filter_map(move |percent| time_box.due(terms.budget, percent, &agenda, &self.walks));
            dues.chain(again)
        })
    }

    /// When somebody who has the turn goes on leave, and when somebody is back.
    pub(super) fn leave_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        let stage = self.review.done.stage;
        let merger = self.review.merger().filter(|_| stage == Stage::ReadyToMerge);
        let turns = self.review.active().filter(move |a| stage == Stage::Reviewing && self.has_the_turn(a));
        let turns = turns.chain(merger);
        let author = self.holder(BoxId::Author).filter(|_| stage == Stage::WithAuthor);
        let author = author.and_then(|name| {
            let agenda = self.world.directory.by_name(&name)?.agenda();
            agenda.leave_begins(agenda.next_leave(self.now())?)
        });
        let back = self.review.active().filter(|own| own.absent).filter_map(|own| {
            self.world.directory.asked_by(&own.pool, &own.person)?.agenda().next_working(self.now())
        });
        let begins = turns.filter_map(|assignment| {
            let person = self.world.directory.asked_by(&assignment.pool, &assignment.person)?;
            let agenda = person.agenda();
            agenda.leave_begins(agenda.next_leave(self.now())?)
        });
        begins.chain(back).chain(author)
    }
}
