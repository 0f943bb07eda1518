//! The service: every part of the house wired together, once for `serve`, the demo and the tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alarm;
use crate::clock::Clock;
use crate::config::{Config, Forge, SignIn};
use crate::courier::{Courier, Outbound, OutboundTarget};
use crate::engine::{Engine, Parts, SharedState};
use crate::forge::{AppKey, Client, ClientConfig, Credentials, Inbound, Network, Secrets};
use crate::metrics::Metrics;
use crate::reconcile::Reconcile;
use crate::store::{LONGEST_PAUSE, Store, StoreError};
use crate::tasks::Tasks;
use crate::wakeups::{Wakeup, Wakeups};
use crate::web::{Connections, Door, Settings};
use usher_core::model::people::DEFAULT_HANDLE;
use usher_core::model::policy::Policy;
use usher_words::label_looks;
use usher_words::templates::Templates;

/// Pause between two rounds of throwing away what is no longer needed.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long a loop waits after the store has failed.
const STORE_PATIENCE: Duration = Duration::from_secs(1);
const USER_AGENT: &str = concat!("usher/", env!("CARGO_PKG_VERSION"));

/// All parts, wired.
#[derive(Clone)]
pub struct Service {
    pub store: Store,
    pub shared: Arc<SharedState>,
    pub engine: Arc<Engine>,
    pub courier: Arc<Courier>,
    pub door: Arc<Door>,
    pub clock: Clock,
    /// All clients, which take a reload in and tell how their forges are.
    pub clients: Vec<Client>,
    /// The way to the ticket system, which takes a reload in.
    outbound: Arc<Outbound>,
    /// The company's own words, swapped by a reload.
    templates: Arc<ArcSwap<Templates>>,
    parts: Parts,
    reconcile_every: Duration,
    keep_bodies: Duration,
}

impl Service {
    /// Opens the store and wires everything. Talks to no forge.
    ///
    /// # Errors
    /// When the store cannot be opened or a forge's settings make no sense; the message says which.
    pub async fn assemble(config: &Config, clock: Clock) -> anyhow::Result<Service> {
        Service::assemble_over(config, network, clock).await
    }

    /// As [`Service::assemble`]; `network` says how each forge is reached.
    ///
    /// # Errors
    /// As there.
    pub async fn assemble_over(
        config: &Config,
        network: impl Fn(&Forge) -> Network,
        clock: Clock,
    ) -> anyhow::Result<Service> {
        let store = Store::open(&config.store_url).await.context("the store cannot be opened")?;
        let released = store.release_leases().await?;
        store.renew_places(clock.now()).await?;
        store.set_clock_right(clock.now(), LONGEST_PAUSE).await?;
        if released > 0 {
            tracing::info!(released, "actions under way when the last run ended are taken up again");
        }
        // A policy that changed with a restart takes effect like a reload.
        store.judged_by(&fingerprint(&config.policy), config.dry_run, clock.now()).await?;
        let policy = Arc::new(config.policy.clone());
        let shared = Arc::new(SharedState::remembered(&store, policy, clock.now()).await?);
        let (wakeups, metrics) = (Arc::new(Wakeups::default()), Metrics::new());
        let (tasks, dry_run) = (Tasks::default(), config.dry_run);
        let parts = Parts { store, shared, clock, metrics, wakeups, tasks, dry_run };
        let by_name = clients(config, network, &parts.clock)?;
        let clients: Vec<Client> = by_name.values().cloned().collect();
        let outbound = outbound(config)?;
        let templates = Arc::new(ArcSwap::from_pointee(config.templates.clone()));
        let courier = Courier::new(parts.clone(), by_name, outbound.clone(), templates.clone());
        let hands = config.forges.iter().map(|forge| (forge.name.clone(), forge.changes_at_once));
        let courier = courier.with_hands(hands.collect());
        let inbounds = inbounds(config)?.into_values().collect();
        let door = Door::new(parts.clone(), inbounds, settings(config));
        door.watch(connections(&clients));
        door.speak(templates.clone());
        Ok(Service {
            store: parts.store.clone(),
            shared: parts.shared.clone(),
            clock: parts.clock.clone(),
            engine: Arc::new(Engine::new(parts.clone())),
            courier: Arc::new(courier),
            clients,
            outbound,
            templates,
            door,
            parts,
            reconcile_every: config.reconcile_every,
            keep_bodies: config.server.keep_bodies,
        })
    }

    /// The duties of every forge, in the order of the forges' names, as after a start.
    pub fn reconciles(&self) -> Vec<Reconcile> {
        let duties = |client: &Client| Reconcile::new(self.parts.clone(), client.background());
        self.clients.iter().map(duties).collect()
    }

