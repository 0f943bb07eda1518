//! The terms of a time box: how much time a court has on this change, and with which steps.
//!
//! Four layers may say so, for each court on its own: the first `[[timebox_rule]]` that matches the
//! change, the route by which the pool got the change, the pool, and `[timebox]`. Budget and steps
//! are looked for separately: a rule that gives two hours keeps the steps of the pool.
//!
//! Terms are looked up whenever they are needed and never stored. So a push that makes a small change
//! large gives its box the larger budget at once, and what is spent stays spent.

use super::pick::fingerprint;
use super::policy::{Policy, Route};
use super::review::{PoolReview, Review, Stage};
use super::timebox::{BoxRule, BoxRules, Budget, Step};

/// Who may have the ball, and so which box runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Court {
    Waiting,
    Reviewing,
    WithAuthor,
    ReadyToMerge,
}

/// What a layer says of one court; nothing, where it leaves it to the layers below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoxOverride {
    pub budget: Option<Budget>,
    /// In ascending order of `at_percent`.
    pub steps: Option<Vec<Step>>,
}

/// What a layer says of all courts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoxOverrides {
    pub waiting: BoxOverride,
    pub reviewing: BoxOverride,
    pub with_author: BoxOverride,
    pub ready_to_merge: BoxOverride,
}

/// A `[[timebox_rule]]`: boxes for changes of a certain size or label. All of its conditions must
/// hold; while the size is not known, no condition on it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeBoxRule {
    /// How the status comment calls it.
    pub name: Option<String>,
    pub min_lines: Option<u64>,
    pub max_lines: Option<u64>,
    pub max_files: Option<u64>,
    /// Matches when the change has one of them; empty: does not matter.
    pub labels: Vec<String>,
    pub boxes: BoxOverrides,
}

/// The topmost layer that said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermsSource<'p> {
    Everywhere,
    Pool,
    Route,
    Rule(&'p TimeBoxRule),
}

/// What holds for one box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'p> {
    pub budget: Budget,
    pub steps: &'p [Step],
    pub source: TermsSource<'p>,
}

impl Court {
    /// The court of a stage; drafts and what is done have none.
    pub fn of(stage: Stage) -> Option<Court> {
        match stage {
            Stage::Waiting => Some(Court::Waiting),
            Stage::Reviewing => Some(Court::Reviewing),
            Stage::WithAuthor => Some(Court::WithAuthor),
            Stage::ReadyToMerge => Some(Court::ReadyToMerge),
            Stage::Draft | Stage::Done => None,
        }
    }
}

impl BoxOverride {
    pub fn is_empty(&self) -> bool {
        self.budget.is_none() && self.steps.is_none()
    }
}

impl BoxOverrides {
    pub fn of(&self, court: Court) -> &BoxOverride {
        match court {
            Court::Waiting => &self.waiting,
            Court::Reviewing => &self.reviewing,
            Court::WithAuthor => &self.with_author,
            Court::ReadyToMerge => &self.ready_to_merge,
        }
    }

    pub fn is_empty(&self) -> bool {
        let courts = [&self.waiting, &self.reviewing, &self.with_author, &self.ready_to_merge];
        courts.into_iter().all(BoxOverride::is_empty)
    }

    /// What it says of the court, if anything.
    fn said(&self, court: Court) -> Option<&BoxOverride> {
        Some(self.of(court)).filter(|said| !said.is_empty())
    }
}

impl BoxRules {
    pub fn of(&self, court: Court) -> &BoxRule {
        match court {
            Court::Waiting => &self.waiting,
            Court::Reviewing => &self.reviewing,
            Court::WithAuthor => &self.with_author,
            Court::ReadyToMerge => &self.ready_to_merge,
        }
    }
}

impl TimeBoxRule {
    pub fn needs_size(&self) -> bool {
        self.min_lines.is_some() || self.max_lines.is_some() || self.max_files.is_some()
    }

    pub fn matches(&self, review: &Review) -> bool {
        let labelled =
            self.labels.is_empty() || self.labels.iter().any(|label| review.seen_labels.contains(label));
        let fits = !self.needs_size()
            || review.size.is_some_and(|size| {
                self.min_lines.is_none_or(|least| size.lines >= least)
                    && self.max_lines.is_none_or(|most| size.lines <= most)
                    && self.max_files.is_none_or(|most| size.files <= most)
            });
        labelled && fits
    }

    /// What tells this rule from the others.
    pub fn print(&self) -> u64 {
        let texts = self.name.iter().chain(&self.labels).map(String::as_str);
        let numbers = [self.min_lines, self.max_lines, self.max_files];
        numbers.into_iter().fold(fingerprint(texts), |print, number| {
            let number = number.map_or(0, |number| number.wrapping_add(1));
            (print ^ number).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

impl Policy {
    /// Whether anything depends on how much a change changes, so that it must be found out.
    pub fn needs_size(&self) -> bool {
        self.box_rules.iter().any(TimeBoxRule::needs_size) || self.scope.needs_size()
    }

    /// The first rule that matches the change and says something of the court.
    pub fn box_rule(&self, review: &Review, court: Court) -> Option<&TimeBoxRule> {
        self.box_rules.iter().find(|rule| rule.boxes.said(court).is_some() && rule.matches(review))
    }

    /// The terms of a court's box; `part` is the pool whose reviewers (or lead) it concerns.
    pub fn terms(&self, review: &Review, court: Court, part: Option<&PoolReview>) -> Terms<'_> {
        let rule = self.box_rule(review, court);
        let pool = part.and_then(|part| self.pool(&part.pool)).and_then(|pool| pool.boxes.said(court));
        let route = part.and_then(|part| self.route_with_boxes(part)?.boxes.said(court));
        let layers = [
            rule.map(|rule| (rule.boxes.of(court), TermsSource::Rule(rule))),
            route.map(|said| (said, TermsSource::Route)),
            pool.map(|said| (said, TermsSource::Pool)),
        ];
        let everywhere = self.boxes.of(court);
        let mut said = layers.iter().flatten();
        Terms {
            budget: said.clone().find_map(|(said, _)| said.budget).unwrap_or(everywhere.budget),
            steps: said.clone().find_map(|(said, _)| said.steps.as_deref()).unwrap_or(&everywhere.steps),
            source: said.next().map_or(TermsSource::Everywhere, |(_, source)| *source),
        }
    }

    /// The route by which the pool got the change, if it has boxes of its own and is still there.
    fn route_with_boxes(&self, part: &PoolReview) -> Option<&Route> {
        let print = part.route?;
        let own = self.routes.iter().filter(|route| !route.boxes.is_empty() && route.pool == part.pool);
        own.into_iter().find(|route| route.print() == print)
    }
}
