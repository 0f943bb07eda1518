//! `GET /metrics`: gauges are set when somebody looks.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;

use super::door::Door;
use super::health::seconds;
use super::problem::Problem;
use crate::forge::Health;
use crate::metrics::{BudgetLabels, ForgeLabels, Metrics, StageLabels, TaskLabels};
use crate::store::Counts;
use usher_core::model::review::Stage;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn text(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let counts = door.store.counts().await?;
    set_gauges(&door, &counts);
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], door.metrics.text()).into_response())
}

fn set_gauges(door: &Door, counts: &Counts) {
    let now = door.clock.now();
    let metrics = &door.metrics;
    for stage in Stage::ALL {
        let number = counts.reviews.get(&stage).copied().unwrap_or(0);
        metrics.reviews.get_or_create(&StageLabels { stage: stage.word() }).set(whole(number));
    }
    metrics.dry_run.set(i64::from(door.shared.snapshot().policy.dry_run));
    metrics.inbox_undecided.set(whole(counts.undecided));
    metrics.inbox_put_off.set(whole(counts.put_off));
    metrics.store_failing.set(i64::from(door.store.ailment().is_some()));
    for (task, times) in door.tasks.broken() {
        metrics.task_restarts.get_or_create(&TaskLabels { task }).set(whole(times));
    }
    let oldest = counts.oldest_undecided_at.map_or(0, |at| seconds(at, now));
    metrics.inbox_oldest_seconds.set(oldest as f64);
    metrics.outbox_pending.set(whole(counts.pending));
    metrics.outbox_dead.set(whole(counts.dead));
    // A forge that left the configuration leaves the gauges too.
    metrics.forge_sweep_age_seconds.clear();
    metrics.forge_roster_age_seconds.clear();
    metrics.hooks_disabled.clear();
    metrics.forge_budget_left.clear();
    metrics.forge_budget_limit.clear();
    metrics.forge_blocked_seconds.clear();
    metrics.forge_circuit_open.clear();
    metrics.forge_unread_entries.clear();
    metrics.forge_token_refused.clear();
    metrics.forge_paused_projects.clear();
    for (name, forge) in door.shared.snapshot().forges() {
        let labels = ForgeLabels { forge: name.to_owned() };
        if let Some(at) = forge.swept_at {
            metrics.forge_sweep_age_seconds.get_or_create(&labels).set(seconds(at, now) as f64);
        }
        set_connection(metrics, &labels, &door.connection(name), now);
        if let Some(hooks) = &forge.disabled_hooks {
            metrics.hooks_disabled.get_or_create(&labels).set(whole(hooks.len() as u64));
        }
        if let Some(at) = forge.roster.fetched_at {
            metrics.forge_roster_age_seconds.get_or_create(&labels).set(seconds(at, now) as f64);
        }
    }
}

/// What the gate before a forge knows.
fn set_connection(metrics: &Metrics, labels: &ForgeLabels, connection: &Health, now: Timestamp) {
    let blocked = connection.blocked_until.map_or(0, |until| seconds(now, until));
    metrics.forge_blocked_seconds.get_or_create(labels).set(blocked as f64);
    let open = i64::from(connection.tries_again_at.is_some());
    metrics.forge_circuit_open.get_or_create(labels).set(open);
    metrics.forge_unread_entries.get_or_create(labels).set(whole(connection.unread_entries));
    metrics.forge_token_refused.get_or_create(labels).set(i64::from(connection.token_refused));
    let paused = whole(connection.paused_projects.len() as u64);
    metrics.forge_paused_projects.get_or_create(labels).set(paused);
    for budget in &connection.budgets {
        let labels = BudgetLabels {
            forge: labels.forge.clone(),
            owner: budget.owner.clone(),
            resource: budget.resource.clone(),
        };
        metrics.forge_budget_left.get_or_create(&labels).set(whole(budget.remaining));
        metrics.forge_budget_limit.get_or_create(&labels).set(whole(budget.limit));
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
