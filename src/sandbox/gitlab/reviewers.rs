//! GitLab's mutation `mergeRequestSetReviewers`: who reviews, added to and taken from the list as it is
//! when the write lands (`app/graphql/mutations/merge_requests/set_reviewers.rb`,
//! `app/services/merge_requests/update_reviewers_service.rb`).

use serde_json::{Value, json};

use crate::sandbox::graphql::Field;
use crate::sandbox::people::ChangeRef;
use crate::sandbox::state::{Access, Forge, State, UserId};
use crate::sandbox::wire::strings;

/// What GitLab says of anything that is hidden or forbidden.
const NOT_AVAILABLE: &str = "The resource that you are attempting to access does not exist or you don't have \
                             permission to perform this action";

pub(super) fn change(state: &mut State, field: &Field, me: UserId) -> Result<Value, String> {
    if field.name != "mergeRequestSetReviewers" || !state.sets_reviewers {
        return Err(format!("Field '{}' doesn't exist on type 'Mutation'", field.name));
    }
    let input = field.arguments.get("input").ok_or("Argument 'input' is required")?;
    let text = |name: &str| input[name].as_str().ok_or(format!("Argument '{name}' is required"));
    let (project, number, mode) = (text("projectPath")?, text("iid")?, input["operationMode"].as_str());
    let names = strings(&input["reviewerUsernames"]).ok_or("Argument 'reviewerUsernames' is required")?;
    let number = number.parse().map_err(|_| NOT_AVAILABLE)?;
    let at = ChangeRef { forge: Forge::Gitlab, project: project.to_owned(), number };
    if !state.has(&at, me, Access::WRITE).unwrap_or(false) {
        return Err(NOT_AVAILABLE.into());
    }
    // Names that nobody has are passed over without a word (gitlab-org/gitlab#611232).
    let known = names.iter().filter_map(|name| state.user_by_login(Forge::Gitlab, name));
    let named: Vec<UserId> = known.map(|user| user.id).collect();
    let mut wanted: Vec<UserId> = {
        let change = state.change(&at).map_err(|_| NOT_AVAILABLE)?;
        change.reviewers.iter().map(|reviewer| reviewer.user).collect()
    };
    match mode.unwrap_or("REPLACE") {
        "REPLACE" => wanted = named,
        "APPEND" => {
            wanted.extend(named.iter().filter(|user| !wanted.contains(user)).copied().collect::<Vec<_>>())
        }
        "REMOVE" => wanted.retain(|user| !named.contains(user)),
        other => return Err(format!("Expected \"{other}\" to be one of: REPLACE, APPEND, REMOVE")),
    }
    if !state.is_premium() {
        wanted.truncate(1);
    }
    let errors = update(state, &at, me, &wanted)?;
    let change = state.change(&at).map_err(|_| NOT_AVAILABLE)?;
    let nodes = change.reviewers.iter().map(|reviewer| {
        let login = state.login(Forge::Gitlab, reviewer.user);
        json!({ "id": format!("gid://gitlab/User/{}", reviewer.user), "username": login })
    });
    let reviewers = json!({ "nodes": nodes.collect::<Vec<_>>() });
    Ok(json!({ "errors": errors, "mergeRequest": { "iid": at.number.to_string(), "reviewers": reviewers } }))
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
