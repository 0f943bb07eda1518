//! GraphQL on GitHub.

use http::Request;
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::api::{GitHub, fault_of};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::graphql::{self, GraphQl};
use crate::forge::transport::http::Mutation;

impl GitHub {
    /// A GraphQL query. octocrab's own would lose what an answer with errors gives beside them.
    pub(super) async fn query<T: DeserializeOwned>(&self, body: &impl Serialize) -> Result<T, ForgeFault> {
        let url = self.transport.graphql().as_str();
        let answer: Result<GraphQl<T>, _> = self.crab().post(url, Some(body)).await;
        graphql::data(answer.map_err(|error| fault_of(&error, false))?)
    }

    /// A GraphQL request that changes something; what it answers is known already.
    pub(super) async fn mutate(&self, body: &impl Serialize) -> Result<(), ForgeFault> {
        let url = self.transport.graphql().as_str();
        let request = Request::post(url).extension(Mutation);
        let crab = self.crab();
        let request = crab.build_request(request, Some(body)).map_err(|error| fault_of(&error, true))?;
        let answer = crab.execute(request).await.map_err(|error| fault_of(&error, true))?;
        let body = answer.into_body().collect().await.map_err(|error| fault_of(&error, true))?.to_bytes();
        let answer: GraphQl<IgnoredAny> =
            serde_json::from_slice(&body).map_err(|error| ForgeFault::unreadable(&error, true))?;
        graphql::data(answer).map(drop)
    }
}
