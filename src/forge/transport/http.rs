//! The one way out to a forge: timeouts, size limit, gate, circuit breaker, limits and faults, under
//! both client crates. Nothing is repeated here, for the courier repeats; but a request that was sent
//! on to a moved project goes there, because nothing was done by then.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::breaker::Breaker;
use super::budget::{Budget, Purpose, Purse};
use super::carry::Setback;
use super::credentials::{Bearer, Credentials};
use super::etag::Shelf;
use super::fault::{self, Fault};
use super::gate::{Ask, Gate, NotBefore, Traffic};
use super::github::{App, SignIn, Whose};
use super::moved::{self, Moves};
use super::way::Way;
use crate::clock::Clock;
use usher_core::model::change::ForgeKind;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests under way at once. GitHub allows a hundred (`rate-limits-for-the-rest-api.md`), of all
/// clients of an account.
const REQUESTS_AT_ONCE: usize = 8;
/// As many of them may be background traffic.
const BACKGROUND_AT_ONCE: usize = 4;
/// Names the owner whose installation of a GitHub App is meant, where the path does not. It never goes
/// out.
pub(super) const OWNER_HEADER: &str = "x-usher-owner";
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
    /// Until when the forge asked for patience, or has nothing left to give.
    pub blocked_until: Option<Timestamp>,
    /// The forge failed too often in a row and is left alone: when it is asked again. In the past
    /// while it is being asked.
    pub tries_again_at: Option<Timestamp>,
    /// Until when background traffic waits for a pace or a budget, if any does.
    pub waits_until: Option<Timestamp>,
    /// What is left of each budget that the forge told of.
    pub budgets: Vec<Budget>,
}

/// Sends requests to one forge as one identity, for one purpose.
pub struct Transport {
    pub(super) http: reqwest::Client,
    kind: ForgeKind,
    pub(super) api: Url,
    graphql: Url,
    /// Host and port of the configured proxy, for messages.
    pub(super) proxy: Option<String>,
    pub(super) purpose: Purpose,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
}

