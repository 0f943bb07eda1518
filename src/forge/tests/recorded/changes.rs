//! Changes, their reviewers, verdicts and files.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::script::change;
use super::{Both, Take, sorted};
use crate::forge::{ForgeFault, Hint, Since};
use usher_core::model::action::{DesiredState, Write};
use usher_core::model::change::{Account, ChangeState, SeenReviewers, Snapshot};
use usher_core::model::fact::Fact;

const PULL: &str = "/repos/acme/shop/pulls/7";
const MR: &str = "/projects/acme%2Fshop/merge_requests/7";

fn state(state: ChangeState) -> &'static str {
    match state {
        ChangeState::Open => "open",
        ChangeState::Merged => "merged",
        ChangeState::Closed => "closed",
    }
}

fn ids(reviewers: &SeenReviewers) -> Value {
    sorted(reviewers.list.iter().map(|seen| seen.account.id.into()))
}

/// All that is read of a change.
fn read(number: u64, seen: &Snapshot) -> Value {
    json!({
        "number": number, "title": seen.title, "url": seen.url, "author": [seen.author.id, seen.author.login],
        "state": state(seen.state), "draft": seen.draft, "target": seen.target_branch, "head": seen.head,
        "labels": seen.labels.as_ref().map(|all| sorted(all.iter().map(|label| label.as_str().into()))),
        "reviewers": seen.reviewers.as_ref().map(ids), "project_id": seen.project_id,
        "lines": seen.size.map(|size| size.lines), "files": seen.size.map(|size| size.files),
        "created_at": seen.created_at, "updated_at": seen.updated_at,
    })
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().expect("an instant"))
}

fn names(list: &Value, name: impl Fn(&Value) -> Value) -> Option<Value> {
    list.as_array().map(|list| sorted(list.iter().map(name)))
}

fn told_by_gitlab(it: &Value) -> Value {
    json!({
        "number": it["iid"], "title": it["title"], "url": it["web_url"],
        "author": [it["author"]["id"], it["author"]["username"]],
        "state": match it["state"].as_str() { Some("merged") => "merged", Some("closed") => "closed", _ => "open" },
        "draft": if it["draft"].is_null() { it["work_in_progress"].clone() } else { it["draft"].clone() },
        "target": it["target_branch"], "head": it["sha"], "labels": names(&it["labels"], Value::clone),
        "reviewers": names(&it["reviewers"], |one| one["id"].clone()), "project_id": it["project_id"],
        "lines": null, "files": null, "created_at": time(&it["created_at"]), "updated_at": time(&it["updated_at"]),
    })
}

fn told_by_github(it: &Value) -> Value {
    let merged = !it["merged_at"].is_null() || !it["pull_request"]["merged_at"].is_null();
    let lines = it["additions"].as_u64().zip(it["deletions"].as_u64()).map(|(one, other)| one + other);
    json!({
        "number": it["number"], "title": it["title"], "url": it["html_url"],
        "author": if it["user"].is_null() { json!([10_137, "ghost"]) } else { json!([it["user"]["id"], it["user"]["login"]]) },
        "state": if merged { "merged" } else if it["state"] == "closed" { "closed" } else { "open" },
        "draft": it["draft"], "target": it["base"]["ref"], "head": it["head"]["sha"],
        "labels": names(&it["labels"], |label| label["name"].clone()),
        "reviewers": names(&it["requested_reviewers"], |one| one["id"].clone()),
        "project_id": it["base"]["repo"]["id"], "lines": lines, "files": it["changed_files"],
        "created_at": time(&it["created_at"]), "updated_at": time(&it["updated_at"]),
    })
}

fn told(take: &Take, it: &Value) -> Value {
    if take.is_gitlab() { told_by_gitlab(it) } else { told_by_github(it) }
}

/// Of lists, which say which project each of their changes is in.
pub(super) async fn many(take: &Take) -> Result<Both, ForgeFault> {
    let is_search = take.row.contains("/search/");
    let list: Vec<&Value> = if is_search {
        take.answer["items"].as_array().into_iter().flatten().collect()
    } else {
        take.entries().collect()
    };
    let project = |it: &Value| match (take.is_gitlab(), is_search) {
        (true, _) => {
            it["references"]["full"].as_str().and_then(|full| Some(full.rsplit_once('!')?.0.to_owned()))
        }
        (_, true) => {
            it["repository_url"].as_str().and_then(|url| Some(url.rsplit_once("/repos/")?.1.to_owned()))
        }
        _ => it["base"]["repo"]["full_name"].as_str().map(str::to_owned),
    };
    let first = list.first().and_then(|it| project(it)).unwrap_or_else(|| "acme/shop".to_owned());
    let owner = first.split('/').next().unwrap_or_default().to_owned();
    let wide = is_search || take.row.contains("/groups/");
    let script = match take.row.as_str() {
        "GET /merge_requests" => take.script(&["**"]).await,
        _ if wide => take.script(&[&format!("{owner}/**")]).await,
        _ => take.script(&[&first]).await,
    };
    take.serve(&script, "GET").await;
    let mark = is_search.then(|| "2000-01-01T00:00:00Z".parse().expect("an instant"));
    let listing = script.client.list(&Since::mark(mark)).await?;
    if let Some(place) = listing.refused.first() {
        return Err(ForgeFault::Refused { status: 0, answer: place.clone() });
    }
    let shown = listing.changes.iter().map(|(key, seen)| json!([key.project, read(key.number, seen)]));
    // Before 12.7 GitLab did not name the project, long before what Usher works with.
    let in_place = |it: &&&Value| match project(it) {
        Some(path) if wide => path.split('/').next() == Some(&owner),
        Some(path) => path == first && it["base"]["repo"]["archived"] != true,
        None => false,
    };
    let told = list.iter().filter(in_place).map(|it| json!([project(it), told(take, it)]));
    Ok((sorted(shown), sorted(told)))
}

