//! The repository's CODEOWNERS file, fetched from where its forge looks for it.

use super::changes::ReadChanges;
use crate::forge::transport::fault::ForgeFault;
use usher_core::choose::codeowners::{BYTES_MAX, Codeowners, places};
use usher_core::model::change::{ChangeKey, OwnersFile};
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

/// Reads the first CODEOWNERS file that is there: 1 to 3 reads.
///
/// # Errors
/// See [`ForgeFault`]; never [`ForgeFault::Gone`].
pub(in crate::forge) async fn read(
    forge: &dyn ReadChanges,
    project: &str,
    branch: Option<&str>,
) -> Result<OwnersRead, ForgeFault> {
    for place in places(forge.kind()) {
        match forge.raw(project, place, branch).await {
            Ok(bytes) if bytes.len() >= BYTES_MAX => return Ok(OwnersRead::TooLarge { place }),
            Ok(bytes) => {
                let file = Codeowners::parse(forge.kind(), &String::from_utf8_lossy(&bytes));
                return Ok(OwnersRead::Read { place, file });
            }
            Err(ForgeFault::Gone) => {}
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
pub(in crate::forge) async fn files(
    forge: &dyn ReadChanges,
    change: &ChangeKey,
    branch: Option<&str>,
) -> Result<Fact, ForgeFault> {
    let mut files = forge.changed_files(change).await?;
    let Some(branch) = branch else {
        return Ok(Fact::Files { files, codeowners: OwnersFile::NotAsked });
    };
    let codeowners = match read(forge, &change.project, Some(branch).filter(|name| !name.is_empty())).await {
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
        Err(fault @ ForgeFault::Refused { .. }) => {
            tracing::warn!(%change, %fault, "CODEOWNERS cannot be read and is not used");
            OwnersFile::Unusable
        }
        Err(fault) => return Err(fault.about("CODEOWNERS")),
    };
    Ok(Fact::Files { files, codeowners })
}
