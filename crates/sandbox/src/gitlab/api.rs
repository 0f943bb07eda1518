//! The door of the fake GitLab: REST and GraphQL are told apart, and every request is counted.

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use super::replies::{no_route, refuse};
use super::{graphql, rates, rest};
use crate::wire::{Call, Reply};
use crate::world::{Forge, Refusal, State, UserId};

/// Where REST lives.
const ROOT: &str = "/gl/api/v4";
/// Where GraphQL lives.
pub(crate) const GRAPHQL_PATH: &str = "/gl/api/graphql";

/// Answers one request of a user who is known already.
pub(crate) fn answer(state: &mut State, request: Parts, body: &Bytes, user: Option<UserId>) -> Reply {
    let answered = if request.method == Method::POST && request.uri.path() == GRAPHQL_PATH {
        query(state, body, user)
    } else {
        let origin = state.origin(Forge::Gitlab).to_owned();
        match Call::new(request, body, &origin, ROOT) {
            Some(Ok(call)) => charge(state).and_then(|()| rest::answer(state, &call, user)),
            // Before anything is counted.
            Some(Err(refusal)) => return refuse(&refusal),
            None => return refuse(&no_route()),
        }
    };
    let mut reply = answered.unwrap_or_else(|refusal| refuse(&refusal));
    rates::add_rates(state, &mut reply);
    reply
}

fn query(state: &mut State, body: &Bytes, user: Option<UserId>) -> Result<Reply, Refusal> {
    charge(state)?;
    let body = serde_json::from_slice(body).map_err(|_| Refusal::new(400, "Problems parsing JSON"))?;
    Ok(graphql::answer(state, &body, user))
}

fn charge(state: &mut State) -> Result<(), Refusal> {
    let now = state.now(Forge::Gitlab).as_second();
    state.rates.charge(Forge::Gitlab, now)
}
