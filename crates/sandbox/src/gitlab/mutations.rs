//! GitLab's mutations `mergeRequestSetReviewers` and `mergeRequestSetLabels`: who reviews and which labels
//! are on, added to and taken from the list as it is when the write lands
//! (`app/graphql/mutations/merge_requests/set_reviewers.rb`, `set_labels.rb` beside it,
//! `app/services/merge_requests/update_reviewers_service.rb`).

use serde_json::{Value, json};

use super::nodes::label_id;
use crate::wire::{Field, strings};
use crate::world::{Access, ChangeRef, Forge, Happened, State, UserId};

/// What GitLab says of anything that is hidden or forbidden.
pub(super) const NOT_AVAILABLE: &str = "The resource that you are attempting to access does not exist or you don't have \
                             permission to perform this action";

/// Whether this GitLab has the mutation.
pub(super) fn is_known(state: &State, name: &str) -> bool {
    name == "mergeRequestSetLabels" || (name == "mergeRequestSetReviewers" && state.gitlab.sets_reviewers)
}

/// Answers one field of a mutation that [`is_known`].
pub(super) fn change(state: &mut State, field: &Field, me: UserId) -> Result<Value, String> {
    let is_reviewers = field.name == "mergeRequestSetReviewers";
    let input = field.arguments.get("input").ok_or("Argument 'input' is required")?;
    let text = |name: &str| input[name].as_str().ok_or(format!("Argument '{name}' is required"));
    let (project, number) = (text("projectPath")?, text("iid")?);
    let mode = input["operationMode"].as_str().unwrap_or("REPLACE");
    if !["REPLACE", "APPEND", "REMOVE"].contains(&mode) {
        return Err(format!("Expected \"{mode}\" to be one of: REPLACE, APPEND, REMOVE"));
    }
    let list = if is_reviewers { "reviewerUsernames" } else { "labelIds" };
    let list = strings(&input[list]).ok_or(format!("Argument '{list}' is required"))?;
    let number = number.parse().map_err(|_| NOT_AVAILABLE)?;
    let at = ChangeRef { forge: Forge::Gitlab, project: project.to_owned(), number };
    if !state.has(&at, me, Access::WRITE).unwrap_or(false) {
        return Err(NOT_AVAILABLE.into());
    }
    let errors = if is_reviewers {
        reviewers(state, &at, me, mode, &list)?
    } else {
        labels(state, &at, me, mode, &list)?
    };
    let merge_request = state.gl_change_node(&at).ok_or(NOT_AVAILABLE)?;
    Ok(json!({ "errors": errors, "mergeRequest": merge_request }))
}

/// Ids that are no label's of the project are passed over without a word.
fn labels(
    state: &mut State,
    at: &ChangeRef,
    me: UserId,
    mode: &str,
    ids: &[String],
) -> Result<Vec<String>, String> {
    let project = state.project(at.forge, &at.project).map_err(|_| NOT_AVAILABLE)?;
    let known = project.labels.iter().filter(|label| ids.contains(&label_id(label)));
    let named: Vec<String> = known.map(|label| label.name.clone()).collect();
    let changed = state.act(at, me, |state, change| {
        let gone = |name: &String| match mode {
            "REMOVE" => named.contains(name),
            "REPLACE" => !named.contains(name),
            _ => false,
        };
        let mut happened: Vec<Happened> =
            change.labels.extract_if(.., |name| gone(name)).map(Happened::Unlabeled).collect();
        if mode != "REMOVE" {
            let project = state.project(at.forge, &at.project)?;
            happened.extend(state.add_labels(project, change, &named));
        }
        Ok(((), happened))
    });
    changed.map_err(|refusal| refusal.message)?;
    Ok(Vec::new())
}

fn reviewers(
    state: &mut State,
    at: &ChangeRef,
    me: UserId,
    mode: &str,
    names: &[String],
) -> Result<Vec<String>, String> {
    // Names that nobody has are passed over without a word (gitlab-org/gitlab#611232).
    let known = names.iter().filter_map(|name| state.user_by_login(Forge::Gitlab, name));
    let named: Vec<UserId> = known.map(|user| user.id).collect();
    let mut wanted: Vec<UserId> = {
        let change = state.change(at).map_err(|_| NOT_AVAILABLE)?;
        change.reviewers.iter().map(|reviewer| reviewer.user).collect()
    };
    match mode {
        "APPEND" => {
            wanted.extend(named.iter().filter(|user| !wanted.contains(user)).copied().collect::<Vec<_>>())
        }
        "REMOVE" => wanted.retain(|user| !named.contains(user)),
        _ => wanted = named,
    }
    if !state.is_premium() {
        wanted.truncate(1);
    }
    update(state, at, me, &wanted)
}

/// One person who cannot read the merge request, and nothing changes at all.
fn update(state: &mut State, at: &ChangeRef, me: UserId, wanted: &[UserId]) -> Result<Vec<String>, String> {
    let project = state.project(at.forge, &at.project).map_err(|_| NOT_AVAILABLE)?;
    if !wanted.iter().all(|user| state.can_read(project, *user)) {
        return Ok(vec!["Reviewers must be able to read the merge request".into()]);
    }
    let wanted = if wanted.is_empty() { &[0] } else { wanted };
    let changed = state.act(at, me, |state, change| Ok(((), state.set_reviewers(at, me, change, wanted))));
    changed.map_err(|refusal| refusal.message)?;
    Ok(Vec::new())
}
