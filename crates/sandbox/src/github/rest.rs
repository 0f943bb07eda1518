//! The routes of GitHub's REST API, and those about users, organisations and repositories.

use std::collections::BTreeSet;

use base64::Engine as _;
use http::Method;
use serde_json::json;

use super::rates::rate_limit;
use super::replies::{must_have, not_found, paged, renamed};
use super::users::permission;
use super::{apps, issues, pulls, search, webhooks};
use crate::wire::{Call, Reply, merged};
use crate::world::{Access, Forge, Project, Refusal, State, UserId, digest, team_members};

const GET: &Method = &Method::GET;
const POST: &Method = &Method::POST;
const PATCH: &Method = &Method::PATCH;

/// Answers one request.
pub(super) fn answer(state: &mut State, call: &Call, user: Option<UserId>) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if let ["app", rest @ ..] = segments.as_slice() {
        return apps::answer(state, call, rest);
    }
    let sent_something = call.headers.contains_key("authorization");
    let refused = if sent_something { "Bad credentials" } else { "Requires authentication" };
    let me = user.ok_or_else(|| Refusal::new(401, refused))?;
    // An installation's token reaches one owner.
    if let (Some(grant), ["repos" | "orgs", owner, ..]) =
        (state.app_grant(&call.headers), segments.as_slice())
        && !grant.owner.eq_ignore_ascii_case(owner)
    {
        return Err(not_found());
    }
    match segments.as_slice() {
        ["repos", owner, name, rest @ ..] => {
            if let Some(renamed) = renamed(state, call, &format!("{owner}/{name}"), rest) {
                return Ok(renamed);
            }
            let path = visible(state, &format!("{owner}/{name}"), me)?.path.clone();
            in_repository(state, call, me, &path, rest)
        }
        // Where redirects of renamed repositories lead.
        ["repositories", id, rest @ ..] => {
            let named = |project: &&Project| project.forge == Forge::Github && project.id.to_string() == *id;
            let path = state.projects.values().find(named).map(|project| project.path.clone());
            let path = visible(state, &path.ok_or_else(not_found)?, me)?.path.clone();
            in_repository(state, call, me, &path, rest)
        }
        ["orgs", org, "hooks", rest @ ..] => webhooks::of_organization(state, call, me, org, rest),
        segments => others(state, call, me, segments),
    }
}

fn in_repository(
    state: &mut State,
    call: &Call,
    me: UserId,
    path: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    match rest {
        ["pulls", rest @ ..] => pulls::answer(state, call, me, path, rest),
        ["issues", rest @ ..] => issues::answer(state, call, me, path, rest),
        ["hooks", rest @ ..] => webhooks::of_repository(state, call, me, path, rest),
        rest => repository(state, call, me, path, rest),
    }
}

