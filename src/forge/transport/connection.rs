//! A connection to one forge: what all of its requests share, and leave to send one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, header};
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{Host, Url};

use super::breaker::{Breaker, Trial};
use super::budget::Purpose;
use super::etag::EtagCache;
use super::fault::ForgeFault;
use super::gate::{Gate, RequestClass};
use super::network::Network;
use super::wait::{Cause, NotBefore, later};
use super::wire::Wire;
use crate::clock::Clock;
use usher_core::model::change::ForgeKind;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests under way at once. GitHub allows a hundred (`rate-limits-for-the-rest-api.md`), of all
/// clients of an account.
const REQUESTS_AT_ONCE: usize = 8;
/// As many of them may be background traffic.
const BACKGROUND_AT_ONCE: usize = 4;
/// So long background traffic waits for a pace or a budget by itself; what takes longer is told.
const BACKGROUND_PATIENCE_SECONDS: i64 = 90;

/// A connection for one purpose.
#[derive(Clone)]
pub(super) struct Connection {
    pub wire: Wire,
    /// Root of the API, with a slash at its end.
    pub api: Url,
    /// Where GraphQL queries go.
    pub graphql: Url,
    /// Host and port of the configured proxy, for messages.
    pub proxy: Option<String>,
    pub purpose: Purpose,
    pub clock: Clock,
    pub shared: Arc<Shared>,
}

/// What all purposes share.
pub(super) struct Shared {
    pub gate: Gate,
    pub breaker: Breaker,
    pub cache: EtagCache,
    slots: Semaphore,
    background_slots: Semaphore,
    /// Until when background requests wait.
    waits: Mutex<Vec<Timestamp>>,
}

/// A slot among the requests under way, with leave to send.
pub(super) struct Leave<'a> {
    pub trial: Trial<'a>,
    pub slots: (Option<SemaphorePermit<'a>>, SemaphorePermit<'a>),
}

impl Connection {
    /// Prepares a connection for answering people. A request may take `timeout`, answer included.
    ///
    /// # Errors
    /// When TLS or the network cannot be set up.
    pub(super) fn new(
        kind: ForgeKind,
        api: Url,
        user_agent: &str,
        network: &Network,
        timeout: Duration,
        clock: Clock,
    ) -> Result<Connection, String> {
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
        let wire = match &network.service {
            Some(service) => Wire::Service(service.clone()),
            None => {
                let http = network.apply(http, is_loopback(&api))?.build();
                Wire::Http(http.map_err(|error| format!("no HTTP client can be made: {}", chain(&error)))?)
            }
        };
        let shared = Arc::new(Shared {
            gate: Gate::new(kind, clock.clone()),
            breaker: Breaker::new(api.as_str(), clock.clone()),
            cache: EtagCache::default(),
            slots: Semaphore::new(REQUESTS_AT_ONCE),
            background_slots: Semaphore::new(BACKGROUND_AT_ONCE),
            waits: Mutex::default(),
        });
        let graphql = super::address::graphql(&api);
        let (proxy, purpose) = (network.proxy_address(), Purpose::Answer);
        Ok(Connection { wire, api, graphql, proxy, purpose, clock, shared })
    }

    pub(super) fn is_graphql(&self, path: &str) -> bool {
        path == self.graphql.path()
    }

    /// Where a request goes: refused if it would carry the token to another host.
    pub(super) fn resolved(&self, request: &Request<Vec<u8>>) -> Result<Url, ForgeFault> {
        let refuse = |answer: String| ForgeFault::Refused { status: 0, answer };
        let mut url = self.api.join(&request.uri().to_string()).map_err(|error| refuse(error.to_string()))?;
        if url.query() == Some("") {
            url.set_query(None);
        }
        if url.origin() != self.api.origin() {
            return Err(refuse(format!("{} is not the configured forge", url.host_str().unwrap_or("?"))));
        }
        Ok(url)
    }

    /// Waits for a slot among the requests under way, and asks breaker and gate for leave. `probe`: the
    /// breaker has given it already.
    pub(super) async fn leave<'a>(
        &'a self,
        ask: &RequestClass<'_>,
        project: Option<&str>,
        mut probe: Option<Trial<'a>>,
    ) -> Result<Leave<'a>, NotBefore> {
        let Shared { slots, background_slots, breaker, gate, .. } = &*self.shared;
        let patience_ends = later(self.clock.now(), BACKGROUND_PATIENCE_SECONDS);
        loop {
            // Neither semaphore is ever closed.
            let never = |_| NotBefore { at: patience_ends, why: "no place".into(), cause: Cause::Pace };
            let background = match ask.purpose {
                Purpose::Answer => None,
                Purpose::Background => Some(background_slots.acquire().await.map_err(never)?),
            };
            let slots = (background, slots.acquire().await.map_err(never)?);
            let trial = match probe.take() {
                Some(trial) => trial,
                None => breaker.admit(project)?,
            };
            match gate.permit(ask) {
                Ok(()) => return Ok(Leave { trial, slots }),
                Err(wait) if self.bears(ask, &wait, patience_ends) => {
                    drop((trial, slots));
                    self.wait_until(wait.at).await;
                }
                Err(wait) => return Err(wait),
            }
        }
    }

    /// Background traffic waits for a pace by itself.
    fn bears(&self, ask: &RequestClass<'_>, wait: &NotBefore, patience_ends: Timestamp) -> bool {
        ask.purpose == Purpose::Background && wait.cause == Cause::Pace && wait.at <= patience_ends
    }

    async fn wait_until(&self, at: Timestamp) {
        let waits = || self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        // What was given up while it waited goes here.
        waits().retain(|until| *until > now);
        waits().push(at);
        self.clock.sleep_until(at).await;
    }

    /// Until when background requests wait, if any does.
    pub(super) fn waits_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let waits = self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.iter().copied().filter(|until| *until > now).min()
    }
}

impl From<NotBefore> for ForgeFault {
    fn from(wait: NotBefore) -> ForgeFault {
        match wait.cause {
            Cause::Pace | Cause::Limit | Cause::Ill => ForgeFault::Later { at: wait.at, why: wait.why },
            // As if it had been asked: whoever asks for many projects goes on with the others.
            Cause::Project => ForgeFault::Retry { why: wait.why, outcome_unknown: false },
            Cause::DeadToken => ForgeFault::Unauthorized,
        }
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
