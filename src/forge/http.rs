//! The one way out to a forge: timeouts, size limit, gate, limits and faults, under both client
//! crates. No redirect is followed and nothing is repeated here: the courier repeats.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use url::{Host, Url};

use super::credentials::{Bearer, Credentials};
use super::fault::{self, Fault, Patience};
use super::gate::{Gate, NotBefore, Traffic};
use super::github::{App, SignIn, Whose};
use super::way::Way;
use crate::clock::Clock;
use crate::core::change::ForgeKind;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Names the owner whose installation of a GitHub App is meant, where the path does not. It never goes
/// out.
pub(super) const OWNER_HEADER: &str = "x-usher-owner";
/// Largest answer taken in: a page of 100 GitLab diffs at its 200 kB limit stays below.
const ANSWER_LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// Entries asked for per page: the most that both forges give.
pub(super) const PER_PAGE: u32 = 100;
/// Pages read of one list, at most. 3,000 entries is also where GitHub's file list ends.
pub(super) const PAGES_LIMIT: usize = 30;
/// Pages of changes read in one sweep of a project or group, at most: 30,000 changes.
pub(super) const SWEEP_PAGES_LIMIT: usize = 300;

/// Marks a request to GraphQL that changes something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mutation;

/// How the connection to a forge has been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When the last good answer came.
    pub last_ok: Option<Timestamp>,
    /// The last fault since then; `None` while all is well.
    pub last_fault: Option<String>,
    /// Until when the forge asked for patience.
    pub blocked_until: Option<Timestamp>,
}

/// Sends requests to one forge as one identity.
pub struct Transport {
    http: reqwest::Client,
    api: Url,
    identity: Identity,
    graphql: Url,
    /// Host and port of the configured proxy, for messages.
    proxy: Option<String>,
    gate: Gate,
    clock: Clock,
    health: Mutex<Health>,
}

/// Whose name the requests carry.
enum Identity {
    Token(Bearer),
    App(App),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("api", &self.api.as_str()).finish_non_exhaustive()
    }
}

