//! The routes of GitLab's REST API, and those about users, projects, groups, labels and hooks.

use http::Method;
use serde_json::json;

use super::json::gl_label;
use super::replies::{no_route, paged, renamed};
use super::tokens::own_token;
use super::{lists, merge_requests, notes, webhooks};
use crate::wire::{Call, Reply};
use crate::world::{
    Access, ChangeRef, Event, Forge, Group, HookTarget, Project, Refusal, State, User, UserId,
};

const GET: &Method = &Method::GET;
const POST: &Method = &Method::POST;

/// Answers one request.
pub(super) fn answer(state: &mut State, call: &Call, user: Option<UserId>) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if let (GET, ["users", id, "status"]) = (&call.method, segments.as_slice()) {
        // The one call here that needs no token.
        return status(state, id);
    }
    let me = user.ok_or_else(|| Refusal::new(401, "401 Unauthorized"))?;
    if let ["projects", path, rest @ ..] = segments.as_slice()
        && let Some(renamed) = renamed(state, call, path, rest)
    {
        return Ok(renamed);
    }
    match segments.as_slice() {
        ["projects", id, "merge_requests", iid, rest @ ..] => {
            let project = visible(state, id, me)?;
            let number = iid.parse().map_err(|_| Refusal::new(400, "merge_request_iid is invalid"))?;
            if !state.can_read(project, me) {
                return Err(Refusal::new(403, "403 Forbidden"));
            }
            let at = ChangeRef { forge: Forge::Gitlab, project: project.path.clone(), number };
            state.change(&at)?;
            match rest {
                ["notes", rest @ ..] => notes::answer(state, call, me, &at, rest),
                rest => merge_requests::answer(state, call, me, &at, rest),
            }
        }
        ["projects", id, rest @ ..] => {
            let path = visible(state, id, me)?.path.clone();
            project(state, call, me, &path, rest)
        }
        ["groups", id, "hooks", rest @ ..] => group_hooks(state, call, me, id, rest),
        segments => others(state, call, me, segments),
    }
}

fn others(state: &State, call: &Call, me: UserId, segments: &[&str]) -> Result<Reply, Refusal> {
    match (&call.method, segments) {
        (GET, ["version"]) => {
            Ok(Reply::ok(json!({ "version": state.gitlab.version, "revision": "0123456789a" })))
        }
        (GET, ["personal_access_tokens", "self"]) => Ok(Reply::ok(own_token(state, call, me))),
        (GET, ["user"]) => Ok(Reply::ok(state.gl_full_user(me))),
        (GET, ["users"]) => {
            let wanted = call.text("username").unwrap_or_default();
            let found = state.user_by_login(Forge::Gitlab, wanted);
            Ok(Reply::ok(found.map(|user| state.gl_user(user.id)).into_iter().collect()))
        }
        (GET, ["users", id]) => {
            let found = id.parse().ok().filter(|id| state.user(Forge::Gitlab, *id).is_some());
            let id = found.ok_or_else(|| Refusal::new(404, "404 User Not Found"))?;
            Ok(Reply::ok(state.gl_full_user(id)))
        }
        (GET, ["users", id, "projects"]) => {
            let owner = user_of(state, id)?;
            Ok(lists::projects(state, call, me, &owner.login))
        }
        (GET, ["merge_requests"]) => Ok(lists::instance(state, call, me)),
        (GET, ["projects"]) => Ok(lists::projects(state, call, me, "")),
        (GET, ["groups", id, rest @ ..]) => group(state, call, me, id, rest),
        _ => Err(no_route()),
    }
}

/// The full path of the group by number or full path.
fn group_path(state: &State, id: &str) -> Result<String, Refusal> {
    let by_id =
        |(path, group): (&String, &Group)| (path == id || group.id.to_string() == id).then(|| path.clone());
    state.groups.iter().find_map(by_id).ok_or_else(|| Refusal::new(404, "404 Group Not Found"))
}

/// Group hooks are for owners, and there are none on Free.
fn group_hooks(
    state: &mut State,
    call: &Call,
    me: UserId,
    id: &str,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let path = group_path(state, id)?;
    if !state.is_premium() {
        return Err(no_route());
    }
    if state.group_members_all(&path).get(&me) < Some(&Access::ADMIN) {
        return Err(Refusal::new(403, "403 Forbidden"));
    }
    let target = HookTarget::Group(path);
    if let (POST, [id, "test", _trigger]) = (&call.method, rest) {
        let hook = webhooks::known(state, &target, id)?.id;
        let below = |project: &&Project| {
            let HookTarget::Group(group) = &target else { return false };
            project.forge == Forge::Gitlab && project.path.starts_with(&format!("{group}/"))
        };
        let first = state.projects.values().find(below).map(|project| project.path.clone());
        let first = first.ok_or_else(|| Refusal::new(422, "Ensure that a group has a project."))?;
        return test_hook(state, &first, hook);
    }
    webhooks::answer(state, call, &target, rest)
}

