use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Stage, TOKEN, stage};
use crate::Forge;

async fn ask(stage: &Stage, forge: Forge, query: &str, variables: Value) -> Answer {
    let url = match forge {
        Forge::Gitlab => format!("{}/api/graphql", stage.sandbox.gitlab_url()),
        Forge::Github => stage.sandbox.github_url().replace("/api/v3", "/api/graphql"),
    };
    let body = json!({ "query": query, "variables": variables }).to_string();
    let request = stage.http.request(Method::POST, url).bearer_auth(TOKEN);
    super::answer(request.header("content-type", "application/json").body(body)).await
}

#[tokio::test]
async fn gitlab_tells_the_status_of_those_who_are_there() {
    let stage = stage().await;
    stage.sandbox.set_busy(Forge::Gitlab, "rita", true, "Making tea");
    let rita = format!("gid://gitlab/User/{}", stage.id(Forge::Gitlab, "rita"));
    let ids = json!({ "ids": [rita, "gid://gitlab/User/999999"] });
    let query = "query($ids: [ID!]) { users(ids: $ids, first: 9) { nodes { id status { availability } } } }";
    let answer = ask(&stage, Forge::Gitlab, query, ids).await;
    let expected = json!({ "users": { "nodes": [{ "id": rita, "status": { "availability": "BUSY" } }] } });
    assert_eq!(answer.body["data"], expected);
    let query = r#"{ users(usernames: ["ravi"]) { nodes { username status { availability } } } }"#;
    let answer = ask(&stage, Forge::Gitlab, query, json!({})).await;
    let node = &answer.body["data"]["users"]["nodes"][0];
    assert_eq!(*node, json!({ "username": "ravi", "status": null }), "who never set one has none");
    for wrong in [
        "{ users { nodes { mood } } }",
        "{ user { id } }",
        "mutation { users { nodes { id } } }",
        "{ users(ids: [\"7\"]) { nodes { id } } }",
        "{ users { nodes",
        "",
    ] {
        let answer = ask(&stage, Forge::Gitlab, wrong, json!({})).await;
        assert_eq!(answer.status, 200, "{wrong}");
        assert!(
            answer.body["errors"].is_array() && answer.body["data"].is_null(),
            "{wrong}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn github_tells_limited_availability_and_an_error_beside_it_for_who_is_not_there() {
    let stage = stage().await;
    let until = stage.now() + jiff::SignedDuration::from_hours(2);
    stage.sandbox.set_busy_until("rita", until);
    let query = "query($a: String!, $b: String!) {
        a: user(login: $a) { ...shown }
        b: user(login: $b) { ...shown }
        c: user(login: \"ravi\") { ...shown }
    }
    fragment shown on User { databaseId status { indicatesLimitedAvailability expiresAt } }";
    let variables = json!({ "a": "rita", "b": "nobody" });
    let answer = ask(&stage, Forge::Github, query, variables.clone()).await;
    let data = &answer.body["data"];
    let status = json!({ "indicatesLimitedAvailability": true, "expiresAt": "2026-11-23T11:00:00Z" });
    assert_eq!(data["a"], json!({ "databaseId": stage.id(Forge::Github, "rita"), "status": status }));
    assert_eq!((&data["b"], &data["c"]["status"]), (&Value::Null, &Value::Null));
    assert_eq!(answer.body["errors"][0]["type"], "NOT_FOUND");
    stage.clock.move_to(until);
    let answer = ask(&stage, Forge::Github, query, variables).await;
    assert_eq!(answer.body["data"]["a"]["status"], Value::Null, "GitHub has cleared it");
}
