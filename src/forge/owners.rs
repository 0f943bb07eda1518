//! The repository's CODEOWNERS file, fetched from where its forge looks for it.

use async_trait::async_trait;
use bytes::Bytes;

use super::fault::Fault;
use crate::core::change::{ChangeKey, ChangedFile, ForgeKind, OwnersFile};
use crate::core::codeowners::{BYTES_MAX, Codeowners, places};
use crate::core::fact::Fact;

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
