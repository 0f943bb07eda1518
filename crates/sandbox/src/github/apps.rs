//! A GitHub App: its JWT, its installations and their tokens
//! ("Authenticating as a GitHub App", OpenAPI description of `/app`).

use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::deliveries;
use super::replies::{not_found, paged};
use super::time::github_time;
use crate::wire::{Call, Reply};
use crate::world::{App, Forge, Grant, HookTarget, Installation, Refusal, State, digest};

/// A JWT lasts ten minutes at most.
const JWT_SECONDS_MOST: i64 = 600;
const TOKEN_LASTS: SignedDuration = SignedDuration::from_hours(1);

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

/// The token of `Authorization`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (_, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    Some(token.trim())
}

impl State {
    /// The owner whose installation token a request carries, if it carries one that lasts.
    pub(super) fn app_grant(&self, headers: &HeaderMap) -> Option<&Grant> {
        let grant = self.credentials.app.as_ref()?.granted.get(bearer(headers)?)?;
        (self.now(Forge::Github) < grant.expires_at).then_some(grant)
    }

    /// Whether the request carries a good JWT of the App.
    fn app_of(&self, headers: &HeaderMap) -> Result<&App, Refusal> {
        let wrong = |why: &str| Refusal::new(401, why);
        let undecodable = || wrong("A JSON web token could not be decoded");
        let app = self.credentials.app.as_ref().ok_or_else(undecodable)?;
        let mut form = Validation::new(Algorithm::RS256);
        // The time is the sandbox's own.
        (form.validate_exp, form.required_spec_claims) = (false, Default::default());
        let token = bearer(headers).ok_or_else(undecodable)?;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &app.key, &form).map_err(|_| undecodable())?.claims;
        let now = self.now(Forge::Github).as_second();
        if claims.iss != app.id.to_string() {
            return Err(wrong("'Issuer' claim ('iss') must be an Integer"));
        }
        if claims.exp <= now || claims.exp - now > JWT_SECONDS_MOST {
            return Err(wrong("'Expiration time' claim ('exp') is too far in the future"));
        }
        if claims.iat > now {
            return Err(wrong(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
        Ok(app)
    }
}

/// Requests that only the App itself may make.
pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str]) -> Result<Reply, Refusal> {
    let app = state.app_of(&call.headers)?;
    let owners: Vec<String> = app.installations.keys().cloned().collect();
    if let (&Method::GET, ["hook", "config"]) = (&call.method, rest) {
        let mut config = json!({ "content_type": "json", "insecure_ssl": "0" });
        if let Some(url) = &app.hook_url {
            (config["url"], config["secret"]) = (json!(url), json!("********"));
        }
        return Ok(Reply::ok(config));
    }
    if let ["hook", rest @ ..] = rest {
        let ours = |target: &HookTarget| matches!(target, HookTarget::Org(org) if owners.contains(org));
        let hooks = state.hooks.values().filter(|hook| ours(&hook.target));
        let hooks: Vec<u64> = hooks.map(|hook| hook.id).collect();
        return deliveries::answer(state, call, rest, &hooks);
    }
    match (&call.method, rest) {
        (&Method::GET, []) => Ok(Reply::ok(state.gh_app(app))),
        (&Method::GET, ["installations"]) => {
            let list = app.installations.iter();
            Ok(paged(call, list.map(|(owner, one)| state.gh_installation(app, owner, one)).collect()))
        }
        (&Method::POST, ["installations", id, "access_tokens"]) => {
            let found = app.installations.iter().find(|(_, one)| one.id.to_string() == *id);
            let (owner, one) = found.ok_or_else(not_found)?;
            if one.suspended_at.is_some() {
                return Err(Refusal::new(403, "This installation has been suspended"));
            }
            let (owner, now) = (owner.clone(), state.now(Forge::Github));
            grant(state, owner, now)
        }
        _ => Err(not_found()),
    }
}

/// Since 2026-04-27 tokens are `ghs_APPID_JWT`, several hundred characters long.
fn grant(state: &mut State, owner: String, now: Timestamp) -> Result<Reply, Refusal> {
    let number = state.ids.number();
    let digest = digest(&format!("{owner} {now} {number}"));
    let app = state.credentials.app.as_mut().ok_or_else(not_found)?;
    let token = format!("ghs_{}_{}", app.id, digest.repeat(6));
    let expires_at = now.checked_add(TOKEN_LASTS).unwrap_or(now);
    app.granted.insert(token.clone(), Grant { owner, expires_at });
    Ok(Reply::json(
        201,
        json!({
            "token": token,
            "expires_at": github_time(expires_at),
            "permissions": app.permissions.clone(),
            "repository_selection": "all",
        }),
    ))
}

/// What an App may do unless told otherwise.
pub(crate) fn permissions() -> Value {
    json!({ "pull_requests": "write", "issues": "write", "members": "read", "metadata": "read", "contents": "read" })
}

impl State {
    fn gh_app(&self, app: &App) -> Value {
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": format!("A_{}", app.id),
            "owner": self.gh_user(app.user),
            "name": app.slug,
            "description": null,
            "external_url": "https://example.com",
            "html_url": format!("{}/apps/{}", self.pages(Forge::Github), app.slug),
            "created_at": github_time(Timestamp::UNIX_EPOCH),
            "updated_at": github_time(Timestamp::UNIX_EPOCH),
            "permissions": app.permissions,
            "events": ["pull_request", "pull_request_review", "issue_comment"],
        })
    }

    fn gh_installation(&self, app: &App, owner: &str, one: &Installation) -> Value {
        let api = self.api(Forge::Github);
        let account = self.gh_owner(owner);
        json!({
            "id": one.id,
            "account": account,
            "repository_selection": "all",
            "access_tokens_url": format!("{api}/app/installations/{}/access_tokens", one.id),
            "repositories_url": format!("{api}/installation/repositories"),
            "html_url": format!("{}/settings/installations/{}", self.pages(Forge::Github), one.id),
            "app_id": app.id,
            "app_slug": app.slug,
            "target_id": account["id"],
            "target_type": account["type"],
            "permissions": app.permissions,
            "events": ["pull_request"],
            "single_file_name": null,
            "created_at": github_time(Timestamp::UNIX_EPOCH),
            "updated_at": github_time(Timestamp::UNIX_EPOCH),
            "suspended_by": null,
            "suspended_at": one.suspended_at.map(github_time),
        })
    }
}
