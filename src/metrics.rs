//! Counters of what the parts do, for `/metrics`. A leaf: it imports nothing of ours.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Labels of a delivery's answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeliveryLabels {
    pub forge: String,
    /// `stored`, `duplicate`, `irrelevant`, `unsupported`, `unverified`, `unreadable`, …
    pub answer: &'static str,
}

/// Labels of a delivery that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    /// The forge's name; `-` where there is none of that name.
    pub forge: String,
    /// Of the signature `missing`, `wrong`, `too_old`, `too_new`, `no_secret`; else the answer.
    pub reason: &'static str,
}

/// Labels of an attempt to perform an action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ActionLabels {
    pub forge: String,
    /// The outbox kind without its key: `shape`, `status`, `ping`, …
    pub kind: String,
    /// `done`, `dropped`, `retry` or `dead`.
    pub outcome: &'static str,
}

/// Labels of what was held back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HeldLabels {
    pub forge: String,
    /// `not_working`, `day_limit`, `change_limit`, `overtaken`, `first_run`, `snooze` or `skip`.
    pub why: &'static str,
}

/// One label: the forge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ForgeLabels {
    pub forge: String,
}

/// One label: the part of the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TaskLabels {
    pub task: String,
}

/// One label: the stage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StageLabels {
    pub stage: &'static str,
}

/// Labels of a forge's request budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BudgetLabels {
    pub forge: String,
    /// The owner whose installation of a GitHub App has it; empty without an App.
    pub owner: String,
    /// `core`, `graphql`, …
    pub resource: String,
}

type SecondsGauge = Gauge<f64, AtomicU64>;

/// Everything that is measured. Gauges are set when somebody looks.
#[derive(Debug, Default)]
pub struct Metrics {
    registry: Registry,
    pub deliveries: Family<DeliveryLabels, Counter>,
    pub refused_deliveries: Family<RefusedLabels, Counter>,
    pub decisions: Counter,
    pub setbacks: Counter,
    pub template_faults: Counter,
    pub actions: Family<ActionLabels, Counter>,
    pub held: Family<HeldLabels, Counter>,
    pub sweeps: Family<ForgeLabels, Counter>,
    pub sweep_failures: Family<ForgeLabels, Counter>,
    pub reviews: Family<StageLabels, Gauge>,
    pub inbox_undecided: Gauge,
    pub inbox_put_off: Gauge,
    pub dry_run: Gauge,
    pub store_failing: Gauge,
    pub task_restarts: Family<TaskLabels, Gauge>,
    pub inbox_oldest_seconds: SecondsGauge,
    pub outbox_pending: Gauge,
    pub outbox_dead: Gauge,
    pub forge_sweep_age_seconds: Family<ForgeLabels, SecondsGauge>,
    pub forge_roster_age_seconds: Family<ForgeLabels, SecondsGauge>,
    pub hooks_disabled: Family<ForgeLabels, Gauge>,
    pub forge_budget_left: Family<BudgetLabels, Gauge>,
    pub forge_budget_limit: Family<BudgetLabels, Gauge>,
    pub forge_blocked_seconds: Family<ForgeLabels, SecondsGauge>,
    pub forge_circuit_open: Family<ForgeLabels, Gauge>,
    pub forge_unread_entries: Family<ForgeLabels, Gauge>,
    pub forge_token_refused: Family<ForgeLabels, Gauge>,
    pub forge_paused_projects: Family<ForgeLabels, Gauge>,
}

