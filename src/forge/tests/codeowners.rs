//! CODEOWNERS, read from where each forge looks for it.

use serde_json::json;
use wiremock::ResponseTemplate;

use super::script::{Script, change};
use crate::forge::{ForgeFault, Hint};
use usher_core::choose::codeowners::BYTES_MAX;
use usher_core::model::action::Write;
use usher_core::model::change::{ChangedFile, OwnersFile};
use usher_core::model::fact::Fact;

const FILES: [&str; 2] = ["/projects/acme%2Fshop/merge_requests/7/diffs", "/repos/acme/shop/pulls/7/files"];
const FIRST: [&str; 2] =
    ["/projects/acme%2Fshop/repository/files/CODEOWNERS/raw", "/repos/acme/shop/contents/.github/CODEOWNERS"];
const LAST: [&str; 2] = [
    "/projects/acme%2Fshop/repository/files/.gitlab%2FCODEOWNERS/raw",
    "/repos/acme/shop/contents/docs/CODEOWNERS",
];

/// Both forges, with one changed file, `src/a.rs`.
async fn both() -> [(usize, Script); 2] {
    let scripts = [(0, Script::gitlab(&[]).await), (1, Script::github(&[]).await)];
    let diff = json!([{"new_path": "src/a.rs", "diff": "@@ -1 +1 @@\n+x\n"}]);
    scripts[0].1.on("GET", FILES[0], 200, diff).await;
    scripts[1].1.on("GET", FILES[1], 200, json!([{"filename": "src/a.rs", "additions": 1}])).await;
    scripts
}

async fn perform(script: &Script, branch: &str) -> Result<Vec<Fact>, ForgeFault> {
    let action = Write::ReadFiles { codeowners: Some(branch.into()) };
    let performed = script.client.perform(&change(), &action, Hint::default()).await;
    performed.map(|performed| performed.facts)
}

fn fact(owners: &[&str], codeowners: OwnersFile) -> Fact {
    let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
    Fact::Files { files: vec![ChangedFile { path: "src/a.rs".into(), lines: 1, owners }], codeowners }
}

#[tokio::test]
async fn the_last_place_is_looked_at_too_on_the_branch_that_is_named() {
    for (forge, script) in both().await {
        let place = format!("{}?ref=release%2F1", LAST[forge]).replace("%2F1", "/1");
        let text = ResponseTemplate::new(200).set_body_string("src/ @rita @acme/payments\n");
        script.answer("GET", &place, text).await;
        let facts = perform(&script, "release/1").await.unwrap();
        assert_eq!(facts, [fact(&["rita", "acme/payments"], OwnersFile::Read)]);
        assert_eq!(script.requests().await.len(), 4);
        let without = perform(&script, "").await.unwrap();
        assert_eq!(without, [fact(&[], OwnersFile::Missing)], "the default branch has none");
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_read_or_is_too_large_is_not_used() {
    for (forge, script) in both().await {
        let forbidden = ResponseTemplate::new(403).set_body_json(json!({"message": "no"}));
        script.answer_times("GET", FIRST[forge], forbidden, 1).await;
        assert_eq!(perform(&script, "main").await.unwrap(), [fact(&[], OwnersFile::Unusable)]);
        let large = ResponseTemplate::new(200).set_body_string("#".repeat(BYTES_MAX));
        script.answer_times("GET", FIRST[forge], large, 1).await;
        assert_eq!(perform(&script, "main").await.unwrap(), [fact(&[], OwnersFile::Unusable)]);
    }
}

#[tokio::test]
async fn a_forge_that_is_ill_is_asked_again_later() {
    for (forge, script) in both().await {
        script.answer("GET", FIRST[forge], ResponseTemplate::new(502)).await;
        let fault = perform(&script, "main").await.unwrap_err();
        assert!(matches!(fault, ForgeFault::Retry { .. }), "{fault}");
    }
}
