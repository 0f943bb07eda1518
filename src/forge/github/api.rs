//! Requests to GitHub, one by one and page by page.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use crate::forge::shared::dialect::Dialect;
use crate::forge::shared::labels::LabelLooks;
use crate::forge::transport::address::below;
use crate::forge::transport::entries::{Entries, page};
use crate::forge::transport::exchange::OWNER_HEADER;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::http::Transport;
use crate::forge::transport::pages::{PER_PAGE, Pages, next_page};
use usher_core::model::change::{Account, ChangeKey};

/// One GitHub as one identity.
#[derive(Debug)]
pub(in crate::forge) struct GitHub {
    pub(super) transport: Arc<Transport>,
    /// Made at the first request: octocrab starts a task of its own and needs the runtime for it.
    crab: OnceLock<Octocrab>,
    /// Shared by all purposes.
    pub(super) me: Arc<OnceCell<Account>>,
    pub(super) looks: LabelLooks,
}

/// The lowest layer of octocrab's tower. octocrab makes the requests; credentials, timeouts, limits
/// and faults are the transport's. No retry layer is laid above it.
#[derive(Clone, Debug)]
struct Ground(Arc<Transport>);

impl tower::Service<Request<OctoBody>> for Ground {
    type Response = Response<Full<Bytes>>;
    type Error = ForgeFault;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ForgeFault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ForgeFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let transport = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| ForgeFault::unsendable(&error))?.to_bytes();
            let answer = transport.send(Request::from_parts(parts, body.to_vec())).await?;
            Ok(answer.map(Full::new))
        })
    }
}

/// What a list has beyond what was taken of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    /// The limit on pages came before the end.
    pub truncated: bool,
    /// Entries that could not be read.
    pub unread: usize,
}

impl GitHub {
    pub(crate) fn new(transport: Arc<Transport>, looks: LabelLooks) -> GitHub {
        GitHub { transport, crab: OnceLock::new(), me: Arc::default(), looks }
    }

