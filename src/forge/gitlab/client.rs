//! Requests to GitLab, one by one and page by page.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::projects::merge_requests as mr;
use gitlab::api::projects::repository::files::FileRaw;
use gitlab::api::{
    ApiError, AsyncClient, AsyncQuery, Endpoint, RestClient, endpoint_prelude as prelude, raw,
};
use http::{Request, Response, request::Builder};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use super::wire;
use crate::clock::Clock;
use crate::forge::client::{Hint, Performed};
use crate::forge::fault::Fault;
use crate::forge::http::{Line, PAGES_LIMIT, PER_PAGE, Pages, Transport, next_page};
use crate::forge::{owners, story};
use usher_core::model::action::Write;
use usher_core::model::change::{
    Account, ChangeKey, ChangedFile, ForgeKind, SeenReviewer, SeenReviewers, Snapshot,
};
use usher_core::model::tickets::TicketRules;

/// How long to leave GitLab alone that has not prepared a new change yet.
const PREPARATION: SignedDuration = SignedDuration::from_secs(10);

/// One GitLab as one identity.
#[derive(Debug)]
pub(in crate::forge) struct GitLab {
    pub(super) line: Line,
    pub(super) clock: Clock,
    /// Shared by all purposes.
    pub(super) me: Arc<OnceCell<Account>>,
    /// Until this second (Unix) REST alone is asked about merge requests: GraphQL had no such thing.
    /// Shared likewise.
    pub(super) rest_until: Arc<AtomicI64>,
}

impl RestClient for Transport {
    type Error = Fault;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<Fault>> {
        Ok(self.api().join(endpoint)?)
    }
}

#[async_trait]
impl AsyncClient for Transport {
    async fn rest_async(&self, request: Builder, body: Vec<u8>) -> Result<Response<Bytes>, ApiError<Fault>> {
        let request = request.body(body).map_err(|error| ApiError::client(Fault::unsendable(&error)))?;
        self.send(request).await.map_err(ApiError::client)
    }
}

/// A list that the crate has no endpoint for, or not with the parameters needed here.
#[derive(Debug)]
pub(super) struct List {
    pub path: String,
    pub parameters: Vec<(&'static str, String)>,
}

impl Endpoint for List {
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
    pub fn new(line: Line, clock: Clock) -> GitLab {
        GitLab { line, clock, me: Arc::default(), rest_until: Arc::new(AtomicI64::new(i64::MIN)) }
    }

    /// The same forge over another line.
    pub fn over(&self, line: Line) -> GitLab {
        GitLab { line, clock: self.clock.clone(), me: self.me.clone(), rest_until: self.rest_until.clone() }
    }

    pub async fn perform(&self, change: &ChangeKey, write: &Write, hint: Hint) -> Result<Performed, Fault> {
        match write {
            Write::ReadFiles { codeowners } => self.files(change, codeowners.as_deref()).await,
            Write::Shape(shape) => self.shape(change, shape).await,
            Write::Comment(comment) => story::comment(self, change, comment, hint).await,
            Write::React { comment } => self.react(change, *comment).await,
        }
    }

    pub(super) async fn read(&self, change: &ChangeKey) -> Result<wire::MergeRequest, Fault> {
        let mut wanted = mr::MergeRequest::builder();
        self.get(&endpoint(wanted.project(&change.project).merge_request(change.number).build())?).await
    }

    pub async fn observe(&self, change: &ChangeKey, tickets: &TicketRules) -> Result<Snapshot, Fault> {
        let seen = self.read(change).await?;
        let mut wanted = mr::MergeRequestReviewers::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let reviewers: Pages<wire::Reviewer> = self.pages(&wanted, PAGES_LIMIT).await?;
        let spoken = reviewers.entries.iter().any(|reviewer| reviewer.verdict().is_some());
        let notes = if spoken { self.newest_notes(change).await? } else { Vec::new() };
        let list = reviewers.entries.iter().map(|reviewer| {
            let account = reviewer.user.account();
            // GitLab keeps no time beside the state. The person's newest note, which may be GitLab's
            // own "approved this merge request" in their name, is as near as it tells.
            let by_them = |note: &&wire::Note| note.author.as_ref().is_some_and(|by| by.id == account.id);
            let at = notes.iter().filter(by_them).filter_map(|note| note.created_at).max();
            let at = at.or(reviewer.created_at).unwrap_or(seen.updated_at);
            SeenReviewer { verdict: reviewer.verdict().map(|verdict| (verdict, at)), account }
        });
        let list = list.collect();
        let complete = !reviewers.truncated;
        Ok(Snapshot { reviewers: Some(SeenReviewers { list, complete }), ..seen.snapshot(tickets) })
    }

