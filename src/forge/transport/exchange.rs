//! One request on its way: leave from breaker and gate, the exchange itself, and what its answer
//! comes to.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use secrecy::ExposeSecret;
use url::Url;

use super::breaker::{Failure, Trial};
use super::budget::{Purpose, Purse};
use super::connection::{Connection, Leave, chain};
use super::credentials::Bearer;
use super::etag::CacheKey;
use super::fault::ForgeFault;
use super::gate::{RequestClass, Traffic};
use super::limits::{self, Limit, Patience, Scope};
use super::pages::{PER_PAGE, next_page};
use super::wire::{ANSWER_LIMIT_BYTES, Lost};
use super::{judge, renamed};

/// Names the owner whose installation of a GitHub App is meant, where the path does not. It never goes
/// out.
pub(in crate::forge) const OWNER_HEADER: &str = "x-usher-owner";

/// The project that a request is about, where its path does not tell.
#[derive(Clone, Debug)]
pub(in crate::forge) struct About(pub String);

/// In whose name a request goes out, and on whose account.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub bearer: &'a Bearer,
    pub purse: &'a Purse,
    pub traffic: Traffic,
}

/// How a request ended that did not end well.
pub(super) enum Setback {
    Fault(ForgeFault),
    /// The project has another path, there; if that is not gone to, it is this fault.
    Renamed(Box<Url>, ForgeFault),
    /// GitLab takes no writes for a project by its old name.
    RenamedForWrites(ForgeFault),
}

impl From<ForgeFault> for Setback {
    fn from(fault: ForgeFault) -> Setback {
        Setback::Fault(fault)
    }
}

impl From<Setback> for ForgeFault {
    fn from(setback: Setback) -> ForgeFault {
        match setback {
            Setback::Fault(fault) | Setback::Renamed(_, fault) | Setback::RenamedForWrites(fault) => fault,
        }
    }
}

