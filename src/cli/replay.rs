//! `usher replay`: a stored payload through the same reading and deciding, on paper.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use http::{HeaderMap, HeaderValue};

use super::explain::unknown_forge;
use super::paper::Paper;
use super::service::inbounds;
use super::{CliError, start_logging};
use crate::config::Config;
use crate::core::change::ForgeKind;
use crate::core::words::happening;
use crate::forge::Reading;

pub(super) async fn run(
    config: Config,
    file: &Path,
    event: &str,
    forge: &str,
    json: bool,
) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let configured = config.forges.iter().find(|one| one.name == forge).cloned();
    let configured = configured.ok_or_else(|| unknown_forge(&config, forge))?;
    let body = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let headers = headers(configured.kind, event)?;
    let inbounds = inbounds(&config)?;
    let Some(inbound) = inbounds.get(forge) else { return Err(unknown_forge(&config, forge)) };
    // The signature is not checked: a stored body has none any more.
    let reading = inbound.read(&headers, &body).map_err(|error| {
        CliError::Failed(anyhow::anyhow!("{} cannot be read as {event}: {error}", file.display()))
    })?;
    let incoming = match reading {
        Reading::Change(incoming) => incoming,
        Reading::Unsupported { event } => {
            anstream::println!("{event}: an event that Usher does not act on.");
            return Ok(ExitCode::SUCCESS);
        }
        Reading::Ping => {
            anstream::println!("A ping: the forge says hello to a new webhook.");
            return Ok(ExitCode::SUCCESS);
        }
        Reading::Roster { what } => {
            anstream::println!("{what}: the roster would be read again.");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if !json {
        for fact in &incoming.facts {
            anstream::println!("Fact: {}", happening(fact));
        }
    }
    let paper = Paper::open(config, &configured).await?;
    let sketch = paper.decide(&incoming.change, incoming.facts).await?;
    if json {
        anstream::println!("{:#}", sketch.json());
    } else {
        sketch.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// The header that names the event. GitLab's own form (`Merge Request Hook`) and its object kind
/// (`merge_request`) both do, since the body names its kind.
fn headers(kind: ForgeKind, event: &str) -> Result<HeaderMap, CliError> {
    let name = match kind {
        ForgeKind::GitHub => "x-github-event",
        ForgeKind::GitLab => "x-gitlab-event",
    };
    let value = HeaderValue::from_str(event)
        .map_err(|_| CliError::Usage(format!("`{}` is not the name of an event", event.escape_debug())))?;
    Ok(HeaderMap::from_iter([(http::HeaderName::from_static(name), value)]))
}
