//! Time boxes: how much business time a turn has, and what happens as it runs out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::calendar::{Agenda, Walks};

/// An amount of business time. A day is one working day of the calendar it is spent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    Minutes(u32),
    Days(u32),
    Seconds(u32),
}

impl Budget {
    /// The budget in milliseconds of business time of `agenda`.
    pub fn millis(self, agenda: &Agenda<'_>) -> i64 {
        match self {
            Budget::Seconds(seconds) => i64::from(seconds) * 1_000,
            Budget::Minutes(minutes) => i64::from(minutes) * 60_000,
            Budget::Days(days) => i64::from(days).saturating_mul(agenda.hours.longest_day_millis()),
        }
    }
}

/// What a step does when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Name the holder of the box in a short comment.
    Remind,
    /// Ask a second reviewer; the first stays.
    Widen,
    /// Name the pool's lead.
    Escalate,
}

impl StepKind {
    /// The word of the configuration.
    pub fn word(self) -> &'static str {
        match self {
            StepKind::Remind => "remind",
            StepKind::Widen => "widen",
            StepKind::Escalate => "escalate",
        }
    }
}

/// One step: due when `at_percent` of the budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    pub at_percent: u32,
    pub kind: StepKind,
}

/// The rule of one turn's time box. Steps are in ascending order of `at_percent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxRule {
    pub budget: Budget,
    pub steps: Vec<Step>,
}

/// The rules of all four turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxRules {
    pub waiting: BoxRule,
    pub reviewing: BoxRule,
    pub with_author: BoxRule,
    pub ready_to_merge: BoxRule,
}

impl Default for BoxRules {
    fn default() -> BoxRules {
        use StepKind::{Escalate, Remind, Widen};
        let rule = |budget, steps: &[(u32, StepKind)]| BoxRule {
            budget,
            steps: steps.iter().map(|&(at_percent, kind)| Step { at_percent, kind }).collect(),
        };
        BoxRules {
            waiting: rule(Budget::Minutes(120), &[(100, Escalate)]),
            reviewing: rule(Budget::Minutes(480), &[(100, Remind), (150, Widen), (200, Escalate)]),
            with_author: rule(Budget::Days(5), &[(100, Remind), (200, Escalate)]),
            ready_to_merge: rule(Budget::Minutes(480), &[(100, Remind), (200, Escalate)]),
        }
    }
}

/// One running, paused or finished time box.
///
/// A box that its holder answered, or that somebody else ended by taking the ball from them, is
/// closed: the next turn gets a fresh one. A box that was only interrupted (draft, snooze, closed
/// and reopened) keeps what was spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeBox {
    /// Business time used before `running_since`.
    pub spent_millis: i64,
    /// Since when the box runs; `None` while it is paused.
    pub running_since: Option<Timestamp>,
    /// Steps already taken, by what they are: a reload may put others before them.
    #[serde(default)]
    pub taken_steps: BTreeSet<Step>,
    /// The ledger knows that the budget is spent.
    pub ran_out: bool,
    /// When somebody was last told that it ran out, and how often so far.
    #[serde(default)]
    pub escalated_at: Option<Timestamp>,
    #[serde(default)]
    pub escalations: u32,
    /// That it ran out was told, or there is nobody to tell; of pools it is kept with their part.
    #[serde(default)]
    pub told: bool,
    /// Which turn this is; part of the key of every ping, so that a later turn may ping again.
    pub turn: u32,
}

impl TimeBox {
    /// Lets the box run from `now` on; no effect when it runs already.
    pub fn run(&mut self, now: Timestamp) {
        self.running_since.get_or_insert(now);
    }

    /// A running box runs from `now` on: what passed since was not the holder's time.
    pub fn restart(&mut self, now: Timestamp) {
        self.running_since = self.running_since.map(|_| now);
    }

    /// Stops the box and keeps what was spent in business time of `agenda`.
    pub fn pause(&mut self, now: Timestamp, agenda: &Agenda<'_>) {
        if let Some(since) = self.running_since.take() {
            self.spent_millis = self.spent_millis.saturating_add(agenda.between(since, now));
        }
    }

    /// Closes the box; the next run is a new turn with the whole budget.
    pub fn close(&mut self) {
        if self.running_since.is_some() || self.spent_millis > 0 || !self.taken_steps.is_empty() {
            *self = TimeBox { turn: self.turn.saturating_add(1), ..TimeBox::default() };
        }
    }

    /// When `at_percent` of the budget will be spent: `None` while the box is paused, or when that
    /// lies beyond the calendar's horizon.
    pub fn due<'a>(
        &self,
        budget: Budget,
        at_percent: u32,
        agenda: &Agenda<'a>,
        walks: &Walks<'a>,
    ) -> Option<Timestamp> {
        let (since, left) = self.left(budget, at_percent, agenda)?;
        walks.add(agenda, since, left)
    }

    /// When the whole budget is spent.
    pub fn runs_out(&self, budget: Budget, agenda: &Agenda<'_>) -> Option<Timestamp> {
        let (since, left) = self.left(budget, 100, agenda)?;
        agenda.add(since, left)
    }

    /// Since when it runs, and the business time from then on until `at_percent` is spent.
    fn left(&self, budget: Budget, at_percent: u32, agenda: &Agenda<'_>) -> Option<(Timestamp, i64)> {
        let wanted = budget.millis(agenda).saturating_mul(i64::from(at_percent)) / 100;
        Some((self.running_since?, wanted.saturating_sub(self.spent_millis).max(0)))
    }
}