fn others(state: &State, call: &Call, me: UserId, segments: &[&str]) -> Result<Reply, Refusal> {
    if call.method != Method::GET {
        return Err(not_found());
    }
    match segments {
        ["user", ..] if state.app_grant(&call.headers).is_some() => {
            Err(Refusal::new(403, "Resource not accessible by integration"))
        }
        ["installation", "repositories"] => {
            let Some(grant) = state.app_grant(&call.headers) else {
                return Err(Refusal::new(403, "You must authenticate with an installation access token"));
            };
            let page = repositories(state, call, me, |project| project.owner() == grant.owner);
            Ok(installed(state, &grant.owner, page))
        }
        ["search", "issues"] => {
            search::issues(state, call, me, state.app_grant(&call.headers).map(|grant| grant.owner.as_str()))
        }
        ["user"] => Ok(Reply::ok(state.gh_full_user(me))),
        ["rate_limit"] => Ok(Reply::ok(rate_limit(state))),
        ["meta"] => Ok(Reply::ok(
            json!({ "installed_version": "3.19.0", "verifiable_password_authentication": false }),
        )),
        ["user", "repos"] => {
            Ok(repositories(state, call, me, |project| state.github_members(project).contains_key(&me)))
        }
        ["user", id] => {
            let acts = |id: &UserId| state.user(Forge::Github, *id).is_some_and(|one| one.blocked.is_none());
            let found = id.parse().ok().filter(acts);
            found.map(|id| Reply::ok(state.gh_full_user(id))).ok_or_else(not_found)
        }
        ["users", login] => {
            // A suspended account has no page.
            let user = state.user_by_login(Forge::Github, login).filter(|user| user.blocked.is_none());
            Ok(Reply::ok(state.gh_full_user(user.ok_or_else(not_found)?.id)))
        }
        ["orgs", org, "teams", slug] => {
            let team = state.orgs.get(*org).and_then(|org| org.teams.get(*slug)).ok_or_else(not_found)?;
            Ok(Reply::ok(state.gh_full_team(org, slug, team)))
        }
        ["orgs", org, "teams", slug, "members"] => members(state, call, org, slug),
        ["orgs", org, "members"] => {
            let org = state.orgs.get(*org).ok_or_else(not_found)?;
            let members: BTreeSet<UserId> =
                org.teams.values().flat_map(|team| team.members.iter().copied()).collect();
            Ok(paged(call, members.into_iter().map(|user| state.gh_user(user)).collect()))
        }
        ["orgs", owner, "repos"] if !state.orgs.contains_key(*owner) => Err(not_found()),
        ["orgs" | "users", owner, "repos"] => {
            Ok(repositories(state, call, me, |project| project.owner().eq_ignore_ascii_case(owner)))
        }
        ["orgs", org] => {
            let known = state.orgs.get(*org).map(|_| Reply::ok(state.gh_full_organization(org)));
            known.ok_or_else(not_found)
        }
        _ => Err(not_found()),
    }
}

fn repositories(state: &State, call: &Call, me: UserId, wanted: impl Fn(&Project) -> bool) -> Reply {
    let seen = state.projects.values().filter(|project| {
        project.forge == Forge::Github && state.access(project, me).is_some() && wanted(project)
    });
    paged(call, seen.map(|project| merged(state.gh_repo(project), state.gh_rights(project, me))).collect())
}

/// An installation's repositories come wrapped, with their number.
fn installed(state: &State, owner: &str, page: Reply) -> Reply {
    let total =
        state.projects.values().filter(|one| one.forge == Forge::Github && one.owner() == owner).count();
    let body = page.body.unwrap_or_default();
    Reply { body: Some(json!({ "total_count": total, "repositories": body })), ..page }
}

/// Members of a team, its child teams' included, each with `role` and `inherited`.
fn members(state: &State, call: &Call, org: &str, slug: &str) -> Result<Reply, Refusal> {
    let org = state.orgs.get(org).filter(|org| org.teams.contains_key(slug)).ok_or_else(not_found)?;
    // Suspended accounts are shown nowhere.
    let acts = |user: &UserId| state.user(Forge::Github, *user).is_some_and(|one| one.blocked.is_none());
    let members = team_members(&org.teams, slug).into_iter().filter(|(user, _)| acts(user));
    let members = members.map(|(user, inherited)| {
        let mut member = state.gh_user(user);
        member["role"] = json!("member");
        member["inherited"] = json!(inherited);
        member
    });
    Ok(paged(call, members.collect()))
}

