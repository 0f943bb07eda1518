//! The changes of the watched projects.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use jiff::Timestamp;

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

#[async_trait]
impl ListChanges for GitLab {
    /// One list per project or namespace (a group's list covers its subgroups, and leaves archived
    /// projects out: `non_archived` is true unless said otherwise). Sorted so that what
    /// changes meanwhile is appended: what is open by creation, what is new by update.
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
                ("updated_after", instant.to_string()),
            ]),
        }
        let found = self.pages(&ListEndpoint { path, parameters }, SWEEP_PAGES_LIMIT).await?;
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

fn below(kind: &str, path: &str) -> String {
    format!("{kind}/{}/merge_requests", NameOrId::from(path))
}
