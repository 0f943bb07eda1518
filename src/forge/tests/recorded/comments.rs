//! Comments: found by their marker, or written.

use serde_json::{Value, json};

use super::super::script::change;
use super::{Both, Take};
use crate::forge::{ForgeFault, Hint};
use usher_core::model::action::{Comment, Write};

const MARKER: &str = "<!-- usher:status -->";

fn status() -> Write {
    Write::Comment(Comment::Status { body: format!("{MARKER}\nhello") })
}

/// The last of them is made ours: by its author, and with the marker before its text.
pub(super) async fn found(take: &Take) -> Result<Both, ForgeFault> {
    let mut answer = take.answer.clone();
    let mut told = json!(77);
    let mut me = json!({"id": 1, "login": "usher", "username": "usher"});
    if let Some(last) = answer.as_array_mut().and_then(|list| list.last_mut()) {
        let by = if take.is_gitlab() { "author" } else { "user" };
        me["id"] = last[by]["id"].clone();
        last["body"] = format!("{MARKER}\n{}", last["body"].as_str().unwrap_or_default()).into();
        told = last["id"].clone();
    }
    let take = Take {
        answer,
        source: String::new(),
        row: take.row.clone(),
        forge: take.forge.clone(),
        headers: take.headers.clone(),
        ..*take
    };
    let script = take.script(&[]).await;
    script.on("GET", "/user", 200, me).await;
    take.serve(&script, "GET").await;
    for (verb, place) in [
        ("POST", "/repos/acme/shop/issues/7/comments"),
        ("POST", "/projects/acme%2Fshop/merge_requests/7/notes"),
    ] {
        script.on(verb, place, 201, json!({"id": 77})).await;
    }
    let edited = [
        format!("/repos/acme/shop/issues/comments/{told}"),
        format!("/projects/acme%2Fshop/merge_requests/7/notes/{told}"),
    ];
    for (verb, place) in ["PATCH", "PUT"].into_iter().zip(edited) {
        script.on(verb, &place, 200, json!({})).await;
    }
    let hint = Hint { look_up: true, ..Hint::default() };
    let performed = script.client.perform(&change(), &status(), hint).await?;
    Ok((performed.comment.into(), told))
}

pub(super) async fn written(take: &Take) -> Result<Both, ForgeFault> {
    let script = take.script(&[]).await;
    take.serve(&script, "POST").await;
    let performed = script.client.perform(&change(), &status(), Hint::default()).await?;
    Ok((performed.comment.map_or(Value::Null, Value::from), take.answer["id"].clone()))
}
