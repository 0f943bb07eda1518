//! `usher explain`: reads a change, decides, prints, and writes nothing.

use std::process::ExitCode;

use anyhow::Context;

use super::begin::{CliError, start_logging};
use super::preview::Looker;
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::service::client;
use usher_core::model::change::{ChangeKey, ForgeKind};
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
    let key = named(config, text)?;
    let forge = config.forges.iter().find(|forge| forge.name == key.forge);
    let forge = forge.ok_or_else(|| unknown_forge(config, &key.forge))?;
    Ok((forge.clone(), key))
}

/// The key of `forge:project!number`, or of what pages and comments print of it: `project!number` of a
/// GitLab, `project#number` of a GitHub, with or without the forge.
fn named(config: &Config, text: &str) -> Result<ChangeKey, CliError> {
    let (place, mark) = match (text.rsplit_once('!'), text.rsplit_once('#')) {
        (Some(_), _) => (text.to_owned(), ForgeKind::GitLab),
        (None, Some((project, number))) => (format!("{project}!{number}"), ForgeKind::GitHub),
        (None, None) => (text.to_owned(), ForgeKind::GitLab),
    };
    if place.contains(':') {
        return place.parse().map_err(CliError::Usage);
    }
    let key_on = |forge: &Forge| format!("{}:{place}", forge.name).parse::<ChangeKey>();
    let kind: Vec<&Forge> = config.forges.iter().filter(|forge| forge.kind == mark).collect();
    let kind = if kind.is_empty() { config.forges.iter().collect() } else { kind };
    let watching = |forge: &&&Forge| {
        key_on(forge).is_ok_and(|key| forge.projects.iter().any(|pattern| pattern.matches(&key.project)))
    };
    let watching: Vec<&Forge> = kind.iter().filter(watching).copied().collect();
    match if watching.is_empty() { &kind[..] } else { &watching[..] } {
        [forge] => key_on(forge).map_err(CliError::Usage),
        [] => place.parse().map_err(CliError::Usage),
        several => {
            let names: Vec<String> = several.iter().map(|forge| format!("{}:{place}", forge.name)).collect();
            Err(CliError::Usage(format!("`{text}` may be one of several; write {}", names.join(" or "))))
        }
    }
}

/// What to say about a forge that is not configured.
pub(super) fn unknown_forge(config: &Config, name: &str) -> CliError {
    let names: Vec<_> = config.forges.iter().map(|forge| forge.name.as_str()).collect();
    CliError::Usage(format!(
        "there is no forge `{name}` in the configuration; there are: {}",
        names.join(", ")
    ))
}
