//! A scene of the story, and what people do in one.

use jiff::Timestamp;
use usher_sandbox::{ChangedFile, Forge, NewChange, Verdict};

use super::company::Company;

/// One scene: when, what a spectator reads, and what happens.
pub(super) struct Scene {
    pub(super) at: Timestamp,
    pub(super) words: &'static str,
    pub(super) act: fn(&mut Company) -> anyhow::Result<()>,
}

/// What happens in a scene.
pub(super) type SceneAct = fn(&mut Company) -> anyhow::Result<()>;

pub(super) const MON: i8 = 0;
pub(super) const TUE: i8 = 1;
pub(super) const WED: i8 = 2;
pub(super) const THU: i8 = 3;
pub(super) const FRI: i8 = 4;

pub(super) fn new(author: &str, title: &str, paths: &[&str]) -> NewChange {
    let files = paths.iter().map(|path| ChangedFile::new(path, 24, 6)).collect();
    let description = "A customer reported this; see the ticket.".into();
    NewChange { files, description, ..NewChange::by(author, title) }
}

pub(super) fn open(
    company: &mut Company,
    name: &'static str,
    forge: Forge,
    project: &str,
    author: &str,
    title: &str,
    paths: &[&str],
) -> anyhow::Result<()> {
    add(company, name, forge, project, new(author, title, paths))
}

pub(super) fn add(
    company: &mut Company,
    name: &'static str,
    forge: Forge,
    project: &str,
    change: NewChange,
) -> anyhow::Result<()> {
    let change = company.sandbox.open_change(forge, project, change)?;
    company.changes.insert(name, change);
    Ok(())
}

pub(super) fn approve(company: &mut Company, name: &str) -> anyhow::Result<()> {
    let (change, who) = (company.change(name)?, company.reviewer(name)?);
    company.sandbox.review(&change, &who, Verdict::Approve, "")?;
    company.approvers.insert(change, who);
    Ok(())
}

/// Whoever approved merges.
pub(super) fn merge(company: &mut Company, name: &str) -> anyhow::Result<()> {
    let change = company.change(name)?;
    let who = company.approvers.get(&change).map_or("lena", String::as_str);
    Ok(company.sandbox.merge(&change, who)?)
}

pub(super) fn decline(company: &mut Company, name: &str) -> anyhow::Result<()> {
    let (change, who) = (company.change(name)?, company.reviewer(name)?);
    company.sandbox.comment(&change, &who, "@usher decline no time this week, sorry")?;
    Ok(())
}
