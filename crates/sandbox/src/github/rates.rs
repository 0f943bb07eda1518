//! The request budget, as GitHub prints it into its headers.

use serde_json::{Value, json};

use crate::wire::Reply;
use crate::world::{Allowance, Forge, State};

/// The budget of REST requests.
pub(super) fn add_rates(state: &State, reply: &mut Reply) {
    let Some(allowance) = state.rates.requests(Forge::Github) else { return };
    add_allowance(allowance, allowance.shown_as_remaining(), "core", reply);
    reply.header("x-github-api-version-selected", "2022-11-28");
    if reply.status == 403 && reply.is_about("secondary rate limit") {
        reply.header("retry-after", 60);
    }
}

/// Counts one point of GraphQL's budget, which is apart from REST, and tells it.
pub(super) fn add_graphql_rates(state: &mut State, reply: &mut Reply) {
    let allowance = state.rates.charge_graphql(state.clock.now().as_second());
    add_allowance(&allowance, allowance.remaining(), "graphql", reply);
}

fn add_allowance(allowance: &Allowance, remaining: u64, resource: &str, reply: &mut Reply) {
    reply.header("x-ratelimit-limit", allowance.per_window);
    reply.header("x-ratelimit-remaining", remaining);
    reply.header("x-ratelimit-used", allowance.used);
    reply.header("x-ratelimit-reset", allowance.resets_at());
    reply.header("x-ratelimit-resource", resource);
}

/// The body of `GET /rate_limit`.
pub(super) fn rate_limit(state: &State) -> Value {
    let Some(allowance) = state.rates.requests(Forge::Github) else { return json!({}) };
    let core = json!({
        "limit": allowance.per_window,
        "used": allowance.used,
        "remaining": allowance.remaining(),
        "reset": allowance.resets_at(),
    });
    let search = json!({ "limit": 30, "used": 0, "remaining": 30, "reset": allowance.window_start + 60 });
    json!({ "resources": { "core": core, "search": search }, "rate": core })
}