impl Transport {
    /// Prepares a connection; nothing is sent.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub fn new(
        kind: ForgeKind,
        api: Url,
        credentials: Credentials,
        user_agent: &str,
        way: &Way,
        clock: Clock,
    ) -> Result<Transport, String> {
        let identity = match credentials {
            Credentials::Token(token) => Identity::Token(Bearer::new(token)?),
            Credentials::App(key) => Identity::App(App::new(&key, clock.clone())?),
        };
        let mut headers = HeaderMap::new();
        let accept = match kind {
            ForgeKind::GitLab => "application/json",
            ForgeKind::GitHub => "application/vnd.github+json",
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(user_agent)
            .default_headers(headers);
        let http = way.lay(http, is_loopback(&api))?;
        let http = http.build().map_err(|error| format!("no HTTP client can be made: {}", chain(&error)))?;
        let gate = Gate::new(kind, clock.clone());
        let graphql = super::url::graphql(&api);
        let proxy = way.proxy_place();
        Ok(Transport { http, api, identity, graphql, proxy, gate, clock, health: Mutex::default() })
    }

    /// Root of the API, with a slash at its end.
    pub fn api(&self) -> &Url {
        &self.api
    }

    /// Where GraphQL queries go.
    pub fn graphql(&self) -> &Url {
        &self.graphql
    }

    pub fn health(&self) -> Health {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Health { blocked_until: self.gate.blocked_until(), ..health }
    }

    /// Whether a write would pass the gate now.
    ///
    /// # Errors
    /// [`Fault::Later`].
    pub fn check_write(&self) -> Result<(), Fault> {
        self.gate.check(Traffic::Write).map_err(Fault::from)
    }

    /// Whether requests are made as a GitHub App.
    pub fn is_app(&self) -> bool {
        matches!(self.identity, Identity::App(_))
    }

    /// The owners that have installed the App, in lower case; none without an App.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn owners(&self) -> Result<Vec<String>, Fault> {
        match &self.identity {
            Identity::Token(_) => Ok(Vec::new()),
            Identity::App(app) => app.owners(|request| self.sign_in(request)).await,
        }
    }

    /// Sends one request, once. The answer is a 2xx, read whole. A token of an App that has become
    /// worthless early is replaced, and only then the request is sent a second time: the first did
    /// nothing.
    ///
    /// # Errors
    /// Everything else, as a [`Fault`].
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, Fault> {
        // A GraphQL query is a POST that changes nothing; a mutation says so of itself.
        let query = request.method() == Method::POST
            && request.uri().path() == self.graphql.path()
            && request.extensions().get::<Mutation>().is_none();
        let write = !matches!(*request.method(), Method::GET | Method::HEAD) && !query;
        self.gate.permit(if write { Traffic::Write } else { Traffic::Read })?;
        let answer = self.send_signed(request, write).await;
        self.note(answer.as_ref().err());
        answer
    }

    async fn send_signed(&self, request: Request<Vec<u8>>, write: bool) -> Result<Response<Bytes>, Fault> {
        let bearer = self.bearer(&request).await?;
        let Identity::App(app) = &self.identity else { return self.carry(request, &bearer, write).await };
        let answer = self.carry(request.clone(), &bearer, write).await;
        if !matches!(answer, Err(Fault::Unauthorized)) {
            return answer;
        }
        app.forget(&bearer).await;
        let bearer = self.bearer(&request).await?;
        self.carry(request, &bearer, write).await
    }

    async fn bearer(&self, request: &Request<Vec<u8>>) -> Result<Bearer, Fault> {
        let app = match &self.identity {
            Identity::Token(bearer) => return Ok(bearer.clone()),
            Identity::App(app) => app,
        };
        let whose = match request.headers().get(OWNER_HEADER).and_then(|owner| owner.to_str().ok()) {
            Some(owner) => Whose::Owner(owner.to_lowercase()),
            None => {
                let path = request.uri().path();
                App::whose(path.strip_prefix(self.api.path()).unwrap_or(path))
            }
        };
        app.bearer(&whose, |request| self.sign_in(request)).await
    }

    async fn sign_in(&self, request: SignIn) -> Result<Bytes, Fault> {
        self.gate.permit(Traffic::Read)?;
        let method = if request.post { Method::POST } else { Method::GET };
        let url = self.api.join(&request.path).map_err(|error| Fault::unsendable(&error))?;
        let outgoing = Request::builder().method(method).uri(url.as_str()).body(Vec::new());
        let outgoing = outgoing.map_err(|error| Fault::unsendable(&error))?;
        // A token that is granted and never arrives does no harm, so its outcome is not "unknown".
        let answer = self.carry(outgoing, &request.bearer, false).await?;
        Ok(answer.into_body())
    }

    async fn carry(
        &self,
        request: Request<Vec<u8>>,
        bearer: &Bearer,
        write: bool,
    ) -> Result<Response<Bytes>, Fault> {
        let answer = self.exchange(request, bearer, write).await?;
        self.weigh(answer, bearer, write)
    }

    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        bearer: &Bearer,
        write: bool,
    ) -> Result<Response<Bytes>, Fault> {
        let lost = |error: &reqwest::Error| Fault::Retry {
            why: self.lost(error),
            // Without a connection nothing was sent.
            outcome_unknown: write && !error.is_connect() && !error.is_builder(),
        };
        let mut request = self.addressed(request)?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer.header.clone());
        let mut answer = self.http.execute(request).await.map_err(|error| lost(&error))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + chunk.len() > ANSWER_LIMIT_BYTES {
                let answer = format!("its answer is larger than {ANSWER_LIMIT_BYTES} bytes");
                return Err(Fault::Refused { status: 200, answer });
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = Response::new(body.freeze());
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }

    /// What is said of a request that got no answer, with a remedy where one shows.
    fn lost(&self, error: &reqwest::Error) -> String {
        let way = self.proxy.as_ref().filter(|_| error.is_connect());
        let way = way.map(|proxy| format!(" by way of the proxy {proxy}")).unwrap_or_default();
        let what = chain(error);
        let todo = if what.contains("UnknownIssuer") {
            "; nobody whom this machine trusts has signed its certificate: name the authority in `ca_file`"
        } else {
            ""
        };
        format!("no answer from the forge{way}: {what}{todo}")
    }

    /// The request as reqwest takes it: refused if it would carry the token to another host.
    fn addressed(&self, request: Request<Vec<u8>>) -> Result<reqwest::Request, Fault> {
        let refuse = |answer: String| Fault::Refused { status: 0, answer };
        let (parts, body) = request.into_parts();
        let mut url = self.api.join(&parts.uri.to_string()).map_err(|error| refuse(error.to_string()))?;
        if url.query() == Some("") {
            url.set_query(None);
        }
        if url.origin() != self.api.origin() {
            return Err(refuse(format!("{} is not the configured forge", url.host_str().unwrap_or("?"))));
        }
        let mut outgoing = reqwest::Request::new(parts.method, url);
        *outgoing.headers_mut() = parts.headers;
        outgoing.headers_mut().remove(header::CONTENT_LENGTH);
        outgoing.headers_mut().remove(OWNER_HEADER);
        if !body.is_empty() {
            *outgoing.body_mut() = Some(body.into());
        }
        Ok(outgoing)
    }

    /// Learns from the answer's headers, and turns everything but 2xx into a fault.
    fn weigh(&self, answer: Response<Bytes>, bearer: &Bearer, write: bool) -> Result<Response<Bytes>, Fault> {
        let (status, headers, now) = (answer.status(), answer.headers(), self.clock.now());
        if let Some(patience) = fault::limited(status, headers, answer.body(), now) {
            let why = format!("the forge limits requests ({})", status.as_u16());
            return Err(self.gate.block(patience, &why).into());
        }
        if let Some(reset) = fault::budget_spent(headers) {
            self.gate.block(Patience::Until(reset), "the forge's request budget is used up");
        }
        if status.is_success() {
            self.gate.relax();
            return Ok(answer);
        }
        if let Some(at) = status.is_server_error().then(|| fault::retry_after(headers, now)).flatten() {
            self.gate.block(Patience::Until(at), "the forge is out of service");
        }
        let words = fault::words(answer.body(), bearer.secret.expose_secret());
        Err(fault::judge(status, headers, words, write))
    }

    fn note(&self, fault: Option<&Fault>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            // These are answers too: the forge is well.
            None | Some(Fault::Gone | Fault::Refused { status: 400..=499, .. }) => {
                health.last_ok = Some(self.clock.now());
                health.last_fault = None;
            }
            Some(fault) => health.last_fault = Some(fault.to_string()),
        }
    }
}

