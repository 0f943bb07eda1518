//! What every handler shares.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::body::BodyMemory;
use crate::clock::Clock;
use crate::engine::{Parts, SharedState};
use crate::forge::{Health, Inbound};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::wakeups::Wakeups;
use usher_words::templates::Templates;

/// How many whole bodies of the largest size may be held in memory at once. Bodies of ordinary size
/// are not counted.
const LARGE_BODIES: usize = 4;

/// How the connection to the forge of this name is, where there is one.
pub type Connections = dyn Fn(&str) -> Option<Health> + Send + Sync;

/// The state behind both listeners.
pub struct Door {
    pub(super) store: Store,
    pub(super) shared: Arc<SharedState>,
    pub(super) clock: Clock,
    pub(super) wakeups: Arc<Wakeups>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tasks: Tasks,
    pub(super) settings: Settings,
    pub(super) budget: BodyMemory,
    pub(super) pulse: Pulse,
    connections: OnceLock<Box<Connections>>,
    /// The company's own words, as the courier has them.
    templates: OnceLock<Arc<ArcSwap<Templates>>>,
    /// By forge name. Replaced as a whole, so that a delivery sees the secrets of one configuration.
    inbounds: ArcSwap<BTreeMap<String, Inbound>>,
}

/// What the configuration says about the door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Largest body that is taken, in bytes.
    pub body_limit: usize,
    /// Whether bodies are stored beside their facts.
    pub keep_bodies: bool,
    /// Names of the admin listener besides its address and loopback: in lower case, without a port.
    pub admin_names: Vec<String>,
    /// With it `/metrics` answers under any name.
    pub metrics_token: Option<SecretString>,
    pub patience: IntakePatience,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            body_limit: 25 << 20,
            keep_bodies: true,
            admin_names: Vec::new(),
            metrics_token: None,
            patience: IntakePatience::default(),
        }
    }
}

/// How long intake bears with a store that fails. Forges hang up after ten seconds.
#[derive(Clone, Debug)]
pub struct IntakePatience {
    /// Pauses between the attempts to store a delivery: one attempt more than pauses.
    pub pauses: Vec<Duration>,
    /// After this the sender is told to come again, whatever becomes of the attempt.
    pub answer_within: Duration,
}

impl Default for IntakePatience {
    fn default() -> IntakePatience {
        let pauses = [100, 400, 1_000, 1_500].map(Duration::from_millis);
        IntakePatience { pauses: pauses.to_vec(), answer_within: Duration::from_secs(8) }
    }
}

impl Door {
    pub fn new(parts: Parts, inbounds: Vec<Inbound>, settings: Settings) -> Arc<Door> {
        let Parts { store, shared, clock, wakeups, metrics, tasks, .. } = parts;
        let budget = BodyMemory::new(settings.body_limit.saturating_mul(LARGE_BODIES));
        let pulse = Pulse::new(metrics.decisions.get(), clock.now());
        let inbounds = ArcSwap::from_pointee(by_name(inbounds));
        Arc::new(Door {
            store,
            shared,
            clock,
            wakeups,
            metrics,
            tasks,
            settings,
            budget,
            pulse,
            connections: OnceLock::new(),
            templates: OnceLock::new(),
            inbounds,
        })
    }

    /// From now on pages and metrics tell how the connections are; until then, nothing of them. What
    /// was set once stays.
    pub fn watch(&self, connections: Box<Connections>) {
        let _ = self.connections.set(connections);
    }

    /// From now on pages show comments in the company's own words. What was set once stays.
    pub fn speak(&self, templates: Arc<ArcSwap<Templates>>) {
        let _ = self.templates.set(templates);
    }

    /// The words in which comments are written.
    pub(super) fn templates(&self) -> Arc<Templates> {
        self.templates.get().map(|templates| templates.load_full()).unwrap_or_default()
    }

    /// Takes new secrets into use; deliveries that are being read finish with the old ones.
    pub fn reload(&self, inbounds: Vec<Inbound>) {
        self.inbounds.store(Arc::new(by_name(inbounds)));
    }

    /// How the connection to a forge is; as of one never used where there is none.
    pub(super) fn connection(&self, forge: &str) -> Health {
        self.connections.get().and_then(|ask| ask(forge)).unwrap_or_default()
    }

    pub(super) fn inbounds(&self) -> Arc<BTreeMap<String, Inbound>> {
        self.inbounds.load_full()
    }
}

fn by_name(inbounds: Vec<Inbound>) -> BTreeMap<String, Inbound> {
    inbounds.into_iter().map(|inbound| (inbound.name().to_owned(), inbound)).collect()
}

/// Whether decisions are still being made, as far as the readiness checks have seen.
pub(super) struct Pulse {
    decisions: AtomicU64,
    moved_at_millis: AtomicI64,
}

impl Pulse {
    fn new(decisions: u64, now: Timestamp) -> Pulse {
        Pulse { decisions: decisions.into(), moved_at_millis: now.as_millisecond().into() }
    }

    /// How long no decision has been seen, given how many there have been by now.
    pub(super) fn still_for(&self, decisions: u64, now: Timestamp) -> SignedDuration {
        let now = now.as_millisecond();
        if self.decisions.swap(decisions, Ordering::Relaxed) != decisions {
            self.moved_at_millis.store(now, Ordering::Relaxed);
        }
        SignedDuration::from_millis(now - self.moved_at_millis.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pulse_is_felt_while_decisions_are_counted() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let pulse = Pulse::new(7, at(100));
        assert_eq!(pulse.still_for(7, at(130)), SignedDuration::from_secs(30));
        assert_eq!(pulse.still_for(8, at(190)), SignedDuration::ZERO, "somebody decided");
        assert_eq!(pulse.still_for(8, at(191)), SignedDuration::from_secs(1));
    }
}