    /// Starts all loops, each started again should it break; they end when `stop` is cancelled.
    pub fn spawn(&self, tracker: &TaskTracker, stop: &CancellationToken) {
        let (engine, until) = (self.engine.clone(), stop.clone());
        self.keep("engine", tracker, stop, move || engine.clone().run(until.clone()));
        let (engine, parts, until) = (self.engine.clone(), self.parts.clone(), stop.clone());
        self.keep("alarm", tracker, stop, move || alarm::run(engine.clone(), parts.clone(), until.clone()));
        let (store, clock, keep, until) =
            (self.store.clone(), self.clock.clone(), self.keep_bodies, stop.clone());
        self.keep("pruning", tracker, stop, move || prune(store.clone(), clock.clone(), keep, until.clone()));
        let (store, until) = (self.store.clone(), stop.clone());
        self.keep("healing", tracker, stop, move || store.clone().heal(until.clone()));
        let (setter, until) = (self.clone(), stop.clone());
        self.keep("clock", tracker, stop, move || setter.clone().mind_the_clock(until.clone()));
        // Each lane of the courier and each duty is kept by itself.
        tracker.spawn(self.courier.clone().run(stop.clone()));
        for reconcile in self.reconciles() {
            reconcile.spawn(self.reconcile_every, tracker, stop);
        }
    }

    fn keep<F>(
        &self,
        name: &str,
        tracker: &TaskTracker,
        stop: &CancellationToken,
        start: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        tracker.spawn(self.parts.tasks.clone().keep(name.to_owned(), stop.clone(), start));
    }

