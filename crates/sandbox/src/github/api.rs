//! The door of the fake GitHub: REST and GraphQL are told apart, and every request is counted.

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use super::replies::{not_found, refuse, with_etag};
use super::{graphql, rates, rest};
use crate::wire::{Call, Reply};
use crate::world::{Forge, Refusal, State, UserId};

/// Where REST lives.
const ROOT: &str = "/api/v3";
/// Where GraphQL lives.
pub(crate) const GRAPHQL_PATH: &str = "/api/graphql";

/// Answers one request of a user who is known already.
pub(crate) fn answer(state: &mut State, request: Parts, body: &Bytes, user: Option<UserId>) -> Reply {
    if request.method == Method::POST && request.uri.path() == GRAPHQL_PATH {
        return query(state, body, user);
    }
    let known = request.headers.get("if-none-match").cloned();
    let origin = state.origin(Forge::Github).to_owned();
    let call = match Call::new(request, body, &origin, ROOT) {
        Some(Ok(call)) => call,
        Some(Err(refusal)) => return refuse(&refusal),
        None => return refuse(&not_found()),
    };
    let answered = count(state, &call).and_then(|()| rest::answer(state, &call, user));
    let mut reply = answered.unwrap_or_else(|refusal| refuse(&refusal));
    rates::add_rates(state, &mut reply);
    if call.method == Method::GET && reply.status == 200 {
        reply = with_etag(reply, known.as_ref());
        if reply.status == 304 {
            state.rates.give_back(Forge::Github);
            reply.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
            rates::add_rates(state, &mut reply);
        }
    }
    reply
}

/// Counts a request against the budgets.
fn count(state: &mut State, call: &Call) -> Result<(), Refusal> {
    let now = state.now(Forge::Github).as_second();
    state.rates.charge(Forge::Github, now)?;
    match call.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => state.rates.count_content(now),
    }
}

fn query(state: &mut State, body: &Bytes, user: Option<UserId>) -> Reply {
    let mut reply = match serde_json::from_slice(body) {
        Ok(body) => graphql::answer(state, &body, user),
        Err(_) => refuse(&Refusal::new(400, "Problems parsing JSON")),
    };
    rates::add_graphql_rates(state, &mut reply);
    reply
}
