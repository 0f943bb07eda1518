//! The request budget, as GitLab prints it into its headers.

use crate::wire::Reply;
use crate::world::{Forge, State};

/// The budget of all requests.
pub(super) fn add_rates(state: &State, reply: &mut Reply) {
    let Some(allowance) = state.rates.requests(Forge::Gitlab) else { return };
    reply.header("ratelimit-limit", allowance.per_window);
    reply.header("ratelimit-name", "throttle_authenticated_api");
    reply.header("ratelimit-observed", allowance.used);
    reply.header("ratelimit-remaining", allowance.shown_as_remaining());
    reply.header("ratelimit-reset", allowance.resets_at());
    if reply.status == 429 {
        let wait = allowance.resets_at() - state.now(Forge::Gitlab).as_second();
        reply.header("retry-after", wait.max(1));
    }
}
