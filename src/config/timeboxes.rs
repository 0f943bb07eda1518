//! Time boxes: `[timebox.…]`, the same inside a `[[pool]]` or `[[route]]`, and `[[timebox_rule]]`.

use usher_core::model::terms::{BoxOverride, BoxOverrides, TimeBoxRule};
use usher_core::model::timebox::{BoxRule, BoxRules, Step, StepKind};

use super::keys::{self, Keys};
use super::mistakes::Book;
use super::reader::{Placed, Section, bare};
use super::units;

/// Most steps in one time box.
const STEPS_MOST: usize = 10;
/// Most time box rules: they are tried one after another at every decision.
const RULES_MOST: usize = 100;
/// Largest number of lines or files that a rule may speak of.
const SIZE_MOST: u32 = 10_000_000;

/// The boxes that hold everywhere.
pub(super) fn everywhere(root: &Section<'_>, book: &mut Book) -> BoxRules {
    let default = BoxRules::default();
    let Some(section) = root.section(book, "timebox", &keys::TIMEBOX) else { return default };
    let said = turns(&section, book);
    let over = |said: BoxOverride, default: BoxRule| BoxRule {
        budget: said.budget.unwrap_or(default.budget),
        steps: said.steps.unwrap_or(default.steps),
    };
    BoxRules {
        waiting: over(said.waiting, default.waiting),
        reviewing: over(said.reviewing, default.reviewing),
        with_author: over(said.with_author, default.with_author),
        ready_to_merge: over(said.ready_to_merge, default.ready_to_merge),
    }
}

/// The boxes of one pool or route.
pub(super) fn own(section: &Section<'_>, book: &mut Book) -> BoxOverrides {
    match section.section(book, "timebox", &keys::TIMEBOX) {
        Some(section) => {
            let own = turns(&section, book);
            report_empty(&section, &own, book);
            own
        }
        None => BoxOverrides::default(),
    }
}

/// The rules by size and label, in their order.
pub(super) fn rules(root: &Section<'_>, book: &mut Book) -> Vec<TimeBoxRule> {
    let sections = root.sections(book, "timebox_rule", &keys::TIMEBOX_RULE);
    if let Some(section) = sections.get(RULES_MOST) {
        let what = format!("more than {RULES_MOST} time box rules");
        book.mistake(section.place, what, "a few are easier to understand");
    }
    let mut rules: Vec<TimeBoxRule> = Vec::new();
    for section in sections.iter().take(RULES_MOST) {
        let rule = rule(section, book);
        let same = |other: &TimeBoxRule| {
            TimeBoxRule { name: None, boxes: rule.boxes.clone(), ..other.clone() }
                == TimeBoxRule { name: None, ..rule.clone() }
        };
        if rules.iter().any(same) {
            let todo = "the first that matches counts: give it other conditions, or leave it out";
            book.warning(section.place, "a rule with the same conditions comes before this one", todo);
        }
        rules.push(rule);
    }
    rules
}

fn rule(section: &Section<'_>, book: &mut Book) -> TimeBoxRule {
    let least = section.value(book, "min_lines", units::count(1, SIZE_MOST));
    let most = section.value(book, "max_lines", units::count(0, SIZE_MOST));
    if let (Some(least), Some(most)) = (&least, &most)
        && least.it > most.it
    {
        let what = format!("no change has at least {} and at most {} lines", least.it, most.it);
        book.mistake(&most.place, what, "exchange the two, or leave one out");
    }
    let number = |count: Option<Placed<u32>>| count.map(|count| u64::from(count.it));
    let rule = TimeBoxRule {
        name: section.value(book, "name", units::text).map(|name| name.it),
        min_lines: number(least),
        max_lines: number(most),
        max_files: number(section.value(book, "max_files", units::count(1, SIZE_MOST))),
        labels: bare(section.list(book, "labels", units::text)),
        boxes: turns(section, book),
    };
    let given = |name: &&str| section.node(name).is_some() && !section.is_empty_list(name);
    if !["min_lines", "max_lines", "max_files", "labels"].iter().any(given) {
        let todo = "add max_lines, max_files or labels; what holds for every change is [timebox]";
        book.mistake(section.place, "a time box rule without conditions", todo);
    }
    let turns = ["waiting", "reviewing", "with_author", "ready_to_merge"];
    if !turns.iter().any(|turn| section.node(turn).is_some()) {
        let todo = "say what it gives: reviewing = { budget = \"2h\" }";
        book.mistake(section.place, "a time box rule that changes nothing", todo);
    }
    rule
}