    /// An address below the API's root.
    pub(super) fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        below(self.transport.api(), segments)
    }

    /// An address below `repos/{owner}/{name}`.
    pub(super) fn in_project<'a>(&self, project: &'a str, rest: impl IntoIterator<Item = &'a str>) -> Url {
        self.at(["repos"].into_iter().chain(project.split('/')).chain(rest))
    }

    /// An address below a change as pull request.
    pub(super) fn pull<const N: usize>(&self, change: &ChangeKey, rest: [&str; N]) -> Url {
        let number = change.number.to_string();
        self.in_project(&change.project, ["pulls", &number].into_iter().chain(rest))
    }

    /// An address below a change as issue: labels and comments live there.
    pub(super) fn issue<const N: usize>(&self, change: &ChangeKey, rest: [&str; N]) -> Url {
        let number = change.number.to_string();
        self.in_project(&change.project, ["issues", &number].into_iter().chain(rest))
    }

    pub(super) fn crab(&self) -> &Octocrab {
        self.crab.get_or_init(|| {
            let tower = OctocrabBuilder::new_empty().with_service(Ground(self.transport.clone()));
            match tower.with_auth(AuthState::None).build() {
                Ok(crab) => crab,
                Err(never) => match never {},
            }
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, ForgeFault> {
        self.crab().get(url.as_str(), None::<&()>).await.map_err(|error| fault_of(&error, false))
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<T, ForgeFault> {
        self.crab().post(url.as_str(), Some(body)).await.map_err(|error| fault_of(&error, true))
    }

    /// An edit whose answer is wanted.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<T, ForgeFault> {
        self.crab().patch(url.as_str(), Some(body)).await.map_err(|error| fault_of(&error, true))
    }

    /// Reads something that belongs to the owner of `path`, which the address does not name: with an
    /// App it takes the token of the owner's installation.
    pub(super) async fn read_of<T: DeserializeOwned>(&self, path: &str, url: Url) -> Result<T, ForgeFault> {
        let owner = path.split('/').next().unwrap_or(path);
        let owner = HeaderValue::from_str(owner).map_err(|error| ForgeFault::unsendable(&error))?;
        let headers = HeaderMap::from_iter([(HeaderName::from_static(OWNER_HEADER), owner)]);
        let answer = self.crab()._get_with_headers(url.as_str(), Some(headers)).await;
        let body = answer.map_err(|error| fault_of(&error, false))?.into_body().collect().await;
        let body: Bytes = body.map_err(|error| fault_of(&error, false))?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| ForgeFault::unreadable(&error, false))
    }

    /// A write whose answer says nothing that is not known already.
    pub(super) async fn write(
        &self,
        method: Method,
        url: &Url,
        body: Option<&impl Serialize>,
    ) -> Result<(), ForgeFault> {
        let request = http::request::Builder::new().method(method).uri(url.as_str());
        let crab = self.crab();
        let request = crab.build_request(request, body).map_err(|error| fault_of(&error, true))?;
        crab.execute(request).await.map_err(|error| fault_of(&error, true)).map(drop)
    }

    /// Reads a list page by page, at most `limit` pages, as the answers' headers lead.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        url: Url,
        limit: usize,
    ) -> Result<Pages<T>, ForgeFault> {
        let mut entries = Vec::new();
        let left = self.each_page(url, limit, |page: Vec<T>| {
            entries.extend(page);
            true
        });
        let Left { truncated, unread } = left.await?;
        Ok(Pages { entries, truncated, unread })
    }

    /// Hands each page to `take` until it has enough (`false`) or the list ends. Answers what it left out.
    pub(super) async fn each_page<T: DeserializeOwned>(
        &self,
        mut url: Url,
        limit: usize,
        mut take: impl FnMut(Vec<T>) -> bool,
    ) -> Result<Left, ForgeFault> {
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let (mut next, mut left) = (Some(url), Left::default());
        for _ in 0..limit {
            let Some(url) = next.take() else { return Ok(left) };
            let answer = self.crab()._get(url.as_str()).await.map_err(|error| fault_of(&error, false))?;
            next = next_page(&url, answer.headers());
            let body = answer.into_body().collect().await.map_err(|error| fault_of(&error, false))?;
            let page = page(&body.to_bytes());
            let Entries { list, unread } = page.map_err(|error| ForgeFault::unreadable(&error, false))?;
            self.transport.note_unread(unread);
            left.unread += unread;
            if !take(list) {
                return Ok(left);
            }
        }
        if let Some(url) = &next {
            tracing::warn!(list = url.path(), pages = limit, "a list of the forge was cut short");
        }
        left.truncated = next.is_some();
        Ok(left)
    }
}

impl Dialect for GitHub {
    fn over(&self, transport: Arc<Transport>) -> Box<dyn Dialect> {
        let looks = self.looks.clone();
        Box::new(GitHub { transport, crab: OnceLock::new(), me: self.me.clone(), looks })
    }
}

/// The transport's own fault, carried up through octocrab; or what octocrab itself stumbled over.
pub(super) fn fault_of(error: &octocrab::Error, write: bool) -> ForgeFault {
    match error {
        octocrab::Error::Service { source, .. } => match source.downcast_ref::<ForgeFault>() {
            Some(fault) => fault.clone(),
            None => ForgeFault::Retry { why: source.to_string(), outcome_unknown: write },
        },
        octocrab::Error::Json { source, .. } => ForgeFault::unreadable(source.inner(), write),
        octocrab::Error::Serde { source, .. } => ForgeFault::unsendable(source),
        octocrab::Error::Http { source, .. } => ForgeFault::unsendable(source),
        octocrab::Error::Uri { source, .. } => ForgeFault::unsendable(source),
        error => {
            ForgeFault::Retry { why: format!("octocrab: {}", first_line(error)), outcome_unknown: write }
        }
    }
}

/// octocrab prints backtraces into its messages.
fn first_line(error: &octocrab::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
