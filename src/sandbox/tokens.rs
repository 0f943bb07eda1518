//! What the forges tell of the token that they were asked with, and of their clocks.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Sandbox;
use super::state::{Forge, State, UserId, rest_time};
use super::wire::{Call, Reply};

/// What a token tells of itself.
#[derive(Clone, Debug)]
pub(super) struct TokenFacts {
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
}

impl Sandbox {
    /// Gives a token scopes and an end. Without this, GitLab's has the scope `api` and no end, and
    /// GitHub's is a fine-grained one, which tells no scopes, without an end.
    pub fn describe_token(&self, forge: Forge, token: &str, scopes: &[&str], expires_at: Option<Timestamp>) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.state().token_facts.insert((forge, token.to_owned()), TokenFacts { scopes, expires_at });
    }

    /// Puts a forge's clock, as `Date` shows it, ahead of the sandbox's.
    pub fn set_clock_ahead(&self, forge: Forge, ahead: SignedDuration) {
        self.state().ahead.insert(forge, ahead);
    }

    /// What the GitHub App may do wherever it is installed: `{"pull_requests": "write", …}`.
    pub fn set_app_permissions(&self, permissions: Value) {
        if let Some(app) = &mut self.state().app {
            app.permissions = permissions;
        }
    }

    /// The tokens that installations of the GitHub App were granted and that still hold.
    pub fn app_tokens(&self) -> Vec<String> {
        self.state().app.iter().flat_map(|app| app.granted.keys().cloned()).collect()
    }

    /// Where the GitHub App's own webhook leads.
    pub fn set_app_hook(&self, url: &str) {
        if let Some(app) = &mut self.state().app {
            app.hook_url = url.to_owned();
        }
    }
}

impl State {
    /// The answer with what every answer carries: the date, and on GitHub what the token tells.
    pub(super) fn told(&self, forge: Forge, token: Option<&str>, mut reply: Reply) -> Reply {
        let ahead = self.ahead.get(&forge).copied().unwrap_or_default();
        let date = self.clock.now().checked_add(ahead).unwrap_or(Timestamp::MAX);
        reply.header("date", date.strftime("%a, %d %b %Y %H:%M:%S GMT"));
        let facts = token.and_then(|token| self.token_facts.get(&(forge, token.to_owned())));
        if let (Forge::Github, Some(facts)) = (forge, facts) {
            if !facts.scopes.is_empty() {
                reply.header("x-oauth-scopes", facts.scopes.join(", "));
            }
            if let Some(end) = facts.expires_at {
                reply.header("github-authentication-token-expiration", end.strftime("%Y-%m-%d %H:%M:%S UTC"));
            }
        }
        reply
    }

    /// `GET /personal_access_tokens/self` (GL `doc/api/personal_access_tokens.md`).
    pub(super) fn gl_own_token(&self, call: &Call, me: UserId) -> Value {
        let value = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer =
            value("authorization").and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
        let token = value("private-token").or(bearer).unwrap_or_default();
        let facts = self.token_facts.get(&(Forge::Gitlab, token.to_owned()));
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
            "last_used_at": rest_time(self.clock.now()),
            "active": true,
            "expires_at": end.map(|end| end.strftime("%Y-%m-%d").to_string()),
        })
    }
}
