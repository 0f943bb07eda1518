//! Webhooks: setting them up, and how they are.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Client, Dialect};
use crate::forge::fault::Fault;
use crate::forge::github;
use crate::forge::hooks::{Deliveries, HookPlace, HookWish, InstalledHook, leads_to};
use crate::forge::inspect::if_allowed;
use crate::forge::listing::{Source, sources};

/// Where the configuration's projects are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// One project, named in full.
    Project(String),
    /// Projects of a group, organisation or user.
    Below(String),
    /// Projects anywhere.
    Everywhere,
}

/// The most projects that are answered for one owner.
const PROJECTS_MAX: usize = 500;

impl Client {
    /// Where the watched projects are, in the fewest places.
    pub fn watched(&self) -> Vec<Watched> {
        let place = |source| match source {
            Source::Everywhere => Watched::Everywhere,
            Source::Below(path) => Watched::Below(path),
            Source::Project(path) => Watched::Project(path),
        };
        sources(&self.0.projects).into_iter().map(place).collect()
    }

    /// The watched projects of an owner, or all of them; archived ones are left out. `true`: there are
    /// more than these, of which there are at most 500. One read per 100 projects of the owner.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn watched_projects(&self, owner: Option<&str>) -> Result<(Vec<String>, bool), Fault> {
        let found = match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.projects_in(owner).await?,
            Dialect::GitHub(github) => github.projects_in(owner).await?,
        };
        let below = |path: &str| {
            let root = |owner: &str| path.to_lowercase().starts_with(&format!("{}/", owner.to_lowercase()));
            owner.is_none_or(root)
        };
        let watched = |path: &String| self.0.projects.iter().any(|pattern| pattern.matches(path));
        let mut projects: Vec<String> =
            found.entries.into_iter().filter(|path| watched(path) && below(path)).collect();
        projects.sort();
        projects.dedup();
        let more = found.truncated || projects.len() > PROJECTS_MAX;
        projects.truncate(PROJECTS_MAX);
        Ok((projects, more))
    }

    /// Paths of all watched projects: those of [`Client::watched_projects`], and those that are named in
    /// full whether they are there or not. `true`: there are more than these. Reads as for a list of each
    /// owner.
    ///
    /// # Errors
    /// See [`Fault`]: the first list that cannot be had.
    pub async fn watched_paths(&self) -> Result<(BTreeSet<String>, bool), Fault> {
        let (mut paths, mut more) = (BTreeSet::new(), false);
        for watched in self.watched() {
            let owner = match watched {
                Watched::Project(path) => {
                    paths.insert(path);
                    continue;
                }
                Watched::Below(owner) => Some(owner),
                Watched::Everywhere => None,
            };
            let found = self.watched_projects(owner.as_deref()).await;
            let about = format!("`{}`", owner.as_deref().unwrap_or("**"));
            let (found, is_cut) = found.map_err(|fault| fault.about(&about))?;
            paths.extend(found);
            more |= is_cut;
        }
        // One that a wildcard covers, too, is in no list of its owner's while it is not there.
        let found: BTreeSet<String> = paths.iter().map(|path| path.to_lowercase()).collect();
        let unseen = self.exact_projects().filter(|path| !found.contains(&path.to_lowercase()));
        paths.extend(unseen.map(str::to_owned));
        Ok((paths, more))
    }

    /// Those webhooks of a place that lead to `/hooks/{forge}`, wherever that is; `None`: this token may
    /// not look. One read.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn own_hooks(&self, place: &HookPlace) -> Result<Option<Vec<InstalledHook>>, Fault> {
        let hooks = if_allowed(self.hooks_at(place).await)?;
        let own = |hook: &InstalledHook| leads_to(&hook.url, self.name());
        Ok(hooks.map(|hooks| hooks.into_iter().filter(own).collect()))
    }

    /// Where GitHub keeps what became of its deliveries to Usher, as far as this identity may read it:
    /// an App its own hook's log, a token those of the organisations that it owns. GitLab keeps none
    /// that says more than a sweep.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn delivery_logs(&self) -> Result<Vec<github::DeliveryLog>, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(_) => Ok(Vec::new()),
            Dialect::GitHub(github) => github.delivery_logs(&self.0.name, &self.0.projects).await,
        }
    }

    /// The deliveries that failed at or after `since`, newest first. One read for 100.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn failed_deliveries(
        &self,
        log: &github::DeliveryLog,
        since: Timestamp,
    ) -> Result<Vec<github::FailedDelivery>, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(_) => Ok(Vec::new()),
            Dialect::GitHub(github) => github.failed_deliveries(log, since).await,
        }
    }

    /// Has one of [`Client::failed_deliveries`] sent again, under the id it had. One write.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn redeliver(&self, log: &github::DeliveryLog, id: u64) -> Result<(), Fault> {
        match &self.0.dialect {
            Dialect::GitLab(_) => Ok(()),
            Dialect::GitHub(github) => github.redeliver(log, id).await,
        }
    }

    /// Sends a test to one of [`Client::own_hooks`], which enables it again where Usher answers well.
    /// One write; GitLab allows five a minute. On GitHub there is nothing to do: it disables none.
    ///
    /// # Errors
    /// See [`Fault`]. 422: Usher did not answer well, or there is no change to make a test of.
    pub async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.test_hook(place, hook).await,
            Dialect::GitHub(_) => Ok(()),
        }
    }

    /// All webhooks of a project, group or organisation, foreign ones too. One read.
    ///
    /// # Errors
    /// See [`Fault`]. [`Fault::Gone`] or [`Fault::Refused`]: this token may not look at them, or there
    /// are none here (groups of GitLab Free).
    pub async fn hooks_at(&self, place: &HookPlace) -> Result<Vec<InstalledHook>, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.hooks_at(place).await,
            Dialect::GitHub(github) => github.hooks_at(place).await,
        }
    }

    /// Sets up a webhook, or makes `old` as it should be, secrets included. One write; answers what the
    /// forge made of it.
    ///
    /// # Errors
    /// See [`Fault`]; what a forge says of a secret is shown without it.
    pub async fn put_hook(
        &self,
        place: &HookPlace,
        old: Option<&InstalledHook>,
        wish: &HookWish,
    ) -> Result<InstalledHook, Fault> {
        let put = match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.put_hook(place, old, wish).await,
            Dialect::GitHub(github) => github.put_hook(place, old, wish).await,
        };
        put.map_err(|fault| wish.secrets.hidden_in(fault))
    }

    /// Takes a webhook down. One write; one that is gone already is fine.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn delete_hook(&self, place: &HookPlace, id: u64) -> Result<(), Fault> {
        let deleted = match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.delete_hook(place, id).await,
            Dialect::GitHub(github) => github.delete_hook(place, id).await,
        };
        match deleted {
            Err(Fault::Gone) => Ok(()),
            deleted => deleted,
        }
    }

    /// How the newest deliveries of a webhook went, up to a hundred; GitHub only, `None` on GitLab,
    /// which tells of failures by the hook's state. One read.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn hook_deliveries(&self, place: &HookPlace, id: u64) -> Result<Option<Deliveries>, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(_) => Ok(None),
            Dialect::GitHub(github) => github.deliveries(place, id).await.map(Some),
        }
    }
}
