//! The threads of a pull request in GraphQL.

use serde_json::{Map, Value, json};

use super::time::github_time;
use crate::wire::{Field, Query};
use crate::world::{Change, ChangeRef, Comment, Forge, State, UserId};

/// `repository(owner:, name:) { pullRequest(number:) { reviewThreads(first:, after:) { … } } }`; null where the
/// token does not see it.
pub(super) fn repository(state: &State, query: &Query, field: &Field, me: UserId) -> Result<Value, String> {
    let text = |name: &str| field.arguments.get(name).and_then(Value::as_str);
    let (owner, name) =
        text("owner").zip(text("name")).ok_or("Field 'repository' is missing required arguments")?;
    let path = format!("{owner}/{name}");
    let seen = state.project(Forge::Github, &path).ok().filter(|project| state.can_read(project, me));
    let Some(project) = seen else { return Ok(Value::Null) };
    let mut selected = Map::new();
    for pull in query.flat(&field.fields) {
        if pull.name != "pullRequest" {
            return Err(format!("Field '{}' doesn't exist on type 'Repository'", pull.name));
        }
        let number = pull.arguments.get("number").and_then(Value::as_u64);
        let number = number.ok_or("Field 'pullRequest' is missing required arguments: number")?;
        let at = ChangeRef { forge: Forge::Github, project: project.path.clone(), number };
        let value = match state.change(&at) {
            Ok(change) => pull_request(state, query, &pull, change)?,
            Err(_) => Value::Null,
        };
        selected.insert(pull.alias.clone(), value);
    }
    Ok(Value::Object(selected))
}

fn pull_request(state: &State, query: &Query, pull: &Field, change: &Change) -> Result<Value, String> {
    let mut selected = Map::new();
    for threads in query.flat(&pull.fields) {
        if threads.name != "reviewThreads" {
            return Err(format!("Field '{}' doesn't exist on type 'PullRequest'", threads.name));
        }
        let first = threads.arguments.get("first").and_then(Value::as_u64).unwrap_or_default() as usize;
        if !(1..=100).contains(&first) {
            return Err("You must provide a `first` or `last` value between 1 and 100".into());
        }
        let after = threads.arguments.get("after").and_then(Value::as_str);
        let skipped = after.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let all: Vec<&Comment> = change.comments.iter().filter(|comment| comment.is_on_a_line()).collect();
        let nodes = all.iter().skip(skipped).take(first).map(|comment| thread(state, change, comment));
        let end = skipped.saturating_add(first);
        let connection = json!({
            "pageInfo": { "hasNextPage": end < all.len(), "endCursor": end.min(all.len()).to_string() },
            "nodes": nodes.collect::<Vec<_>>(),
        });
        selected.insert(threads.alias.clone(), query.select(&threads, &connection)?);
    }
    Ok(Value::Object(selected))
}

fn thread(state: &State, change: &Change, comment: &Comment) -> Value {
    let review = comment.wrapper().and_then(|id| change.review(id));
    json!({
        "isResolved": comment.resolved.is_some(),
        "resolvedBy": comment.resolved.map(|(by, _)| person(state, by)),
        "comments": { "nodes": [{
            "author": person(state, comment.author),
            "createdAt": github_time(comment.created_at),
            "pullRequestReview": review.map(|review| json!({ "submittedAt": github_time(review.submitted_at) })),
        }] },
    })
}

/// A bot is no `User`, so that such a fragment finds nothing of it.
fn person(state: &State, id: UserId) -> Value {
    let bot = state.user(Forge::Github, id).is_some_and(|user| user.bot);
    let kind = if bot { "Bot" } else { "User" };
    json!({ "__typename": kind, "databaseId": (!bot).then_some(id), "login": state.login(Forge::Github, id) })
}
