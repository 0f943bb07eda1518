//! Scenes of people's habits: days off, little time, tiny fixes, queues, and wishes that are more than
//! a fix.

use usher_sandbox::{Access, ChangedFile, Forge, NewChange};

use super::company::Company;
use super::scene::{FRI, Scene, SceneAct, THU, TUE, WED, add, approve, merge, new, open};

pub(super) fn scenes(scene: impl Fn((i8, i8, i8), &'static str, SceneAct) -> Scene) -> Vec<Scene> {
    let mut scenes = vec![
        scene((TUE, 9, 0), "Otto is given access to the shop: from now on GitLab takes him", |c| {
            c.sandbox.add_member(Forge::Gitlab, "acme/shop", "otto", Access::WRITE);
            Ok(())
        }),
        scene(
            (WED, 11, 0),
            "Sam corrects one word in the shop: so small a fix has a box of two hours",
            |c| {
                let files = vec![ChangedFile::new("src/button.rs", 1, 1)];
                let change = NewChange { files, ..new("sam", "Spell \"receive\" right", &[]) };
                add(c, "word", Forge::Gitlab, "acme/shop", change)
            },
        ),
        scene((WED, 12, 15), "It is approved and merged before lunch", |c| finish(c, "word")),
        scene((THU, 10, 45), "Noah feels ill, and says so on the last change that he saw", |c| {
            say(c, "header", "noah", "@usher away until 2026-12-01")
        }),
        scene((THU, 13, 30), "Ravi sets his status on GitLab to busy; no webhook tells of it", |c| {
            c.sandbox.set_busy(Forge::Gitlab, "ravi", true, "release");
            Ok(())
        }),
    ];
    scenes.extend(queue(&scene));
    scenes.extend(more_than_a_fix(&scene));
    scenes
}

/// Everybody of docs carries as much as they can, and two customers wait.
fn queue(scene: &impl Fn((i8, i8, i8), &'static str, SceneAct) -> Scene) -> [Scene; 5] {
    [
        scene(
            (WED, 13, 30),
            "Two changes of the handbook fill the desks of docs: each takes one at a time",
            |c| {
                handbook(c, "glossary", "siobhan", "Explain the word ledger", "")?;
                handbook(c, "refunds", "sam", "Correct the steps of a refund", "")
            },
        ),
        scene((WED, 13, 40), "Sam has one more: it has to wait for somebody", |c| {
            handbook(c, "typo", "sam", "Remove a double word", "")
        }),
        scene((WED, 13, 50), "Siobhan's has to wait as well, but two customers' tickets hang on it", |c| {
            handbook(c, "limits", "siobhan", "Name the limits of the import", "ZD-4711, ZD-4712")
        }),
        scene((WED, 14, 0), "A desk becomes free: the customers go ahead", |c| finish(c, "glossary")),
        scene((WED, 14, 20), "The other desk, too, and Sam's has somebody", |c| finish(c, "refunds")),
    ]
}

/// Support fixes bugs; what looks like a feature gets advice, and a lead may take it on.
fn more_than_a_fix(scene: &impl Fn((i8, i8, i8), &'static str, SceneAct) -> Scene) -> [Scene; 5] {
    [
        scene((WED, 15, 0), "Both are merged", |c| {
            finish(c, "limits")?;
            finish(c, "typo")
        }),
        scene((THU, 14, 0), "Sam has an idea for the SDK: more than a fix", |c| {
            open(c, "idea", Forge::Github, "acme/sdk", "sam", "Feature: pages of any size", &["src/page.rs"])
        }),
        scene((THU, 14, 5), "Sam would sponsor it alone; that is for leads, says a short reply", |c| {
            say(c, "idea", "sam", "@usher sponsor")
        }),
        scene((THU, 14, 20), "Lena likes it and takes it on", |c| say(c, "idea", "lena", "@usher sponsor")),
        scene((FRI, 9, 30), "It is approved and merged", |c| finish(c, "idea")),
    ]
}

fn handbook(
    company: &mut Company,
    name: &'static str,
    author: &str,
    title: &str,
    tickets: &str,
) -> anyhow::Result<()> {
    let description = format!("Asked for by customers. {tickets}");
    let change = NewChange { description, ..new(author, title, &["docs/handbook.md"]) };
    add(company, name, Forge::Gitlab, "acme/handbook", change)
}

fn finish(company: &mut Company, name: &str) -> anyhow::Result<()> {
    approve(company, name)?;
    merge(company, name)
}

fn say(company: &mut Company, name: &str, who: &str, words: &str) -> anyhow::Result<()> {
    let change = company.change(name)?;
    company.sandbox.comment(&change, who, words)?;
    Ok(())
}
