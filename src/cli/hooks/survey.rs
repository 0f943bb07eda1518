//! What is there: our webhooks, where they are and where they should be. Reads only.

use std::collections::BTreeMap;

use clap::ValueEnum;

use super::patience::patiently;
use crate::clock::Clock;
use crate::forge::{
    Client, Deliveries, DeliveryFailure, ForgeFault, HookAddress, HookPlace, HookWish, InstalledHook,
    Watched, leads_to,
};
use usher_core::model::change::ForgeKind;

/// What a webhook is to be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HookLevel {
    /// Every project or repository
    Project,
    /// The group or organisation
    Group,
}

/// How our hooks are known.
pub(super) enum Own {
    /// By origin and path.
    At(HookAddress),
    /// By the end of their address, `/hooks/{forge}`.
    Ending(String),
}

impl Own {
    fn is_ours(&self, url: &str) -> bool {
        match self {
            Own::At(address) => address.is_ours(url),
            Own::Ending(forge) => leads_to(url, forge),
        }
    }

    fn is_elsewhere(&self, url: &str) -> bool {
        matches!(self, Own::At(address) if address.is_elsewhere(url))
    }
}

/// How one webhook stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing to do, as far as the forge tells.
    Good,
    Missing,
    Differs(Vec<String>),
    /// A hook of an owner delivers for this project: none of its own is needed.
    Covered(String),
    /// Beside another one of ours: what happens is delivered twice.
    Double(String),
    /// Nobody lets us look.
    Unseen(String),
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HookDone {
    Well(&'static str),
    Badly(String),
}

/// One webhook, or the place where one should be.
#[derive(Debug)]
pub(super) struct HookRow {
    pub place: HookPlace,
    pub hook: Option<InstalledHook>,
    pub state: State,
    pub done: Option<HookDone>,
    pub deliveries: Option<Deliveries>,
}

impl HookRow {
    fn new(place: &HookPlace, hook: Option<InstalledHook>, state: State) -> HookRow {
        HookRow { place: place.clone(), hook, state, done: None, deliveries: None }
    }

    /// The newest delivery, where it is known to have failed.
    pub(super) fn fails_with(&self) -> Option<&DeliveryFailure> {
        self.deliveries.as_ref().and_then(Deliveries::fails_with)
    }

    /// Whether `install` has something to do here.
    pub(super) fn is_work(&self) -> bool {
        matches!(self.state, State::Missing | State::Differs(_))
    }
}

/// What was found at one place.
struct Found {
    place: HookPlace,
    /// Ours only.
    hooks: Result<Vec<InstalledHook>, String>,
    /// A hook should be here.
    chosen: bool,
    /// The owner whose hook delivers for this project, too.
    covered: Option<String>,
}

/// One forge.
#[derive(Default)]
pub(super) struct Survey {
    found: Vec<Found>,
    pub rows: Vec<HookRow>,
    /// Hooks of others: how many, and nothing else.
    pub foreign: usize,
    /// How many of them lead to an Usher at another address.
    pub elsewhere: usize,
    pub notes: Vec<String>,
}

impl Survey {
    /// Makes rows of what was found. With `anew`, hooks in order are given the secret again.
    pub(super) fn judge(&mut self, kind: ForgeKind, wish: Option<&HookWish>, anew: bool) {
        for Found { place, hooks, chosen, covered } in std::mem::take(&mut self.found) {
            let hooks = match hooks {
                Ok(hooks) => hooks,
                Err(why) => {
                    self.rows.push(HookRow::new(&place, None, State::Unseen(why)));
                    continue;
                }
            };
            let empty = hooks.is_empty();
            for (number, hook) in hooks.into_iter().enumerate() {
                let state = match &covered {
                    Some(owner) => State::Double(format!(
                        "the webhook of {owner}: `usher hooks remove --level project` takes it down"
                    )),
                    None if number > 0 => {
                        State::Double("another one here: take one down in the forge's settings".into())
                    }
                    None => {
                        let mut wrong =
                            wish.map(|wish| wish.differences(kind, &place, &hook)).unwrap_or_default();
                        if wrong.is_empty() && anew {
                            wrong.push("is given the secret again".into());
                        }
                        if wrong.is_empty() { State::Good } else { State::Differs(wrong) }
                    }
                };
                self.rows.push(HookRow::new(&place, Some(hook), state));
            }
            match covered {
                Some(owner) if empty && chosen => {
                    self.rows.push(HookRow::new(&place, None, State::Covered(owner)));
                }
                None if empty && chosen => self.rows.push(HookRow::new(&place, None, State::Missing)),
                _ => {}
            }
        }
    }

    /// Leaves only hooks that are to be taken down, and what could not be seen.
    pub(super) fn keep_removable(&mut self, level: Option<HookLevel>) {
        self.rows.retain(|row| {
            let fits = match level {
                None => true,
                Some(HookLevel::Project) => matches!(row.place, HookPlace::Project(_)),
                Some(HookLevel::Group) => matches!(row.place, HookPlace::Owner(_)),
            };
            fits && (row.hook.is_some() || matches!(row.state, State::Unseen(_)))
        });
    }

    /// Whether nothing is left for `install`.
    pub(super) fn is_done(&self) -> bool {
        self.rows.iter().all(|row| match &row.done {
            Some(done) => matches!(done, HookDone::Well(_)),
            None => !row.is_work() && !matches!(row.state, State::Unseen(_)),
        })
    }

    /// Whether every hook of ours is there and well.
    pub(super) fn is_well(&self) -> bool {
        self.rows.iter().all(|row| match &row.hook {
            Some(hook) => hook.is_well() && row.fails_with().is_none(),
            None => matches!(row.state, State::Covered(_)),
        })
    }

    /// Whether none of our hooks is left that was looked for.
    pub(super) fn is_gone(&self) -> bool {
        self.rows.iter().all(|row| matches!(row.done, Some(HookDone::Well(_))))
    }
}

/// Looks around on one forge.
pub(super) struct Surveyor<'a> {
    client: &'a Client,
    clock: &'a Clock,
    own: Own,
    level: Option<HookLevel>,
    /// Our hooks of owners that were looked at; none where that was refused.
    owners: BTreeMap<String, Vec<InstalledHook>>,
    survey: Survey,
}

