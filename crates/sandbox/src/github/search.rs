//! `GET /search/issues`, as far as pull requests are looked for: `is:pr`, `is:open`, `org:`,
//! `archived:`, `updated:>=`, `created:>=` (GitHub's "Searching issues and pull requests").

use serde_json::{Value, json};

use super::replies::PER_PAGE;
use crate::wire::{Call, Page, Reply, read_time};
use crate::world::{Change, ChangeState, Forge, Project, Refusal, State, UserId};

/// GitHub shows this many hits of one search, and takes queries of this length.
const HITS_MAX: usize = 1_000;
const QUERY_CHARS_MAX: usize = 256;

pub(super) fn issues(state: &State, call: &Call, me: UserId, owner: Option<&str>) -> Result<Reply, Refusal> {
    let query = call.text("q").unwrap_or_default();
    if query.is_empty() || query.len() > QUERY_CHARS_MAX {
        return Err(Refusal::invalid(json!([{ "resource": "Search", "field": "q", "code": "invalid" }])));
    }
    for org in query.split(' ').filter_map(|word| word.strip_prefix("org:")) {
        if !state.orgs.contains_key(org) {
            return Err(Refusal::invalid(json!([{
                "message": "The listed users and repositories cannot be searched either because the \
                    resources do not exist or you do not have permission to view them.",
                "resource": "Search", "field": "q", "code": "invalid",
            }])));
        }
    }
    let seen = state.projects.values().filter(|project| {
        let reached = owner.is_none_or(|owner| project.owner() == owner);
        project.forge == Forge::Github && reached && state.access(project, me).is_some()
    });
    let mut found: Vec<(&Project, &Change)> = seen
        .flat_map(|project| project.changes.values().map(move |change| (project, change)))
        .filter(|(project, change)| query.split(' ').all(|word| fits(word, project, change)))
        .collect();
    let by_update = call.text("sort") == Some("updated");
    found.sort_by_key(|(_, change)| {
        (if by_update { change.updated_at } else { change.created_at }, change.id)
    });
    if call.text("order") != Some("asc") {
        found.reverse();
    }
    let total = found.len();
    let hits = found.into_iter().take(HITS_MAX).map(|(project, change)| hit(state, project, change));
    let page = Page::asked_by(call, hits.collect(), PER_PAGE);
    if page.number > 1 && page.items.is_empty() && total > HITS_MAX {
        return Err(Refusal::new(422, "Only the first 1000 search results are available"));
    }
    let link = (page.last() > 1).then(|| page.link(call));
    let mut reply = Reply::ok(json!({
        "total_count": total, "incomplete_results": false, "items": page.items, "search_type": "lexical",
    }));
    if let Some(link) = link {
        reply.header("link", link);
    }
    Ok(reply)
}

fn hit(state: &State, project: &Project, change: &Change) -> Value {
    let mut issue = state.gh_issue(project, change);
    issue["score"] = json!(1.0);
    if issue["body"].is_null() {
        // `issue-search-result-item` has a text or none; `issue` has null.
        issue.as_object_mut().map(|issue| issue.remove("body"));
    }
    issue
}

fn fits(word: &str, project: &Project, change: &Change) -> bool {
    let after = |text: &str, at| read_time(text).is_some_and(|from| at >= from);
    match word.split_once(':') {
        Some(("is", "pr")) => true,
        Some(("is", "open")) => change.state == ChangeState::Open,
        Some(("org", org)) => project.owner().eq_ignore_ascii_case(org),
        Some(("archived", wanted)) => (wanted == "true") == project.archived,
        Some(("updated", bound)) => {
            bound.strip_prefix(">=").is_some_and(|text| after(text, change.updated_at))
        }
        Some(("created", bound)) => {
            bound.strip_prefix(">=").is_some_and(|text| after(text, change.created_at))
        }
        _ => false,
    }
}
