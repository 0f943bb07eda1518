//! `usher check --online`: is each watched project there, may Usher do its work in it, do its webhooks
//! come through.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::hooks::health_words;
use crate::config::{Config, Forge};
use crate::engine::remedy;
use crate::forge::{
    BotRole, Client, Deliveries, ForgeFault, HookPlace, HookState, InstalledHook, ProjectInspection,
};
use usher_core::model::change::ForgeKind;

/// Projects that are looked at, at most: each takes up to six requests.
const PROJECTS_MAX: usize = 50;

/// What leads to Usher from a project.
#[derive(Default)]
struct Webhooks {
    /// Its own and those of its owners, each with the place it is attached to.
    seen: Vec<(HookPlace, InstalledHook)>,
    /// What is wrong with deliveries of theirs; `None` where it was said before.
    failing: Vec<Option<Ailing>>,
    /// This token may not look at the project's own.
    hidden: bool,
    /// This token may not look at those of an owner.
    hidden_above: bool,
    /// The GitHub App's own webhook delivers for it.
    by_app: bool,
}

/// What is wrong, and what mends it.
type Ailing = (String, String);

/// Looks at projects, and at each owner's webhooks once.
struct Inspector<'a> {
    config: &'a Config,
    forge: &'a Forge,
    client: &'a Client,
    /// Whether the App's own webhook leads to Usher.
    by_app: bool,
    /// Webhooks of owners; `None`: not for this token to see.
    owners: BTreeMap<String, Option<Vec<InstalledHook>>>,
    /// Webhooks that were asked how their deliveries went, and whether those fail.
    asked: BTreeMap<(HookPlace, u64), bool>,
    /// How many projects have webhooks that the token may not see.
    hidden: usize,
}

/// Asks about the watched projects, the first of them where there are too many. `by_app`: the webhook of
/// the App that Usher signs in as leads to it.
pub(super) async fn ask(
    config: &Config,
    forge: &Forge,
    client: &Client,
    by_app: bool,
    findings: &mut Findings,
) {
    let (paths, more) = match client.watched_paths().await {
        Ok(found) => found,
        Err(fault) => {
            let todo = "check that the token may see what `projects` names";
            findings.fault(format!("the watched projects cannot be listed: {fault}"), todo);
            return;
        }
    };
    unwatched(forge, client, findings).await;
    if paths.is_empty() {
        let todo = "correct `projects`, or let the token's account into them";
        findings.fault("no project matches what `projects` says", todo);
        return;
    }
    if by_app {
        deliveries_of_app(forge, client, findings).await;
    }
    let (owners, asked) = (BTreeMap::new(), BTreeMap::new());
    let mut inspector = Inspector { config, forge, client, by_app, owners, asked, hidden: 0 };
    for path in paths.iter().take(PROJECTS_MAX) {
        inspector.project(path, findings).await;
    }
    if inspector.hidden > 0 {
        let whose = if inspector.hidden == 1 {
            "webhooks of one project".to_owned()
        } else {
            format!("webhooks of {} projects", inspector.hidden)
        };
        let right = if forge.kind == ForgeKind::GitLab { "the role Maintainer" } else { "Webhooks: read" };
        findings.warning(
            format!("whether {whose} come through is not for this token to see"),
            format!("look in the settings there, or run `usher hooks status` with a token that has {right}"),
        );
    }
    match paths.len() {
        all if all > PROJECTS_MAX => findings.warning(
            format!(
                "{PROJECTS_MAX} of {}{all} projects were looked at",
                if more { "more than " } else { "" }
            ),
            "the others are as good as their rights; their changes are listed all the same",
        ),
        1 => findings.good("the watched project was looked at"),
        all => findings.good(format!("all {all} watched projects were looked at")),
    }
}

/// Says what is wrong with the deliveries of the App's own webhook.
async fn deliveries_of_app(forge: &Forge, client: &Client, findings: &mut Findings) {
    for log in client.delivery_logs().await.unwrap_or_default() {
        let Ok(found) = client.deliveries_in(&log).await else { continue };
        if let Some((what, todo)) = ailing(forge, &log.whose(), &found) {
            findings.fault(what, todo);
        }
    }
}

