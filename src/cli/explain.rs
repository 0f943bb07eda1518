//! `usher explain`: reads a change, decides, prints, and writes nothing.

use std::process::ExitCode;

use anyhow::Context;

use super::preview::Looker;
use super::{CliError, start_logging};
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::service::client;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;

pub(super) async fn run(config: Config, change: &str, json: bool) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let (forge, key) = find(&config, change)?;
    let looker = Looker::open(&config, &forge).await?;
    let snapshot = looker.client.observe(&key).await.with_context(|| format!("{key} could not be read"))?;
    let sketch = looker.decide(&key, &[Fact::Swept { snapshot }]).await?;
    if json {
        anstream::println!("{:#}", sketch.json());
    } else {
        sketch.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// The forge and key of `forge:project!number` or of a page's address.
fn find(config: &Config, text: &str) -> Result<(Forge, ChangeKey), CliError> {
    if text.starts_with("http://") || text.starts_with("https://") {
        for forge in &config.forges {
            if let Some(key) = client(forge, &Clock::system())?.resolve_url(text) {
                return Ok((forge.clone(), key));
            }
        }
        let names: Vec<_> = config.forges.iter().map(|forge| forge.url.as_str()).collect();
        let message = format!("{text} is no change of a configured forge ({})", names.join(", "));
        return Err(CliError::Usage(message));
    }
    let key: ChangeKey = text.parse().map_err(CliError::Usage)?;
    let forge = config.forges.iter().find(|forge| forge.name == key.forge);
    let forge = forge.ok_or_else(|| unknown_forge(config, &key.forge))?;
    Ok((forge.clone(), key))
}

/// What to say about a forge that is not configured.
pub(super) fn unknown_forge(config: &Config, name: &str) -> CliError {
    let names: Vec<_> = config.forges.iter().map(|forge| forge.name.as_str()).collect();
    CliError::Usage(format!(
        "there is no forge `{name}` in the configuration; there are: {}",
        names.join(", ")
    ))
}
