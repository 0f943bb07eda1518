//! Who asks, by the token of a request, and what the token tells of itself.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::time::rest_time;
use crate::wire::Call;
use crate::world::{Forge, State, UserId};

/// The user whom the token of a request belongs to.
pub(crate) fn authenticate(state: &State, headers: &HeaderMap) -> Option<UserId> {
    state.credentials.tokens.get(&(Forge::Gitlab, token(headers)?)).copied()
}

/// The token of `PRIVATE-TOKEN` or `Authorization: Bearer`.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = value("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    value("private-token").or(bearer).map(str::to_owned)
}

/// `GET /personal_access_tokens/self` (GL `doc/api/personal_access_tokens.md`).
pub(super) fn own_token(state: &State, call: &Call, me: UserId) -> Value {
    let token = token(&call.headers).unwrap_or_default();
    let facts = state.credentials.facts.get(&(Forge::Gitlab, token));
    let scopes = facts.map_or_else(|| vec!["api".to_owned()], |facts| facts.scopes.clone());
    let end = facts.and_then(|facts| facts.expires_at);
    json!({
        "id": 4,
        "name": "Usher",
        "revoked": false,
        "created_at": rest_time(Timestamp::UNIX_EPOCH),
        "description": "",
        "scopes": scopes,
        "user_id": me,
        "last_used_at": rest_time(state.now(Forge::Gitlab)),
        "active": true,
        "expires_at": end.map(|end| end.strftime("%Y-%m-%d").to_string()),
    })
}
