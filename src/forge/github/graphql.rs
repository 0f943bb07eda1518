//! GraphQL on GitHub.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::{GitHub, fault_of};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::graphql::{self, GraphQl};

impl GitHub {
    /// A GraphQL query. octocrab's own would lose what an answer with errors gives beside them.
    pub(super) async fn query<T: DeserializeOwned>(&self, body: &impl Serialize) -> Result<T, ForgeFault> {
        let url = self.transport.graphql().as_str();
        let answer: Result<GraphQl<T>, _> = self.crab().post(url, Some(body)).await;
        graphql::data(answer.map_err(|error| fault_of(&error, false))?)
    }
}
