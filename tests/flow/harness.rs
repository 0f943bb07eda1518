//! A whole Usher for the small company, in this process, on a virtual clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use usher::clock::Clock;
use usher::config::Config;
use usher::reconcile::{Reconcile, SweepError};
use usher::service::Service;
use usher::web::{self, ConnectionLimits};
use usher_core::model::review::{Review, Stage};
use usher_sandbox::{ChangeRef, DeliveryOutcome, Forge, Sandbox};

pub use super::company::{BOT, BOTH, Company, SECRETS, Settings, key, monday, name, project, touching};

const ROUNDS_MAX: usize = 100;

impl Company {
    /// Webhooks go to `hooks`.
    pub async fn found(clock: Clock, hooks: SocketAddr) -> Company {
        let sandbox = crate::wire::tape::sandbox(clock.clone()).await;
        Company::peopled(sandbox, clock, hooks, tempfile::tempdir().unwrap())
    }
}

/// The company with Usher in this process.
pub struct House {
    pub company: Company,
    pub service: Service,
    /// The duties of both forges, in place of those that `serve` runs.
    pub reconciles: Mutex<Vec<Reconcile>>,
    /// What became of every webhook.
    pub delivered: Vec<DeliveryOutcome>,
    /// Gets at the webhooks before they go out.
    pub disturb: Box<dyn Fn(&Sandbox)>,
    listening: tokio::task::JoinHandle<()>,
    stop: Option<tokio_util::sync::DropGuard>,
}

impl std::ops::Deref for House {
    type Target = Company;
    fn deref(&self) -> &Company {
        &self.company
    }
}

impl House {
    /// Usher has read the rosters, and nothing has happened yet.
    pub async fn new() -> House {
        House::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> House {
        let mut house = House::unswept(settings).await;
        house.sweep().await;
        house.quiet().await;
        house.sandbox.clear_requests();
        house
    }

    /// Usher has been wired, and talked to nobody yet.
    pub async fn unswept(settings: Settings) -> House {
        House::configured(|company| company.config(&settings)).await
    }

    /// As [`House::unswept`], with a configuration that knows the company.
    pub async fn configured(config: impl FnOnce(&Company) -> Config) -> House {
        let clock = Clock::virtual_at(monday());
        let hooks = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let company = Company::found(clock.clone(), hooks.local_addr().unwrap()).await;
        let service = Service::assemble(&config(&company), clock).await.unwrap();
        let stop = CancellationToken::new();
        let public = web::public(service.door.clone());
        let listening = tokio::spawn(web::serve(hooks, public, ConnectionLimits::default(), stop.clone()));
        let reconciles = Mutex::new(service.reconciles());
        House {
            company,
            service,
            reconciles,
            delivered: Vec::new(),
            disturb: Box::new(|_| {}),
            listening,
            stop: Some(stop.drop_guard()),
        }
    }

    /// Usher ends, and begins anew with this configuration; it has read no roster yet.
    pub async fn restart(&mut self, config: &Config) {
        self.stop = None;
        let _ = (&mut self.listening).await;
        self.service.store.close().await;
        self.service = Service::assemble(config, self.clock.clone()).await.unwrap();
        *self.reconciles.lock().await = self.service.reconciles();
        let (hooks, stop) = (TcpListener::bind(self.hooks).await.unwrap(), CancellationToken::new());
        let public = web::public(self.service.door.clone());
        self.listening = tokio::spawn(web::serve(hooks, public, ConnectionLimits::default(), stop.clone()));
        self.stop = Some(stop.drop_guard());
    }

    /// Delivers webhooks, decides and performs until nobody has anything left to say.
    pub async fn quiet(&mut self) {
        for _ in 0..ROUNDS_MAX {
            (self.disturb)(&self.company.sandbox);
            let delivered = self.company.sandbox.deliver_pending().await;
            let refused = delivered.iter().find(|one| one.status.is_none_or(|status| status >= 300));
            assert_eq!(refused, None, "a webhook was not taken");
            self.delivered.extend(delivered);
            self.service.settle().await.unwrap();
            if self.sandbox.pending() == 0 {
                return;
            }
        }
        panic!("webhooks and answers go in circles");
    }

    /// Lets time pass, stopping wherever something is due by itself.
    pub async fn pass(&mut self, time: SignedDuration) {
        let end = self.clock.now() + time;
        self.quiet().await;
        while let Some(due) = self.service.next_due().await.unwrap().filter(|due| *due < end) {
            self.clock.advance_to(due);
            self.quiet().await;
        }
        self.clock.advance_to(end);
        self.quiet().await;
    }

    pub async fn minute(&mut self) {
        self.pass(SignedDuration::from_mins(1)).await;
    }

    /// Sweeps every forge once.
    pub async fn sweep(&self) {
        for reconcile in self.reconciles.lock().await.iter_mut() {
            self.patiently(reconcile.sweep(false)).await.unwrap();
        }
    }

    /// Sweeps one forge, `told` of changed people or projects or not.
    pub async fn sweep_of(&self, forge: Forge, told: bool) -> Result<usize, SweepError> {
        let mut reconciles = self.reconciles.lock().await;
        let reconcile = reconciles.iter_mut().find(|one| one.forge() == name(forge));
        reconcile.expect("duties for each forge").sweep(told).await
    }

    /// Lets the clock go on wherever background traffic waits for a pace.
    pub async fn patiently<T>(&self, work: impl Future<Output = T>) -> T {
        // Looked at after `work` whenever that was, so that what waits there is seen at once.
        let moving = std::future::poll_fn(|_| {
            for client in &self.service.clients {
                client.health().waits_until.into_iter().for_each(|at| self.clock.advance_to(at));
            }
            std::task::Poll::Pending
        });
        tokio::select! {
            biased;
            done = work => done,
            never = moving => never,
        }
    }

    /// Opens a change and lets Usher take it on.
    pub async fn opened(&mut self, forge: Forge, author: &str) -> ChangeRef {
        let change = self.open(forge, author);
        self.quiet().await;
        self.minute().await;
        change
    }

    pub async fn review(&self, change: &ChangeRef) -> Review {
        self.service.store.load(&key(change)).await.unwrap().expect("a review").review
    }

    pub async fn stage(&self, change: &ChangeRef) -> Stage {
        self.review(change).await.done.stage
    }

    /// The requests that `act` and what follows from it cost.
    pub async fn cost_of(&mut self, act: impl AsyncFnOnce(&mut House)) -> Vec<String> {
        self.sandbox.clear_requests();
        act(self).await;
        self.quiet().await;
        self.asked()
    }
}

/// How many rows each table of a store holds; read from the file itself.
pub async fn rows(store: &std::path::Path) -> BTreeMap<String, i64> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
    let mut counts = BTreeMap::new();
    for table in tables {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM \"{table}\""));
        counts.insert(table, sqlx::query_scalar(count).fetch_one(&pool).await.unwrap());
    }
    pool.close().await;
    counts
}
