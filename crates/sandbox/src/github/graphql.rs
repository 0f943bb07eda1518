//! GitHub's GraphQL API, at `/api/graphql` as on GitHub Enterprise Server: `user(login:)`, for the
//! status, and `repository(owner:, name:)` with its pull requests' threads (`@octokit/graphql-schema`).

use serde_json::{Value, json};

use super::reactions;
use super::replies::refuse;
use super::threads;
use crate::wire::{Field, Query, Reply, error, refused};
use crate::world::{Forge, Refusal, State, User, UserId};

/// Answers one query. Who is not there is null, with an error beside the data of the others.
pub(super) fn answer(state: &mut State, body: &Value, user: Option<UserId>) -> Reply {
    let Some(me) = user else { return refuse(&Refusal::new(401, "Bad credentials")) };
    let query = match Query::read(body) {
        Ok(query) if query.is_mutation => return reactions::mutate(state, &query, me),
        Ok(query) => query,
        Err(message) => return refused(&message),
    };
    let (mut data, mut errors) = (serde_json::Map::new(), Vec::new());
    for field in &query.fields {
        if field.name == "repository" {
            match threads::repository(state, &query, field, me) {
                Ok(value) => drop(data.insert(field.alias.clone(), value)),
                Err(message) => return refused(&message),
            }
            continue;
        }
        let found = match found(state, field) {
            Ok(found) => found,
            Err(message) => return refused(&message),
        };
        let value = match found {
            Some(user) => query.select(field, &node(state, user)),
            None => {
                let login = field.arguments.get("login").and_then(Value::as_str).unwrap_or_default();
                let message = format!("Could not resolve to a User with the login of '{login}'.");
                errors.push(error(Some("NOT_FOUND"), &field.alias, &message));
                Ok(Value::Null)
            }
        };
        match value {
            Ok(value) => drop(data.insert(field.alias.clone(), value)),
            Err(message) => return refused(&message),
        }
    }
    let mut body = json!({ "data": data });
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    Reply::ok(body)
}

fn found<'a>(state: &'a State, field: &Field) -> Result<Option<&'a User>, String> {
    if field.name != "user" {
        return Err(format!("Field '{}' doesn't exist on type 'Query'", field.name));
    }
    let login = field.arguments.get("login").and_then(Value::as_str);
    let login = login.ok_or("Field 'user' is missing required arguments: login")?;
    // An App's bot is a `Bot`, and no `User`.
    Ok(state.user_by_login(Forge::Github, login).filter(|user| !user.bot))
}

/// Who has never set a status has none; one that has expired is gone.
fn node(state: &State, user: &User) -> Value {
    let over = user.busy_until.is_some_and(|until| until <= state.now(Forge::Github));
    let status = json!({
        "indicatesLimitedAvailability": user.busy,
        "expiresAt": user.busy_until.map(|until| until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "emoji": ":palm_tree:",
        "message": user.status_message,
        "organization": null,
    });
    let has_status = !over && (user.busy || !user.status_message.is_empty());
    json!({
        "databaseId": user.id,
        "login": user.login,
        "name": user.name,
        "status": has_status.then_some(status),
    })
}
