//! The listening side of one forge: reads a request, meets the planned fault, lets the forge answer,
//! and writes down what was seen. Served with hyper itself, because a connection that closes without
//! an answer cannot be had from axum.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::body::Body;
use super::faults::{self, Fault};
use super::graphql::Query;
use super::record::RequestRecord;
use super::refusal::Refusal;
use super::state::{Forge, State};
use super::tape::Heard;
use super::wire::{Call, Reply};
use super::{Inner, Sandbox, github, gitlab, limits};

/// The connection ends here, unanswered.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox drops this connection")]
pub(super) struct Dropped;

/// Accepts connections until aborted; open connections end with it. Holds the sandbox weakly, so that
/// dropping the last handle ends the forges.
pub(super) fn serve(inner: Weak<Inner>, forge: Forge, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        let inner = Weak::clone(&inner);
                        connections.spawn(async move {
                            let service = service_fn(move |request| answer(inner.upgrade(), forge, request));
                            // An error here is a client that went away, or a drop that was asked for.
                            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                        });
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    })
}

async fn answer(
    inner: Option<Arc<Inner>>,
    forge: Forge,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let inner = inner.ok_or(Dropped)?;
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, limits::BODY_BYTES).collect().await else { return Err(Dropped) };
    let body = body.to_bytes();
    let (method, path) = (parts.method.to_string(), parts.uri.to_string());

    let mutates = changes_something(&parts, &body);
    let verb = if method == "POST" && !mutates { faults::QUERY } else { method.as_str() };
    let fault = inner.state().next_fault(forge, verb, &path);
    if let Some(Fault::Delay(delay)) = fault {
        let clock = inner.state().clock.clone();
        clock.sleep_until(clock.now() + delay).await;
    }

    if mutates {
        let interlude = inner.state().next_interlude(forge);
        interlude.into_iter().for_each(|interlude| (interlude.0)(&Sandbox { inner: inner.clone() }));
    }
    let mut state = inner.state();
    let token = token(forge, &parts.headers);
    let user = authenticate(&state, forge, &parts.headers);
    let planned = matches!(fault, Some(Fault::Status { .. } | Fault::Page { .. }));
    let heard = state.tape.is_some().then(|| Heard::new(forge, &parts, &body, planned));
    let carry_out = |state: &mut State| handle(state, forge, parts, &body, user);
    let reply = reply_with(&mut state, fault.as_ref(), carry_out);
    let at = state.clock.now();
    let login = user.map(|user| state.login(forge, user).to_owned());
    let status = reply.as_ref().map(|reply| reply.status);
    state.record(RequestRecord {
        forge,
        method,
        path,
        status,
        at,
        body_bytes: body.len(),
        user: login,
        mutates,
    });
    if let Some(heard) = &heard {
        state.tape_exchange(heard, reply.as_ref());
    }
    let reply = reply.map(|reply| state.told(forge, token.as_deref(), reply));
    let clock = state.clock.clone();
    drop(state);
    let response = reply.map(into_response).ok_or(Dropped)?;
    Ok(match fault {
        Some(Fault::CutOff) => response.map(|body| body.halved(async { false })),
        Some(Fault::SlowBody(delay)) => response.map(|body| {
            body.halved(async move {
                clock.sleep_until(at + delay).await;
                true
            })
        }),
        _ => response,
    })
}

/// What is answered, fault or not; `None`: the connection ends.
fn reply_with(
    state: &mut State,
    fault: Option<&Fault>,
    carry_out: impl FnOnce(&mut State) -> Reply,
) -> Option<Reply> {
    match fault {
        Some(Fault::DropConnectionBeforeApplying) => None,
        Some(Fault::Page { code, content_type, text, applied }) => {
            if *applied {
                carry_out(state);
            }
            let mut page = Reply { text: Some((*text).to_owned()), ..Reply::empty(*code) };
            page.header("content-type", content_type);
            Some(page)
        }
        Some(Fault::Status { code, headers, body }) => {
            Some(Reply { headers: headers.clone(), ..Reply::json(*code, body.clone()) })
        }
        Some(Fault::DropConnectionAfterApplying) => {
            carry_out(state);
            None
        }
        Some(Fault::Delay(_) | Fault::CutOff | Fault::SlowBody(_)) | None => Some(carry_out(state)),
    }
}