/// What is wrong with the newest deliveries of the webhook that is called `whose`.
fn ailing(forge: &Forge, whose: &str, found: &Deliveries) -> Option<Ailing> {
    let failure = found.fails_with()?;
    let status = failure.status.map(|status| format!("{status} ")).unwrap_or_default();
    let since = found.failing_since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
    let how = format!("the last answer was {status}{}", failure.words);
    let what = format!("{whose}: its deliveries do not come through{since}, {how}");
    Some((what, remedy(forge.kind, &forge.name, failure.status)))
}

/// Says how many projects of subgroups are passed over.
async fn unwatched(forge: &Forge, client: &Client, findings: &mut Findings) {
    if forge.kind != ForgeKind::GitLab {
        return;
    }
    // A list that cannot be had has been told of a moment ago.
    let Ok(unwatched) = client.unwatched_below().await else { return };
    let Some(first) = unwatched.first() else { return };
    let what = match unwatched.len() {
        1 => format!("1 project of a subgroup is not watched: {first}"),
        many => format!("{many} projects of subgroups are not watched, {first} for one"),
    };
    let todo = "`*` is one level of a path: write `**` in `projects` to watch what lies below, too";
    findings.warning(what, todo);
}

impl Inspector<'_> {
    async fn project(&mut self, path: &str, findings: &mut Findings) {
        let facts = match self.client.project(path).await {
            Ok(facts) => facts,
            Err(ForgeFault::Gone) => {
                let todo = "correct `projects`, or let the token's account into it";
                findings.fault(format!("{path} is not there, or hidden from the token"), todo);
                return;
            }
            Err(fault) => {
                findings.fault(format!("{path} cannot be read: {fault}"), "check the token's rights there");
                return;
            }
        };
        if facts.archived {
            findings.warning(
                format!("{path} is archived, so nothing happens there"),
                "take it out of `projects`",
            );
            return;
        }
        let writes = matches!(facts.role, BotRole::Writes | BotRole::Unknown);
        if !writes {
            let role = if self.forge.kind == ForgeKind::GitLab { "Developer" } else { "Write" };
            let what = format!("{path}: Usher's account may ask nobody for a review there");
            findings.fault(what, format!("give it the role {role}"));
        }
        if let Some(how) = &facts.assigns_reviewers {
            let what = format!("{path}: GitLab assigns reviewers there by itself ({how}), beside Usher's");
            let todo = "switch it off in the project's merge request settings, or leave the project out of `projects`";
            findings.warning(what, todo);
        }
        let labels = labels(self.config, self.forge, path, &facts, findings);
        let webhooks = match self.webhooks(path).await {
            Ok(webhooks) => webhooks,
            Err(fault) => {
                let what = format!("{path}: its webhooks cannot be read: {fault}");
                findings.fault(what, "try again when the forge answers");
                return;
            }
        };
        let is_unseen = webhooks.hidden && webhooks.seen.is_empty() && !webhooks.by_app;
        self.hidden += usize::from(is_unseen);
        let hooks = hooks(self.forge, path, &webhooks, findings);
        if let (true, Some(labels), Some(hooks)) = (writes, labels, hooks) {
            findings.good(format!("{path}: {labels}; {hooks}"));
        }
    }

    /// The project's own webhooks; without any, those of its owners, the nearest first.
    async fn webhooks(&mut self, path: &str) -> Result<Webhooks, ForgeFault> {
        let mut found = Webhooks { by_app: self.by_app, ..Webhooks::default() };
        if self.by_app {
            return Ok(found);
        }
        let own = self.client.own_hooks(&HookPlace::Project(path.to_owned())).await?;
        found.hidden = own.is_none();
        found.add(HookPlace::Project(path.to_owned()), own);
        let mut path = path;
        while let Some((owner, _)) = path.rsplit_once('/').filter(|_| found.seen.is_empty()) {
            if !self.owners.contains_key(owner) {
                let hooks = self.client.own_hooks(&HookPlace::Owner(owner.to_owned())).await?;
                self.owners.insert(owner.to_owned(), hooks);
            }
            let hooks = self.owners.get(owner).cloned().flatten();
            found.hidden_above |= hooks.is_none();
            found.add(HookPlace::Owner(owner.to_owned()), hooks);
            path = owner;
        }
        for (place, hook) in &found.seen {
            found.failing.extend(self.failing(place, hook).await);
        }
        Ok(found)
    }

    /// What is wrong with the newest deliveries of a webhook, where the forge tells; `Some(None)` where it
    /// was said before.
    async fn failing(&mut self, place: &HookPlace, hook: &InstalledHook) -> Option<Option<Ailing>> {
        let (key, id) = ((place.clone(), hook.id), hook.id);
        if let Some(fails) = self.asked.get(&key) {
            return fails.then_some(None);
        }
        let found = self.client.hook_deliveries(place, id).await.ok().flatten();
        let rests = match hook.state {
            HookState::Executable => String::new(),
            _ => format!(" ({})", health_words(hook)),
        };
        let whose = format!("webhook {id} of {}{rests}", place.path());
        let ailing = found.and_then(|found| ailing(self.forge, &whose, &found));
        self.asked.insert(key, ailing.is_some());
        ailing.map(Some)
    }
}

