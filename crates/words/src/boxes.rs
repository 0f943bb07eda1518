//! Time boxes in words: why a box is as long as it is.

use usher_core::model::change::Size;
use usher_core::model::message::{BoxNote, BoxNoteSource};
use usher_core::model::reason::RuleTold;
use usher_core::model::stage::Stage;
use usher_core::model::terms::RuleConditions;
use usher_core::model::timebox::Budget;

use super::text::{plain, quote, stage_name};

/// An amount of working time: `2 hours`, `90 minutes`, `3 working days`.
pub fn budget(budget: Budget) -> String {
    let unit = |n: u32, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match budget {
        Budget::Days(days) => unit(days, "working day"),
        Budget::Minutes(minutes) if minutes % 60 == 0 => unit(minutes / 60, "working hour"),
        Budget::Minutes(minutes) => unit(minutes, "working minute"),
        Budget::Seconds(seconds) => unit(seconds, "working second"),
    }
}

pub(super) fn ruled(stage: Stage, rule: &RuleTold, time: Budget) -> String {
    let rule = match rule {
        RuleTold::InWords(words) => words.clone(),
        RuleTold::Conditions(rule) => box_rule(rule),
    };
    format!("By the rule for {rule} the time box is {} ({}).", budget(time), stage_name(stage))
}

pub(super) fn unruled(stage: Stage) -> String {
    format!("No time box rule holds any more; the usual time box does ({}).", stage_name(stage))
}

/// A time box rule by its name, or by its conditions.
pub fn box_rule(rule: &RuleConditions) -> String {
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

/// Why a time box is as long as it is.
pub fn box_note(note: &BoxNote) -> String {
    let why = match &note.by {
        BoxNoteSource::Pool { pool } => format!("as agreed for {}", plain(pool)),
        BoxNoteSource::Route { pool } => format!("as agreed for what comes to {} this way", plain(pool)),
        BoxNoteSource::Rule { rule, size: of } => {
            format!("by the rule for {}{}", box_rule(rule), of.map(size).unwrap_or_default())
        }
    };
    format!("Time box: {}, {why}.", budget(note.budget))
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
        let rule = RuleConditions { max_lines: Some(5), max_files: Some(1), ..RuleConditions::default() };
        assert_eq!(box_rule(&rule), "changes with at most 5 changed lines and at most 1 changed files");
        let named = RuleConditions { name: Some("small @all".into()), ..rule };
        assert_eq!(box_rule(&named), "`small @all`");
        let labels = vec!["hot`fix".to_owned(), "urgent".into()];
        let labelled = RuleConditions { labels, min_lines: Some(2), ..RuleConditions::default() };
        let expected = "changes with at least 2 changed lines and the label `hot'fix` or `urgent`";
        assert_eq!(box_rule(&labelled), expected);
        let told = [Budget::Minutes(120), Budget::Minutes(90), Budget::Days(1)].map(budget);
        assert_eq!(told, ["2 working hours", "90 working minutes", "1 working day"]);
    }
}
