//! Time boxes of pools, routes and rules, and `codeowners`.

use usher_core::model::terms::BoxOverride;
use usher_core::model::timebox::{Budget, StepKind};

use super::*;

/// [`LEAST`] with more in its pool and in its route, which end at lines 12 and 14.
fn least_with(pool: &str, route: &str, more: &str) -> String {
    let text = LEAST.replacen("\n[[route]]", &format!("\n{pool}\n[[route]]"), 1);
    format!("{}{more}", text.replacen("# nothing", route, 1))
}

#[test]
fn pools_and_routes_have_boxes_of_their_own() {
    let text = least_with(
        "[pool.timebox.reviewing]\nbudget = \"4h\"",
        "codeowners = true\n[route.timebox.waiting]\nsteps = []",
        "",
    );
    let policy = good(&text).policy;
    let expected = BoxOverride { budget: Some(Budget::Minutes(240)), steps: None };
    assert_eq!(policy.pools[0].boxes.reviewing, expected);
    assert!(policy.pools[0].boxes.waiting.is_empty());
    assert!(policy.routes[0].codeowners);
    assert_eq!(policy.routes[0].boxes.waiting, BoxOverride { budget: None, steps: Some(vec![]) });
    assert!(!good(LEAST).policy.routes[0].codeowners);
    assert!(!good(LEAST).policy.needs_size());
}

#[test]
fn rules_are_read_in_their_order() {
    let more = r#"
[[timebox_rule]]
name = "small fixes"
max_lines = 5
max_files = 2
reviewing = { budget = "2h" }
[[timebox_rule]]
labels = ["urgent"]
[timebox_rule.reviewing]
budget = "1h"
steps = [{ at = "50%", do = "remind" }, { at = "100%", do = "escalate" }]
"#;
    let policy = good(&format!("{LEAST}{more}")).policy;
    let [small, urgent] = policy.box_rules.as_slice() else { panic!("{:?}", policy.box_rules) };
    assert_eq!(small.name.as_deref(), Some("small fixes"));
    assert_eq!((small.min_lines, small.max_lines, small.max_files), (None, Some(5), Some(2)));
    assert_eq!(urgent.labels, ["urgent"]);
    let steps = urgent.boxes.reviewing.steps.as_deref().unwrap();
    assert_eq!((steps[0].at_percent, steps[1].kind), (50, StepKind::Escalate));
    assert!(policy.needs_size() && !urgent.needs_size());
}

#[test]
fn what_is_wrong_with_a_rule_is_told_with_what_to_write() {
    let more = r#"[[timebox_rule]]
reviewing = { budget = "2h" }
[[timebox_rule]]
max_lines = 5
[[timebox_rule]]
min_lines = 10
max_lines = 5
with_author = { steps = [{ at = "100%", do = "widen" }] }
[[timebox_rule]]
max_file = 2
labels = ["x"]
reviewing = {}
"#;
    let report = short(&read(&format!("{LEAST}{more}")));
    let expected = [
        "16:1 a time box rule without conditions (add max_lines, max_files or labels; what holds for every change is [timebox])",
        "18:1 a time box rule that changes nothing (say what it gives: reviewing = { budget = \"2h\" })",
        "22:13 no change has at least 10 and at most 5 lines (exchange the two, or leave one out)",
        "23:46 `widen` adds a reviewer, which is of no use in [timebox.with_author] (it belongs in [timebox.reviewing])",
        "25:1 unknown key `max_file` in [[timebox_rule]] (did you mean `max_files`?)",
        "27:13 a time box that says nothing (give it a budget, or steps)",
    ];
    assert_eq!(report.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_wrong_with_a_box_of_a_pool_or_route_is_told_with_its_place() {
    let text = least_with(
        "[pool.timebox.reviewing]\nbudget = \"soon\"\n[pool.timebox.wating]\nbudget = \"1h\"",
        "codeowners = \"yes\"\n[route.timebox]",
        "",
    );
    let report = short(&read(&text));
    for (line, what) in [
        (13, "`soon` is no budget"),
        (14, "unknown key `wating` in [timebox] (did you mean `waiting`?)"),
        (18, "expected true or false, found a string"),
        (
            19,
            "a time box that says nothing (give it a turn: reviewing = { budget = \"4h\" }, or leave it out)",
        ),
    ] {
        let found = report.lines().find(|told| told.contains(what));
        let found = found.unwrap_or_else(|| panic!("{what} is missing in\n{report}"));
        assert!(found.starts_with(&format!("{line}:")), "{found}");
    }
}

#[test]
fn a_rule_that_never_counts_and_owners_of_a_pool_of_one_are_warned_of() {
    let rule = "[[timebox_rule]]\nlabels = [\"x\"]\nreviewing = { budget = \"2h\" }\n";
    check(
        &format!("{rule}{rule}"),
        "19:1 warning: a rule with the same conditions comes before this one (the first that matches counts: give it other conditions, or leave it out)",
    );
    let text = LEAST.replacen(", \"ravi\"", "", 1).replacen("# nothing", "codeowners = true", 1);
    let report = short(&read(&text));
    assert!(report.contains("14:14 warning: `rita` is the only member of the pool `backend`"), "{report}");
}