    async fn files(&self, change: &ChangeKey, owners: Option<&str>) -> Result<Performed, Fault> {
        let mut wanted = mr::MergeRequestDiffs::builder();
        let wanted = endpoint(wanted.project(&change.project).merge_request(change.number).build())?;
        let diffs: Pages<wire::Diff> = self.pages(&wanted, PAGES_LIMIT).await?;
        if diffs.entries.is_empty() && self.read(change).await?.is_preparing() {
            let at = self.clock.now() + PREPARATION;
            return Err(Fault::Later { at, why: "GitLab is still preparing the change's diff".into() });
        }
        let files = diffs.entries.into_iter().map(|diff| {
            let lines = diff.lines();
            let path = if diff.new_path.is_empty() { diff.old_path } else { diff.new_path };
            ChangedFile { path, lines, ..ChangedFile::default() }
        });
        let fact = owners::files_fact(self, change, files.collect(), owners).await?;
        Ok(Performed::facts(vec![fact]))
    }

    /// Sends a read and takes its answer apart.
    pub(super) async fn get<T, E>(&self, endpoint: &E) -> Result<T, Fault>
    where
        T: DeserializeOwned + 'static,
        E: Endpoint + Sync,
    {
        endpoint.query_async(&*self.line).await.map_err(|error| fault_of(error, false))
    }

    /// Sends a write and takes its answer apart.
    pub(super) async fn write<T, E>(&self, endpoint: &E) -> Result<T, Fault>
    where
        T: DeserializeOwned + 'static,
        E: Endpoint + Sync,
    {
        endpoint.query_async(&*self.line).await.map_err(|error| fault_of(error, true))
    }

    /// Reads a list page by page, at most `limit` pages, as the answers' headers lead. The crate's
    /// `api::paged` stops at the first short page and overlooks 429.
    pub(super) async fn pages<T, E>(&self, endpoint: &E, limit: usize) -> Result<Pages<T>, Fault>
    where
        T: DeserializeOwned,
        E: Endpoint,
    {
        let mut url =
            self.line.rest_endpoint(&endpoint.endpoint()).map_err(|error| fault_of(error, false))?;
        endpoint.parameters().add_to_url(&mut url);
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let mut next = Some(url);
        let mut entries = Vec::new();
        for _ in 0..limit {
            let Some(url) = next.take() else { break };
            let request =
                Request::get(url.as_str()).body(Vec::new()).map_err(|error| Fault::unsendable(&error))?;
            let answer = self.line.send(request).await?;
            next = next_page(&url, answer.headers());
            let page: Vec<T> =
                serde_json::from_slice(answer.body()).map_err(|error| Fault::unreadable(&error, false))?;
            entries.extend(page);
        }
        let truncated = next.is_some();
        if truncated {
            tracing::warn!(list = %endpoint.endpoint(), pages = limit, "a list of the forge was cut short");
        }
        Ok(Pages { entries, truncated })
    }
}

#[async_trait]
impl owners::Shelf for GitLab {
    const KIND: ForgeKind = ForgeKind::GitLab;

    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, Fault> {
        let mut wanted = FileRaw::builder();
        wanted.project(project).file_path(path);
        if let Some(branch) = branch {
            wanted.ref_(branch);
        }
        let wanted = raw(endpoint(wanted.build())?);
        let bytes: Vec<u8> = wanted.query_async(&*self.line).await.map_err(|error| fault_of(error, false))?;
        Ok(bytes.into())
    }
}

/// What an endpoint's builder built.
pub(super) fn endpoint<T>(built: Result<T, impl std::fmt::Display>) -> Result<T, Fault> {
    built.map_err(|error| Fault::unsendable(&error))
}

/// Statuses other than 2xx never come this far: the transport has made faults of them.
pub(super) fn fault_of(error: ApiError<Fault>, write: bool) -> Fault {
    match error {
        ApiError::Client { source } => source,
        ApiError::DataType { .. } | ApiError::GitlabService { .. } | ApiError::Json { .. } => {
            Fault::unreadable(&error, write)
        }
        error => Fault::unsendable(&error),
    }
}
