//! The changes of the watched projects.

use gitlab::api::common::NameOrId;
use jiff::Timestamp;

use super::client::{GitLab, List};
use super::wire;
use crate::core::change::ChangeKey;
use crate::core::policy::Pattern;
use crate::core::tickets::TicketRules;
use crate::forge::client::{Listing, Source, shown, sources};
use crate::forge::fault::Fault;
use crate::forge::http::{PAGES_LIMIT, Pages, SWEEP_PAGES_LIMIT};

/// Projects of one user that are listed one by one, at most.
const USER_PROJECTS_LIMIT: usize = 200;

impl GitLab {
    /// One list per project or namespace (a group's list covers its subgroups). Sorted so that what
    /// changes meanwhile is appended: what is open by creation, what is new by update.
    pub async fn list(
        &self,
        forge: &str,
        patterns: &[Pattern],
        updated_after: Option<Timestamp>,
        tickets: &TicketRules,
    ) -> Result<Listing, Fault> {
        let mut listing = Listing::default();
        for source in sources(patterns) {
            let found = match &source {
                Source::Everywhere => self.merge_requests("merge_requests".into(), updated_after).await,
                Source::Project(path) => {
                    let found = self.merge_requests(below("projects", path), updated_after).await;
                    shown(forge, path, found)
                }
                Source::Below(path) => {
                    let found = match self.merge_requests(below("groups", path), updated_after).await {
                        // No group of that name: it may be a user.
                        Err(Fault::Gone) => self.of_user(forge, path, updated_after).await,
                        found => found,
                    };
                    shown(forge, path, found)
                }
            }?;
            listing.truncated |= found.truncated;
            let wanted = |path: &str| patterns.iter().any(|pattern| pattern.matches(path));
            listing.changes.extend(found.entries.into_iter().filter_map(|change| {
                let project = change.project().filter(|project| wanted(project))?;
                Some((ChangeKey::new(forge, project, change.iid), change.snapshot(tickets)))
            }));
        }
        Ok(listing)
    }

    async fn merge_requests(
        &self,
        path: String,
        updated_after: Option<Timestamp>,
    ) -> Result<Pages<wire::MergeRequest>, Fault> {
        let mut parameters = vec![("scope", "all".to_owned()), ("sort", "asc".into())];
        match updated_after {
            None => parameters.extend([("state", "opened".to_owned()), ("order_by", "created_at".into())]),
            Some(instant) => parameters.extend([
                ("state", "all".to_owned()),
                ("order_by", "updated_at".into()),
                ("updated_after", instant.to_string()),
            ]),
        }
        self.pages(&List { path, parameters }, SWEEP_PAGES_LIMIT).await
    }

    async fn of_user(
        &self,
        forge: &str,
        user: &str,
        updated_after: Option<Timestamp>,
    ) -> Result<Pages<wire::MergeRequest>, Fault> {
        let path = format!("users/{}/projects", NameOrId::from(user));
        let projects: Pages<wire::Project> =
            self.pages(&List { path, parameters: Vec::new() }, PAGES_LIMIT).await?;
        let too_many = projects.truncated || projects.entries.len() > USER_PROJECTS_LIMIT;
        let mut all = Pages { entries: Vec::new(), truncated: too_many };
        for project in projects.entries.iter().take(USER_PROJECTS_LIMIT) {
            let path = &project.path_with_namespace;
            let found = self.merge_requests(below("projects", path), updated_after).await;
            let found = shown(forge, path, found)?;
            all.truncated |= found.truncated;
            all.entries.extend(found.entries);
        }
        Ok(all)
    }
}

fn below(kind: &str, path: &str) -> String {
    format!("{kind}/{}/merge_requests", NameOrId::from(path))
}
