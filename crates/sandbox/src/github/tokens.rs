//! Who asks, by the token of a request, and what the token tells of itself.

use http::HeaderMap;

use crate::wire::Reply;
use crate::world::{Forge, State, UserId};

/// The user that a request speaks for: the App's bot, or whoever the token belongs to.
pub(crate) fn authenticate(state: &State, headers: &HeaderMap) -> Option<UserId> {
    if let (Some(app), Some(_)) = (&state.credentials.app, state.app_grant(headers)) {
        return Some(app.user);
    }
    state.credentials.tokens.get(&(Forge::Github, token(headers)?)).copied()
}

/// The token of `Authorization: Bearer` or `Authorization: token`.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    let is_known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    is_known.then(|| token.trim().to_owned())
}

/// Scopes and end of a token, where they were set.
pub(crate) fn add_facts(state: &State, token: Option<&str>, reply: &mut Reply) {
    let facts = token.and_then(|token| state.credentials.facts.get(&(Forge::Github, token.to_owned())));
    let Some(facts) = facts else { return };
    if !facts.scopes.is_empty() {
        reply.header("x-oauth-scopes", facts.scopes.join(", "));
    }
    if let Some(end) = facts.expires_at {
        reply.header("github-authentication-token-expiration", end.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
}