fn turns(section: &Section<'_>, book: &mut Book) -> BoxOverrides {
    let mut turn = |name, keys| match section.section(book, name, keys) {
        Some(section) => one(&section, keys, book),
        None => BoxOverride::default(),
    };
    BoxOverrides {
        waiting: turn("waiting", &keys::WAITING),
        reviewing: turn("reviewing", &keys::REVIEWING),
        with_author: turn("with_author", &keys::WITH_AUTHOR),
        ready_to_merge: turn("ready_to_merge", &keys::READY_TO_MERGE),
    }
}

fn one(section: &Section<'_>, keys: &'static Keys, book: &mut Book) -> BoxOverride {
    let budget = section.value(book, "budget", units::budget).map(|budget| budget.it);
    let said = BoxOverride { budget, steps: steps(section, keys, book) };
    if section.node("budget").is_none() && section.node("steps").is_none() {
        book.mistake(section.place, "a time box that says nothing", "give it a budget, or steps");
    }
    said
}

fn report_empty(section: &Section<'_>, own: &BoxOverrides, book: &mut Book) {
    let turns = ["waiting", "reviewing", "with_author", "ready_to_merge"];
    if own.is_empty() && !turns.iter().any(|turn| section.node(turn).is_some()) {
        let todo = "give it a turn: reviewing = { budget = \"4h\" }, or leave it out";
        book.mistake(section.place, "a time box that says nothing", todo);
    }
}

/// The steps, if there are any; an empty list is one.
fn steps(section: &Section<'_>, keys: &'static Keys, book: &mut Book) -> Option<Vec<Step>> {
    let place = section.key_place("steps")?;
    let sections = section.sections(book, "steps", &keys::STEP);
    if sections.len() > STEPS_MOST {
        book.mistake(place, format!("more than {STEPS_MOST} steps"), "a few are kinder");
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut last_percent = 0;
    for section in sections {
        let at = section.required(book, "at", "write when: at = \"100%\"", units::percent);
        let kind = section.required(book, "do", "write what: do = \"remind\"", units::step_kind);
        if let Some(at) = &at {
            if at.it < last_percent {
                let what = "this step comes before the one above it";
                book.mistake(&at.place, what, "list the steps in the order in which they happen");
            }
            last_percent = at.it;
        }
        if let Some(kind) = &kind {
            report_misplaced(kind, keys, book);
        }
        let (Some(at), Some(kind)) = (at, kind) else { continue };
        let step = Step { at_percent: at.it, kind: kind.it };
        if steps.contains(&step) {
            book.mistake(&kind.place, "the same step twice", "leave it out");
        }
        steps.push(step);
    }
    Some(steps)
}

/// Steps that could name or add nobody in the stage of this box.
fn report_misplaced(kind: &Placed<StepKind>, keys: &Keys, book: &mut Book) {
    match kind.it {
        StepKind::Widen if !std::ptr::eq(keys, &keys::REVIEWING) => {
            let what = format!("`widen` adds a reviewer, which is of no use in {}", keys.title);
            book.mistake(&kind.place, what, "it belongs in [timebox.reviewing]");
        }
        StepKind::Remind if std::ptr::eq(keys, &keys::WAITING) => {
            let what = "nobody has been asked yet in [timebox.waiting], so there is nobody to remind";
            book.mistake(&kind.place, what, "tell the pool's lead: do = \"escalate\"");
        }
        _ => {}
    }
}
