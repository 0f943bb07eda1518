//! GitLab's GraphQL API, below `/gl/api/graphql`: `users`, for their status (GL `doc/api/graphql`), a
//! project's merge request and labels, and mutations of these.

use serde_json::{Value, json};

use super::mutations;
use super::nodes::{LIMIT, NODES_MAX, connection, label_node};
use crate::wire::{Field, Query, Reply, refused, strings};
use crate::world::{ChangeRef, Forge, State, User, UserId};

/// Answers one query. Without a token it sees nothing, as with REST.
pub(super) fn answer(state: &mut State, body: &Value, user: Option<UserId>) -> Reply {
    let Some(me) = user else {
        return Reply::json(401, json!({ "errors": [{ "message": "Invalid token" }] }));
    };
    let query = match Query::read(body) {
        Ok(query) => query,
        Err(message) => return refused(&message),
    };
    // What the schema does not have is refused before anything is done.
    let strange = |field: &&Field| query.is_mutation && !mutations::is_known(state, &field.name);
    if let Some(strange) = query.fields.iter().find(strange) {
        return refused(&format!("Field '{}' doesn't exist on type 'Mutation'", strange.name));
    }
    let (mut data, mut errors) = (serde_json::Map::new(), Vec::new());
    for field in &query.fields {
        let found = match field.name.as_str() {
            _ if query.is_mutation => {
                mutations::change(state, field, me).and_then(|found| query.select(field, &found))
            }
            "project" => project(state, &query, field, me),
            _ => users(state, field).and_then(|found| query.select(field, &found)),
        };
        match found {
            Ok(value) => drop(data.insert(field.alias.clone(), value)),
            Err(message) if !message.starts_with(mutations::NOT_AVAILABLE) => return refused(&message),
            Err(message) => {
                errors.push(json!({ "message": message, "path": [field.alias] }));
                data.insert(field.alias.clone(), Value::Null);
            }
        }
    }
    let mut body = json!({ "data": data });
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    Reply::ok(body)
}

/// `project(fullPath:)` with `mergeRequest(iid:)` and `labels(searchTerm:)`; null if it is hidden.
fn project(state: &State, query: &Query, field: &Field, me: UserId) -> Result<Value, String> {
    let path =
        field.arguments.get("fullPath").and_then(Value::as_str).ok_or("Argument 'fullPath' is required")?;
    let Ok(project) = state.project(Forge::Gitlab, path) else { return Ok(Value::Null) };
    if state.access(project, me).is_none() {
        return Ok(Value::Null);
    }
    let mut selected = serde_json::Map::new();
    for inner in query.flat(&field.fields) {
        let text = |name: &str| inner.arguments.get(name).and_then(Value::as_str);
        let found = match inner.name.as_str() {
            "mergeRequest" => {
                let lacks = |field: &Field| field.name == LIMIT && !state.gitlab.tells_limit;
                if query.flat(&inner.fields).iter().any(lacks) {
                    return Err(format!("Field '{LIMIT}' doesn't exist on type 'MergeRequest'"));
                }
                let number =
                    text("iid").and_then(|iid| iid.parse().ok()).ok_or("Argument 'iid' is required")?;
                let at = ChangeRef { forge: Forge::Gitlab, project: project.path.clone(), number };
                state.gl_change_node(&at).unwrap_or_default()
            }
            "labels" => {
                let term = text("searchTerm").unwrap_or_default().to_lowercase();
                let labels = project.labels.iter().filter(|label| label.name.to_lowercase().contains(&term));
                connection(labels.map(label_node).collect())
            }
            "userPermissions" => state.gl_permissions(project, me),
            name => return Err(format!("Field '{name}' doesn't exist on type 'Project'")),
        };
        selected.insert(inner.alias.clone(), query.select(&inner, &found)?);
    }
    Ok(selected.into())
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
