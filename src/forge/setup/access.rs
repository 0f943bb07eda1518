//! Who may do what in the watched projects.

use crate::forge::client::Client;
use crate::forge::shared::access::{Members, SeenProjects};
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::access::{AccessFacts, ProjectFacts};

impl Client {
    /// The watched projects that are not archived, with their settings. Requests: one for each
    /// project named in full, and one per 100 projects of a namespace; for a GitHub App one more per
    /// 100 installations.
    ///
    /// # Errors
    /// See [`ForgeFault`]. A project or namespace that is not there, or not shown, is passed over and noted.
    pub async fn access_projects(&self) -> Result<SeenProjects, ForgeFault> {
        let found = self.dialect().access_projects(self.patterns()).await;
        Ok(found?.notice_unseen(self.patterns()).limited(self.name()))
    }

    /// Reads the roles of everybody in `project`, inherited ones included, and enters them, or why
    /// they could not be read. One request per 100 members.
    ///
    /// # Errors
    /// When the forge is down or asks for patience; a refusal is entered instead.
    pub async fn read_access(&self, project: &mut ProjectFacts) -> Result<(), ForgeFault> {
        match self.dialect().access_members(project).await {
            Ok(Members { ranks, truncated: false }) => project.members = Some(ranks),
            Ok(_) => project.fault = Some("its members cannot all be read".into()),
            Err(fault @ (ForgeFault::Refused { .. } | ForgeFault::Gone)) => {
                project.fault = Some(fault.to_string())
            }
            Err(fault) => return Err(fault.about(&format!("`{}`", project.project))),
        }
        Ok(())
    }

    /// Both of the above for all projects, one after another.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn access(&self) -> Result<AccessFacts, ForgeFault> {
        let SeenProjects { mut list, unseen, truncated, .. } = self.access_projects().await?;
        for project in &mut list {
            self.read_access(project).await?;
        }
        Ok(AccessFacts { read_at: self.now(), projects: list, unseen, truncated })
    }
}
