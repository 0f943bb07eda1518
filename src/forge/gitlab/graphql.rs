//! GraphQL on GitLab, which answers with status 200 whatever it thinks of a request.

use std::sync::atomic::Ordering;

use http::Request;
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::GitLab;
use crate::forge::transport::entries::Entries;
use crate::forge::transport::exchange::About;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::graphql::{self, GraphQl};
use crate::forge::transport::http::Mutation;
use usher_core::model::change::Account;

/// For so long REST is used alone, once GraphQL was not there.
const REST_FOR: SignedDuration = SignedDuration::from_hours(1);
/// What GraphQL says of a field, mutation or type that a server does not have.
const MISSING: [&str; 3] = ["doesn't exist on type", "isn't a defined input type", "doesn't accept argument"];

/// The field that says whether a merge request may have several reviewers. GitLab 19.4 has it, 16.3 does
/// not.
pub(super) const LIMIT: &str = "allowsMultipleReviewers";

/// A connection; what is hidden from the token is null in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
pub(super) struct Nodes<T> {
    nodes: Option<Entries<Option<T>>>,
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
    pub(super) fn entries(self) -> impl Iterator<Item = T> {
        self.nodes.into_iter().flatten().flatten()
    }

    /// Whether there is more than these, as far as was asked.
    pub(super) fn is_cut(&self) -> bool {
        let unread = self.nodes.as_ref().is_some_and(|nodes| nodes.unread > 0);
        unread || self.page_info.as_ref().is_some_and(|page| page.has_next_page)
    }
}

impl UserNode {
    pub(super) fn account(&self) -> Option<Account> {
        Some(Account::new(number(&self.id)?, &*self.username))
    }
}

/// The project that a query with these variables is about, as ours name it: `path`, or in the input of a
/// mutation `projectPath`.
fn project_in(variables: &Value) -> Option<&str> {
    let inputs = variables.as_object()?.values();
    let named = |input: &'_ Value| input.get("projectPath").and_then(Value::as_str).is_some();
    let of_mutation =
        inputs.clone().find(|input| named(input)).and_then(|input| input["projectPath"].as_str());
    variables["path"].as_str().or(of_mutation)
}

/// The number at the end of a global id.
pub(super) fn number(id: &str) -> Option<u64> {
    id.rsplit('/').next()?.parse().ok()
}

impl GitLab {
    /// Sends `{"query": …, "variables": …}` that only reads.
    pub(super) async fn query<T: DeserializeOwned>(&self, body: &Value) -> Result<T, ForgeFault> {
        graphql::data(self.graphql(body, false).await?)
    }

    /// Sends one that changes something: what of it was answered, and the first complaint about the rest.
    pub(super) async fn mutate<T: DeserializeOwned>(
        &self,
        body: &Value,
    ) -> Result<(Option<T>, Option<String>), ForgeFault> {
        Ok(graphql::parts(self.graphql(body, true).await?))
    }

    async fn graphql<T: DeserializeOwned>(
        &self,
        body: &Value,
        write: bool,
    ) -> Result<GraphQl<T>, ForgeFault> {
        let mut request = Request::post(self.transport.graphql().as_str());
        if write {
            request = request.extension(Mutation);
        }
        if let Some(project) = project_in(&body["variables"]) {
            request = request.extension(About(project.to_owned()));
        }
        let request = request.header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes());
        let answer = self.transport.send(request.map_err(|error| ForgeFault::unsendable(&error))?).await?;
        serde_json::from_slice(answer.body()).map_err(|error| ForgeFault::unreadable(&error, write))
    }

    /// Whether GraphQL may be asked about merge requests, as far as is known.
    pub(super) fn has_graphql(&self) -> bool {
        self.clock.now().as_second() >= self.rest_until.load(Ordering::Relaxed)
    }

    /// Whether to ask if a merge request may have several reviewers, as far as is known.
    pub(super) fn tells_limit(&self) -> bool {
        self.clock.now().as_second() >= self.limit_untold_until.load(Ordering::Relaxed)
    }

    /// Whether the fault says that the schema does not have that, which is then remembered for a while.
    pub(super) fn lacks_limit(&self, fault: &ForgeFault) -> bool {
        let says = |answer: &str| answer.contains(LIMIT) && answer.contains(MISSING[0]);
        let lacks = matches!(fault, ForgeFault::Refused { answer, .. } if says(answer));
        if lacks {
            let until = self.clock.now() + REST_FOR;
            self.limit_untold_until.store(until.as_second(), Ordering::Relaxed);
        }
        lacks
    }

    /// Whether the fault says that this server has no such thing, which is then remembered for a while.
    pub(super) fn lacks_graphql(&self, fault: &ForgeFault) -> bool {
        let lacks = match fault {
            ForgeFault::Gone => true,
            ForgeFault::Refused { answer, .. } => MISSING.iter().any(|word| answer.contains(word)),
            _ => false,
        };
        if lacks {
            let until = self.clock.now() + REST_FOR;
            self.rest_until.store(until.as_second(), Ordering::Relaxed);
            tracing::info!(
                %until, "this GitLab cannot add single reviewers; their whole list is written, as REST has it"
            );
        }
        lacks
    }
}