impl Webhooks {
    fn add(&mut self, place: HookPlace, hooks: Option<Vec<InstalledHook>>) {
        self.seen.extend(hooks.into_iter().flatten().map(|hook| (place.clone(), hook)));
    }
}

/// Says how the labels are, where they are well.
fn labels(
    config: &Config,
    forge: &Forge,
    path: &str,
    facts: &ProjectInspection,
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
    let is_there = |wanted: &&&String| facts.labels.iter().any(|there| forge.kind.same_label(there, wanted));
    let missing = put_on.iter().filter(|label| !is_there(label)).count();
    let may_make = match forge.kind {
        ForgeKind::GitLab => facts.role >= BotRole::Labels || facts.role == BotRole::Unknown,
        ForgeKind::GitHub => matches!(facts.role, BotRole::Writes | BotRole::Unknown),
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

/// Says how the webhooks are, where nothing is known to be wrong with them.
fn hooks(forge: &Forge, path: &str, webhooks: &Webhooks, findings: &mut Findings) -> Option<String> {
    if webhooks.by_app {
        return Some("the App delivers for it".into());
    }
    if !webhooks.failing.is_empty() {
        for (what, todo) in webhooks.failing.iter().flatten() {
            findings.fault(format!("{path}: {what}"), todo.clone());
        }
        return None;
    }
    let ill = webhooks.seen.iter().filter(|(_, hook)| !hook.is_well());
    let ill: Vec<String> = ill
        .map(|(place, hook)| format!("webhook {} of {} ({})", hook.id, place.path(), health_words(hook)))
        .collect();
    if !ill.is_empty() {
        let what = format!("{path}: deliveries do not come through: {}", ill.join(", "));
        findings.fault(what, "`usher hooks status` says why; then let it send a test in its settings");
        return None;
    }
    if !webhooks.seen.is_empty() {
        return Some("its webhook is in order".into());
    }
    if webhooks.hidden {
        return Some("its webhooks are hidden from this token".into());
    }
    if webhooks.hidden_above {
        let above = if forge.kind == ForgeKind::GitLab { "groups" } else { "organisation" };
        let what = format!(
            "{path}: no webhook of its own leads to /hooks/{}; those of its {above} are hidden from this token",
            forge.name
        );
        findings.warning(what, "if there is none either, `usher hooks install` sets one up");
    } else {
        let what = format!("{path}: no webhook leads to /hooks/{}", forge.name);
        let todo = "`usher hooks install` sets one up; until then only the sweeps see what happens there";
        findings.warning(what, todo);
    }
    None
}
