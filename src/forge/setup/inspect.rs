//! What `usher check --online` asks a forge for.

use crate::forge::client::Client;
use crate::forge::shared::inspect::{ProjectInspection, TokenFacts};
use crate::forge::transport::fault::ForgeFault;

impl Client {
    /// What the forge tells of the credentials. 1 read; of a GitLab 2, of a GitHub App 3.
    ///
    /// # Errors
    /// See [`ForgeFault`]; [`ForgeFault::Unauthorized`]: they are not accepted.
    pub async fn token(&self) -> Result<TokenFacts, ForgeFault> {
        self.dialect().token(self.name()).await
    }

    /// One watched project. 2 to 4 reads.
    ///
    /// # Errors
    /// See [`ForgeFault`]; [`ForgeFault::Gone`]: it is not there, or hidden from this token.
    pub async fn project(&self, path: &str) -> Result<ProjectInspection, ForgeFault> {
        self.dialect().project(path).await
    }
}
