//! `usher backup`: a copy of the store, also while the server runs.

use std::path::Path;
use std::process::ExitCode;

use super::{CliError, start_logging};
use crate::config::Config;
use crate::store::Store;

pub(super) async fn run(config: &Config, file: &Path, json: bool) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let bytes = Store::backup(&config.store_url, file).await.map_err(anyhow::Error::from)?;
    let name = file.display().to_string();
    if json {
        anstream::println!("{:#}", serde_json::json!({ "file": name, "bytes": bytes }));
    } else {
        anstream::println!("{name} holds the store as it is now, {} KiB.", bytes.div_ceil(1024));
    }
    Ok(ExitCode::SUCCESS)
}
