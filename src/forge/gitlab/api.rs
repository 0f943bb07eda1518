//! Requests to GitLab, one by one and page by page.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::{ApiError, AsyncClient, AsyncQuery, Endpoint, RestClient, endpoint_prelude as prelude};
use http::{Request, Response, request::Builder};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use crate::clock::Clock;
use crate::forge::shared::dialect::Dialect;
use crate::forge::shared::labels::LabelLooks;
use crate::forge::transport::entries::{Entries, page};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::http::Transport;
use crate::forge::transport::pages::{PER_PAGE, Pages, next_page};
use usher_core::model::change::Account;

/// One GitLab as one identity.
#[derive(Debug)]
pub(in crate::forge) struct GitLab {
    pub(super) transport: Arc<Transport>,
    pub(super) clock: Clock,
    /// Shared by all purposes.
    pub(super) me: Arc<OnceCell<Account>>,
    pub(super) looks: LabelLooks,
    /// Until this second (Unix) REST alone is asked about merge requests: GraphQL had no such thing.
    /// Shared likewise.
    pub(super) rest_until: Arc<AtomicI64>,
    /// Until this second GraphQL is not asked whether a merge request may have several reviewers: its
    /// schema did not have that. Shared likewise.
    pub(super) limit_untold_until: Arc<AtomicI64>,
}

impl RestClient for Transport {
    type Error = ForgeFault;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<ForgeFault>> {
        Ok(self.api().join(endpoint)?)
    }
}

#[async_trait]
impl AsyncClient for Transport {
    async fn rest_async(
        &self,
        request: Builder,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ApiError<ForgeFault>> {
        let request = request.body(body).map_err(|error| ApiError::client(ForgeFault::unsendable(&error)))?;
        self.send(request).await.map_err(ApiError::client)
    }
}

/// A list that the crate has no endpoint for, or not with the parameters needed here.
#[derive(Debug)]
pub(super) struct ListEndpoint {
    pub path: String,
    pub parameters: Vec<(&'static str, String)>,
}

impl Endpoint for ListEndpoint {
    fn method(&self) -> http::Method {
        http::Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn parameters(&self) -> prelude::QueryParams<'_> {
        let mut parameters = prelude::QueryParams::default();
        for (key, value) in &self.parameters {
            parameters.push(*key, value);
        }
        parameters
    }
}

impl GitLab {
    pub(crate) fn new(transport: Arc<Transport>, clock: Clock, looks: LabelLooks) -> GitLab {
        let never = || Arc::new(AtomicI64::new(i64::MIN));
        GitLab {
            transport,
            clock,
            me: Arc::default(),
            looks,
            rest_until: never(),
            limit_untold_until: never(),
        }
    }

    /// Sends a read and takes its answer apart.
    pub(super) async fn get<T, E>(&self, endpoint: &E) -> Result<T, ForgeFault>
    where
        T: DeserializeOwned + 'static,
        E: Endpoint + Sync,
    {
        endpoint.query_async(&*self.transport).await.map_err(|error| fault_of(error, false))
    }

    /// Sends a write and takes its answer apart.
    pub(super) async fn write<T, E>(&self, endpoint: &E) -> Result<T, ForgeFault>
    where
        T: DeserializeOwned + 'static,
        E: Endpoint + Sync,
    {
        endpoint.query_async(&*self.transport).await.map_err(|error| fault_of(error, true))
    }

    /// Reads a list page by page, at most `limit` pages, as the answers' headers lead. The crate's
    /// `api::paged` stops at the first short page and overlooks 429.
    pub(super) async fn pages<T, E>(&self, endpoint: &E, limit: usize) -> Result<Pages<T>, ForgeFault>
    where
        T: DeserializeOwned,
        E: Endpoint,
    {
        self.pages_along(endpoint, limit, |_, next, _| next).await
    }

    /// [`GitLab::pages`], where `along` says what follows a page: from its address, the address that its
    /// headers lead to, and its entries.
    pub(super) async fn pages_along<T, E>(
        &self,
        endpoint: &E,
        limit: usize,
        along: impl Fn(&Url, Url, &[T]) -> Url + Sync,
    ) -> Result<Pages<T>, ForgeFault>
    where
        T: DeserializeOwned,
        E: Endpoint,
    {
        let mut url =
            self.transport.rest_endpoint(&endpoint.endpoint()).map_err(|error| fault_of(error, false))?;
        endpoint.parameters().add_to_url(&mut url);
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let mut next = Some(url);
        let mut found = Pages::whole(Vec::new());
        for _ in 0..limit {
            let Some(url) = next.take() else { break };
            let request = Request::get(url.as_str())
                .body(Vec::new())
                .map_err(|error| ForgeFault::unsendable(&error))?;
            let answer = self.transport.send(request).await?;
            let Entries { list, unread } =
                page(answer.body()).map_err(|error| ForgeFault::unreadable(&error, false))?;
            next = next_page(&url, answer.headers()).map(|next| along(&url, next, &list));
            self.transport.note_unread(unread);
            found.unread += unread;
            found.entries.extend(list);
        }
        found.truncated = next.is_some();
        if found.truncated {
            tracing::warn!(list = %endpoint.endpoint(), pages = limit, "a list of the forge was cut short");
        }
        Ok(found)
    }
}

impl Dialect for GitLab {
    fn over(&self, transport: Arc<Transport>) -> Box<dyn Dialect> {
        let (clock, me, looks) = (self.clock.clone(), self.me.clone(), self.looks.clone());
        let (rest_until, limit_untold_until) = (self.rest_until.clone(), self.limit_untold_until.clone());
        Box::new(GitLab { transport, clock, me, looks, rest_until, limit_untold_until })
    }
}

/// What an endpoint's builder built.
pub(super) fn endpoint<T>(built: Result<T, impl std::fmt::Display>) -> Result<T, ForgeFault> {
    built.map_err(|error| ForgeFault::unsendable(&error))
}

/// Statuses other than 2xx never come this far: the transport has made faults of them.
pub(super) fn fault_of(error: ApiError<ForgeFault>, write: bool) -> ForgeFault {
    match error {
        ApiError::Client { source } => source,
        ApiError::DataType { source, .. } | ApiError::Json { source } => {
            ForgeFault::unreadable(&source, write)
        }
        error @ ApiError::GitlabService { .. } => ForgeFault::garbled(&error, write),
        error => ForgeFault::unsendable(&error),
    }
}
