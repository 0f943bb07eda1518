//! Time boxes: of the company, of pools and routes, and of rules about the change.

use usher_core::model::terms::{BoxOverride, BoxOverrides, TimeBoxRule};
use usher_core::model::timebox::{Step, StepKind};

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, fit, lines};
use crate::scenarios::read::{names, number, span};

pub(super) const LINES: &[Line<()>] = lines! {
    "the {reviewing} box is {4h}" => box_is,
        "The box lasts so long: `30m`, `4h`, `2d`; also `waiting`, `with_author`, `ready_to_merge`.";
    "a reviewer is reminded at {50%, 100%}" => is_reminded_at,
        "The steps of the reviewing box, in per cent of it.";
    "the pool {backend} has a {reviewing} box of {2d}" => pool_has, "The pool has a box of its own.";
    "the first route to {backend} has a {reviewing} box of {1h}" => route_has,
        "The route has a box of its own.";
    "changes with {at most 5 lines and at most 2 files} have a {reviewing} box of {2h}" => changes_have,
        "A rule gives such changes this box; also `at least 500 lines`, `the label urgent`.";
};

fn box_is(story: &mut Story, [name, budget]: [&str; 2]) -> Told {
    let boxes = &mut story.play.company.policy.boxes;
    let rule = match name {
        "waiting" => &mut boxes.waiting,
        "reviewing" => &mut boxes.reviewing,
        "with_author" => &mut boxes.with_author,
        "ready_to_merge" => &mut boxes.ready_to_merge,
        _ => return Err(format!("there is no box {name}")),
    };
    rule.budget = span(budget)?;
    Ok(())
}

fn is_reminded_at(story: &mut Story, [percents]: [&str; 1]) -> Told {
    let step = |percent: &String| {
        let at_percent = number(percent.trim_end_matches('%'))?;
        Ok(Step { at_percent, kind: StepKind::Remind })
    };
    let mut steps = names(percents).iter().map(step).collect::<Result<Vec<_>, String>>()?;
    steps.sort_by_key(|step| step.at_percent);
    story.play.company.policy.boxes.reviewing.steps = steps;
    Ok(())
}

fn pool_has(story: &mut Story, [pool, turn, budget]: [&str; 3]) -> Told {
    story.pool_mut(pool)?.boxes = boxes(turn, budget)?;
    Ok(())
}

fn route_has(story: &mut Story, [pool, turn, budget]: [&str; 3]) -> Told {
    let mut routes = story.play.company.policy.routes.iter_mut();
    let route = routes.find(|route| route.pool == pool).ok_or_else(|| format!("no route leads to {pool}"))?;
    route.boxes = boxes(turn, budget)?;
    Ok(())
}

fn changes_have(story: &mut Story, [condition, turn, budget]: [&str; 3]) -> Told {
    let rule = TimeBoxRule { boxes: boxes(turn, budget)?, ..conditions(condition)? };
    story.play.company.policy.box_rules.push(rule);
    Ok(())
}

/// `at most 5 lines`, `at least 100 lines`, `at most 2 files`, `the label urgent`, joined by ` and `.
fn conditions(text: &str) -> Result<TimeBoxRule, String> {
    let mut rule = TimeBoxRule::default();
    for part in text.split(" and ") {
        if let Some([lines]) = fit("at most {5} lines", part) {
            rule.max_lines = Some(number(lines)?.into());
        } else if let Some([lines]) = fit("at least {100} lines", part) {
            rule.min_lines = Some(number(lines)?.into());
        } else if let Some([files]) = fit("at most {2} files", part) {
            rule.max_files = Some(number(files)?.into());
        } else if let Some([label]) = fit("the label {urgent}", part) {
            rule.labels.push(label.to_owned());
        } else {
            return Err(format!("`{part}` is no condition"));
        }
    }
    Ok(rule)
}

fn boxes(turn: &str, budget: &str) -> Result<BoxOverrides, String> {
    let said = BoxOverride { budget: Some(span(budget)?), steps: None };
    let mut boxes = BoxOverrides::default();
    match turn {
        "waiting" => boxes.waiting = said,
        "reviewing" => boxes.reviewing = said,
        "with_author" => boxes.with_author = said,
        "ready_to_merge" => boxes.ready_to_merge = said,
        _ => return Err(format!("there is no box {turn}")),
    }
    Ok(boxes)
}
