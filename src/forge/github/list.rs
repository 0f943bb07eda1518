//! The changes of the watched projects.
//!
//! GitHub has no list of all pull requests of an owner but its search. So the first sweep walks from
//! repository to repository, as every pull request comes whole then; later ones search, a request
//! for 100 changes whatever the number of repositories (`search`). Where the search is refused (a
//! user's repositories, an index that is off), sweeps walk.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::api::{GitHub, Left};
use super::wire;
use crate::forge::shared::listing::{ListChanges, Listing, Since, Source, sources};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages, SWEEP_PAGES_LIMIT};
use usher_core::model::change::ChangeKey;
use usher_core::model::policy::Pattern;
use usher_core::model::tickets::TicketRules;

/// Projects looked into in one sweep, at most: each costs a request of the 5,000 an hour.
const PROJECTS_LIMIT: usize = 500;
/// Projects of one owner that are named one by one and looked into one by one; of more, the owner is
/// searched.
const NAMED_MAX: usize = 10;

/// What one sweep asks for, and what it has found so far.
struct Sweep<'a> {
    forge: &'a str,
    patterns: &'a [Pattern],
    since: &'a Since,
    tickets: &'a TicketRules,
    listing: Listing,
    /// Projects to be looked into one by one.
    walk: Vec<String>,
}

impl Sweep<'_> {
    fn wants(&self, project: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(project))
    }

    /// Whether to ask the search: not for a first look, which is to show the changes whole.
    fn searches(&self) -> bool {
        self.since.roll_call || self.since.mark.is_some()
    }
}

#[async_trait]
impl ListChanges for GitHub {
    /// The changes of each owner by search; or the repositories of each owner, then each one's pull
    /// requests, newest update first, down to the mark.
    async fn list(
        &self,
        forge: &str,
        patterns: &[Pattern],
        since: &Since,
        tickets: &TicketRules,
    ) -> Result<Listing, ForgeFault> {
        let (listing, walk) = (Listing::default(), Vec::new());
        let mut sweep = Sweep { forge, patterns, since, tickets, listing, walk };
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for source in sources(patterns) {
            match source {
                Source::Project(path) => {
                    let owner = path.split('/').next().unwrap_or_default().to_owned();
                    named.entry(owner).or_default().push(path);
                }
                Source::Below(owner) => self.list_owner(&mut sweep, &owner).await?,
                Source::Everywhere if self.transport.is_app() => {
                    for owner in self.transport.owners().await? {
                        self.list_owner(&mut sweep, &owner).await?;
                    }
                }
                Source::Everywhere => {
                    let found = self.pages(self.seen_repositories(), PAGES_LIMIT).await?;
                    sweep.listing.truncated |= found.truncated;
                    sweep.add_repositories(found.entries);
                }
            }
        }
        for (owner, projects) in named {
            let many = projects.len() > NAMED_MAX && sweep.searches();
            if !many || !self.search_owner(&mut sweep, &owner).await? {
                sweep.walk.extend(projects);
            }
        }
        self.walk(&mut sweep).await?;
        Ok(sweep.listing)
    }
}

impl GitHub {
    async fn list_owner(&self, sweep: &mut Sweep<'_>, owner: &str) -> Result<(), ForgeFault> {
        if sweep.since.of(owner).is_none() || (sweep.searches() && self.search_owner(sweep, owner).await?) {
            return Ok(());
        }
        let found = sweep.listing.shown(sweep.forge, owner, self.repositories_of(owner).await)?;
        sweep.add_repositories(found);
        Ok(())
    }

    /// Whether the search would answer.
    async fn search_owner(&self, sweep: &mut Sweep<'_>, owner: &str) -> Result<bool, ForgeFault> {
        let mark = sweep.since.of(owner).flatten().filter(|_| !sweep.since.roll_call);
        let found = match self.search(owner, mark).await {
            Ok(found) => found,
            Err(fault @ (ForgeFault::Refused { .. } | ForgeFault::Gone)) => {
                tracing::debug!(forge = sweep.forge, owner, %fault, "cannot be searched; projects are looked into");
                return Ok(false);
            }
            Err(fault) => return Err(fault),
        };
        sweep.listing.answered = true;
        sweep.listing.truncated |= found.incomplete;
        sweep.listing.unread += found.unread;
        let until = [sweep.listing.covered_until, found.covered_until];
        sweep.listing.covered_until = until.into_iter().flatten().min();
        for hit in found.hits {
            if let Some(project) = hit.project().filter(|project| sweep.wants(project)) {
                let key = ChangeKey::new(sweep.forge, project, hit.number);
                sweep.listing.changes.push((key, hit.snapshot(sweep.tickets)));
            }
        }
        Ok(true)
    }

    async fn walk(&self, sweep: &mut Sweep<'_>) -> Result<(), ForgeFault> {
        let projects = std::mem::take(&mut sweep.walk);
        if projects.len() > PROJECTS_LIMIT {
            let (projects, limit) = (projects.len(), PROJECTS_LIMIT);
            tracing::warn!(projects, limit, "too many projects for one sweep");
            sweep.listing.truncated = true;
        }
        for project in projects.iter().take(PROJECTS_LIMIT) {
            let Some(mark) = sweep.since.of(project) else { continue };
            let found = self.pulls(project, mark).await;
            let found = sweep.listing.shown(sweep.forge, project, found)?;
            let shown = found.into_iter().filter(|pull| !pull.home().is_some_and(|home| home.archived));
            let keyed = |pull: wire::Pull| {
                let key = ChangeKey::new(sweep.forge, pull.project().unwrap_or(project), pull.number);
                (key, pull.snapshot(sweep.tickets))
            };
            let keyed: Vec<_> = shown.map(keyed).collect();
            sweep.listing.changes.extend(keyed);
        }
        Ok(())
    }

    async fn pulls(
        &self,
        project: &str,
        updated_after: Option<Timestamp>,
    ) -> Result<Pages<wire::Pull>, ForgeFault> {
        let mut url = self.in_project(project, ["pulls"]);
        let (state, sort, direction) = match updated_after {
            None => ("open", "created", "asc"),
            Some(_) => ("all", "updated", "desc"),
        };
        url.query_pairs_mut()
            .append_pair("state", state)
            .append_pair("sort", sort)
            .append_pair("direction", direction);
        let mut entries = Vec::new();
        let take = |page: Vec<wire::Pull>| {
            let read = page.len();
            let new =
                page.into_iter().filter(|pull| updated_after.is_none_or(|after| pull.updated_at >= after));
            let before = entries.len();
            entries.extend(new);
            entries.len() - before == read
        };
        let Left { truncated, unread } = self.each_page(url, SWEEP_PAGES_LIMIT, take).await?;
        self.transport.note_unread(entries.iter().map(wire::Pull::unread).sum());
        Ok(Pages { entries, truncated, unread })
    }
}

impl Sweep<'_> {
    fn add_repositories(&mut self, found: Vec<wire::Repository>) {
        let wanted: Vec<String> = found
            .into_iter()
            .filter(|repository| {
                let quiet = self.since.mark.is_none() && repository.open_issues_count == Some(0);
                !repository.archived && !quiet && self.wants(&repository.full_name)
            })
            .map(|repository| repository.full_name)
            .collect();
        self.walk.extend(wanted);
    }
}
