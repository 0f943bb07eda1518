//! Notes of a merge request and their award emoji over REST.

use http::Method;

use super::replies::{no_route, paged, wrong_method};
use crate::wire::{Call, Reply};
use crate::world::{ChangeRef, Comment, Forge, Refusal, State, UserId};

pub(super) fn answer(
    state: &mut State,
    call: &Call,
    me: UserId,
    at: &ChangeRef,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let number = |id: &str| id.parse::<u64>().map_err(|_| Refusal::new(400, "note_id is invalid"));
    match rest {
        [] => all(state, call, me, at),
        [id] => one(state, call, me, at, number(id)?),
        [id, "award_emoji"] => awards(state, call, me, at, number(id)?),
        _ => Err(no_route()),
    }
}

fn all(state: &mut State, call: &Call, me: UserId, at: &ChangeRef) -> Result<Reply, Refusal> {
    match call.method {
        Method::GET => {
            let (project, change) = (state.project(Forge::Gitlab, &at.project)?, state.change(at)?);
            let mut notes: Vec<&Comment> = change.comments.iter().collect();
            let by_update = call.text("order_by") == Some("updated_at");
            notes.sort_by_key(|note| (if by_update { note.updated_at } else { note.created_at }, note.id));
            if call.text("sort") != Some("asc") {
                notes.reverse();
            }
            Ok(paged(call, notes.iter().map(|note| state.gl_note(project, change, note)).collect()))
        }
        Method::POST => {
            let body = body_of(call)?;
            let internal = call.text("internal").or(call.text("confidential")) == Some("true");
            let id = state.comment(at, me, body, internal)?;
            reply_with(state, at, id, 201)
        }
        _ => Err(wrong_method()),
    }
}

fn one(state: &mut State, call: &Call, me: UserId, at: &ChangeRef, id: u64) -> Result<Reply, Refusal> {
    note(state, at, id)?;
    match call.method {
        Method::GET => reply_with(state, at, id, 200),
        Method::PUT => {
            state.edit_comment(at, me, id, body_of(call)?)?;
            reply_with(state, at, id, 200)
        }
        Method::DELETE => {
            state.delete_comment(at, me, id)?;
            Ok(Reply::empty(204))
        }
        _ => Err(wrong_method()),
    }
}

fn awards(state: &mut State, call: &Call, me: UserId, at: &ChangeRef, id: u64) -> Result<Reply, Refusal> {
    note(state, at, id)?;
    match call.method {
        Method::GET => {
            let awards = note(state, at, id)?.reactions.iter().map(|award| state.gl_award(id, award));
            Ok(paged(call, awards.collect()))
        }
        Method::POST => {
            let name = call.text("name").ok_or_else(|| Refusal::new(400, "name is missing"))?;
            let (award, is_new) = state.react(at, me, id, name)?;
            if !is_new {
                // One user, one emoji, once; GitLab answers 404 to the second (gitlab-org/gitlab#26060).
                return Err(Refusal::new(404, "404 Award Emoji Name has already been taken Not Found"));
            }
            Ok(Reply::json(201, state.gl_award(id, &award)))
        }
        _ => Err(wrong_method()),
    }
}

fn body_of(call: &Call) -> Result<&str, Refusal> {
    match call.text("body") {
        None => Err(Refusal::new(400, "body is missing")),
        Some("") => Err(Refusal::new(400, "body is empty")),
        Some(body) => Ok(body),
    }
}

fn note<'a>(state: &'a State, at: &ChangeRef, id: u64) -> Result<&'a Comment, Refusal> {
    let found = state.change(at)?.comment(id);
    found.ok_or_else(|| Refusal::new(404, "404 Note Not Found"))
}

fn reply_with(state: &State, at: &ChangeRef, id: u64, status: u16) -> Result<Reply, Refusal> {
    let (project, change) = (state.project(Forge::Gitlab, &at.project)?, state.change(at)?);
    Ok(Reply::json(status, state.gl_note(project, change, note(state, at, id)?)))
}
