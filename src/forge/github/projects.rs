//! Repositories: which there are, and where one is now.

use std::collections::BTreeSet;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use url::Url;

use super::api::{GitHub, fault_of};
use super::wire;
use crate::forge::shared::listing::{FindProjects, Source, Whereabouts, sources};
use crate::forge::transport::exchange::OWNER_HEADER;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::meaning::Meaning;
use crate::forge::transport::pages::{PAGES_LIMIT, PER_PAGE, Pages, next_page};
use usher_core::model::policy::Pattern;

#[async_trait]
impl FindProjects for GitHub {
    /// Paths of all repositories of an owner, or of all that the identity was let into; without those
    /// that are archived.
    async fn projects_in(&self, owner: Option<&str>) -> Result<Pages<String>, ForgeFault> {
        let found = match owner {
            Some(owner) => self.repositories_of(owner).await?,
            None => self.all_repositories().await?,
        };
        let kept = found.entries.into_iter().filter(|repository: &wire::Repository| !repository.archived);
        let entries = kept.map(|one| one.full_name).collect();
        Ok(Pages { entries, truncated: found.truncated, unread: found.unread })
    }
    /// `GET /repos/{owner}/{name}`, one request. By an old name it answers 301; then the repository is
    /// looked for by its number among those of the watched owners.
    async fn whereabouts(
        &self,
        project: &str,
        id: Option<u64>,
        patterns: &[Pattern],
    ) -> Result<Whereabouts, ForgeFault> {
        // A path that is not known is `#` and the number; no owner has such a name.
        let found: Result<wire::Repository, ForgeFault> = match project.contains('/') {
            true => self.get(&self.in_project(project, [])).await,
            false => Err(ForgeFault::Refused { status: 301, answer: "its path is not known".into() }),
        };
        let moved = match found {
            // Somebody else may have the name by now.
            Ok(found) if id.is_none() || found.id == id => return Ok(found.whereabouts()),
            Ok(_) => ForgeFault::Refused { status: 301, answer: "another repository has the name".into() },
            Err(fault) if fault.meaning() == Meaning::Moved => fault,
            Err(fault) => return Err(fault),
        };
        let Some(id) = id else { return Err(moved) };
        let owners = sources(patterns).into_iter().filter_map(|source| match source {
            Source::Below(owner) => Some(owner),
            Source::Project(path) => path.split('/').next().map(str::to_owned),
            Source::Everywhere => None,
        });
        let mut owners: BTreeSet<String> = owners.collect();
        owners.extend(project.split_once('/').map(|(owner, _)| owner.to_owned()));
        for owner in owners {
            let repositories = match self.repositories_of(&owner).await {
                Ok(repositories) => repositories.entries,
                Err(ForgeFault::Gone | ForgeFault::Refused { .. }) => continue,
                Err(fault) => return Err(fault),
            };
            if let Some(found) = repositories.into_iter().find(|found| found.id == Some(id)) {
                return Ok(found.whereabouts());
            }
        }
        Err(moved)
    }
}

impl GitHub {
    /// All repositories that the identity was let into.
    pub(super) async fn all_repositories(&self) -> Result<Pages<wire::Repository>, ForgeFault> {
        if !self.transport.is_app() {
            return self.pages(self.seen_repositories(), PAGES_LIMIT).await;
        }
        let mut all = Pages::whole(Vec::new());
        for owner in self.transport.owners().await? {
            let found = self.installed_at(&owner).await?;
            all.entries.extend(found.entries);
            all.truncated |= found.truncated;
            all.unread += found.unread;
        }
        Ok(all)
    }

    /// An owner's repositories, as far as the identity was let into them: an organisation's for a
    /// token, those of the installation for an App.
    pub(super) async fn repositories_of(&self, owner: &str) -> Result<Pages<wire::Repository>, ForgeFault> {
        if self.transport.is_app() {
            return self.installed_at(owner).await;
        }
        match self.pages(self.at(["orgs", owner, "repos"]), PAGES_LIMIT).await {
            Err(ForgeFault::Gone) => self.pages(self.seen_repositories(), PAGES_LIMIT).await,
            found => found,
        }
    }

    pub(super) fn seen_repositories(&self) -> Url {
        self.at(["user", "repos"])
    }

    /// The repositories that the App was let into at `owner` (REST: "List repositories accessible to
    /// the app installation").
    pub(super) async fn installed_at(&self, owner: &str) -> Result<Pages<wire::Repository>, ForgeFault> {
        let mut url = self.at(["installation", "repositories"]);
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let owner = HeaderValue::from_str(owner).map_err(|error| ForgeFault::unsendable(&error))?;
        let headers = HeaderMap::from_iter([(HeaderName::from_static(OWNER_HEADER), owner)]);
        let (mut next, mut found) = (Some(url), Pages::whole(Vec::new()));
        for _ in 0..PAGES_LIMIT {
            let Some(url) = next.take() else { break };
            let answer = self.crab()._get_with_headers(url.as_str(), Some(headers.clone())).await;
            let answer = answer.map_err(|error| fault_of(&error, false))?;
            next = next_page(&url, answer.headers());
            let body = answer.into_body().collect().await.map_err(|error| fault_of(&error, false))?;
            let page: Result<wire::Installed, _> = serde_json::from_slice(&body.to_bytes());
            let page = page.map_err(|error| ForgeFault::unreadable(&error, false))?;
            self.transport.note_unread(page.repositories.unread);
            found.unread += page.repositories.unread;
            found.entries.extend(page.repositories);
        }
        found.truncated = next.is_some();
        Ok(found)
    }
}
