//! Time boxes in words: why a box is as long as it is.

use super::reasons::stage_name;
use super::text::{plain, quote};
use crate::model::change::Size;
use crate::model::policy::Policy;
use crate::model::review::{PoolReview, Review, Stage};
use crate::model::terms::{Court, TermsSource, TimeBoxRule};
use crate::model::timebox::Budget;

/// An amount of working time: `2 hours`, `90 minutes`, `3 working days`.
pub fn budget(budget: Budget) -> String {
    let unit = |n: u32, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match budget {
        Budget::Days(days) => unit(days, "working day"),
        Budget::Minutes(minutes) if minutes % 60 == 0 => unit(minutes / 60, "working hour"),
        Budget::Minutes(minutes) => unit(minutes, "working minute"),
    }
}

pub(super) fn ruled(stage: Stage, rule: &str, time: Budget) -> String {
    format!("By the rule for {rule} the time box is {} ({}).", budget(time), stage_name(stage))
}

pub(super) fn unruled(stage: Stage) -> String {
    format!("No time box rule holds any more; the usual time box does ({}).", stage_name(stage))
}

/// A time box rule by its name, or by its conditions.
pub fn box_rule(rule: &TimeBoxRule) -> String {
    if let Some(name) = &rule.name {
        return quote(name);
    }
    let mut parts = Vec::new();
    match (rule.min_lines, rule.max_lines) {
        (Some(least), Some(most)) => parts.push(format!("{least} to {most} changed lines")),
        (Some(least), None) => parts.push(format!("at least {least} changed lines")),
        (None, Some(most)) => parts.push(format!("at most {most} changed lines")),
        (None, None) => {}
    }
    parts.extend(rule.max_files.map(|most| format!("at most {most} changed files")));
    if !rule.labels.is_empty() {
        let labels: Vec<_> = rule.labels.iter().map(|label| quote(label)).collect();
        parts.push(format!("the label {}", labels.join(" or ")));
    }
    format!("changes with {}", parts.join(" and "))
}

/// The time that the present court has, one line for each box whose terms are not those that hold
/// everywhere.
pub fn box_notes(policy: &Policy, review: &Review) -> Vec<String> {
    let Some(court) = Court::of(review.stage) else { return Vec::new() };
    let for_each_pool = matches!(court, Court::Waiting | Court::Reviewing);
    // The boxes of author and merge are one for the change; the first pool speaks for it.
    let parts = review.pools.iter().take(if for_each_pool { usize::MAX } else { 1 });
    let notes: Vec<String> = parts.filter_map(|part| box_note(policy, review, court, part)).collect();
    match notes.split_first() {
        Some((first, others)) if others.iter().all(|note| note == first) => vec![first.clone()],
        _ => notes,
    }
}

fn box_note(policy: &Policy, review: &Review, court: Court, part: &PoolReview) -> Option<String> {
    let terms = policy.terms(review, court, Some(part));
    let why = match terms.source {
        TermsSource::Everywhere => return None,
        TermsSource::Pool => format!("as agreed for {}", plain(&part.pool)),
        TermsSource::Route => format!("as agreed for what comes to {} this way", plain(&part.pool)),
        TermsSource::Rule(rule) => {
            let size = review.size.filter(|_| rule.needs_size()).map(size).unwrap_or_default();
            format!("by the rule for {}{size}", box_rule(rule))
        }
    };
    Some(format!("Time box: {}, {why}.", budget(terms.budget)))
}

/// ` (4 lines in 1 file here)`
fn size(size: Size) -> String {
    let s = |n: u64| if n == 1 { "" } else { "s" };
    format!(" ({} line{} in {} file{} here)", size.lines, s(size.lines), size.files, s(size.files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_called_by_their_name_or_told_by_their_conditions() {
        let rule = TimeBoxRule { max_lines: Some(5), max_files: Some(1), ..TimeBoxRule::default() };
        assert_eq!(box_rule(&rule), "changes with at most 5 changed lines and at most 1 changed files");
        let named = TimeBoxRule { name: Some("small @all".into()), ..rule };
        assert_eq!(box_rule(&named), "`small @all`");
        let labels = vec!["hot`fix".to_owned(), "urgent".into()];
        let labelled = TimeBoxRule { labels, min_lines: Some(2), ..TimeBoxRule::default() };
        let expected = "changes with at least 2 changed lines and the label `hot'fix` or `urgent`";
        assert_eq!(box_rule(&labelled), expected);
        let told = [Budget::Minutes(120), Budget::Minutes(90), Budget::Days(1)].map(budget);
        assert_eq!(told, ["2 working hours", "90 working minutes", "1 working day"]);
    }
}
