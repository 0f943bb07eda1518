//! Lines about CODEOWNERS, time boxes of pools, routes and rules, and the size of a change.

use usher_core::model::policy::GroupRef;
use usher_core::model::terms::{BoxOverride, BoxOverrides, TimeBoxRule};

use super::*;

impl Story {
    pub(super) fn given_owners(&mut self, line: &str) -> Option<Told> {
        let play = &mut self.play;
        match line {
            "there is no CODEOWNERS" => play.forge.codeowners = None,
            "the owners of changed files are asked first" => {
                play.company.policy.routes.iter_mut().for_each(|route| route.codeowners = true);
            }
            _ => {
                if let Some([entry]) = fit("CODEOWNERS says {}", line) {
                    let text = play.forge.codeowners.get_or_insert_default();
                    text.push_str(entry);
                    text.push('\n');
                    return Some(Ok(()));
                }
                let [pool, group, members] = fit("{} takes in the group {} with {}", line)?;
                let accounts = names(members).iter().map(|name| person(name)).collect::<Result<Vec<_>, _>>();
                return Some(accounts.and_then(|accounts| {
                    let listed = GroupRef { forge: "forge".into(), path: group.into() };
                    pool_mut(&mut play.company.policy, pool)?.groups.push(listed);
                    play.company.roster.groups.insert(group.to_owned(), accounts);
                    Ok(())
                }));
            }
        }
        Some(Ok(()))
    }

    pub(super) fn given_boxes(&mut self, line: &str) -> Option<Told> {
        let policy = &mut self.play.company.policy;
        if let Some([pool, court, budget]) = fit("the pool {} has a {} box of {}", line) {
            let boxes = boxes(court, budget);
            return Some(boxes.and_then(|boxes| pool_mut(policy, pool).map(|pool| pool.boxes = boxes)));
        }
        if let Some([pool, court, budget]) = fit("the first route to {} has a {} box of {}", line) {
            let route = policy.routes.iter_mut().find(|route| route.pool == pool);
            return Some(boxes(court, budget).and_then(|boxes| {
                route.ok_or_else(|| format!("no route leads to {pool}"))?.boxes = boxes;
                Ok(())
            }));
        }
        let [condition, court, budget] = fit("changes with {} have a {} box of {}", line)?;
        let rule = boxes(court, budget).and_then(|boxes| Ok(TimeBoxRule { boxes, ..conditions(condition)? }));
        Some(rule.map(|rule| policy.box_rules.push(rule)))
    }

    /// `sam pushes, and it touches src/a.rs (5 lines)`: GitHub's webhook tells the new size at once.
    pub(super) fn pushes_files(&mut self, line: &str) -> Result<Option<Vec<Fact>>, String> {
        let Some([who, files]) = fit("{} pushes, and it touches {}", line) else { return Ok(None) };
        let (forge, now) = (&mut self.play.forge, self.play.now);
        forge.files = files.split(", ").map(file).collect::<Result<_, _>>()?;
        Ok(Some(vec![forge.pushed(now, &person(who)?)]))
    }
}

/// `at most 5 lines`, `at least 100 lines`, `at most 2 files`, `the label urgent`, joined by ` and `.
fn conditions(text: &str) -> Result<TimeBoxRule, String> {
    let mut rule = TimeBoxRule::default();
    for part in text.split(" and ") {
        if let Some([lines]) = fit("at most {} lines", part) {
            rule.max_lines = Some(number(lines)?.into());
        } else if let Some([lines]) = fit("at least {} lines", part) {
            rule.min_lines = Some(number(lines)?.into());
        } else if let Some([files]) = fit("at most {} files", part) {
            rule.max_files = Some(number(files)?.into());
        } else if let Some([label]) = fit("the label {}", part) {
            rule.labels.push(label.to_owned());
        } else {
            return Err(format!("`{part}` is no condition"));
        }
    }
    Ok(rule)
}

fn boxes(court: &str, budget: &str) -> Result<BoxOverrides, String> {
    let said = BoxOverride { budget: Some(span(budget)?), steps: None };
    let mut boxes = BoxOverrides::default();
    match court {
        "waiting" => boxes.waiting = said,
        "reviewing" => boxes.reviewing = said,
        "with_author" => boxes.with_author = said,
        "ready_to_merge" => boxes.ready_to_merge = said,
        _ => return Err(format!("there is no box {court}")),
    }
    Ok(boxes)
}
