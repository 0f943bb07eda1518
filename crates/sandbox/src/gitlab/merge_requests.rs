//! One GitLab merge request over REST.

use http::Method;
use serde_json::{Value, json};

use super::json::gl_diff;
use super::replies::{no_route, paged, wrong_method};
use super::time::rest_time;
use crate::wire::{Call, Reply};
use crate::world::{Access, Change, ChangeRef, Forge, Happened, Refusal, State, UserId};

pub(super) fn answer(
    state: &mut State,
    call: &Call,
    me: UserId,
    at: &ChangeRef,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    if rest.is_empty() && call.method == Method::PUT {
        edit(state, call, me, at)?;
    } else if call.method != Method::GET {
        return Err(if rest.is_empty() { wrong_method() } else { no_route() });
    }
    let (project, change) = (state.project(Forge::Gitlab, &at.project)?, state.change(at)?);
    match rest {
        [] => Ok(Reply::ok(state.gl_single_change(project, change, me))),
        ["diffs"] => Ok(paged(call, change.files.iter().map(gl_diff).collect())),
        ["discussions"] => {
            let notes = change.comments.iter();
            Ok(paged(call, notes.map(|note| state.gl_discussion(project, change, note)).collect()))
        }
        ["reviewers"] => Ok(Reply::ok(reviewers(state, change))),
        ["approvals"] => Ok(Reply::ok(state.gl_approvals(project, change, me))),
        _ => Err(no_route()),
    }
}

fn reviewers(state: &State, change: &Change) -> Value {
    let entries = change.reviewers.iter().map(|reviewer| {
        json!({
            "user": state.gl_user(reviewer.user),
            "state": reviewer.state.as_str(),
            "created_at": rest_time(reviewer.since),
        })
    });
    entries.collect()
}

/// `PUT …/merge_requests/:iid`: reviewers and labels in one request and one webhook. Who may not
/// update gets 403; whom GitLab drops from the reviewers is only seen in the answer.
fn edit(state: &mut State, call: &Call, me: UserId, at: &ChangeRef) -> Result<(), Refusal> {
    if !state.has(at, me, Access::WRITE)? {
        return Err(Refusal::new(403, "403 Forbidden"));
    }
    let reviewers = call.list("reviewer_ids");
    let replaced = call.comma_list("labels");
    let added = call.comma_list("add_labels").unwrap_or_default();
    let removed = call.comma_list("remove_labels").unwrap_or_default();
    for name in replaced.iter().flatten().chain(&added) {
        state.ensure_label(Forge::Gitlab, &at.project, name)?;
    }
    state.act(at, me, |state, change| {
        let mut happened = Vec::new();
        if let Some(ids) = reviewers {
            let ids = ids.iter().map(|id| id.parse()).collect::<Result<Vec<UserId>, _>>();
            let ids = ids.map_err(|_| Refusal::new(400, "reviewer_ids is invalid"))?;
            happened.extend(state.set_reviewers(at, me, change, &ids));
        }
        let mut gone = removed;
        if let Some(wanted) = &replaced {
            gone.extend(change.labels.iter().filter(|name| !wanted.contains(name)).cloned());
        }
        happened.extend(change.labels.extract_if(.., |name| gone.contains(name)).map(Happened::Unlabeled));
        let project = state.project(Forge::Gitlab, &at.project)?;
        let wanted: Vec<String> = replaced.into_iter().flatten().chain(added).collect();
        happened.extend(state.add_labels(project, change, &wanted));
        Ok(((), happened))
    })
}
