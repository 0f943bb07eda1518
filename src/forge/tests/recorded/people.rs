//! Accounts, members, roles.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::script::Script;
use super::{Both, Take, sorted};
use crate::forge::ForgeFault;
use usher_core::model::access::{ProjectFacts, Rank};
use usher_core::model::change::Account;
use usher_core::model::people::{Roster, RosterWish};

async fn with_me(take: &Take) -> Script {
    let script = take.script(&[]).await;
    let mut me = json!({"id": 1});
    me[take.login()] = "usher".into();
    script.on("GET", "/user", 200, me).await;
    take.serve(&script, "GET").await;
    script
}

fn shown(account: Option<&Account>) -> Value {
    account.map_or(Value::Null, |account| json!([account.id, account.login]))
}

/// What an answer says of somebody who can act.
fn told(take: &Take, user: &Value) -> Value {
    let acts = match take.is_gitlab() {
        true => user["state"].is_null() || user["state"] == "active",
        false => user["type"] != "Organization" && user["suspended_at"].is_null(),
    };
    if acts { json!([user["id"], user[take.login()]]) } else { Value::Null }
}

pub(super) async fn me(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    take.serve(&script, "GET").await;
    let roster = script.client.roster(&RosterWish::default()).await?;
    Ok((shown(roster.me.as_ref()), json!([take.answer["id"], take.answer[take.login()]])))
}

pub(super) async fn by_login(take: &Take) -> Result<Both, ForgeFault> {
    let user = take.entries().next().unwrap_or(&take.answer);
    let login = user[take.login()].as_str().unwrap_or("nobody").to_owned();
    let script = with_me(take).await;
    let wish = RosterWish { logins: [login.clone()].into(), ..RosterWish::default() };
    let roster = script.client.roster(&wish).await?;
    if roster.unknown.contains(&login) && take.status >= 300 {
        return Err(ForgeFault::Gone);
    }
    let told = if user["id"].is_null() { Value::Null } else { told(take, user) };
    Ok((shown(roster.accounts.get(&login.to_lowercase())), told))
}

pub(super) async fn by_id(take: &Take) -> Result<Both, ForgeFault> {
    let script = with_me(take).await;
    script.on("GET", "/users/old-login", 404, json!({})).await;
    script.on("GET", "/users?username=old-login", 200, json!([])).await;
    let id = take.answer["id"].as_u64().unwrap_or_default();
    let wish = RosterWish { logins: ["old-login".to_owned()].into(), ..RosterWish::default() };
    let accounts = BTreeMap::from([("old-login".to_owned(), Account::new(id, "old-login"))]);
    let before = Roster { accounts, ..Roster::default() };
    let roster = script.client.roster_after(&wish, &before).await?;
    // An organisation is no account that was renamed, and its id is never asked for.
    let told = if take.answer["type"] == "Organization" {
        json!([take.answer["id"], take.answer["login"]])
    } else {
        told(take, &take.answer)
    };
    Ok((shown(roster.accounts.get("old-login")), told))
}

pub(super) async fn members(take: &Take) -> Result<Both, ForgeFault> {
    let group = if take.row.contains("/teams/") { "acme/support" } else { "acme" };
    let script = with_me(take).await;
    let wish = RosterWish { groups: [group.to_owned()].into(), ..RosterWish::default() };
    let roster = script.client.roster(&wish).await?;
    let read = roster.groups.get(group).into_iter().flatten().map(|account| shown(Some(account)));
    Ok((sorted(read), sorted(take.entries().map(|user| told(take, user)).filter(|told| !told.is_null()))))
}

pub(super) async fn roles(take: &Take) -> Result<Both, ForgeFault> {
    let script = with_me(take).await;
    let mut project = ProjectFacts { project: "acme/shop".into(), ..ProjectFacts::default() };
    script.client.read_access(&mut project).await?;
    if let Some(fault) = project.fault {
        return Err(ForgeFault::Refused { status: 0, answer: fault });
    }
    let read = project.members.into_iter().flatten().map(|(id, rank)| json!([id, rank == Rank::Nobody]));
    let level = |user: &Value| user["access_level"].as_u64();
    let acts = |user: &&Value| !take.is_gitlab() || !told(take, user).is_null();
    let told =
        take.entries().filter(acts).map(|user| json!([user["id"], level(user).is_some_and(|it| it < 10)]));
    Ok((sorted(read), sorted(told)))
}