    /// Whenever the clock is set back, everything that waits for an instant is due: nobody can tell how
    /// long it should still wait.
    async fn mind_the_clock(self, stop: CancellationToken) {
        loop {
            let back = tokio::select! {
                back = self.clock.set_back() => back,
                () = stop.cancelled() => return,
            };
            tracing::warn!("the clock was set back by {back:#}; whatever waits is looked at again");
            while let Err(error) = self.clock_was_set_back().await {
                tracing::error!(%error, "the store cannot be told that the clock was set back; trying again");
                tokio::select! {
                    () = tokio::time::sleep(STORE_PATIENCE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// The clock shows an earlier time than it did: whatever waits for an instant is due.
    ///
    /// # Errors
    /// When the store fails; then it is to be told again.
    pub async fn clock_was_set_back(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.clients.iter().for_each(Client::clock_was_set_back);
        self.store.set_clock_right(now, SignedDuration::ZERO).await?;
        self.store.wake_all(now).await?;
        let wakeups = &self.parts.wakeups;
        let all = [&wakeups.inbox, &wakeups.outbox, &wakeups.alarm, &wakeups.roster];
        all.into_iter().for_each(Wakeup::wake);
        Ok(())
    }

    /// Decides and performs until nothing is left that could be done now. What the demo and the
    /// tests call in place of the loops.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle(&self) -> anyhow::Result<()> {
        loop {
            let decided = self.engine.drain().await? + self.engine.tick().await?;
            let performed = self.courier.drain().await?;
            if decided + performed == 0 {
                return Ok(());
            }
        }
    }

    /// The next instant at which something is due by itself, if any.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_due(&self) -> anyhow::Result<Option<Timestamp>> {
        let known = self.shared.snapshot();
        let wake = self.store.next_wake_but(&known.without_people()).await?;
        let outbox = self.courier.next_due().await?;
        let inbox = self.store.next_undecided_but(&known.awaiting_people()).await?;
        Ok([wake, outbox, inbox].into_iter().flatten().min())
    }

    /// A new configuration takes effect: policy and webhook secrets. What needs a restart is left
    /// as it is.
    ///
    /// # Errors
    /// When a secret makes no sense; then everything stays as it was.
    pub async fn reload(&self, config: &Config) -> anyhow::Result<()> {
        let inbounds = inbounds(config)?;
        self.outbound.aim(target(config)).map_err(anyhow::Error::msg)?;
        self.templates.store(Arc::new(config.templates.clone()));
        // Whether anything is written changes with a restart only.
        let policy = Policy { dry_run: self.parts.dry_run, ..config.policy.clone() };
        self.shared.set_policy(Arc::new(policy), self.clock.now());
        self.door.reload(inbounds.into_values().collect());
        for client in &self.clients {
            client.set_tickets(config.policy.tickets.clone());
            client.set_label_looks(label_looks(&config.policy.labels));
        }
        self.parts.wakeups.roster.wake();
        // Deadlines and routes follow from the policy, so every open review is looked at again.
        self.store.wake_all(self.clock.now()).await?;
        self.parts.wakeups.alarm.wake();
        Ok(())
    }
}

/// What tells this policy from another one.
fn fingerprint(policy: &Policy) -> String {
    hex::encode(Sha256::digest(format!("{policy:?}")))
}

/// How the connection to each forge is.
fn connections(clients: &[Client]) -> Box<Connections> {
    let clients: BTreeMap<String, Client> =
        clients.iter().map(|client| (client.name().to_owned(), client.clone())).collect();
    Box::new(move |forge| clients.get(forge).map(Client::health))
}

/// The client of a configured forge.
///
/// # Errors
/// When its address or its credentials make no sense.
pub fn client(forge: &Forge, clock: &Clock) -> anyhow::Result<Client> {
    client_over(forge, &network(forge), clock)
}

/// How a configured forge is reached.
fn network(forge: &Forge) -> Network {
    Network { ca: forge.ca.clone(), proxy: forge.proxy.clone(), service: None }
}

fn client_over(forge: &Forge, network: &Network, clock: &Clock) -> anyhow::Result<Client> {
    let config = ClientConfig {
        name: forge.name.clone(),
        kind: forge.kind,
        url: forge.url.clone(),
        credentials: match &forge.sign_in {
            SignIn::Token(token) => Credentials::Token(token.clone()),
            SignIn::App { id, private_key } => {
                Credentials::App(AppKey { id: id.to_string(), private_key: private_key.clone() })
            }
        },
        projects: forge.projects.clone(),
        user_agent: USER_AGENT.to_owned(),
    };
    Client::over(config, network, clock.clone()).with_context(|| format!("forge `{}`", forge.name))
}

fn settings(config: &Config) -> Settings {
    Settings {
        body_limit: usize::try_from(config.server.body_limit).unwrap_or(usize::MAX),
        keep_bodies: !config.server.keep_bodies.is_zero(),
        admin_names: config.server.admin_names.clone(),
        metrics_token: config.metrics_token.clone(),
        ..Settings::default()
    }
}

/// The clients of all configured forges by name.
fn clients(
    config: &Config,
    network: impl Fn(&Forge) -> Network,
    clock: &Clock,
) -> anyhow::Result<BTreeMap<String, Client>> {
    let mut clients = BTreeMap::new();
    for forge in &config.forges {
        let client = client_over(forge, &network(forge), clock)?;
        client.set_tickets(config.policy.tickets.clone());
        client.set_label_looks(label_looks(&config.policy.labels));
        clients.insert(forge.name.clone(), client);
    }
    Ok(clients)
}

/// The way to the ticket system, if there is one.
fn outbound(config: &Config) -> anyhow::Result<Arc<Outbound>> {
    let outbound = Outbound::new(USER_AGENT);
    outbound.aim(target(config)).map_err(anyhow::Error::msg)?;
    Ok(Arc::new(outbound))
}

/// Where merges are announced, if anywhere.
fn target(config: &Config) -> Option<OutboundTarget> {
    let webhook = config.ticket_webhook.as_ref()?;
    Some(OutboundTarget { url: webhook.url.clone(), signing_token: webhook.signing_token.clone() })
}

/// The front doors of all configured forges.
///
/// # Errors
/// When a secret makes no sense; the message does not show it.
pub fn inbounds(config: &Config) -> anyhow::Result<BTreeMap<String, Inbound>> {
    let inbound = |forge: &Forge| {
        let secrets = Secrets {
            webhook_secrets: forge.webhook_secrets.clone(),
            signing_tokens: forge.signing_tokens.clone(),
            secret_tokens: forge.secret_tokens.clone(),
            allow_unsigned: forge.allow_unsigned,
        };
        // Who is used to `@usher` may go on saying so.
        let handles = config.policy.handle.iter().cloned().chain([DEFAULT_HANDLE.to_owned()]).collect();
        let inbound = Inbound::new(&forge.name, forge.kind, &secrets, handles);
        inbound
            .map(|inbound| (forge.name.clone(), inbound.with_tickets(config.policy.tickets.clone())))
            .with_context(|| format!("forge `{}`", forge.name))
    };
    config.forges.iter().map(inbound).collect()
}

async fn prune(store: Store, clock: Clock, keep_bodies: Duration, stop: CancellationToken) {
    loop {
        let pruned = tokio::select! {
            pruned = store.prune(clock.now(), keep_bodies) => pruned,
            () = stop.cancelled() => return,
        };
        match pruned {
            Ok(pruned) => tracing::debug!(?pruned, "threw away what is no longer needed"),
            Err(error) => tracing::warn!(%error, "old rows could not be thrown away; again in an hour"),
        }
        tokio::select! {
            () = clock.sleep_until(clock.now() + PRUNE_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
