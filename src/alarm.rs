//! The alarm sleeps until the next deadline of any review, then lets the engine look.
//!
//! Deadlines are computed by `decide` and stored with the review, so there is nothing to schedule
//! and nothing to cancel.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Parts};

/// How long the loop waits after the store has failed.
const STORE_PATIENCE: Duration = Duration::from_secs(1);

/// Ticks the engine until `stop`.
pub async fn run(engine: Arc<Engine>, parts: Parts, stop: CancellationToken) {
    let Parts { store, shared, clock, wakeups, .. } = parts;
    let mut wakeup = wakeups.alarm.listen();
    while !stop.is_cancelled() {
        let next = match engine.tick_until(&stop).await {
            Ok(_) => store.next_wake_but(&shared.snapshot().without_people()).await,
            Err(error) => Err(error),
        };
        let due = async {
            match next {
                Ok(Some(at)) => clock.sleep_until(at).await,
                Ok(None) => std::future::pending().await,
                Err(error) => {
                    tracing::error!(%error, "the alarm cannot reach the store; trying again");
                    tokio::time::sleep(STORE_PATIENCE).await;
                }
            }
        };
        tokio::select! {
            () = due => {}
            () = wakeup.woken() => {}
            () = stop.cancelled() => return,
        }
    }
}
