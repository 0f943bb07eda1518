//! What `usher check --online` asks a forge for.

use crate::forge::client::Client;
use crate::forge::shared::inspect::{ProjectFacts, TokenFacts};
use crate::forge::transport::fault::Fault;

impl Client {
    /// What the forge tells of the credentials. 1 read; of a GitLab 2, of a GitHub App 3.
    ///
    /// # Errors
    /// See [`Fault`]; [`Fault::Unauthorized`]: they are not accepted.
    pub async fn token(&self) -> Result<TokenFacts, Fault> {
        self.dialect().token(self.name()).await
    }

    /// One watched project. 2 to 4 reads.
    ///
    /// # Errors
    /// See [`Fault`]; [`Fault::Gone`]: it is not there, or hidden from this token.
    pub async fn project(&self, path: &str) -> Result<ProjectFacts, Fault> {
        self.dialect().project(path).await
    }
}
