//! What `usher check` says of routes, time boxes, scope and tickets, so that a slip shows.

use usher_core::model::policy::{Policy, Route};
use usher_core::model::review::Stage;
use usher_core::model::terms::Turn;
use usher_words as words;

/// The rules that are in force beside pools and routes, a line each.
pub(super) fn print(policy: &Policy) {
    for rule in &policy.box_rules {
        let stages = [Stage::Waiting, Stage::Reviewing, Stage::WithAuthor, Stage::ReadyToMerge];
        let given = stages.into_iter().filter_map(|stage| {
            let budget = rule.boxes.of(Turn::of(stage)?).budget?;
            Some(format!("{} {}", words::stage_name(stage), words::budget(budget)))
        });
        let given: Vec<String> = given.collect();
        anstream::println!("  box     {}: {}", words::box_rule(&rule.conditions()), given.join(", "));
    }
    let scope = &policy.scope;
    let mut signs: Vec<String> = scope.labels.iter().map(|label| format!("label {label}")).collect();
    signs.extend(scope.titles.iter().map(|title| format!("title {}", title.as_str())));
    signs.extend(scope.max_lines.map(|most| format!("over {most} lines")));
    signs.extend(scope.max_files.map(|most| format!("over {most} files")));
    if !signs.is_empty() {
        anstream::println!("  scope   more than a fix: {}", signs.join(", "));
    }
}

/// What a route without paths asks of a change.
pub(super) fn conditions(route: &Route) -> String {
    let projects = route.projects.iter().map(|pattern| pattern.text.clone());
    let branches = route.target_branches.iter().map(|pattern| format!("branch {}", pattern.text));
    let labels = route.labels.iter().map(|label| format!("label {label}"));
    let forges = route.forges.iter().map(|forge| format!("forge {forge}"));
    let all: Vec<String> = projects.chain(labels).chain(branches).chain(forges).collect();
    if all.is_empty() { "everything else".into() } else { format!("everything else of {}", all.join(", ")) }
}