fn group(state: &State, call: &Call, me: UserId, id: &str, rest: &[&str]) -> Result<Reply, Refusal> {
    let path = group_path(state, id)?;
    match rest {
        [] => Ok(Reply::ok(json!({
            "id": state.groups.get(&path).map(|group| group.id),
            "name": path.rsplit('/').next(),
            "path": path.rsplit('/').next(),
            "full_path": path,
            "full_name": path.replace('/', " / "),
            "visibility": "private",
            "web_url": format!("{}/groups/{path}", state.pages(Forge::Gitlab)),
        }))),
        ["members"] => {
            let Some(group) = state.groups.get(&path) else { return Err(no_route()) };
            let members = group.members_on(state.today(Forge::Gitlab)).into_iter();
            let members =
                members.map(|(user, access)| state.gl_member(user, access, group.ends.get(&user).copied()));
            Ok(paged(call, members.collect()))
        }
        ["members", "all"] => {
            let members = state.group_members_all(&path);
            Ok(paged(call, state.gl_members(&members)))
        }
        ["merge_requests"] => Ok(lists::group(state, call, me, &path)),
        ["projects"] => Ok(lists::projects(state, call, me, &path)),
        _ => Err(no_route()),
    }
}

fn project(state: &mut State, call: &Call, me: UserId, path: &str, rest: &[&str]) -> Result<Reply, Refusal> {
    let project = state.project(Forge::Gitlab, path)?;
    let access = state.access(project, me).unwrap_or(Access(0));
    let maintainer =
        || (access >= Access::MAINTAIN).then_some(()).ok_or_else(|| Refusal::new(403, "403 Forbidden"));
    match (&call.method, rest) {
        (GET, []) => Ok(Reply::ok(state.gl_project(project, me))),
        (GET, ["members", "all"]) => {
            let members = state.gitlab_members(project);
            Ok(paged(call, state.gl_members(&members)))
        }
        (GET, ["members", "all", user]) => {
            let members = state.gitlab_members(project);
            let member = user.parse().ok().and_then(|user: UserId| Some((user, *members.get(&user)?)));
            let (user, access) = member.ok_or_else(|| Refusal::new(404, "404 Not found"))?;
            Ok(Reply::ok(state.gl_member(user, access, None)))
        }
        (GET, ["merge_requests"]) => Ok(lists::project(state, call, me, project)),
        (GET, ["labels"]) => Ok(paged(call, project.labels.iter().map(gl_label).collect())),
        (GET, ["repository", "files", file, "raw"]) => {
            if access < Access::READ {
                return Err(Refusal::new(403, "403 Forbidden"));
            }
            let text = project.file(call.text("ref"), file);
            text.map(Reply::raw).ok_or_else(|| Refusal::new(404, "404 File Not Found"))
        }
        (POST, ["labels"]) => create_label(state, call, path, access),
        (POST, ["hooks", id, "test", _trigger]) => {
            maintainer()?;
            let hook = webhooks::known(state, &HookTarget::Project(path.to_owned()), id)?.id;
            test_hook(state, path, hook)
        }
        (_, ["hooks", rest @ ..]) => {
            maintainer()?;
            webhooks::answer(state, call, &HookTarget::Project(path.to_owned()), rest)
        }
        _ => Err(no_route()),
    }
}

fn create_label(state: &mut State, call: &Call, path: &str, access: Access) -> Result<Reply, Refusal> {
    if access < Access::READ {
        return Err(Refusal::new(403, "403 Forbidden"));
    }
    let needed = |name: &str| call.text(name).ok_or_else(|| Refusal::new(400, format!("{name} is missing")));
    let (name, color) = (needed("name")?, needed("color")?);
    let description = call.text("description").map(str::to_owned);
    let label = state.create_label(Forge::Gitlab, path, name, color, description)?;
    Ok(Reply::json(201, gl_label(&label)))
}

/// A test goes out even to a hook at rest, and an answer of 2xx brings it back to life.
fn test_hook(state: &mut State, path: &str, hook: u64) -> Result<Reply, Refusal> {
    let project = state.project(Forge::Gitlab, path)?;
    if project.changes.is_empty() {
        return Err(Refusal::new(422, "Ensure the project has merge requests."));
    }
    state.events.push(Event::HookTested { hook, project: path.to_owned() });
    Ok(Reply::json(201, json!({ "message": "201 Created" })))
}

/// The user by number or name.
fn user_of<'a>(state: &'a State, id: &str) -> Result<&'a User, Refusal> {
    let by_id = id.parse().ok().and_then(|id| state.user(Forge::Gitlab, id));
    let user = by_id.or_else(|| state.user_by_login(Forge::Gitlab, id));
    user.ok_or_else(|| Refusal::new(404, "404 User Not Found"))
}

fn status(state: &State, id: &str) -> Result<Reply, Refusal> {
    let user = user_of(state, id)?;
    Ok(Reply::ok(json!({
        "emoji": if user.busy { "palm_tree" } else { "speech_balloon" },
        "availability": if user.busy { "busy" } else { "not_set" },
        "message": user.status_message,
        "message_html": user.status_message,
        "clear_status_at": null,
    })))
}

/// The project by number or full path; hidden ones do not exist.
fn visible<'a>(state: &'a State, id: &str, user: UserId) -> Result<&'a Project, Refusal> {
    let found = state.projects.values().find(|project| {
        project.forge == Forge::Gitlab && (project.path == id || project.id.to_string() == id)
    });
    found
        .filter(|project| state.access(project, user).is_some())
        .ok_or_else(|| Refusal::new(404, "404 Project Not Found"))
}