impl<'a> Surveyor<'a> {
    pub(super) fn new(
        client: &'a Client,
        clock: &'a Clock,
        own: Own,
        level: Option<HookLevel>,
    ) -> Surveyor<'a> {
        let (owners, survey) = (BTreeMap::new(), Survey::default());
        Surveyor { client, clock, own, level, owners, survey }
    }

    /// One read for each project and owner, and one for 100 projects of an owner.
    pub(super) async fn look(mut self) -> Survey {
        for watched in self.client.watched() {
            match (watched, self.level) {
                (Watched::Project(path), Some(HookLevel::Group)) => {
                    let owner = path.rsplit_once('/').map_or(path.as_str(), |(owner, _)| owner).to_owned();
                    if !self.owners.contains_key(&owner) {
                        self.owner(&owner).await;
                    }
                }
                (Watched::Project(path), _) => self.project(path, true).await,
                (Watched::Below(owner), Some(HookLevel::Project)) => self.projects(Some(&owner), true).await,
                (Watched::Below(owner), _) => self.owner(&owner).await,
                (Watched::Everywhere, Some(HookLevel::Group)) => self.survey.notes.push(
                    "`**` names no group or organisation: name them in `projects`, as in \"acme/*\"".into(),
                ),
                (Watched::Everywhere, _) => self.projects(None, true).await,
            }
        }
        self.survey
    }

    /// An owner's hook; where the token may not have one, those of its projects.
    async fn owner(&mut self, owner: &str) {
        let place = HookPlace::Owner(owner.to_owned());
        let seen = self.ours(&place).await;
        self.owners.insert(owner.to_owned(), seen.clone().unwrap_or_default());
        let group = self.level == Some(HookLevel::Group);
        match seen {
            Ok(hooks) => {
                self.survey.found.push(Found { place, hooks: Ok(hooks), chosen: true, covered: None });
                self.projects(Some(owner), false).await;
            }
            Err(ForgeFault::Gone | ForgeFault::Refused { .. }) if !group => {
                let needed = self.needed_for_owners();
                self.survey.notes.push(format!(
                    "{owner}: no webhook for all of it, since that takes {needed}; its projects have \
                     their own"
                ));
                self.projects(Some(owner), true).await;
            }
            Err(fault) => {
                let why = match fault {
                    ForgeFault::Gone | ForgeFault::Refused { .. } => {
                        format!("{fault}; it takes {}", self.needed_for_owners())
                    }
                    fault => fault.to_string(),
                };
                self.survey.found.push(Found { place, hooks: Err(why), chosen: true, covered: None });
            }
        }
    }

    fn needed_for_owners(&self) -> &'static str {
        match self.client.kind() {
            ForgeKind::GitLab => "a group of GitLab Premium and a token with the role Owner",
            ForgeKind::GitHub => {
                "an organisation and a token of its owner, with admin:org_hook (or Webhooks: write of the organisation)"
            }
        }
    }

    /// The hooks of all watched projects of an owner, or of all; `chosen`: there should be some.
    async fn projects(&mut self, owner: Option<&str>, chosen: bool) {
        let client = self.client;
        match patiently(self.clock, async || client.watched_projects(owner).await).await {
            Ok((projects, more)) => {
                if projects.is_empty() && chosen {
                    let place = owner.unwrap_or("the forge");
                    self.survey.notes.push(format!("{place}: no project matches, or the token sees none"));
                }
                if more {
                    let shown = projects.len();
                    self.survey.notes.push(format!("only the first {shown} projects were looked at"));
                }
                for project in projects {
                    self.project(project, chosen).await;
                }
            }
            Err(fault) => {
                let place = HookPlace::Owner(owner.unwrap_or("**").to_owned());
                let why = format!("its projects cannot be listed: {fault}");
                self.survey.found.push(Found { place, hooks: Err(why), chosen, covered: None });
            }
        }
    }

    async fn project(&mut self, path: String, chosen: bool) {
        let place = HookPlace::Project(path.clone());
        let seen = self.ours(&place).await;
        let covered = self.covering(&path).await;
        let hooks = match seen {
            // Not needed here, so it is no gap either.
            Err(ForgeFault::Gone | ForgeFault::Refused { .. }) if covered.is_some() => Ok(Vec::new()),
            seen => seen.map_err(|fault| match fault {
                ForgeFault::Gone | ForgeFault::Refused { .. } => match self.client.kind() {
                    ForgeKind::GitLab => format!("{fault}; it takes the role Maintainer"),
                    ForgeKind::GitHub => {
                        format!("{fault}; it takes an administrator (or Webhooks: write of the repository)")
                    }
                },
                fault => fault.to_string(),
            }),
        };
        self.survey.found.push(Found { place, hooks, chosen, covered });
    }

    /// The owner with a hook of ours that hears of this project, too.
    async fn covering(&mut self, project: &str) -> Option<String> {
        let mut path = project;
        while let Some((owner, _)) = path.rsplit_once('/') {
            if !self.owners.contains_key(owner) {
                let hooks = self.ours(&HookPlace::Owner(owner.to_owned())).await;
                self.owners.insert(owner.to_owned(), hooks.unwrap_or_default());
            }
            if self.owners.get(owner).is_some_and(|hooks| !hooks.is_empty()) {
                return Some(owner.to_owned());
            }
            path = owner;
        }
        None
    }

    /// Our hooks at one place; those of others are counted.
    async fn ours(&mut self, place: &HookPlace) -> Result<Vec<InstalledHook>, ForgeFault> {
        let client = self.client;
        let all = patiently(self.clock, async || client.hooks_at(place).await).await?;
        let (ours, foreign): (Vec<_>, Vec<_>) = all.into_iter().partition(|hook| self.own.is_ours(&hook.url));
        self.survey.foreign += foreign.len();
        self.survey.elsewhere += foreign.iter().filter(|hook| self.own.is_elsewhere(&hook.url)).count();
        Ok(ours)
    }
}
