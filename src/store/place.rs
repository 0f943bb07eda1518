//! Where the store is: the address of the configuration, read.

use std::path::PathBuf;
use std::time::Duration;

use super::error::StoreError;

/// How long a write waits, for its turn in this process and for other processes, before it is
/// refused. Intake answers 503 then, while the forge still listens.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A database in memory, or a file.
pub(super) enum StorePlace {
    Memory,
    File(PathBuf),
}

/// What `store.url` names.
pub(super) fn place(url: &str) -> Result<StorePlace, StoreError> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(StoreError::Url("expected sqlite:PATH".into()));
    };
    match scheme {
        "sqlite" => {}
        "postgres" | "postgresql" => {
            let why = "PostgreSQL is not supported by this version; use sqlite:PATH";
            return Err(StoreError::Url(why.into()));
        }
        _ => return Err(StoreError::Url(format!("unknown scheme `{scheme}`; expected sqlite:PATH"))),
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match path {
        ":memory:" => return Ok(StorePlace::Memory),
        "" => return Err(StoreError::Url("the path is missing; expected sqlite:PATH".into())),
        _ => {}
    }
    let path = PathBuf::from(path);
    if path.is_dir() {
        return Err(StoreError::Url(format!("{} is a folder; name a file in it", path.display())));
    }
    Ok(StorePlace::File(path))
}
