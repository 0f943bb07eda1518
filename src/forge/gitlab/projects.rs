//! Projects: which there are, and where one is now.

use async_trait::async_trait;
use gitlab::api::common::NameOrId;

use super::api::{GitLab, ListEndpoint};
use super::wire;
use crate::forge::shared::listing::{FindProjects, Whereabouts};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::policy::Pattern;

#[async_trait]
impl FindProjects for GitLab {
    /// Paths of all projects below a group or user, or of all that the token is a member of.
    async fn projects_in(&self, owner: Option<&str>) -> Result<Pages<String>, ForgeFault> {
        let list = |path: String, more: &[(&'static str, &str)]| {
            let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
            ListEndpoint { path, parameters: more.chain([("archived", "false".to_owned())]).collect() }
        };
        let found: Pages<wire::Project> = match owner {
            None => self.pages(&list("projects".into(), &[("membership", "true")]), PAGES_LIMIT).await?,
            Some(owner) => {
                let id = NameOrId::from(owner);
                let group = list(format!("groups/{id}/projects"), &[("include_subgroups", "true")]);
                match self.pages(&group, PAGES_LIMIT).await {
                    // No group of that name: it may be a user.
                    Err(ForgeFault::Gone) => {
                        self.pages(&list(format!("users/{id}/projects"), &[]), PAGES_LIMIT).await?
                    }
                    found => found?,
                }
            }
        };
        let entries = found.entries.into_iter().map(|project| project.path_with_namespace).collect();
        Ok(Pages { entries, truncated: found.truncated, unread: found.unread })
    }
    /// `GET /projects/:id`. By an old path GitLab answers 301, which is not followed.
    async fn whereabouts(
        &self,
        project: &str,
        id: Option<u64>,
        _: &[Pattern],
    ) -> Result<Whereabouts, ForgeFault> {
        let named = id.map_or_else(|| NameOrId::from(project).to_string(), |id| id.to_string());
        let endpoint = ListEndpoint { path: format!("projects/{named}"), parameters: Vec::new() };
        let found: wire::Project = self.get(&endpoint).await?;
        Ok(Whereabouts {
            project: found.path_with_namespace,
            number: found.id.or(id),
            archived: found.archived,
        })
    }
}
