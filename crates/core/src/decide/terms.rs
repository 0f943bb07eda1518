//! The terms of a time box: how much time a stage has on this change, and with which steps.
//!
//! Four layers may say so, for each stage on its own: the first `[[timebox_rule]]` that matches the
//! change, the route by which the pool got the change, the pool, and `[timebox]`. Budget and steps
//! are looked for separately: a rule that gives two hours keeps the steps of the pool.
//!
//! Terms are looked up whenever they are needed and never stored. So a push that makes a small change
//! large gives its box the larger budget at once, and what is spent stays spent.

use crate::model::fingerprint::fingerprint;
use crate::model::labels::LabelsOn;
use crate::model::message::{BoxNote, BoxNoteSource};
use crate::model::policy::{Policy, Route};
use crate::model::review::{PoolReview, Review};
use crate::model::terms::{RuleConditions, Terms, TermsSource, TimeBoxRule, Turn};

impl TimeBoxRule {
    pub fn needs_size(&self) -> bool {
        self.min_lines.is_some() || self.max_lines.is_some() || self.max_files.is_some()
    }

    pub fn matches(&self, review: &Review, labels: LabelsOn<'_>) -> bool {
        let fits = !self.needs_size()
            || review.seen.size.is_some_and(|size| {
                self.min_lines.is_none_or(|least| size.lines >= least)
                    && self.max_lines.is_none_or(|most| size.lines <= most)
                    && self.max_files.is_none_or(|most| size.files <= most)
            });
        labels.satisfy(&self.labels) && fits
    }

    /// The rule as it is told.
    pub fn conditions(&self) -> RuleConditions {
        RuleConditions {
            name: self.name.clone(),
            min_lines: self.min_lines,
            max_lines: self.max_lines,
            max_files: self.max_files,
            labels: self.labels.clone(),
        }
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

    /// The first rule that matches the change and says something of the turn.
    pub fn box_rule(&self, review: &Review, turn: Turn) -> Option<&TimeBoxRule> {
        let labels = self.labels_on(review);
        self.box_rules.iter().find(|rule| rule.boxes.said(turn).is_some() && rule.matches(review, labels))
    }

    /// The terms of a turn's box; `part` is the pool whose reviewers (or lead) it concerns.
    pub fn terms(&self, review: &Review, turn: Turn, part: Option<&PoolReview>) -> Terms<'_> {
        let rule = self.box_rule(review, turn);
        let pool = part.and_then(|part| self.pool(&part.pool)).and_then(|pool| pool.boxes.said(turn));
        let route = part.and_then(|part| self.route_with_boxes(part)?.boxes.said(turn));
        let layers = [
            rule.map(|rule| (rule.boxes.of(turn), TermsSource::Rule(rule))),
            route.map(|said| (said, TermsSource::Route)),
            pool.map(|said| (said, TermsSource::Pool)),
        ];
        let everywhere = self.boxes.of(turn);
        let mut said = layers.iter().flatten();
        Terms {
            budget: said.clone().find_map(|(said, _)| said.budget).unwrap_or(everywhere.budget),
            steps: said.clone().find_map(|(said, _)| said.steps.as_deref()).unwrap_or(&everywhere.steps),
            source: said.next().map_or(TermsSource::Everywhere, |(_, source)| *source),
        }
    }

    /// Why the present time boxes are not those that hold everywhere, one note for each that is not.
    pub fn box_notes(&self, review: &Review) -> Vec<BoxNote> {
        let Some(turn) = Turn::of(review.done.stage) else { return Vec::new() };
        let for_each_pool = matches!(turn, Turn::Waiting | Turn::Reviewing);
        // The boxes of author and merge are one for the change; the first pool speaks for it.
        let parts = review.planned.pools.iter().take(if for_each_pool { usize::MAX } else { 1 });
        let mut notes: Vec<BoxNote> = parts.filter_map(|part| self.box_note(review, turn, part)).collect();
        if notes.iter().skip(1).all(|note| Some(note) == notes.first()) {
            notes.truncate(1);
        }
        notes
    }

    fn box_note(&self, review: &Review, turn: Turn, part: &PoolReview) -> Option<BoxNote> {
        let terms = self.terms(review, turn, Some(part));
        let pool = || part.pool.clone();
        let by = match terms.source {
            TermsSource::Everywhere => return None,
            TermsSource::Pool => BoxNoteSource::Pool { pool: pool() },
            TermsSource::Route => BoxNoteSource::Route { pool: pool() },
            TermsSource::Rule(rule) => BoxNoteSource::Rule {
                rule: rule.conditions(),
                size: review.seen.size.filter(|_| rule.needs_size()),
            },
        };
        Some(BoxNote { budget: terms.budget, by })
    }

    /// The route by which the pool got the change, if it has boxes of its own and is still there.
    fn route_with_boxes(&self, part: &PoolReview) -> Option<&Route> {
        let print = part.route?;
        let own = self.routes.iter().filter(|route| !route.boxes.is_empty() && route.pool == part.pool);
        own.into_iter().find(|route| route.print() == print)
    }
}
