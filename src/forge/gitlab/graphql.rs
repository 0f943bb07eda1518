//! GraphQL on GitLab, which answers with status 200 whatever it thinks of a request.

use bytes::Bytes;
use gitlab::api::AsyncClient;
use http::{Request, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{GitLab, fault_of};
use crate::forge::fault::Fault;
use crate::forge::http::Mutation;
use crate::forge::story::{self, GraphQl};

impl GitLab {
    /// Sends `{"query": …, "variables": …}` that only reads.
    pub(super) async fn query<T: DeserializeOwned>(&self, body: &Value) -> Result<T, Fault> {
        self.graphql(body, false).await
    }

    /// Sends one that changes something.
    pub(super) async fn mutate<T: DeserializeOwned>(&self, body: &Value) -> Result<T, Fault> {
        self.graphql(body, true).await
    }

    async fn graphql<T: DeserializeOwned>(&self, body: &Value, write: bool) -> Result<T, Fault> {
        let mut request = Request::post(self.line.graphql().as_str());
        if write {
            request = request.extension(Mutation);
        }
        let request = request.header("content-type", "application/json");
        let sent = self.line.rest_async(request, body.to_string().into_bytes()).await;
        let answer: Response<Bytes> = sent.map_err(|error| fault_of(error, write))?;
        let answer: GraphQl<T> =
            serde_json::from_slice(answer.body()).map_err(|error| Fault::unreadable(&error, write))?;
        story::data(answer)
    }
}