impl Connection {
    /// One request and its answer, once. A good answer is read whole; everything else is a setback.
    pub(super) async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        url: Url,
        sender: Sender<'_>,
    ) -> Result<Response<Bytes>, Setback> {
        self.exchange_as(request, url, sender, None).await
    }

    /// The same for the neutral request, for which the breaker has given leave.
    pub(super) async fn exchange_as<'a>(
        &'a self,
        mut request: Request<Vec<u8>>,
        url: Url,
        sender: Sender<'_>,
        probe: Option<Trial<'a>>,
    ) -> Result<Response<Bytes>, Setback> {
        let Sender { bearer, purse, traffic } = sender;
        let project = self.project_of(&request, &url);
        let cached = self.worth_keeping(&request, &url, purse);
        let known = cached.as_ref().and_then(|key| self.shared.cache.find(key));
        if let Some(known) = &known {
            request.headers_mut().insert(header::IF_NONE_MATCH, known.etag.clone());
        }
        let write = traffic == Traffic::Write;
        let ask = RequestClass { traffic, purpose: self.purpose, purse };
        let leave = self.leave(&ask, project.as_deref(), probe).await;
        let Leave { trial, slots: _slots } = leave.map_err(ForgeFault::from)?;
        let answer = match self.send_once(request, url.clone(), bearer, write).await {
            Ok(answer) => answer,
            Err((fault, failure)) => {
                if let Some(failure) = failure {
                    trial.failed(&fault.to_string(), failure);
                }
                return Err(fault.into());
            }
        };
        self.shared.gate.learn(purse, answer.headers());
        if let Some(known) = known.filter(|_| answer.status() == StatusCode::NOT_MODIFIED) {
            trial.succeeded();
            let again = known.answer(answer.headers());
            return again.map_err(|error| ForgeFault::garbled(&error, false).into());
        }
        let absent = judge::not_the_forge(answer.status(), answer.headers(), answer.body(), write);
        let answer = self.weigh(&url, answer, bearer, &ask);
        match (&answer, absent) {
            (Err(Setback::Fault(_)), Some(fault)) => trial.failed(&fault.to_string(), Failure::Failed),
            _ => trial.succeeded(),
        }
        if let (Ok(answer), Some(key)) = (&answer, cached)
            && !is_full_last_page(&url, answer)
        {
            self.shared.cache.keep(key, answer);
        }
        answer
    }

    /// The project that a request is about: its path as people write it, or the forge's number of it.
    fn project_of(&self, request: &Request<Vec<u8>>, url: &Url) -> Option<String> {
        if let Some(About(project)) = request.extensions().get() {
            return Some(project.clone());
        }
        let below = url.path().strip_prefix(self.api.path())?;
        let mut parts = below.trim_start_matches('/').split('/');
        match parts.next()? {
            // Of what is escaped, paths of projects have the slash alone.
            "projects" => parts.next().map(|path| path.replace("%2F", "/")),
            "repos" => Some(format!("{}/{}", parts.next()?, parts.next()?)),
            _ => None,
        }
    }

    /// Lists that are read again and again. One that is asked for by date never comes twice.
    fn worth_keeping(&self, request: &Request<Vec<u8>>, url: &Url, purse: &Purse) -> Option<CacheKey> {
        let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
        let list = *request.method() == Method::GET && has("per_page") && !has("updated_after");
        (list && self.purpose == Purpose::Background).then(|| CacheKey {
            url: url.as_str().to_owned(),
            accept: request.headers().get(header::ACCEPT).cloned(),
            owner: purse.owner.clone(),
        })
    }

    async fn send_once(
        &self,
        request: Request<Vec<u8>>,
        url: Url,
        bearer: &Bearer,
        write: bool,
    ) -> Result<Response<Bytes>, (ForgeFault, Option<Failure>)> {
        let mut request = request;
        request.headers_mut().remove(OWNER_HEADER);
        request.headers_mut().insert(header::AUTHORIZATION, bearer.header.clone());
        self.wire.send(request, url).await.map_err(|lost| match lost {
            Lost::TooLarge => {
                let answer = format!("its answer is larger than {ANSWER_LIMIT_BYTES} bytes");
                (ForgeFault::Refused { status: 200, answer }, None)
            }
            Lost::Http(error) => {
                let failure = if error.is_connect() { Failure::Unreached } else { Failure::Failed };
                // Without a connection nothing was sent.
                let outcome_unknown = write && !error.is_connect() && !error.is_builder();
                (ForgeFault::Retry { why: self.lost(&error), outcome_unknown }, Some(failure))
            }
            Lost::Service(error) => {
                let why = format!("no answer from the forge: {error}");
                (ForgeFault::Retry { why, outcome_unknown: write }, Some(Failure::Failed))
            }
        })
    }

    /// What is said of a request that got no answer, with a remedy where one shows.
    fn lost(&self, error: &reqwest::Error) -> String {
        let proxy = self.proxy.as_ref().filter(|_| error.is_connect());
        let proxy = proxy.map(|proxy| format!(" by way of the proxy {proxy}")).unwrap_or_default();
        let what = chain(error);
        let todo = if what.contains("UnknownIssuer") {
            "; nobody whom this machine trusts has signed its certificate: name the authority in `ca_file`"
        } else if what.contains("InvalidContentType") {
            "; what answers there speaks plain http, not https: correct `url`, its port above all"
        } else {
            ""
        };
        format!("no answer from the forge{proxy}: {what}{todo}")
    }

    /// Learns of limits, and turns everything but 2xx into a setback.
    fn weigh(
        &self,
        url: &Url,
        answer: Response<Bytes>,
        bearer: &Bearer,
        ask: &RequestClass<'_>,
    ) -> Result<Response<Bytes>, Setback> {
        let (status, headers, now) = (answer.status(), answer.headers(), self.clock.now());
        let gate = &self.shared.gate;
        let limit = if status.is_success() && self.is_graphql(url.path()) {
            limits::graphql_limited(headers, answer.body(), now)
        } else {
            limits::limited(status, headers, answer.body(), now)
        };
        if let Some(limit) = limit {
            let why = format!("the forge limits requests ({})", status.as_u16());
            return Err(ForgeFault::from(gate.block(limit, ask.purse, &why)).into());
        }
        let write = ask.traffic == Traffic::Write;
        if status.is_success() {
            if let Some(fault) = judge::not_the_forge(status, headers, answer.body(), write) {
                return Err(fault.into());
            }
            gate.relax();
            return Ok(answer);
        }
        if let Some(at) = status.is_server_error().then(|| limits::retry_after(headers, now)).flatten() {
            let limit = Limit { patience: Patience::Until(at), scope: Scope::Forge };
            gate.block(limit, ask.purse, "the forge is out of service");
        }
        let words = judge::words(answer.body(), bearer.secret.expose_secret());
        let fault = judge::judge(status, headers, words, write);
        if let Some(place) = renamed::target(&self.api, url, status, headers) {
            return Err(Setback::Renamed(Box::new(place), fault));
        }
        if write && renamed::is_refused_write(status, answer.body()) {
            return Err(Setback::RenamedForWrites(fault));
        }
        Err(fault.into())
    }
}

/// A last page without room: the next entry would come on a page of its own, and this one would
/// still be "not modified".
fn is_full_last_page(url: &Url, answer: &Response<Bytes>) -> bool {
    let entries = serde_json::from_slice::<Vec<serde::de::IgnoredAny>>(answer.body());
    let full = entries.is_ok_and(|entries| entries.len() >= PER_PAGE as usize);
    full && next_page(url, answer.headers()).is_none()
}
