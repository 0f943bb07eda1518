//! The issue side of pull requests over REST: labels, comments, reactions.

use http::Method;
use serde_json::{Value, json};

use super::json::REACTIONS;
use super::replies::{must_have, not_found, paged};
use crate::wire::{Call, Reply, strings};
use crate::world::{Access, ChangeRef, Comment, Forge, Happened, Refusal, State, UserId};

const GET: &Method = &Method::GET;
const POST: &Method = &Method::POST;
const PUT: &Method = &Method::PUT;
const PATCH: &Method = &Method::PATCH;
const DELETE: &Method = &Method::DELETE;

pub(super) fn answer(
    state: &mut State,
    call: &Call,
    me: UserId,
    path: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    match rest {
        ["comments", id, rest @ ..] => {
            let id = id.parse().map_err(|_| not_found())?;
            let at = of_comment(state, path, id, false)?;
            one_comment(state, call, me, &at, id, rest)
        }
        [number, rest @ ..] => {
            let number = number.parse().map_err(|_| not_found())?;
            let at = ChangeRef { forge: Forge::Github, project: path.to_owned(), number };
            state.change(&at)?;
            one_issue(state, call, me, &at, rest)
        }
        [] => Err(not_found()),
    }
}

fn one_issue(
    state: &mut State,
    call: &Call,
    me: UserId,
    at: &ChangeRef,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    match (&call.method, rest) {
        (GET, []) => {
            let (project, change) = (state.project(Forge::Github, &at.project)?, state.change(at)?);
            Ok(Reply::ok(state.gh_issue(project, change)))
        }
        (GET, ["comments"]) => {
            let (project, change) = (state.project(Forge::Github, &at.project)?, state.change(at)?);
            let comments = change.comments.iter().filter(|comment| !comment.is_on_a_line());
            let comments = comments.map(|comment| state.gh_comment(project, change, comment));
            Ok(paged(call, comments.collect()))
        }
        (POST, ["comments"]) => {
            let id = state.comment(at, me, body_of(call)?, false)?;
            comment_reply(state, at, id, 201)
        }
        (_, ["labels"]) => labels(state, call, me, at),
        (DELETE, ["labels", name]) => {
            must_have(state, &at.project, me, Access::TRIAGE)?;
            let present = state.change(at)?.labels.iter().find(|label| label.eq_ignore_ascii_case(name));
            let present = present.cloned().ok_or_else(|| Refusal::new(404, "Label does not exist"))?;
            state.remove_labels(at, me, |label| *label == present)?;
            labels_reply(state, call, at)
        }
        _ => Err(not_found()),
    }
}

/// `GET`, `POST` (adds), `PUT` (replaces), `DELETE` (removes all) of an issue's labels.
fn labels(state: &mut State, call: &Call, me: UserId, at: &ChangeRef) -> Result<Reply, Refusal> {
    if call.method == Method::GET {
        return labels_reply(state, call, at);
    }
    must_have(state, &at.project, me, Access::TRIAGE)?;
    if call.method == Method::DELETE {
        state.remove_labels(at, me, |_| true)?;
        return Ok(Reply::empty(204));
    }
    if !matches!(&call.method, POST | PUT) {
        return Err(not_found());
    }
    // Either `{"labels": […]}` or the bare list.
    let names = call.json_list("labels").or_else(|| strings(&call.json));
    let names =
        names.ok_or_else(|| Refusal::new(422, "Invalid request.\n\nNo subschema in \"anyOf\" matched."))?;
    let mut known = Vec::new();
    for name in names {
        known.push(state.ensure_label(Forge::Github, &at.project, &name)?);
    }
    state.act(at, me, |state, change| {
        let replaces = call.method == Method::PUT;
        let gone = change.labels.extract_if(.., |label| replaces && !known.contains(label));
        let mut happened: Vec<Happened> = gone.map(Happened::Unlabeled).collect();
        let project = state.project(Forge::Github, &at.project)?;
        happened.extend(state.add_labels(project, change, &known));
        Ok(((), happened))
    })?;
    labels_reply(state, call, at)
}

fn one_comment(
    state: &mut State,
    call: &Call,
    me: UserId,
    at: &ChangeRef,
    id: u64,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    match (&call.method, rest) {
        (GET, []) => comment_reply(state, at, id, 200),
        (PATCH, []) => {
            state.edit_comment(at, me, id, body_of(call)?)?;
            comment_reply(state, at, id, 200)
        }
        (DELETE, []) => {
            state.delete_comment(at, me, id)?;
            Ok(Reply::empty(204))
        }
        (GET, ["reactions"]) => {
            let reactions = comment(state, at, id)?.reactions.iter();
            Ok(paged(call, reactions.map(|reaction| state.gh_reaction(reaction)).collect()))
        }
        (POST, ["reactions"]) => react(state, call, me, at, id),
        // POST to a comment, which octocrab 0.54 sends for an edit, is no route of GitHub's.
        _ => Err(not_found()),
    }
}

/// Reacts to a comment, wherever it stands.
pub(super) fn react(
    state: &mut State,
    call: &Call,
    me: UserId,
    at: &ChangeRef,
    id: u64,
) -> Result<Reply, Refusal> {
    let content = call.text("content").unwrap_or_default();
    if !REACTIONS.contains(&content) {
        return Err(Refusal::invalid(json!([{
            "resource": "Reaction", "code": "invalid", "field": "content", "value": content,
        }])));
    }
    let (reaction, is_new) = state.react(at, me, id, content)?;
    Ok(Reply::json(if is_new { 201 } else { 200 }, state.gh_reaction(&reaction)))
}

/// The pull request a comment belongs to, in the conversation or on a line: each has its own address.
pub(super) fn of_comment(state: &State, path: &str, id: u64, on_a_line: bool) -> Result<ChangeRef, Refusal> {
    let project = state.project(Forge::Github, path)?;
    let is_it = |comment: &Comment| comment.id == id && comment.is_on_a_line() == on_a_line;
    let holds = |comments: &[Comment]| comments.iter().any(is_it);
    let change = project.changes.values().find(|change| holds(&change.comments)).ok_or_else(not_found)?;
    Ok(ChangeRef { forge: Forge::Github, project: path.to_owned(), number: change.number })
}

fn comment<'a>(state: &'a State, at: &ChangeRef, id: u64) -> Result<&'a Comment, Refusal> {
    state.change(at)?.comments.iter().find(|comment| comment.id == id).ok_or_else(not_found)
}

fn comment_reply(state: &State, at: &ChangeRef, id: u64, status: u16) -> Result<Reply, Refusal> {
    let (project, change) = (state.project(Forge::Github, &at.project)?, state.change(at)?);
    Ok(Reply::json(status, state.gh_comment(project, change, comment(state, at, id)?)))
}

fn labels_reply(state: &State, call: &Call, at: &ChangeRef) -> Result<Reply, Refusal> {
    let (project, change) = (state.project(Forge::Github, &at.project)?, state.change(at)?);
    match state.gh_labels(project, change) {
        Value::Array(labels) if call.method == Method::GET => Ok(paged(call, labels)),
        labels => Ok(Reply::ok(labels)),
    }
}

fn body_of(call: &Call) -> Result<&str, Refusal> {
    let missing = || json!([{ "resource": "IssueComment", "code": "missing_field", "field": "body" }]);
    call.text("body").filter(|body| !body.trim().is_empty()).ok_or_else(|| Refusal::invalid(missing()))
}
