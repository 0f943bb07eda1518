//! The changes of the watched projects.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use jiff::Timestamp;
use url::Url;

use super::api::{GitLab, ListEndpoint};
use super::wire;
use crate::forge::shared::listing::{ListChanges, Listing, Since, Source, sources};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages, SWEEP_PAGES_LIMIT};
use usher_core::model::change::ChangeKey;
use usher_core::model::policy::Pattern;
use usher_core::model::tickets::TicketRules;

/// Projects of one user that are listed one by one, at most.
const USER_PROJECTS_LIMIT: usize = 200;
/// From which instant on, it included, a list shows changes.
const CREATED_AFTER: &str = "created_after";
const UPDATED_AFTER: &str = "updated_after";

#[async_trait]
impl ListChanges for GitLab {
    /// One list per project or namespace (a group's list covers its subgroups, and leaves archived
    /// projects out: `non_archived` is true unless said otherwise). Sorted by time: what is open by
    /// creation, what is new by update.
    async fn list(
        &self,
        forge: &str,
        patterns: &[Pattern],
        since: &Since,
        tickets: &TicketRules,
    ) -> Result<Listing, ForgeFault> {
        let mut listing = Listing::default();
        for source in sources(patterns) {
            let found = match &source {
                Source::Everywhere => {
                    let found = self.merge_requests("merge_requests".into(), since.mark).await?;
                    listing.answered = true;
                    listing.truncated |= found.truncated;
                    listing.unread += found.unread;
                    found.entries
                }
                Source::Project(path) => {
                    let Some(mark) = since.of(path) else { continue };
                    let found = self.merge_requests(below("projects", path), mark).await;
                    listing.shown(forge, path, found)?
                }
                Source::Below(path) => {
                    let Some(mark) = since.of(path) else { continue };
                    match self.merge_requests(below("groups", path), mark).await {
                        // No group of that name: it may be a user.
                        Err(ForgeFault::Gone) => self.of_user(forge, path, since, &mut listing).await?,
                        found => listing.shown(forge, path, found)?,
                    }
                }
            };
            let wanted = |path: &str| patterns.iter().any(|pattern| pattern.matches(path));
            for change in found {
                let Some(project) = change.project() else { continue };
                if wanted(&project) {
                    let key = ChangeKey::new(forge, project, change.iid);
                    listing.changes.push((key, change.snapshot(tickets)));
                } else if matches!(source, Source::Below(_)) {
                    listing.unwatched.insert(project);
                }
            }
        }
        Ok(listing)
    }
}

impl GitLab {
    async fn merge_requests(
        &self,
        path: String,
        updated_after: Option<Timestamp>,
    ) -> Result<Pages<wire::MergeRequest>, ForgeFault> {
        let mut parameters = vec![("scope", "all".to_owned()), ("sort", "asc".into())];
        match updated_after {
            None => parameters.extend([("state", "opened".to_owned()), ("order_by", "created_at".into())]),
            Some(instant) => parameters.extend([
                ("state", "all".to_owned()),
                ("order_by", "updated_at".into()),
                (UPDATED_AFTER, instant.to_string()),
            ]),
        }
        let (after, time): (_, fn(&wire::MergeRequest) -> Option<Timestamp>) = match updated_after {
            None => (CREATED_AFTER, |change| change.created_at),
            Some(_) => (UPDATED_AFTER, |change| Some(change.updated_at)),
        };
        let along = |url: &Url, next: Url, page: &[wire::MergeRequest]| {
            page.last().and_then(time).and_then(|last| from(url, after, last)).unwrap_or(next)
        };
        let list = ListEndpoint { path, parameters };
        let found = self.pages_along(&list, SWEEP_PAGES_LIMIT, along).await?;
        self.transport.note_unread(found.entries.iter().map(wire::MergeRequest::unread).sum());
        Ok(found)
    }

    async fn of_user(
        &self,
        forge: &str,
        user: &str,
        since: &Since,
        listing: &mut Listing,
    ) -> Result<Vec<wire::MergeRequest>, ForgeFault> {
        let path = format!("users/{}/projects", NameOrId::from(user));
        let projects = self.pages(&ListEndpoint { path, parameters: Vec::new() }, PAGES_LIMIT).await;
        let projects: Vec<wire::Project> = listing.shown(forge, user, projects)?;
        listing.truncated |= projects.len() > USER_PROJECTS_LIMIT;
        let mut all = Vec::new();
        for project in projects.iter().take(USER_PROJECTS_LIMIT) {
            let path = &project.path_with_namespace;
            let Some(mark) = since.of(path) else { continue };
            let found = self.merge_requests(below("projects", path), mark).await;
            all.extend(listing.shown(forge, path, found)?);
        }
        Ok(all)
    }
}

/// The list at `url` from this time on, where that is later than it begins. A page is found by counting
/// from the beginning, so what moves or leaves while a list is read would push another entry over a page's
/// edge; from the time of the last entry on, nothing slips through, and that one comes twice.
fn from(url: &Url, after: &str, last: Timestamp) -> Option<Url> {
    let begins: Option<Timestamp> =
        url.query_pairs().find(|(key, _)| key == after).and_then(|(_, at)| at.parse().ok());
    if begins.is_some_and(|begins| begins >= last) {
        return None;
    }
    let kept = url.query_pairs().filter(|(key, _)| key != after && key != "page");
    let kept: Vec<(String, String)> =
        kept.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    let mut onward = url.clone();
    onward.query_pairs_mut().clear().extend_pairs(kept).append_pair(after, &last.to_string());
    Some(onward)
}

fn below(kind: &str, path: &str) -> String {
    format!("{kind}/{}/merge_requests", NameOrId::from(path))
}
