//! Webhooks: where they belong, and setting them up.

use std::collections::BTreeSet;

use crate::forge::client::Client;
use crate::forge::shared::listing::{Source, sources};
use crate::forge::shared::webhooks::{HookPlace, HookWish, InstalledHook};
use crate::forge::transport::fault::ForgeFault;

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
        sources(self.patterns()).into_iter().map(place).collect()
    }

    /// The watched projects of an owner, or all of them; archived ones are left out. `true`: there are
    /// more than these, of which there are at most 500. One read per 100 projects of the owner.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn watched_projects(&self, owner: Option<&str>) -> Result<(Vec<String>, bool), ForgeFault> {
        let found = self.dialect().projects_in(owner).await?;
        let below = |path: &str| {
            let root = |owner: &str| path.to_lowercase().starts_with(&format!("{}/", owner.to_lowercase()));
            owner.is_none_or(root)
        };
        let watched = |path: &String| self.patterns().iter().any(|pattern| pattern.matches(path));
        let mut projects: Vec<String> =
            found.entries.into_iter().filter(|path| watched(path) && below(path)).collect();
        projects.sort();
        projects.dedup();
        let more = found.truncated || projects.len() > PROJECTS_MAX;
        projects.truncate(PROJECTS_MAX);
        Ok((projects, more))
    }

    /// Projects that lie below an owner of watched ones and are not watched themselves, because `*` is one
    /// level of a path: those of subgroups. Archived ones are left out. One read per 100 projects of each
    /// owner.
    ///
    /// # Errors
    /// See [`ForgeFault`]: the first list that cannot be had.
    pub async fn unwatched_below(&self) -> Result<BTreeSet<String>, ForgeFault> {
        let mut unwatched = BTreeSet::new();
        for owner in self.watched() {
            let Watched::Below(owner) = owner else { continue };
            let found = self.dialect().projects_in(Some(&owner)).await?;
            let watched = |path: &String| self.patterns().iter().any(|pattern| pattern.matches(path));
            let depth = |path: &str| path.matches('/').count();
            let is_deep = |path: &String| depth(path) > depth(&owner) + 1;
            unwatched.extend(found.entries.into_iter().filter(|path| is_deep(path) && !watched(path)));
        }
        Ok(unwatched)
    }

    /// Paths of all watched projects: those of [`Client::watched_projects`], and those that are named in
    /// full whether they are there or not. `true`: there are more than these. Reads as for a list of each
    /// owner.
    ///
    /// # Errors
    /// See [`ForgeFault`]: the first list that cannot be had.
    pub async fn watched_paths(&self) -> Result<(BTreeSet<String>, bool), ForgeFault> {
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

    /// All webhooks of a project, group or organisation, foreign ones too. One read.
    ///
    /// # Errors
    /// See [`ForgeFault`]. [`ForgeFault::Gone`] or [`ForgeFault::Refused`]: this token may not look at them, or there
    /// are none here (groups of GitLab Free).
    pub async fn hooks_at(&self, place: &HookPlace) -> Result<Vec<InstalledHook>, ForgeFault> {
        self.dialect().hooks_at(place).await
    }

    /// Sets up a webhook, or makes `old` as it should be, secrets included. One write; answers what the
    /// forge made of it.
    ///
    /// # Errors
    /// See [`ForgeFault`]; what a forge says of a secret is shown without it.
    pub async fn put_hook(
        &self,
        place: &HookPlace,
        old: Option<&InstalledHook>,
        wish: &HookWish,
    ) -> Result<InstalledHook, ForgeFault> {
        let put = self.dialect().put_hook(place, old, wish).await;
        put.map_err(|fault| wish.secrets.hidden_in(fault))
    }

    /// Takes a webhook down. One write; one that is gone already is fine.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn delete_hook(&self, place: &HookPlace, id: u64) -> Result<(), ForgeFault> {
        let deleted = self.dialect().delete_hook(place, id).await;
        match deleted {
            Err(ForgeFault::Gone) => Ok(()),
            deleted => deleted,
        }
    }
}
