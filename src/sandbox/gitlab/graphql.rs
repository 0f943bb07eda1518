//! GitLab's GraphQL API, below `/gl/api/graphql`: `users`, for their status (GL `doc/api/graphql`), and
//! `mergeRequestSetReviewers`.

use serde_json::{Value, json};

use super::reviewers;
use crate::sandbox::graphql::{Field, Query, refused};
use crate::sandbox::state::{Forge, State, User, UserId};
use crate::sandbox::wire::{Reply, strings};

/// Most nodes of one page, asked for or not.
const NODES_MAX: usize = 100;

/// Answers one query. Without a token it sees nothing, as with REST.
pub(in crate::sandbox) fn answer(state: &mut State, body: &Value, user: Option<UserId>) -> Reply {
    let Some(me) = user else {
        return Reply::json(401, json!({ "errors": [{ "message": "Invalid token" }] }));
    };
    let query = match Query::read(body) {
        Ok(query) => query,
        Err(message) => return refused(&message),
    };
    let mut data = serde_json::Map::new();
    for field in &query.fields {
        let found = if query.is_mutation { reviewers::change(state, field, me) } else { users(state, field) };
        match found.and_then(|found| query.select(field, &found)) {
            Ok(value) => drop(data.insert(field.alias.clone(), value)),
            Err(message) => return refused(&message),
        }
    }
    Reply::ok(json!({ "data": data }))
}

/// `users(ids:, usernames:, first:)`: those that are there, and no word about the others.
fn users(state: &State, field: &Field) -> Result<Value, String> {
    if field.name != "users" {
        return Err(format!("Field '{}' doesn't exist on type 'Query'", field.name));
    }
    let wanted = |name: &str| field.arguments.get(name).and_then(strings);
    let (ids, usernames) = (wanted("ids"), wanted("usernames"));
    for id in ids.iter().flatten() {
        let number = id.strip_prefix("gid://gitlab/User/").and_then(|id| id.parse::<u64>().ok());
        number.ok_or_else(|| format!("\"{id}\" does not represent an instance of User"))?;
    }
    let first = field.arguments.get("first").and_then(Value::as_u64);
    let first = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(NODES_MAX).min(NODES_MAX);
    let is_wanted = |user: &&User| {
        ids.as_ref().is_none_or(|ids| ids.contains(&global_id(user)))
            && usernames.as_ref().is_none_or(|names| names.contains(&user.login))
    };
    let all = state.users.iter().filter(|((forge, _), _)| *forge == Forge::Gitlab).map(|(_, user)| user);
    let nodes: Vec<Value> = all.filter(is_wanted).take(first).map(node).collect();
    Ok(json!({ "nodes": nodes }))
}

fn global_id(user: &User) -> String {
    format!("gid://gitlab/User/{}", user.id)
}

/// Who has never set a status has none.
fn node(user: &User) -> Value {
    let status = json!({
        "availability": if user.busy { "BUSY" } else { "NOT_SET" },
        "emoji": if user.busy { "palm_tree" } else { "speech_balloon" },
        "message": user.status_message,
    });
    let has_status = user.busy || !user.status_message.is_empty();
    json!({
        "id": global_id(user),
        "username": user.login,
        "name": user.name,
        "bot": user.bot,
        "status": has_status.then_some(status),
    })
}
