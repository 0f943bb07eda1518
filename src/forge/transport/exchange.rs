//! One request on its way: leave from breaker and gate, the exchange itself, and what its answer
//! comes to.

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, header};
use secrecy::ExposeSecret;
use url::Url;

use super::budget::{Purpose, Purse};
use super::connection::{Connection, Leave, chain};
use super::credentials::Bearer;
use super::etag::CacheKey;
use super::fault::Fault;
use super::gate::{Ask, Traffic};
use super::limits::{self, Limit, Patience, Scope};
use super::pages::{PER_PAGE, next_page};
use super::{judge, renamed};

/// Largest answer taken in: a page of 100 GitLab diffs at its 200 kB limit stays below.
const ANSWER_LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// Names the owner whose installation of a GitHub App is meant, where the path does not. It never goes
/// out.
pub(in crate::forge) const OWNER_HEADER: &str = "x-usher-owner";

/// How a request ended that did not end well.
pub(super) enum Setback {
    Fault(Fault),
    /// The project has another path, there; if that is not gone to, it is this fault.
    Renamed(Box<Url>, Fault),
    /// GitLab takes no writes for a project by its old name.
    RenamedForWrites(Fault),
}

impl From<Fault> for Setback {
    fn from(fault: Fault) -> Setback {
        Setback::Fault(fault)
    }
}

impl From<Setback> for Fault {
    fn from(setback: Setback) -> Fault {
        match setback {
            Setback::Fault(fault) | Setback::Renamed(_, fault) | Setback::RenamedForWrites(fault) => fault,
        }
    }
}

impl Connection {
    /// One request and its answer, once. A good answer is read whole; everything else is a setback.
    pub async fn exchange(
        &self,
        mut request: Request<Vec<u8>>,
        url: Url,
        bearer: &Bearer,
        purse: &Purse,
        traffic: Traffic,
    ) -> Result<Response<Bytes>, Setback> {
        let cached = self.worth_keeping(&request, &url, purse);
        let known = cached.as_ref().and_then(|key| self.shared.cache.find(key));
        if let Some(known) = &known {
            request.headers_mut().insert(header::IF_NONE_MATCH, known.etag.clone());
        }
        let write = traffic == Traffic::Write;
        let ask = Ask { traffic, purpose: self.purpose, purse };
        let Leave { trial, slots: _slots } = self.leave(&ask).await.map_err(Fault::from)?;
        let answer = match self.send_once(request, url.clone(), bearer, write).await {
            Ok(answer) => answer,
            Err(fault @ Fault::Retry { .. }) => {
                trial.failed(&fault.to_string());
                return Err(fault.into());
            }
            Err(fault) => return Err(fault.into()),
        };
        self.shared.gate.learn(purse, answer.headers());
        if let Some(known) = known.filter(|_| answer.status() == StatusCode::NOT_MODIFIED) {
            trial.succeeded();
            let again = known.answer(answer.headers());
            return again.map_err(|error| Fault::unreadable(&error, false).into());
        }
        let absent = judge::not_the_forge(answer.status(), answer.headers(), answer.body(), write);
        let answer = self.weigh(&url, answer, bearer, &ask);
        match (&answer, absent) {
            (Err(Setback::Fault(_)), Some(fault)) => trial.failed(&fault.to_string()),
            _ => trial.succeeded(),
        }
        if let (Ok(answer), Some(key)) = (&answer, cached)
            && !is_full_last_page(&url, answer)
        {
            self.shared.cache.keep(key, answer);
        }
        answer
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
    ) -> Result<Response<Bytes>, Fault> {
        let lost = |error: &reqwest::Error| Fault::Retry {
            why: self.lost(error),
            // Without a connection nothing was sent.
            outcome_unknown: write && !error.is_connect() && !error.is_builder(),
        };
        let mut request = addressed(request, url);
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
        ask: &Ask<'_>,
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
            return Err(Fault::from(gate.block(limit, ask.purse, &why)).into());
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

/// The request as reqwest takes it.
fn addressed(request: Request<Vec<u8>>, url: Url) -> reqwest::Request {
    let (parts, body) = request.into_parts();
    let mut outgoing = reqwest::Request::new(parts.method, url);
    *outgoing.headers_mut() = parts.headers;
    outgoing.headers_mut().remove(header::CONTENT_LENGTH);
    outgoing.headers_mut().remove(OWNER_HEADER);
    if !body.is_empty() {
        *outgoing.body_mut() = Some(body.into());
    }
    outgoing
}

/// A last page without room: the next entry would come on a page of its own, and this one would
/// still be "not modified".
fn is_full_last_page(url: &Url, answer: &Response<Bytes>) -> bool {
    let entries = serde_json::from_slice::<Vec<serde::de::IgnoredAny>>(answer.body());
    let full = entries.is_ok_and(|entries| entries.len() >= PER_PAGE as usize);
    full && next_page(url, answer.headers()).is_none()
}
