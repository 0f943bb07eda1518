//! GraphQL on GitLab, which answers with status 200 whatever it thinks of a request.

use bytes::Bytes;
use gitlab::api::AsyncClient;
use http::{Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{GitLab, fault_of};
use crate::forge::fault::Fault;
use crate::forge::http::Mutation;
use crate::forge::story::{self, GraphQl};
use usher_core::model::change::Account;

/// A connection; what is hidden from the token is null in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Nodes<T> {
    #[serde(default = "Vec::new")]
    nodes: Vec<Option<T>>,
    page_info: Option<PageInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default)]
    has_next_page: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct UserNode {
    /// `gid://gitlab/User/7`
    id: String,
    #[serde(default)]
    username: String,
}

/// A label. Its id, `gid://gitlab/ProjectLabel/7` or `gid://gitlab/GroupLabel/7`, is handed back as it is.
#[derive(Debug, Deserialize)]
pub(super) struct Titled {
    pub id: String,
    pub title: String,
}

impl<T> Nodes<T> {
    pub fn entries(self) -> impl Iterator<Item = T> {
        self.nodes.into_iter().flatten()
    }

    /// Whether there is more than these, where that was asked.
    pub fn is_cut(&self) -> bool {
        self.page_info.as_ref().is_some_and(|page| page.has_next_page)
    }
}

impl UserNode {
    pub fn account(&self) -> Option<Account> {
        Some(Account::new(number(&self.id)?, &*self.username))
    }
}

/// The number at the end of a global id.
pub(super) fn number(id: &str) -> Option<u64> {
    id.rsplit('/').next()?.parse().ok()
}

impl GitLab {
    /// Sends `{"query": …, "variables": …}` that only reads.
    pub(super) async fn query<T: DeserializeOwned>(&self, body: &Value) -> Result<T, Fault> {
        story::data(self.graphql(body, false).await?)
    }

    /// Sends one that changes something: what of it was answered, and the first complaint about the rest.
    pub(super) async fn mutate<T: DeserializeOwned>(
        &self,
        body: &Value,
    ) -> Result<(Option<T>, Option<String>), Fault> {
        Ok(story::parts(self.graphql(body, true).await?))
    }

    async fn graphql<T: DeserializeOwned>(&self, body: &Value, write: bool) -> Result<GraphQl<T>, Fault> {
        let mut request = Request::post(self.line.graphql().as_str());
        if write {
            request = request.extension(Mutation);
        }
        let request = request.header("content-type", "application/json");
        let sent = self.line.rest_async(request, body.to_string().into_bytes()).await;
        let answer: Response<Bytes> = sent.map_err(|error| fault_of(error, write))?;
        serde_json::from_slice(answer.body()).map_err(|error| Fault::unreadable(&error, write))
    }
}