/// What all purposes share.
pub(super) struct Shared {
    identity: Identity,
    pub(super) gate: Gate,
    pub(super) breaker: Breaker,
    pub(super) shelf: Shelf,
    moves: Moves,
    pub(super) places: Semaphore,
    pub(super) background_places: Semaphore,
    /// Until when background requests wait.
    pub(super) waits: Mutex<Vec<Timestamp>>,
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
    /// Prepares a connection for answering people; nothing is sent. A request may take `timeout`,
    /// answer included.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub fn new(
        kind: ForgeKind,
        api: Url,
        credentials: Credentials,
        user_agent: &str,
        way: &Way,
        timeout: Duration,
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
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(user_agent)
            .default_headers(headers);
        let http = way.lay(http, is_loopback(&api))?;
        let http = http.build().map_err(|error| format!("no HTTP client can be made: {}", chain(&error)))?;
        let shared = Arc::new(Shared {
            identity,
            gate: Gate::new(kind, clock.clone()),
            breaker: Breaker::new(api.as_str(), clock.clone()),
            shelf: Shelf::default(),
            moves: Moves::default(),
            places: Semaphore::new(REQUESTS_AT_ONCE),
            background_places: Semaphore::new(BACKGROUND_AT_ONCE),
            waits: Mutex::default(),
            health: Mutex::default(),
        });
        let graphql = super::url::graphql(&api);
        let (proxy, purpose) = (way.proxy_place(), Purpose::Answer);
        Ok(Transport { http, kind, api, graphql, proxy, purpose, clock, shared })
    }

    /// The same connection for traffic that nobody waits for: it leaves a share of budgets, paces and
    /// places to people, waits a little where it must, and uses answers to lists again.
    pub fn background(&self) -> Transport {
        Transport {
            http: self.http.clone(),
            kind: self.kind,
            api: self.api.clone(),
            graphql: self.graphql.clone(),
            proxy: self.proxy.clone(),
            purpose: Purpose::Background,
            clock: self.clock.clone(),
            shared: self.shared.clone(),
        }
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
        let now = self.clock.now();
        let waits = self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let waits_until = waits.iter().copied().filter(|until| *until > now).min();
        drop(waits);
        Health {
            blocked_until: self.shared.gate.blocked_until(),
            tries_again_at: self.shared.breaker.open_until(),
            waits_until,
            budgets: self.shared.gate.budgets(),
            ..self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    /// Whether a write would pass the gate now.
    ///
    /// # Errors
    /// [`Fault::Later`].
    pub fn check_write(&self) -> Result<(), Fault> {
        let purse = self.purse(String::new(), Traffic::Write, "");
        let ask = Ask { traffic: Traffic::Write, purpose: self.purpose, purse: &purse };
        self.shared.breaker.check()?;
        Ok(self.shared.gate.check(&ask)?)
    }

    /// Whether requests are made as a GitHub App.
    pub fn is_app(&self) -> bool {
        matches!(self.shared.identity, Identity::App(_))
    }

    /// The owners that have installed the App, in lower case; none without an App.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn owners(&self) -> Result<Vec<String>, Fault> {
        match &self.shared.identity {
            Identity::Token(_) => Ok(Vec::new()),
            Identity::App(app) => app.owners(|request| self.sign_in(request)).await,
        }
    }

    /// Sends one request, once. The answer is a 2xx, read whole. Two answers say that nothing was
    /// done, and then the request is sent a second time: a token of an App that has become worthless
    /// early, and a project that has moved.
    ///
    /// # Errors
    /// Everything else, as a [`Fault`].
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, Fault> {
        let answer = self.send_on(request).await;
        self.note(answer.as_ref().err());
        answer
    }

    /// Sends a request, and on to where its project has moved.
    async fn send_on(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, Fault> {
        let asked = self.resolved(&request)?;
        let place = match self.send_signed(request.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(Setback::Fault(fault)) => return Err(fault),
            Err(Setback::Moved(place, _)) => *place,
            Err(Setback::MovedForWrites(fault)) => {
                let Some(old) = moved::project(&self.api, &asked) else { return Err(fault) };
                let look = Request::get(old.as_str()).body(Vec::new());
                match self.send_signed(look.map_err(|error| Fault::unsendable(&error))?).await {
                    Err(Setback::Moved(new, _)) => moved::rebase(&asked, &old, &new).ok_or(fault)?,
                    Err(Setback::Fault(fault)) => return Err(fault),
                    Ok(_) | Err(Setback::MovedForWrites(_)) => return Err(fault),
                }
            }
        };
        self.shared.moves.tell(&self.api, &asked, &place);
        let mut request = request;
        if let Whose::Owner(owner) = self.whose(&request)
            && let Ok(owner) = HeaderValue::from_str(&owner)
        {
            request.headers_mut().insert(OWNER_HEADER, owner);
        }
        *request.uri_mut() = place.as_str().parse().map_err(|error| Fault::unsendable(&error))?;
        Ok(self.send_signed(request).await?)
    }

    pub(super) fn is_graphql(&self, path: &str) -> bool {
        path == self.graphql.path()
    }

    async fn send_signed(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, Setback> {
        // A GraphQL query is a POST that changes nothing; a mutation says so of itself.
        let mutates = request.extensions().get::<Mutation>().is_some();
        let traffic = match *request.method() {
            Method::POST if self.is_graphql(request.uri().path()) && !mutates => Traffic::Query,
            Method::GET | Method::HEAD => Traffic::Read,
            _ => Traffic::Write,
        };
        let whose = self.whose(&request);
        let purse = self.purse(owner_of(&whose), traffic, request.uri().path());
        let app = match &self.shared.identity {
            Identity::Token(bearer) => return self.carry(request, bearer, &purse, traffic).await,
            Identity::App(app) => app,
        };
        let bearer = app.bearer(&whose, |request| self.sign_in(request)).await?;
        let answer = self.carry(request.clone(), &bearer, &purse, traffic).await;
        if !matches!(answer, Err(Setback::Fault(Fault::Unauthorized))) {
            return answer;
        }
        app.forget(&bearer).await;
        let bearer = app.bearer(&whose, |request| self.sign_in(request)).await?;
        self.carry(request, &bearer, &purse, traffic).await
    }

    /// Whose token a request needs, where there is more than one.
    fn whose(&self, request: &Request<Vec<u8>>) -> Whose {
        if !self.is_app() {
            return Whose::Any;
        }
        match request.headers().get(OWNER_HEADER).and_then(|owner| owner.to_str().ok()) {
            Some(owner) => Whose::Owner(owner.to_lowercase()),
            None => {
                let path = request.uri().path();
                App::whose(path.strip_prefix(self.api.path()).unwrap_or(path))
            }
        }
    }

    fn purse(&self, owner: String, traffic: Traffic, path: &str) -> Purse {
        let below = path.strip_prefix(self.api.path()).unwrap_or_default();
        let resource = match (self.kind, traffic) {
            (ForgeKind::GitLab, _) => "",
            (ForgeKind::GitHub, Traffic::Query) => "graphql",
            (ForgeKind::GitHub, _) if below.starts_with("search/") => "search",
            (ForgeKind::GitHub, Traffic::Read | Traffic::Write) => "core",
        };
        Purse { owner, resource: resource.to_owned() }
    }

    async fn sign_in(&self, request: SignIn) -> Result<Bytes, Fault> {
        let method = if request.post { Method::POST } else { Method::GET };
        let url = self.api.join(&request.path).map_err(|error| Fault::unsendable(&error))?;
        let outgoing = Request::builder().method(method).uri(url.as_str()).body(Vec::new());
        let outgoing = outgoing.map_err(|error| Fault::unsendable(&error))?;
        // A token that is granted and never arrives does no harm, so its outcome is not "unknown".
        let purse = self.purse(owner_of(&Whose::App), Traffic::Read, "");
        let answer = self.carry(outgoing, &request.bearer, &purse, Traffic::Read).await?;
        Ok(answer.into_body())
    }

    fn note(&self, fault: Option<&Fault>) {
        let mut health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Whose budget it is, in a word.
fn owner_of(whose: &Whose) -> String {
    match whose {
        Whose::Owner(owner) => owner.clone(),
        Whose::App => "(app)".into(),
        Whose::Any => String::new(),
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
pub(super) fn chain(error: &reqwest::Error) -> String {
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
