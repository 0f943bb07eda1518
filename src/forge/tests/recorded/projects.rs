//! Projects, their settings and labels; a GitHub App's own view of them.

use serde_json::{Value, json};

use super::super::script::Script;
use super::{Both, Take, sorted};
use crate::forge::{Client, ForgeFault};
use usher_core::model::people::RosterWish;

fn path(take: &Take, project: &Value) -> String {
    let name = if take.is_gitlab() { "path_with_namespace" } else { "full_name" };
    project[name].as_str().unwrap_or("acme/shop").to_owned()
}

fn is_public(take: &Take, project: &Value) -> bool {
    match take.is_gitlab() {
        true => project["visibility"] == "public" || project["visibility"] == "internal",
        false => project["private"] == false,
    }
}

fn is_archived(project: &Value) -> bool {
    project["archived"] == true
}

pub(super) async fn one(take: &Take) -> Result<Both, ForgeFault> {
    let path = path(take, &take.answer);
    let script = take.script(&[&path]).await;
    take.serve(&script, "GET").await;
    let place = script.client.whereabouts("acme/old", None).await?;
    let seen = script.client.access_projects().await?;
    let public: Vec<bool> = seen.list.iter().map(|project| project.public).collect();
    let told: Vec<bool> =
        (!is_archived(&take.answer)).then(|| is_public(take, &take.answer)).into_iter().collect();
    Ok((json!([place.project, place.archived, public]), json!([path, is_archived(&take.answer), told])))
}

pub(super) async fn many(take: &Take) -> Result<Both, ForgeFault> {
    let first = take.entries().next().map_or("acme/shop".to_owned(), |project| path(take, project));
    let owner = first.split('/').next().unwrap_or_default().to_owned();
    let everywhere = take.row == "GET /user/repos" || take.row == "GET /projects";
    let pattern = if everywhere { "**".to_owned() } else { format!("{owner}/**") };
    let script = take.script(&[&pattern]).await;
    if take.row.starts_with("GET /users") {
        script.on("GET", &format!("/groups/{owner}/projects"), 404, json!({})).await;
    }
    take.serve(&script, "GET").await;
    let seen = script.client.access_projects().await?;
    let read = seen.list.iter().map(|project| json!([project.project, project.public]));
    let below = |project: &&Value| everywhere || path(take, project).starts_with(&format!("{owner}/"));
    let told = take.entries().filter(below).filter(|project| !is_archived(project));
    let told = told.map(|project| json!([path(take, project), is_public(take, project)]));
    Ok((sorted(read), sorted(told)))
}

pub(super) async fn labels(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    script.on("GET", "/user", 200, json!({"id": 1, "login": "usher", "username": "usher"})).await;
    let project = json!({"full_name": "acme/shop", "path_with_namespace": "acme/shop"});
    script.on("GET", "/repos/acme/shop", 200, project.clone()).await;
    script.on("GET", "/projects/acme%2Fshop", 200, project).await;
    script.on("GET", "/projects/acme%2Fshop/members/all/1", 200, json!({"access_level": 30})).await;
    take.serve(&script, "GET").await;
    let read = script.client.project("acme/shop").await?.labels;
    Ok((sorted(read.into_iter().map(Value::from)), sorted(take.entries().map(|label| label["name"].clone()))))
}

/// GitLab's version, and what it says of the token.
pub(super) async fn token(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    let is_version = take.row == "GET /version";
    let (place, canned) = match is_version {
        true => ("/personal_access_tokens/self", json!({"scopes": ["api"]})),
        false => ("/version", json!({"version": "19.5.0-ee"})),
    };
    script.on("GET", place, 200, canned).await;
    take.serve(&script, "GET").await;
    let seen = script.client.token().await?;
    if is_version {
        return Ok((json!(seen.version), take.answer["version"].clone()));
    }
    let end = seen.expires_at.map(|at| at.strftime("%Y-%m-%d").to_string());
    Ok((json!([seen.scopes, end]), json!([take.answer["scopes"], take.answer["expires_at"]])))
}

/// An App's client, for which everything but `take` is made up.
async fn app(take: &Take) -> (Script, Client) {
    let script = take.script(&[]).await;
    let is = |row: &str| take.row.ends_with(row);
    let installed = json!([{"id": 7, "account": {"login": "acme"}, "permissions": {}}]);
    let token = json!({"token": "t", "expires_at": "2026-03-02T10:00:00Z"});
    let mut canned = vec![
        ("GET", "/app".to_owned(), json!({"slug": "usher"}), is("/app")),
        ("GET", "/app/installations".into(), installed, is("/installations")),
        ("GET", "/installation/repositories".into(), json!({"repositories": []}), is("/repositories")),
        ("GET", "/app/hook/config".into(), json!({}), false),
    ];
    let ids = take.entries().map(|one| one["id"].clone()).chain([7.into()]);
    let places = ids.map(|id| format!("/app/installations/{id}/access_tokens"));
    canned.extend(places.map(|place| ("POST", place, token.clone(), is("/access_tokens"))));
    let mut verb = "GET";
    for (method, place, answer, is_taken) in canned {
        match is_taken {
            true => verb = method,
            false => script.on(method, &place, 200, answer).await,
        }
    }
    take.serve(&script, verb).await;
    let client = script.as_app(&["**"]);
    (script, client)
}

/// What an App reads: its name, where it is installed, a token, the repositories that it was let into.
pub(super) async fn of_app(take: &Take) -> Result<Both, ForgeFault> {
    let (script, client) = app(take).await;
    if take.row.ends_with("/app") {
        // The account that it acts as is looked for by its name; this answer has no login.
        client.roster(&RosterWish::default()).await?;
        let asked = format!("GET /users/{}[bot]", take.answer["slug"].as_str().unwrap_or_default());
        let mut places = script.places().await.into_iter();
        let is_asked = places.any(|place| place.replace("%5B", "[").replace("%5D", "]") == asked);
        return Ok((is_asked.into(), true.into()));
    }
    let seen = client.access_projects().await?;
    if take.row.ends_with("/installations") {
        let read = client.token().await?.installations.into_iter();
        let read = read.map(|one| json!([one.owner, one.suspended, one.permissions.len()]));
        let rights = |one: &Value| one["permissions"].as_object().map_or(0, serde_json::Map::len);
        let owner = |one: &Value| one["account"]["login"].clone();
        let told = take.entries().map(|one| json!([owner(one), !one["suspended_at"].is_null(), rights(one)]));
        // The sign-in reads the same list, too, and has nothing to show for it but what it left out.
        let unread = client.health().unread_entries;
        return Ok((json!([sorted(read), unread]), json!([sorted(told), 0])));
    }
    let read = seen.list.iter().map(|project| Value::from(project.project.as_str()));
    let told = take.answer["repositories"].as_array().into_iter().flatten();
    let told = told.filter(|project| !is_archived(project)).map(|project| project["full_name"].clone());
    Ok((sorted(read), sorted(told)))
}