impl From<NotBefore> for Fault {
    fn from(wait: NotBefore) -> Fault {
        Fault::Later { at: wait.at, why: wait.why }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error with its causes, and without the address, which may carry what a person typed.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.is_empty() { "the connection failed".into() } else { text }
}

/// The next page of a list at `url`, as the answer's headers tell: GitLab's `X-Next-Page`, or the
/// `Link` with `rel="next"`. A short page says nothing: hidden entries are taken out after paging.
///
/// Only the query of a link is used, on the path that was asked for: behind a proxy or a renamed
/// project its host and path may not be ours to go to.
pub(super) fn next_page(url: &Url, headers: &HeaderMap) -> Option<Url> {
    let mut next = url.clone();
    if let Some(page) = fault::text_of(headers, "x-next-page") {
        let page: u64 = page.parse().ok()?;
        let kept: Vec<_> = url.query_pairs().filter(|(key, _)| key != "page").map(own).collect();
        next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &page.to_string());
        return (next != *url).then_some(next);
    }
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let target = links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| matches!(parameter.trim(), r#"rel="next""# | "rel=next");
        parameters.split(';').any(is_next).then_some(target)
    })?;
    next.set_query(url.join(target).ok()?.query());
    (next != *url).then_some(next)
}

fn own(pair: (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)) -> (String, String) {
    (pair.0.into_owned(), pair.1.into_owned())
}

/// Entries of a list, and whether a limit cut it short.
#[derive(Debug)]
pub(super) struct Pages<T> {
    pub entries: Vec<T>,
    pub truncated: bool,
}

/// How both clients hold their transport.
pub(super) type Line = Arc<Transport>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_comes_from_headers_and_stays_on_the_path() {
        let url = Url::parse("https://h/gl/api/v4/projects/a%2Fb/diffs?per_page=100&page=1").unwrap();
        let next = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            next_page(&url, &headers).map(|url| url.to_string())
        };
        let second = "https://h/gl/api/v4/projects/a%2Fb/diffs?per_page=100&page=2";
        assert_eq!(next("x-next-page", "2").as_deref(), Some(second));
        assert_eq!(next("x-next-page", ""), None);
        let link = r#"<https://evil/x?page=1>; rel="prev", <https://inner:81/other?per_page=100&page=2>; rel="next""#;
        assert_eq!(next("link", link).as_deref(), Some(second));
        assert_eq!(next("link", r#"<https://h/x?page=9>; rel="last""#), None);
        assert_eq!(next("link", r#"<?per_page=100&page=1>; rel="next""#), None, "a page is not its own next");
    }
}