pub(super) async fn one(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    script.on("GET", &format!("{PULL}/reviews"), 200, json!([])).await;
    let list = take.answer["reviewers"].as_array().into_iter().flatten();
    let reviewers: Vec<Value> = list.map(|user| json!({"user": user, "state": "unreviewed"})).collect();
    script.on("GET", &format!("{MR}/reviewers"), 200, reviewers.into()).await;
    take.serve(&script, "GET").await;
    let seen = script.client.observe(&change()).await?;
    let complete = seen.reviewers.as_ref().is_some_and(|reviewers| reviewers.complete);
    let number = take.answer[if take.is_gitlab() { "iid" } else { "number" }].as_u64().unwrap_or_default();
    let mut told = told(take, &take.answer);
    // Who reviews is asked for anew.
    if told["reviewers"].is_null() {
        told["reviewers"] = json!([]);
    }
    Ok((json!([complete, read(number, &seen)]), json!([true, told])))
}

/// The answer to a write of reviewers: all who are in it were taken.
pub(super) async fn shaped(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    let at = "2026-03-01T08:00:00Z";
    let before = json!({"number": 7, "iid": 7, "state": "open", "comments": 0, "review_comments": 0, "created_at": at, "updated_at": at, "reviewers": [], "labels": []});
    script.on("GET", PULL, 200, before.clone()).await;
    script.on("GET", MR, 200, before).await;
    let (verb, list) = if take.is_gitlab() { ("PUT", "reviewers") } else { ("POST", "requested_reviewers") };
    take.serve(&script, verb).await;
    let kept = take.answer[list].as_array().into_iter().flatten().filter_map(|user| user["id"].as_u64());
    let kept: Vec<u64> = kept.collect();
    let account = |id: u64| Account::new(id, format!("u{id}"));
    // One more, who was not taken.
    let reviewers = kept.iter().copied().chain([u64::from(u32::MAX)]).map(account).collect();
    let performed = script
        .client
        .perform(
            &change(),
            &Write::Desired(DesiredState { reviewers, ..DesiredState::default() }),
            Hint::default(),
        )
        .await?;
    let refused = performed.facts.iter().filter_map(|fact| match fact {
        Fact::Refused { reviewer, .. } => Some(reviewer.id.into()),
        _ => None,
    });
    let told = if take.answer[list].is_array() { vec![u32::MAX.into()] } else { Vec::new() };
    Ok((sorted(refused), sorted(told)))
}

pub(super) async fn files(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    take.serve(&script, "GET").await;
    let performed =
        script.client.perform(&change(), &Write::ReadFiles { codeowners: None }, Hint::default()).await?;
    let read = performed.facts.iter().flat_map(|fact| match fact {
        Fact::Files { files, .. } => {
            files.iter().map(|file| json!([file.path, file.lines])).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    });
    let lines = |file: &Value| match file["diff"].as_str() {
        Some(diff) => diff.lines().filter(|line| line.starts_with(['+', '-'])).count() as u64,
        None => {
            file["additions"].as_u64().unwrap_or_default() + file["deletions"].as_u64().unwrap_or_default()
        }
    };
    let name = if take.is_gitlab() { "new_path" } else { "filename" };
    Ok((sorted(read), sorted(take.entries().map(|file| json!([file[name], lines(file)])))))
}

pub(super) async fn verdicts(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    let at = "2026-03-01T08:00:00Z";
    script.on("GET", PULL, 200, json!({"number": 7, "updated_at": at})).await;
    script.on("GET", MR, 200, json!({"iid": 7, "updated_at": at})).await;
    script.on("GET", &format!("{MR}/notes"), 200, json!([])).await;
    script.on("GET", &format!("{MR}/approvals"), 200, json!({})).await;
    take.serve(&script, "GET").await;
    let seen = script.client.observe(&change()).await?.reviewers.map(|seen| seen.list).unwrap_or_default();
    let read = seen.iter().map(|seen| json!([seen.account.id, seen.verdict.is_some()]));
    let quiet = |state: &Value| matches!(state.as_str(), Some("unreviewed" | "review_started"));
    let told = take.entries().filter(|one| take.is_gitlab() || !one["submitted_at"].is_null());
    let told = told.filter(|one| one["user"]["type"] != "Bot" && !one["user"].is_null());
    Ok((sorted(read), sorted(told.map(|one| json!([one["user"]["id"], !quiet(&one["state"])])))))
}

pub(super) async fn approvals(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    let at = "2026-03-01T08:00:00Z";
    script.on("GET", MR, 200, json!({"iid": 7, "updated_at": at})).await;
    let given: Vec<&Value> = take.answer["approved_by"].as_array().into_iter().flatten().collect();
    let reviewers: Vec<Value> =
        given.iter().map(|one| json!({"user": one["user"], "state": "approved", "created_at": at})).collect();
    script.on("GET", &format!("{MR}/reviewers"), 200, reviewers.into()).await;
    script.on("GET", &format!("{MR}/notes"), 200, json!([])).await;
    take.serve(&script, "GET").await;
    let seen = script.client.observe(&change()).await?.reviewers.map(|seen| seen.list).unwrap_or_default();
    let read = seen.iter().map(|seen| json!([seen.account.id, seen.verdict.map(|(_, at)| at)]));
    let told = given
        .iter()
        .map(|one| json!([one["user"]["id"], time(&one["approved_at"]).or_else(|| at.parse().ok())]));
    Ok((sorted(read), sorted(told)))
}