impl Metrics {
    /// A fresh set, every name registered below `usher_`.
    pub fn new() -> Arc<Metrics> {
        let mut metrics = Metrics { registry: Registry::with_prefix("usher"), ..Metrics::default() };
        let mut registry = std::mem::take(&mut metrics.registry);
        registry.register("deliveries", "Webhook deliveries by answer", metrics.deliveries.clone());
        registry.register(
            "refused_deliveries",
            "Webhook deliveries that were refused, by reason",
            metrics.refused_deliveries.clone(),
        );
        registry.register("decisions", "Decisions that were committed", metrics.decisions.clone());
        registry.register(
            "setbacks",
            "Attempts to decide about a change that failed; it is put off",
            metrics.setbacks.clone(),
        );
        registry.register("actions", "Attempts to perform an action, by outcome", metrics.actions.clone());
        registry.register(
            "template_faults",
            "Changes for which a template could not be used",
            metrics.template_faults.clone(),
        );
        registry.register("held", "Pings and changes that were held back, by why", metrics.held.clone());
        registry.register("sweeps", "Sweeps that were completed", metrics.sweeps.clone());
        registry.register("sweep_failures", "Sweeps that failed", metrics.sweep_failures.clone());
        registry.register("reviews", "Reviews by stage", metrics.reviews.clone());
        registry.register("inbox_undecided", "Facts not yet decided", metrics.inbox_undecided.clone());
        metrics.register_faults(&mut registry);
        registry.register(
            "inbox_oldest_seconds",
            "Age of the oldest undecided fact",
            metrics.inbox_oldest_seconds.clone(),
        );
        registry.register("outbox_pending", "Actions not yet performed", metrics.outbox_pending.clone());
        registry.register("outbox_dead", "Dead letters", metrics.outbox_dead.clone());
        registry.register(
            "forge_sweep_age_seconds",
            "Time since the last good sweep",
            metrics.forge_sweep_age_seconds.clone(),
        );
        registry.register(
            "forge_roster_age_seconds",
            "Time since the roster was read",
            metrics.forge_roster_age_seconds.clone(),
        );
        registry.register(
            "hooks_disabled",
            "Webhooks to Usher that the forge has disabled",
            metrics.hooks_disabled.clone(),
        );
        metrics.register_connections(&mut registry);
        metrics.registry = registry;
        Arc::new(metrics)
    }

    fn register_faults(&self, registry: &mut Registry) {
        registry.register("dry_run", "Whether nothing is written to any forge", self.dry_run.clone());
        registry.register("inbox_put_off", "Facts that could not be decided", self.inbox_put_off.clone());
        registry.register(
            "store_failing",
            "Whether the store is full, read-only or failing",
            self.store_failing.clone(),
        );
        registry.register(
            "task_restarts",
            "How often a part of the server broke and was started again",
            self.task_restarts.clone(),
        );
    }

    fn register_connections(&self, registry: &mut Registry) {
        registry.register(
            "forge_budget_left",
            "Requests left in the current window of a forge's budget",
            self.forge_budget_left.clone(),
        );
        registry.register(
            "forge_budget_limit",
            "Requests in a window of a forge's budget",
            self.forge_budget_limit.clone(),
        );
        registry.register(
            "forge_blocked_seconds",
            "How long a forge still wants to be left alone",
            self.forge_blocked_seconds.clone(),
        );
        registry.register(
            "forge_circuit_open",
            "Whether a forge that keeps failing is left alone",
            self.forge_circuit_open.clone(),
        );
        registry.register(
            "forge_unread_entries",
            "Entries of a forge's lists that could not be read and were left out, since the start",
            self.forge_unread_entries.clone(),
        );
        registry.register(
            "forge_token_refused",
            "Whether a forge does not accept the token",
            self.forge_token_refused.clone(),
        );
        registry.register(
            "forge_paused_projects",
            "Projects that keep failing and are left alone",
            self.forge_paused_projects.clone(),
        );
    }

    /// Counts one delivery that was refused.
    pub fn refused(&self, forge: &str, reason: &'static str) {
        self.refused_deliveries.get_or_create(&RefusedLabels { forge: forge.to_owned(), reason }).inc();
    }

    /// Counts one answer to a delivery.
    pub fn answered(&self, forge: &str, answer: &'static str) {
        self.deliveries.get_or_create(&DeliveryLabels { forge: forge.to_owned(), answer }).inc();
    }

    /// Counts one attempt to perform an action of outbox kind `kind`.
    pub fn performed(&self, forge: &str, kind: &str, outcome: &'static str) {
        let kind = kind.split(':').next().unwrap_or(kind).to_owned();
        self.actions.get_or_create(&ActionLabels { forge: forge.to_owned(), kind, outcome }).inc();
    }

    /// Counts something that was held back.
    pub fn held_back(&self, forge: &str, why: &'static str) {
        self.held.get_or_create(&HeldLabels { forge: forge.to_owned(), why }).inc();
    }

    /// All of it in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
