//! Is the process alive; can it take and keep deliveries.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::door::Door;
use crate::engine::DisabledHook;
use crate::store::StoreError;
use usher_core::model::change::ForgeKind;

/// How long the store may take to answer.
const STORE_PATIENCE: Duration = Duration::from_secs(2);
/// How long facts may wait while nothing at all is decided.
const ENGINE_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// Longest fault that is repeated.
const FAULT_CHARS_MAX: usize = 200;
/// Disabled webhooks that are named.
const HOOKS_MAX: usize = 20;

/// The body of `/readyz`.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    ready: bool,
    /// The check that failed: `store`, `engine`, or the name of a task that broke.
    failing: Option<String>,
    /// What is wrong, in words; left out where nothing more is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Everything is decided, and nothing written to any forge.
    dry_run: bool,
    forges: Vec<ForgeHealth>,
}

/// One forge. A forge that is down does not make Usher unready: to take its deliveries meanwhile is
/// the point.
#[derive(Debug, Serialize)]
struct ForgeHealth {
    name: String,
    kind: ForgeKind,
    roster_age_seconds: Option<i64>,
    /// Since its open changes were last listed without a fault.
    sweep_age_seconds: Option<i64>,
    fault: Option<String>,
    /// While the forge is left alone because it failed too often in a row: when it is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_again_at: Option<Timestamp>,
    /// The forge does not accept the token: nothing goes out. Left out while it does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    token_refused: bool,
    /// How many projects keep failing and are left alone for now; left out while there is none.
    #[serde(skip_serializing_if = "is_none")]
    paused_projects: usize,
    /// Webhooks that the forge has disabled, as sentences; left out while there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    disabled_hooks: Vec<String>,
}

/// `GET /healthz`
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// A check that failed, and what is known of why.
type Failing = (String, Option<String>);

/// `GET /readyz`
pub(super) async fn ready(State(door): State<Arc<Door>>) -> (StatusCode, Json<Readiness>) {
    let failing = match failing_store(&door).await {
        Some(failing) => Some(failing),
        None => failing_work(&door).await,
    };
    let is_ready = failing.is_none();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (failing, why) = failing.unzip();
    let dry_run = door.shared.snapshot().policy.dry_run;
    (status, Json(Readiness { ready: is_ready, failing, why: why.flatten(), dry_run, forges: forges(&door) }))
}

/// Whether the store can be read and written. One that failed is tried again here, too.
async fn failing_store(door: &Door) -> Option<Failing> {
    let store = door.store.clone();
    // On its own, so that the impatience here interrupts nothing there.
    let probe = tokio::spawn(async move { store.probe().await });
    let why = match tokio::time::timeout(STORE_PATIENCE, probe).await {
        Ok(Ok(Ok(()))) => return None,
        Ok(Ok(Err(error))) => {
            tracing::error!(%error, "not ready: the store fails");
            Some(door.store.ailment().map_or_else(|| error.to_string(), |ailment| ailment.to_string()))
        }
        Ok(Err(_)) | Err(_) => {
            tracing::error!("not ready: the store does not answer");
            Some(door.store.ailment().map_or_else(|| "it does not answer".to_owned(), |it| it.to_string()))
        }
    };
    Some(("store".to_owned(), why))
}

async fn failing_work(door: &Door) -> Option<Failing> {
    match engine_moves(door).await {
        Ok(true) => {
            let down = door.tasks.down().into_iter().next()?;
            tracing::error!(task = down, "not ready: a task broke and is not running");
            Some((down, Some("it broke and is started again".to_owned())))
        }
        Ok(false) => Some(("engine".to_owned(), Some("facts wait and nothing is decided".to_owned()))),
        Err(error) => {
            tracing::error!(%error, "not ready: the inbox cannot be read");
            Some(("store".to_owned(), Some(error.to_string())))
        }
    }
}

/// Stuck means: facts that could be decided wait for long, and nothing has been decided meanwhile.
/// A backlog that is being worked off is no reason to refuse deliveries. Facts of a forge whose
/// roster is not known wait for that forge, not for the engine.
async fn engine_moves(door: &Door) -> Result<bool, StoreError> {
    let now = door.clock.now();
    let still_for = door.pulse.still_for(door.metrics.decisions.get(), now);
    let known = door.shared.snapshot();
    let waiting = door.store.undecided_but(&known.awaiting_people(), now - ENGINE_PATIENCE, 1).await?;
    let stuck = !waiting.is_empty();
    if stuck && still_for >= ENGINE_PATIENCE {
        tracing::error!("not ready: facts wait and nothing is decided");
        return Ok(false);
    }
    Ok(true)
}

fn forges(door: &Door) -> Vec<ForgeHealth> {
    let now = door.clock.now();
    let known = door.shared.snapshot();
    let forges = known.forges().map(|(name, forge)| {
        let connection = door.connection(name);
        // What the connection knows is newer than what the last duty met.
        let fault = forge.fault().map(str::to_owned);
        let fault = if connection.token_refused { connection.last_fault } else { fault };
        ForgeHealth {
            name: name.to_owned(),
            kind: forge.directory.kind,
            roster_age_seconds: forge.roster.fetched_at.map(|at| seconds(at, now)),
            sweep_age_seconds: forge.swept_at.map(|at| seconds(at, now)),
            asked_again_at: connection.tries_again_at,
            token_refused: connection.token_refused,
            // The public listener names no projects.
            paused_projects: connection.paused_projects.len(),
            fault: fault.map(|fault| fault.chars().take(FAULT_CHARS_MAX).collect()),
            disabled_hooks: forge.hooks().iter().take(HOOKS_MAX).map(DisabledHook::in_short).collect(),
        }
    });
    forges.collect()
}

fn is_none(number: &usize) -> bool {
    *number == 0
}

/// Whole seconds from `at` to `now`.
pub(super) fn seconds(at: Timestamp, now: Timestamp) -> i64 {
    now.duration_since(at).as_secs().max(0)
}