fn handle(
    state: &mut State,
    forge: Forge,
    parts: http::request::Parts,
    body: &Bytes,
    user: Option<u64>,
) -> Reply {
    if parts.method == http::Method::POST && parts.uri.path() == graphql_path(forge) {
        return query(state, forge, body, user);
    }
    let (origin, root) = match forge {
        Forge::Gitlab => (state.gitlab_origin.clone(), "/gl/api/v4"),
        Forge::Github => (state.github_origin.clone(), "/api/v3"),
    };
    let if_none_match = parts.headers.get("if-none-match").cloned();
    let call = match Call::new(parts, body, &origin, root) {
        Some(Ok(call)) => call,
        Some(Err(refusal)) => return refuse(forge, &refusal),
        None => {
            return refuse(
                forge,
                &Refusal::new(404, if forge == Forge::Gitlab { "404 Not Found" } else { "Not Found" }),
            );
        }
    };
    let write = !matches!(call.method, http::Method::GET | http::Method::HEAD);
    let mut reply = match state.charge(forge).and_then(|()| state.count_content(forge, write)) {
        Err(refusal) => refuse(forge, &refusal),
        Ok(()) => match forge {
            Forge::Gitlab => gitlab::rest::answer(state, &call, user),
            Forge::Github => github::rest::answer(state, &call, user),
        }
        .unwrap_or_else(|refusal| refuse(forge, &refusal)),
    };
    state.add_rate_headers(forge, &mut reply);
    if forge == Forge::Github && call.method == http::Method::GET && reply.status == 200 {
        reply = github::rest::with_etag(reply, if_none_match.as_ref());
        if reply.status == 304 {
            state.give_back(forge);
            reply.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
            state.add_rate_headers(forge, &mut reply);
        }
    }
    reply
}

/// Whether a request does more than read.
fn changes_something(parts: &http::request::Parts, body: &Bytes) -> bool {
    let is_graphql = [Forge::Gitlab, Forge::Github].map(graphql_path).contains(&parts.uri.path());
    if !is_graphql {
        return !matches!(parts.method, http::Method::GET | http::Method::HEAD);
    }
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    Query::read(&body).is_ok_and(|query| query.is_mutation)
}

fn graphql_path(forge: Forge) -> &'static str {
    match forge {
        Forge::Gitlab => "/gl/api/graphql",
        Forge::Github => "/api/graphql",
    }
}

/// A GraphQL query.
fn query(state: &mut State, forge: Forge, body: &Bytes, user: Option<u64>) -> Reply {
    // GitHub has a budget of its own for it.
    let charged = if forge == Forge::Github { Ok(()) } else { state.charge(forge) };
    let mut reply = match (charged, serde_json::from_slice(body)) {
        (Err(refusal), _) => refuse(forge, &refusal),
        (Ok(()), Err(_)) => refuse(forge, &Refusal::new(400, "Problems parsing JSON")),
        (Ok(()), Ok(body)) => match forge {
            Forge::Gitlab => gitlab::graphql::answer(state, &body, user),
            Forge::Github => github::graphql::answer(state, &body, user),
        },
    };
    match forge {
        Forge::Gitlab => state.add_rate_headers(forge, &mut reply),
        Forge::Github => state.add_graphql_headers(&mut reply),
    }
    reply
}

fn refuse(forge: Forge, refusal: &Refusal) -> Reply {
    match forge {
        Forge::Gitlab => gitlab::rest::refuse(refusal),
        Forge::Github => github::rest::refuse(refusal),
    }
}

/// The user the token speaks for. Both forges take `Authorization: Bearer`, GitLab also
/// `PRIVATE-TOKEN`, GitHub also `Authorization: token`.
fn authenticate(state: &State, forge: Forge, headers: &http::HeaderMap) -> Option<u64> {
    if let (Forge::Github, Some(app), Some(_)) = (forge, &state.app, state.app_grant(headers)) {
        return Some(app.user);
    }
    state.tokens.get(&(forge, token(forge, headers)?)).copied()
}

/// The token that a request carries.
fn token(forge: Forge, headers: &http::HeaderMap) -> Option<String> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = value("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer")
            || (forge == Forge::Github && scheme.eq_ignore_ascii_case("token"));
        known.then(|| token.trim())
    });
    let token = if forge == Forge::Gitlab { value("private-token").or(authorization) } else { authorization };
    token.map(str::to_owned)
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
