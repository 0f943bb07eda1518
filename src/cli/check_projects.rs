//! `usher check --online`: is each watched project there, may Usher do its work in it, do its webhooks
//! come through.

use std::collections::BTreeMap;

use super::finding::Findings;
use crate::config::{Config, Forge};
use crate::core::change::ForgeKind;
use crate::forge::inspect::{HookFacts, ProjectFacts, Role};
use crate::forge::{Client, Fault};

/// Projects that are looked at, at most: each takes three or four requests.
const PROJECTS_MAX: usize = 50;

/// Asks about the watched projects, the first of them where there are too many.
pub(super) async fn ask(config: &Config, forge: &Forge, client: &Client, findings: &mut Findings) {
    let paths = match client.watched().await {
        Ok(paths) => paths,
        Err(fault) => {
            let todo = "check that the token may see what `projects` names";
            findings.fault(format!("the watched projects cannot be listed: {fault}"), todo);
            return;
        }
    };
    if paths.is_empty() {
        let todo = "correct `projects`, or let the token's account into them";
        findings.fault("no project matches what `projects` says", todo);
        return;
    }
    let mut wide = BTreeMap::new();
    for path in paths.iter().take(PROJECTS_MAX) {
        match client.project(path).await {
            Ok(facts) => {
                let none = facts.hooks.as_ref().is_none_or(Vec::is_empty);
                let above = if none { wide_hooks(client, path, &mut wide).await } else { None };
                judge(config, forge, path, &facts, above.as_deref(), findings);
            }
            Err(Fault::Gone) => {
                let todo = "correct `projects`, or let the token's account into it";
                findings.fault(format!("{path} is not there, or hidden from the token"), todo);
            }
            Err(fault) => {
                findings.fault(format!("{path} cannot be read: {fault}"), "check the token's rights there");
            }
        }
    }
    match paths.len() {
        all if all > PROJECTS_MAX => findings.warning(
            format!("{PROJECTS_MAX} of {all} projects were looked at"),
            "the others are as good as their rights; their changes are listed all the same",
        ),
        1 => findings.good("the watched project was looked at"),
        all => findings.good(format!("all {all} watched projects were looked at")),
    }
}

/// The webhooks above a project, read once for each owner. `None`: not for this token to see.
async fn wide_hooks(
    client: &Client,
    path: &str,
    known: &mut BTreeMap<String, Option<Vec<HookFacts>>>,
) -> Option<Vec<HookFacts>> {
    let owner = path.split('/').next().unwrap_or_default();
    if !known.contains_key(owner) {
        // What cannot be read is not seen; the forge has shown that it answers.
        let found = client.wide_hooks(owner).await.ok().flatten();
        known.insert(owner.to_owned(), found);
    }
    known.get(owner).cloned().flatten()
}

/// `above`: the webhooks of its owner, where they could be seen.
fn judge(
    config: &Config,
    forge: &Forge,
    path: &str,
    facts: &ProjectFacts,
    above: Option<&[HookFacts]>,
    findings: &mut Findings,
) {
    if facts.archived {
        findings
            .warning(format!("{path} is archived, so nothing happens there"), "take it out of `projects`");
        return;
    }
    let writes = matches!(facts.role, Role::Writes | Role::Unknown);
    if !writes {
        let role = if forge.kind == ForgeKind::GitLab { "Developer" } else { "Write" };
        let what = format!("{path}: Usher's account may ask nobody for a review there");
        findings.fault(what, format!("give it the role {role}"));
    }
    let labels = labels(config, forge, path, facts, findings);
    let hooks = hooks(forge, path, facts, above, findings);
    if let (true, Some(labels), Some(hooks)) = (writes, labels, hooks) {
        findings.good(format!("{path}: {labels}; {hooks}"));
    }
}

/// Says how the labels are, where they are well.
fn labels(
    config: &Config,
    forge: &Forge,
    path: &str,
    facts: &ProjectFacts,
    findings: &mut Findings,
) -> Option<String> {
    let labels = &config.policy.labels;
    let put_on = [
        &labels.contribution,
        &labels.waiting,
        &labels.reviewing,
        &labels.with_author,
        &labels.ready_to_merge,
        &labels.overdue,
    ];
    let is_there = |wanted: &&&String| {
        facts.labels.iter().any(|there| match forge.kind {
            ForgeKind::GitLab => there == **wanted,
            // To GitHub they are the same.
            ForgeKind::GitHub => there.eq_ignore_ascii_case(wanted),
        })
    };
    let missing = put_on.iter().filter(|label| !is_there(label)).count();
    let may_make = match forge.kind {
        ForgeKind::GitLab => facts.role >= Role::Labels || facts.role == Role::Unknown,
        ForgeKind::GitHub => matches!(facts.role, Role::Writes | Role::Unknown),
    };
    match missing {
        0 => Some("its labels are there".into()),
        _ if may_make => Some(format!("{missing} of its {} labels come when first needed", put_on.len())),
        _ => {
            let what = format!("{path}: {missing} labels are missing, and Usher may not make them");
            findings
                .fault(what, "make them (config/usher.toml, [labels]), or give Usher's account more rights");
            None
        }
    }
}

/// Says how the webhooks are, where nothing is wrong with them.
fn hooks(
    forge: &Forge,
    path: &str,
    facts: &ProjectFacts,
    above: Option<&[HookFacts]>,
    findings: &mut Findings,
) -> Option<String> {
    let own = facts.hooks.as_deref();
    let all: Vec<&HookFacts> = own.into_iter().chain(above).flatten().collect();
    let ill: Vec<String> =
        all.iter().filter_map(|hook| Some(format!("{} ({})", hook.id, hook.ill.as_ref()?))).collect();
    if !ill.is_empty() {
        let what = format!("{path}: deliveries do not come through, webhook {}", ill.join(", "));
        findings.fault(what, "look why in the webhook's settings, then let it send a test there");
        return None;
    }
    if !all.is_empty() {
        return Some("its webhook is in order".into());
    }
    match (own, above, forge.kind) {
        (None, _, _) => Some("its webhooks are not for this token to see".into()),
        // A group's or the system's may do it.
        (Some(_), None, ForgeKind::GitLab) => {
            let what = format!("{path} has no webhook of its own to /hooks/{}", forge.name);
            findings.warning(what, "set one up there, or see that its group has one (README.md, Webhooks)");
            None
        }
        (Some(_), _, _) => {
            let what = format!("{path}: no webhook leads to /hooks/{}", forge.name);
            findings.warning(what, "set one up; until then only the sweeps see what happens there");
            None
        }
    }
}
