//! The repository's CODEOWNERS file, fetched from where its forge looks for it.

use async_trait::async_trait;
use bytes::Bytes;

use super::fault::Fault;
use usher_core::choose::codeowners::{BYTES_MAX, Codeowners, places};
use usher_core::model::change::{ChangeKey, ChangedFile, ForgeKind, OwnersFile};
use usher_core::model::fact::Fact;

/// Files of one change whose owners are looked up, at most.
const FILES_MAX: usize = 1_000;

/// What reading CODEOWNERS came to.
#[derive(Clone, Debug)]
pub enum OwnersRead {
    /// The branch has none.
    Missing,
    /// The forge itself (GitHub), or Usher, does not read a file of this size.
    TooLarge {
        place: &'static str,
    },
    Read {
        place: &'static str,
        file: Codeowners,
    },
}

/// A forge that shows single files of a repository.
#[async_trait]
pub(super) trait Shelf {
    const KIND: ForgeKind;

    /// The file's bytes on `branch`, or on the default branch. One read.
    ///
    /// # Errors
    /// [`Fault::Gone`]: there is no such file, branch or project.
    async fn raw(&self, project: &str, path: &str, branch: Option<&str>) -> Result<Bytes, Fault>;
}

/// Reads the first CODEOWNERS file that is there: 1 to 3 reads.
///
/// # Errors
/// See [`Fault`]; never [`Fault::Gone`].
pub(super) async fn read<S: Shelf>(
    shelf: &S,
    project: &str,
    branch: Option<&str>,
) -> Result<OwnersRead, Fault> {
    for place in places(S::KIND) {
        match shelf.raw(project, place, branch).await {
            Ok(bytes) if bytes.len() >= BYTES_MAX => return Ok(OwnersRead::TooLarge { place }),
            Ok(bytes) => {
                let file = Codeowners::parse(S::KIND, &String::from_utf8_lossy(&bytes));
                return Ok(OwnersRead::Read { place, file });
            }
            Err(Fault::Gone) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(OwnersRead::Missing)
}

/// The changed files as a fact, with their owners where `branch` (empty: the default one) asks for
/// them. What is wrong with CODEOWNERS is logged and never in the way.
///
/// # Errors
/// Only what another try may heal.
pub(super) async fn files_fact<S: Shelf>(
    shelf: &S,
    change: &ChangeKey,
    mut files: Vec<ChangedFile>,
    branch: Option<&str>,
) -> Result<Fact, Fault> {
    let Some(branch) = branch else {
        return Ok(Fact::Files { files, codeowners: OwnersFile::NotAsked });
    };
    let codeowners = match read(shelf, &change.project, Some(branch).filter(|name| !name.is_empty())).await {
        Ok(OwnersRead::Missing) => OwnersFile::Missing,
        Ok(OwnersRead::TooLarge { place }) => {
            tracing::warn!(%change, place, "CODEOWNERS is too large and is not used");
            OwnersFile::Unusable
        }
        Ok(OwnersRead::Read { place, file }) => {
            if let Some(first) = file.flaws.first() {
                let flaws = file.flaws.len();
                tracing::warn!(%change, place, flaws, line = first.line, "lines of CODEOWNERS are passed over; `usher check --online` tells which");
            }
            for changed in files.iter_mut().take(FILES_MAX) {
                changed.owners = file.owners(&changed.path).into_iter().map(str::to_owned).collect();
            }
            OwnersFile::Read
        }
        Err(fault @ Fault::Refused { .. }) => {
            tracing::warn!(%change, %fault, "CODEOWNERS cannot be read and is not used");
            OwnersFile::Unusable
        }
        Err(fault) => return Err(fault.about("CODEOWNERS")),
    };
    Ok(Fact::Files { files, codeowners })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::ResponseTemplate;

    use super::super::testing::{Script, change};
    use super::*;
    use crate::forge::Hint;
    use usher_core::model::action::Write;

    const FILES: [&str; 2] =
        ["/projects/acme%2Fshop/merge_requests/7/diffs", "/repos/acme/shop/pulls/7/files"];
    const FIRST: [&str; 2] = [
        "/projects/acme%2Fshop/repository/files/CODEOWNERS/raw",
        "/repos/acme/shop/contents/.github/CODEOWNERS",
    ];
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

    async fn perform(script: &Script, branch: &str) -> Result<Vec<Fact>, Fault> {
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
            assert!(matches!(fault, Fault::Retry { .. }), "{fault}");
        }
    }
}
