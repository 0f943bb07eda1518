//! `addReaction` on the text of a review, for which REST has no address (`@octokit/graphql-schema`).

use serde_json::{Value, json};

use crate::wire::{Field, Query, Reply, error, refused};
use crate::world::{Forge, State, UserId};

/// Carries out a mutation. What it is about and cannot be found is null, with an error.
pub(super) fn mutate(state: &mut State, query: &Query, me: UserId) -> Reply {
    let (mut data, mut errors) = (serde_json::Map::new(), Vec::new());
    for field in &query.fields {
        match add(state, query, field, me) {
            Ok(Some(value)) => drop(data.insert(field.alias.clone(), value)),
            Ok(None) => {
                errors.push(error(Some("NOT_FOUND"), &field.alias, "Could not resolve to a node"));
                data.insert(field.alias.clone(), Value::Null);
            }
            Err(message) => return refused(&message),
        }
    }
    match errors.is_empty() {
        true => Reply::ok(json!({ "data": data })),
        false => Reply::ok(json!({ "data": data, "errors": errors })),
    }
}

/// Somebody reacts once with one content; the second time is answered as the first.
fn add(state: &mut State, query: &Query, field: &Field, me: UserId) -> Result<Option<Value>, String> {
    if field.name != "addReaction" {
        return Err(format!("Field '{}' doesn't exist on type 'Mutation'", field.name));
    }
    let input = field.arguments.get("input").and_then(Value::as_object);
    let text = |name: &str| input.and_then(|input| input.get(name)).and_then(Value::as_str);
    let (subject, content) =
        text("subjectId").zip(text("content")).ok_or("Argument 'input' on Field 'addReaction' is invalid")?;
    let content = content.to_owned();
    let Some(id) = subject.strip_prefix("PRR_").and_then(|id| id.parse().ok()) else { return Ok(None) };
    if !state.react_to_review(Forge::Github, me, id, &content) {
        return Ok(None);
    }
    query.select(field, &json!({ "reaction": { "content": content } })).map(Some)
}
