//! `usher replay`: a stored payload through the same reading and deciding, without effect. The people are
//! those that the store knows; no forge is asked who is who.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::explain::unknown_forge;
use super::preview::{Looker, Sketch};
use super::{CliError, start_logging};
use crate::config::Config;
use crate::forge::Reading;
use crate::service::inbounds;
use usher_core::model::change::{ChangeKey, ForgeKind};
use usher_core::model::fact::Fact;
use usher_words::happening;

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
    let looker = Looker::remembered(&config, &configured).await?;
    let me = looker.as_ref().and_then(Looker::me);
    let reading = inbound.read_as(&headers, &body, me).map_err(|error| {
        CliError::Failed(anyhow::anyhow!("{} cannot be read as {event}: {error}", file.display()))
    })?;
    let incoming = match reading {
        Reading::Change(incoming) => incoming,
        other => {
            say_no_change(&other, json);
            return Ok(ExitCode::SUCCESS);
        }
    };
    let facts = incoming.facts;
    let sketch = match looker {
        Some(looker) => Some(looker.decide(&incoming.change, &facts).await?),
        None => None,
    };
    if json {
        anstream::println!("{:#}", change_json(&incoming.change, &facts, sketch.as_ref(), forge));
        return Ok(ExitCode::SUCCESS);
    }
    for fact in &facts {
        anstream::println!("Fact: {}", happening(fact));
    }
    match sketch {
        Some(sketch) => sketch.print(),
        None => anstream::println!("\n{}: {}\n\nNothing was written.", incoming.change, no_roster(forge)),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the delivery is, where it is not about a change.
fn say_no_change(reading: &Reading, json: bool) {
    let (value, words) = match reading {
        Reading::Change(_) => return,
        Reading::Ping => {
            (json!({ "reading": "ping" }), "A ping: the forge says hello to a new webhook.".to_owned())
        }
        Reading::Roster { what } => {
            (json!({ "reading": "roster", "what": what }), format!("{what}: the roster would be read again."))
        }
        Reading::Unsupported { event } => (
            json!({ "reading": "unsupported", "event": event }),
            format!("{event}: an event that Usher does not act on."),
        ),
    };
    if json {
        anstream::println!("{value:#}");
    } else {
        anstream::println!("{words}");
    }
}

/// The facts of a change, and the decision where there is one.
fn change_json(change: &ChangeKey, facts: &[Fact], sketch: Option<&Sketch>, forge: &str) -> Value {
    let mut value = match sketch {
        Some(sketch) => sketch.json(),
        None => json!({ "change": change.to_string(), "why_undecided": no_roster(forge) }),
    };
    value["reading"] = "change".into();
    value["facts"] = json!(facts);
    value["decided"] = sketch.is_some().into();
    value
}

fn no_roster(forge: &str) -> String {
    format!(
        "no roster of `{forge}` is known yet, so nothing can be decided; `usher serve` reads it, and \
         `usher explain` asks the forge itself."
    )
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
