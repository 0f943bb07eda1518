//! Pull requests over REST.

use http::Method;
use serde_json::{Value, json};

use super::issues;
use super::json::open_or_closed;
use super::replies::{must_have, not_found, paged};
use crate::wire::{Call, Reply};
use crate::world::{Access, Change, ChangeRef, Forge, Refusal, State, UserId};

const GET: &Method = &Method::GET;
const POST: &Method = &Method::POST;
const DELETE: &Method = &Method::DELETE;

/// GitHub lists at most this many files of a pull request.
const FILES_MAX: usize = 3_000;

pub(super) fn answer(
    state: &mut State,
    call: &Call,
    me: UserId,
    path: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    if let ["comments", id, "reactions"] = rest {
        let id = id.parse().map_err(|_| not_found())?;
        let at = issues::of_comment(state, path, id, true)?;
        return if call.method == Method::POST {
            issues::react(state, call, me, &at, id)
        } else {
            Err(not_found())
        };
    }
    let [number, rest @ ..] = rest else {
        return if call.method == Method::GET { list(state, call, path) } else { Err(not_found()) };
    };
    let number = number.parse().map_err(|_| not_found())?;
    let at = ChangeRef { forge: Forge::Github, project: path.to_owned(), number };
    let (project, change) = (state.project(Forge::Github, path)?, state.change(&at)?);
    match (&call.method, rest) {
        (GET, []) => Ok(Reply::ok(state.gh_full_pull(project, change))),
        (GET, ["files"]) => {
            let files = change.files.iter().take(FILES_MAX);
            Ok(paged(call, files.map(|file| state.gh_file(project, change, file)).collect()))
        }
        (GET, ["reviews"]) => {
            let reviews = change.reviews.iter().map(|review| state.gh_review(project, change, review));
            Ok(paged(call, reviews.collect()))
        }
        (GET, ["reviews", id]) => {
            let review = id.parse().ok().and_then(|id| change.review(id)).ok_or_else(not_found)?;
            Ok(Reply::ok(state.gh_review(project, change, review)))
        }
        (GET, ["requested_reviewers"]) => {
            let users: Vec<Value> =
                change.reviewers.iter().map(|reviewer| state.gh_user(reviewer.user)).collect();
            Ok(Reply::ok(json!({ "users": users, "teams": [] })))
        }
        (POST, ["requested_reviewers"]) => {
            must_have(state, path, me, Access::TRIAGE)?;
            state.request_reviews(&at, me, &names(call)?)?;
            reply_with(state, &at, 201)
        }
        (DELETE, ["requested_reviewers"]) => {
            must_have(state, path, me, Access::TRIAGE)?;
            state.remove_requests(&at, me, &names(call)?)?;
            reply_with(state, &at, 200)
        }
        _ => Err(not_found()),
    }
}

/// `reviewers` of the body. Teams are not played here, and an empty request is refused as GitHub does.
fn names(call: &Call) -> Result<Vec<String>, Refusal> {
    call.json_list("reviewers").ok_or_else(|| {
        Refusal::new(422, "Invalid request.\n\nAt least one of reviewers, team_reviewers must be supplied.")
    })
}

fn reply_with(state: &State, at: &ChangeRef, status: u16) -> Result<Reply, Refusal> {
    let (project, change) = (state.project(Forge::Github, &at.project)?, state.change(at)?);
    Ok(Reply::json(status, state.gh_pull(project, change)))
}

/// `GET …/pulls`: open ones, newest first, unless asked otherwise.
fn list(state: &State, call: &Call, path: &str) -> Result<Reply, Refusal> {
    let project = state.project(Forge::Github, path)?;
    let wanted = call.text("state").unwrap_or("open");
    let in_state = |change: &&Change| wanted == "all" || wanted == open_or_closed(change);
    let mut pulls: Vec<&Change> = project.changes.values().filter(in_state).collect();
    let by_update = call.text("sort") == Some("updated");
    pulls
        .sort_by_key(|change| (if by_update { change.updated_at } else { change.created_at }, change.number));
    // Without `sort` the newest come first, with it the oldest, unless `direction` says otherwise.
    let default = if matches!(call.text("sort"), None | Some("created")) { "desc" } else { "asc" };
    if call.text("direction").unwrap_or(default) == "desc" {
        pulls.reverse();
    }
    Ok(paged(call, pulls.into_iter().map(|change| state.gh_pull(project, change)).collect()))
}