fn repository(
    state: &mut State,
    call: &Call,
    me: UserId,
    path: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let project = state.project(Forge::Github, path)?;
    match (&call.method, rest) {
        (GET, []) => {
            let rights = state.gh_rights(project, me);
            Ok(Reply::ok(merged(state.gh_full_repo(project), rights)))
        }
        (GET, ["labels"]) => {
            let labels = project.labels.iter().map(|label| state.gh_label(project, label));
            Ok(paged(call, labels.collect()))
        }
        (GET, ["labels", name]) => {
            let label = project.label(name).ok_or_else(not_found)?;
            Ok(Reply::ok(state.gh_label(project, label)))
        }
        (POST, ["labels"]) => create_label(state, call, me, path),
        (PATCH, ["labels", name]) => edit_label(state, call, me, path, name),
        (GET, ["collaborators"]) => {
            must_have(state, path, me, Access::WRITE)?;
            Ok(paged(call, state.gh_collaborators(state.project(Forge::Github, path)?)))
        }
        (GET, ["contents", file @ ..]) => contents(state, project, call, &file.join("/")),
        (GET, ["collaborators", login]) => {
            let user = state.user_by_login(Forge::Github, login).ok_or_else(not_found)?;
            let known = state.github_members(project).contains_key(&user.id);
            if known { Ok(Reply::empty(204)) } else { Err(not_found()) }
        }
        (GET, ["collaborators", login, "permission"]) => {
            let user = state.user_by_login(Forge::Github, login);
            let user = user.ok_or_else(|| Refusal::new(404, format!("{login} is not a user")))?;
            let granted = state.github_members(project).get(&user.id).copied();
            let (permission, role_name) = permission(granted.or(project.public.then_some(Access::READ)));
            let user = state.gh_user(user.id);
            Ok(Reply::ok(json!({ "permission": permission, "role_name": role_name, "user": user })))
        }
        _ => Err(not_found()),
    }
}

/// A file: as it is for whoever accepts `application/vnd.github.raw`, else in base64.
fn contents(state: &State, project: &Project, call: &Call, path: &str) -> Result<Reply, Refusal> {
    let branch = call.text("ref");
    let text = project.file(branch, path).ok_or_else(not_found)?;
    let accept = call.headers.get("accept").and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("raw") {
        return Ok(Reply::raw(text));
    }
    let content = base64::engine::general_purpose::STANDARD.encode(text);
    let (api, page) = (state.api(Forge::Github), state.pages(Forge::Github));
    let (project, branch) = (&project.path, branch.unwrap_or("main"));
    let sha = &digest(text)[..40];
    let url = format!("{api}/repos/{project}/contents/{path}?ref={branch}");
    let git_url = format!("{api}/repos/{project}/git/blobs/{sha}");
    let html_url = format!("{page}/{project}/blob/{branch}/{path}");
    Ok(Reply::ok(json!({
        "sha": sha,
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": format!("{page}/raw/{project}/{branch}/{path}"),
        "_links": { "self": url, "git": git_url, "html": html_url },
        "type": "file",
        "encoding": "base64",
        "size": text.len(),
        "name": path.rsplit('/').next(),
        "path": path,
        "content": content,
    })))
}

fn create_label(state: &mut State, call: &Call, me: UserId, path: &str) -> Result<Reply, Refusal> {
    must_have(state, path, me, Access::WRITE)?;
    let name = call.text("name").unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::invalid(
            json!([{ "resource": "Label", "code": "missing_field", "field": "name" }]),
        ));
    }
    let color = call.text("color").unwrap_or("ededed");
    let description = call.text("description").map(str::to_owned);
    let label = state.create_label(Forge::Github, path, name, color, description)?;
    let project = state.project(Forge::Github, path)?;
    Ok(Reply::json(201, state.gh_label(project, &label)))
}

fn edit_label(state: &mut State, call: &Call, me: UserId, path: &str, name: &str) -> Result<Reply, Refusal> {
    must_have(state, path, me, Access::WRITE)?;
    let labels = &mut state.project_mut(Forge::Github, path)?.labels;
    let label =
        labels.iter_mut().find(|label| label.name.eq_ignore_ascii_case(name)).ok_or_else(not_found)?;
    if let Some(color) = call.text("color") {
        color.clone_into(&mut label.color);
    }
    if let Some(description) = call.text("description") {
        label.description = Some(description.to_owned());
    }
    let label = label.clone();
    Ok(Reply::ok(state.gh_label(state.project(Forge::Github, path)?, &label)))
}

/// A private repository the user has no part in does not exist for them.
fn visible<'a>(state: &'a State, path: &str, user: UserId) -> Result<&'a Project, Refusal> {
    let found = state
        .projects
        .values()
        .find(|project| project.forge == Forge::Github && project.path.eq_ignore_ascii_case(path));
    found.filter(|project| state.access(project, user).is_some()).ok_or_else(not_found)
}
