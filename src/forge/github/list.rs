//! The changes of the watched projects.

use jiff::Timestamp;
use url::Url;

use super::client::GitHub;
use super::wire;
use crate::core::change::ChangeKey;
use crate::core::policy::Pattern;
use crate::core::tickets::TicketRules;
use crate::forge::client::{Listing, Source, shown, sources};
use crate::forge::fault::Fault;
use crate::forge::http::{PAGES_LIMIT, Pages, SWEEP_PAGES_LIMIT};

/// Projects looked into in one sweep, at most: each costs a request of the 5,000 an hour.
const PROJECTS_LIMIT: usize = 500;

impl GitHub {
    /// The repositories of each owner, then each one's pull requests, newest update first, down to
    /// `updated_after`.
    pub async fn list(
        &self,
        forge: &str,
        patterns: &[Pattern],
        updated_after: Option<Timestamp>,
        tickets: &TicketRules,
    ) -> Result<Listing, Fault> {
        let mut listing = Listing::default();
        let mut projects: Vec<String> = Vec::new();
        for source in sources(patterns) {
            let found = match &source {
                Source::Project(path) => {
                    projects.push(path.clone());
                    continue;
                }
                Source::Below(owner) => shown(forge, owner, self.repositories_of(owner).await)?,
                Source::Everywhere => self.all_repositories().await?,
            };
            listing.truncated |= found.truncated;
            let wanted = |repository: &wire::Repository| {
                let empty = updated_after.is_none() && repository.open_issues_count == Some(0);
                let path = &repository.full_name;
                !repository.archived && !empty && patterns.iter().any(|pattern| pattern.matches(path))
            };
            let found = found.entries.into_iter().filter(wanted);
            projects.extend(found.map(|repository| repository.full_name));
        }
        if projects.len() > PROJECTS_LIMIT {
            tracing::warn!(
                projects = projects.len(),
                limit = PROJECTS_LIMIT,
                "too many projects for one sweep"
            );
            listing.truncated = true;
        }
        for project in projects.iter().take(PROJECTS_LIMIT) {
            let found = shown(forge, project, self.pulls(project, updated_after).await)?;
            listing.truncated |= found.truncated;
            let keyed = |pull: wire::Pull| {
                let key = ChangeKey::new(forge, pull.project().unwrap_or(project), pull.number);
                (key, pull.snapshot(tickets))
            };
            listing.changes.extend(found.entries.into_iter().map(keyed));
        }
        Ok(listing)
    }

    /// All repositories that the identity was let into.
    pub(super) async fn all_repositories(&self) -> Result<Pages<wire::Repository>, Fault> {
        if !self.is_app() {
            return self.pages(self.seen_repositories(), PAGES_LIMIT).await;
        }
        let mut all = Pages { entries: Vec::new(), truncated: false };
        for owner in self.owners().await? {
            let found = self.installed_at(&owner).await?;
            all.entries.extend(found.entries);
            all.truncated |= found.truncated;
        }
        Ok(all)
    }

    /// An owner's repositories, as far as the identity was let into them: an organisation's for a
    /// token, those of the installation for an App.
    pub(super) async fn repositories_of(&self, owner: &str) -> Result<Pages<wire::Repository>, Fault> {
        if self.is_app() {
            return self.installed_at(owner).await;
        }
        match self.pages(self.at(["orgs", owner, "repos"]), PAGES_LIMIT).await {
            Err(Fault::Gone) => self.pages(self.seen_repositories(), PAGES_LIMIT).await,
            found => found,
        }
    }

    fn seen_repositories(&self) -> Url {
        self.at(["user", "repos"])
    }

    async fn pulls(
        &self,
        project: &str,
        updated_after: Option<Timestamp>,
    ) -> Result<Pages<wire::Pull>, Fault> {
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
        let truncated = self.each_page(url, SWEEP_PAGES_LIMIT, take).await?;
        Ok(Pages { entries, truncated })
    }
}
