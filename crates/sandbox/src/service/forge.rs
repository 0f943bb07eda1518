//! One forge: reads a request, meets the planned fault, lets the dialect answer, and writes down what
//! was seen.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tower::Service;

use super::body::{Body, ConnectionDropped};
use super::faults::{self, Fault};
use super::forges::{Forges, SharedForges};
use super::recording::RecordedRequest;
use super::requests::RequestRecord;
use crate::wire::{Query, Reply};
use crate::world::{Forge, State, UserId};
use crate::{github, gitlab};

/// Largest request body that a forge reads, in bytes.
const BODY_BYTES_MAX: usize = 4 << 20;

/// One of the two forges, without a socket: it answers HTTP requests that are handed to it. Paths are
/// those below [`crate::Sandbox::gitlab_url`] and [`crate::Sandbox::github_url`]; the authority is not
/// looked at. The error stands for a connection that ends without an answer.
#[derive(Clone)]
pub struct ForgeService {
    forges: SharedForges,
    forge: Forge,
}

impl ForgeService {
    pub(crate) fn new(forges: SharedForges, forge: Forge) -> ForgeService {
        ForgeService { forges, forge }
    }
}

impl<B> Service<Request<B>> for ForgeService
where
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = ConnectionDropped;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, ConnectionDropped>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionDropped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
            service.answer(parts, body.map_err(|_| ConnectionDropped)?.to_bytes()).await
        })
    }
}

impl ForgeService {
    async fn answer(&self, parts: Parts, body: Bytes) -> Result<Response<Body>, ConnectionDropped> {
        let forge = self.forge;
        let mutates = changes_something(forge, &parts, &body);
        let verb =
            if parts.method == Method::POST && !mutates { faults::QUERY } else { parts.method.as_str() };
        let clock = self.forges.lock().state.clock.clone();
        let arrival = self.forges.lock().plan.arrive(clock.now());
        if let Some((arrival, at)) = arrival {
            clock.wait_until(at).await;
            self.forges.lock().plan.carry_out(arrival);
        }
        let fault = {
            let plan = &mut self.forges.lock().plan;
            let broken = plan.breakage(forge, path_of(&parts), &body);
            broken.or_else(|| plan.next_fault(forge, verb, path_of(&parts)))
        };
        if let Some(Fault::Delay(delay)) = fault {
            clock.wait_until(clock.now() + delay).await;
        }
        if mutates {
            let interlude = self.forges.lock().plan.next_interlude(forge);
            interlude.into_iter().for_each(|act| act());
        }
        let at = clock.now();
        let reply = exchange(&mut self.forges.lock(), forge, parts, &body, mutates, fault.as_ref());
        let response = into_response(reply.ok_or(ConnectionDropped)?);
        Ok(match fault {
            Some(Fault::CutOff) => response.map(|body| body.halved(async { false })),
            Some(Fault::SlowBody(delay)) => response.map(|body| {
                body.halved(async move {
                    clock.wait_until(at + delay).await;
                    true
                })
            }),
            _ => response,
        })
    }
}

/// Carries a request out, or what was planned instead, and writes it down. `None`: the connection ends.
fn exchange(
    forges: &mut Forges,
    forge: Forge,
    parts: Parts,
    body: &Bytes,
    mutates: bool,
    fault: Option<&Fault>,
) -> Option<Reply> {
    let (token, user) = who_asks(&forges.state, forge, &parts.headers);
    let planned = matches!(fault, Some(Fault::Status { .. } | Fault::Page { .. }));
    let recorded = forges.recording.is_some().then(|| RecordedRequest::new(forge, &parts, body, planned));
    let (method, path) = (parts.method.to_string(), path_of(&parts).to_owned());
    let carry_out = || {
        forges.act(|state| match forge {
            Forge::Gitlab => gitlab::api::answer(state, parts, body, user),
            Forge::Github => github::api::answer(state, parts, body, user),
        })
    };
    let reply = reply_with(fault, carry_out);
    forges.requests.add(RequestRecord {
        forge,
        method,
        path,
        status: reply.as_ref().map(|reply| reply.status),
        at: forges.state.clock.now(),
        body_bytes: body.len(),
        user: user.map(|user| forges.state.login(forge, user).to_owned()),
        mutates,
    });
    if let (Some(recording), Some(recorded)) = (&mut forges.recording, &recorded) {
        recording.exchange(recorded, reply.as_ref());
    }
    reply.map(|reply| completed(&forges.state, forge, token.as_deref(), reply))
}

/// What is answered, fault or not; `None`: the connection ends.
fn reply_with(fault: Option<&Fault>, carry_out: impl FnOnce() -> Reply) -> Option<Reply> {
    match fault {
        Some(Fault::DropConnectionBeforeApplying) => None,
        Some(Fault::Page { code, content_type, text, applied }) => {
            if *applied {
                carry_out();
            }
            let mut page = Reply { text: Some((*text).to_owned()), ..Reply::empty(*code) };
            page.header("content-type", content_type);
            Some(page)
        }
        Some(Fault::Status { code, headers, body }) => {
            Some(Reply { headers: headers.clone(), ..Reply::json(*code, body.clone()) })
        }
        Some(Fault::DropConnectionAfterApplying) => {
            carry_out();
            None
        }
        Some(Fault::Delay(_) | Fault::CutOff | Fault::SlowBody(_)) | None => Some(carry_out()),
    }
}

/// The token of a request, and the user it speaks for.
fn who_asks(state: &State, forge: Forge, headers: &HeaderMap) -> (Option<String>, Option<UserId>) {
    match forge {
        Forge::Gitlab => (gitlab::tokens::token(headers), gitlab::tokens::authenticate(state, headers)),
        Forge::Github => (github::tokens::token(headers), github::tokens::authenticate(state, headers)),
    }
}

/// The answer with what every answer carries: the date, and on GitHub what the token tells.
fn completed(state: &State, forge: Forge, token: Option<&str>, mut reply: Reply) -> Reply {
    reply.header("date", state.now(forge).strftime("%a, %d %b %Y %H:%M:%S GMT"));
    if forge == Forge::Github {
        github::tokens::add_facts(state, token, &mut reply);
    }
    reply
}

/// Whether a request does more than read.
fn changes_something(forge: Forge, parts: &Parts, body: &Bytes) -> bool {
    let graphql_path = match forge {
        Forge::Gitlab => gitlab::api::GRAPHQL_PATH,
        Forge::Github => github::api::GRAPHQL_PATH,
    };
    if parts.uri.path() != graphql_path {
        return !matches!(parts.method, Method::GET | Method::HEAD);
    }
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    Query::read(&body).is_ok_and(|query| query.is_mutation)
}

/// Path and query. By way of a proxy, the origin stands before them.
fn path_of(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("", |target| target.as_str())
}

fn into_response(reply: Reply) -> Response<Body> {
    let kind = if reply.text.is_some() { "text/plain" } else { "application/json; charset=utf-8" };
    let text = reply.text.or_else(|| reply.body.map(|body| body.to_string()));
    let mut response = Response::new(Body::whole(text.unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(kind));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}
