//! The world: the company on its forges, and Usher beside it, which may die and come again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection, SqliteConnection};
use tower::ServiceExt;
use usher::clock::Clock;
use usher::config::Config;
use usher::forge::Network;
use usher::reconcile::Reconcile;
use usher::service::Service;
use usher::store::StoreError;
use usher::web;
use usher_core::model::change::ChangeKey;
use usher_core::model::review::Review;
use usher_sandbox::{ChangeRef, Forge, Sandbox, SignedRequest};

use super::clocks::Clocks;
use super::disk::Disk;
use super::wire::Lines;
use crate::company::{BOT, BOTH, Company, SECRETS, Settings, monday, name, project};
use crate::time::SandboxClock;

/// More rounds of deliveries and answers than this is a circle.
const ROUNDS_MAX: usize = 60;
/// More deadlines within one jump than this is one, too.
const WAKES_MAX: usize = 3_000;
/// More attempts than this to do what a full or busy store refuses: it will never be done.
pub const ATTEMPTS_MAX: usize = 400;
/// The threads of a dead Usher close its files within this time.
const BURIAL: Duration = Duration::from_secs(30);

/// Why a story ends early.
pub type Broken = String;

/// Usher while it lives.
pub struct Running {
    pub service: Service,
    reconciles: Vec<Reconcile>,
}

pub struct World {
    pub company: Company,
    pub lines: Lines,
    pub disk: Arc<Disk>,
    pub settings: Settings,
    pub dry_run: bool,
    running: Option<Running>,
    /// The changes in the order of their openings, with their authors.
    pub opened: Vec<(Forge, u64, &'static str)>,
    /// Deliveries that were acknowledged with 202, by the forge's id, and when.
    pub acknowledged: Vec<(String, Timestamp)>,
    /// Until when a forge does not accept the token.
    dead_tokens: BTreeMap<&'static str, Timestamp>,
    pub clocks: Clocks,
    pub delivered: Vec<String>,
    /// Forges whose project has its other name now.
    pub renamed: BTreeSet<&'static str>,
    /// Forges whose project is read-only: its changes are in no list, and nobody can act on them.
    pub archived: BTreeSet<&'static str>,
    /// Rows that nobody can read.
    pub unreadable: u64,
    pub counts: BTreeMap<&'static str, u64>,
    pub log: Vec<String>,
}

/// An empty store, as a file: made once, copied for each story.
fn empty_store() -> &'static OnceLock<Vec<u8>> {
    static STORE: OnceLock<Vec<u8>> = OnceLock::new();
    &STORE
}

/// A folder in memory, where there is one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl World {
    /// The company at `start`, as Usher has seen it once.
    pub async fn new(start: Timestamp) -> Result<World, Broken> {
        if empty_store().get().is_none() {
            let mut first = World::before_usher(monday());
            first.start().await?;
            first.stop().await;
            let _ = empty_store().set(std::fs::read(first.company.store_path()).unwrap());
            first.disk.forget();
        }
        let mut world = World::before_usher(start);
        if let Some(store) = empty_store().get() {
            std::fs::write(world.company.store_path(), store).unwrap();
        }
        world.start().await?;
        world.sweep(false).await?;
        world.settle().await?;
        world.counts.clear();
        Ok(world)
    }

    fn before_usher(start: Timestamp) -> World {
        let clock = Clock::virtual_at(start);
        let sandbox = Sandbox::in_process(SandboxClock(clock.clone()));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let company = Company::peopled(sandbox, clock, nowhere, folder());
        // GitHub greets each webhook.
        company.sandbox.take_pending();
        let lines = Lines::default();
        let disk = Disk::under(company.store_path().parent().unwrap(), lines.dies());
        World {
            company,
            lines,
            disk,
            settings: Settings::default(),
            dry_run: false,
            running: None,
            opened: Vec::new(),
            acknowledged: Vec::new(),
            dead_tokens: BTreeMap::new(),
            clocks: Clocks::default(),
            delivered: Vec::new(),
            renamed: BTreeSet::new(),
            archived: BTreeSet::new(),
            unreadable: 0,
            counts: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn say(&mut self, what: &str) {
        let at = self.now().to_zoned_datetime(jiff::tz::TimeZone::UTC).strftime("%a %d %H:%M:%S").to_string();
        self.log.push(format!("{at}  {what}"));
    }

    pub fn now(&self) -> Timestamp {
        self.company.clock.now()
    }

    pub fn config(&self) -> Config {
        let dry_run = if self.dry_run { "dry_run = true\n" } else { "" };
        self.company.config_of(&format!("{dry_run}{}", self.company.text(&self.settings)), &[])
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("Usher runs")
    }

    /// The change as it is called now.
    pub fn change(&self, forge: Forge, number: u64) -> Option<ChangeRef> {
        self.company.sandbox.changes(forge).into_iter().find(|change| change.number == number)
    }

    pub async fn review(&self, change: &ChangeRef) -> Result<Option<Review>, Broken> {
        let key = ChangeKey::new(name(change.forge), change.project.clone(), change.number);
        let stored = self.running().service.store.load(&key).await;
        Ok(stored.map_err(|error| format!("a review cannot be read: {error}"))?.map(|stored| stored.review))
    }

    async fn start(&mut self) -> Result<(), Broken> {
        for _ in 0..ATTEMPTS_MAX {
            let (lines, sandbox) = (self.lines.clone(), self.company.sandbox.clone());
            let network = |forge: &usher::config::Forge| {
                let which = if forge.name == name(Forge::Gitlab) { Forge::Gitlab } else { Forge::Github };
                Network { service: Some(lines.to(&sandbox, which)), ..Network::default() }
            };
            let (config, clock) = (self.config(), self.company.clock.clone());
            let (refused, deaths) = (self.disk.refused(), self.disk.deaths());
            let started = tokio::select! {
                biased;
                () = lines.death() => None,
                started = Service::assemble_over(&config, network, clock) => Some(started),
            };
            match started {
                Some(_) if self.disk.deaths() > deaths => {
                    lines.death().await;
                    self.count("failed starts");
                }
                Some(Ok(service)) => {
                    let reconciles = service.reconciles();
                    self.running = Some(Running { service, reconciles });
                    return Ok(());
                }
                Some(Err(error)) if self.disk.refused() == refused => {
                    return Err(format!("Usher does not start: {error:#}"));
                }
                Some(Err(_)) | None => self.count("failed starts"),
            }
            self.bury().await?;
        }
        Err("Usher does not start".into())
    }

    /// What a dead Usher had in its hands is let go.
    async fn bury(&mut self) -> Result<(), Broken> {
        self.running = None;
        self.disk.end_life();
        let disk = self.disk.clone();
        let closing = async {
            while disk.has_open_files_of_the_dead() {
                tokio::task::yield_now().await;
            }
        };
        let closed = tokio::time::timeout(BURIAL, closing).await;
        closed.map_err(|_| "the store of a dead Usher stays open".to_owned())
    }

    /// Usher ends as it does when it is told to.
    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.service.store.close().await;
        }
    }

    pub async fn restart(&mut self) -> Result<(), Broken> {
        self.count("restarts");
        self.stop().await;
        self.start().await
    }

    /// Usher does something, unless it dies of it; then it comes again.
    async fn usher<T>(
        &mut self,
        act: impl AsyncFnOnce(&mut Running, &Clock) -> Result<T, Broken>,
    ) -> Result<Option<T>, Broken> {
        let (lines, clock) = (self.lines.clone(), self.company.clock.clone());
        let (running, deaths) = (self.running.as_mut().expect("Usher runs"), self.disk.deaths());
        let mut done = tokio::select! {
            biased;
            () = lines.death() => None,
            done = act(running, &clock) => Some(done?),
        };
        if done.is_some() && self.disk.deaths() > deaths {
            // It died while it was looked at, and does not live to see what became of it.
            lines.death().await;
            done = None;
        }
        if done.is_none() {
            self.count("crashes");
            self.say("Usher dies");
            self.bury().await?;
            self.start().await?;
        }
        Ok(done)
    }

    /// Something that may fail because the store does; then it is tried again later. How much was done.
    pub async fn on_the_store(
        &mut self,
        what: &str,
        act: impl AsyncFnOnce(&mut Running, &Clock) -> Result<usize, StoreError>,
    ) -> Result<usize, Broken> {
        let refused = self.disk.refused();
        match self.usher(async |running, clock| Ok(act(running, clock).await)).await? {
            None => Ok(1),
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) if error.may_pass() && self.disk.refused() > refused => {
                self.count("failures of the store");
                Ok(1)
            }
            Some(Err(error)) => Err(format!("{what}: {error}")),
        }
    }

    pub async fn decide(&mut self) -> Result<usize, Broken> {
        self.on_the_store("the engine", async |running, _| running.service.engine.drain().await).await
    }

    pub async fn tick(&mut self) -> Result<usize, Broken> {
        self.on_the_store("a tick", async |running, _| running.service.engine.tick().await).await
    }

    /// How an action went is kept for certain: while the store fails, time goes on.
    pub async fn perform(&mut self) -> Result<usize, Broken> {
        let perform = async |running: &mut Running, clock: &Clock| {
            let soon = || clock.now() + SignedDuration::from_secs(1);
            while_time_goes_on(clock, soon, running.service.courier.drain()).await
        };
        self.on_the_store("the courier", perform).await
    }

    /// One sweep of each forge. Background traffic waits for its pace: then the clock goes on.
    pub async fn sweep(&mut self, told: bool) -> Result<(), Broken> {
        for index in 0..BOTH.len() {
            let swept = self.usher(async |running, clock| {
                let clients = running.service.clients.clone();
                let let_through = || {
                    let waits = clients.iter().filter_map(|client| client.health().waits_until).max();
                    waits.unwrap_or(clock.now()).max(clock.now() + SignedDuration::from_secs(1))
                };
                let sweep = running.reconciles[index].sweep(told);
                Ok(while_time_goes_on(clock, let_through, sweep).await.is_ok())
            });
            if swept.await? == Some(false) {
                self.count("failed sweeps");
            }
        }
        Ok(())
    }

    pub async fn prune(&mut self) -> Result<(), Broken> {
        let keep = std::time::Duration::from_secs(3 * 86_400);
        let prune = async |running: &mut Running, clock: &Clock| {
            running.service.store.prune(clock.now(), keep).await.map(|_| 0)
        };
        self.on_the_store("pruning", prune).await.map(drop)
    }

    /// The store as somebody else sees it.
    pub async fn look_into_store(&self) -> Result<SqliteConnection, Broken> {
        let url = format!("sqlite:{}", self.company.store_path().display());
        SqliteConnection::connect(&url)
            .await
            .map_err(|error| format!("the store cannot be looked at: {error}"))
    }

    /// What was decided so far, and why, a line for each decision.
    pub async fn ledger(&self) -> Result<Vec<String>, Broken> {
        let mut store = self.look_into_store().await?;
        let rows: Result<Vec<(i64, String, String, String)>, _> =
            sqlx::query_as("SELECT at, change, fact, reasons FROM ledger ORDER BY seq")
                .fetch_all(&mut store)
                .await;
        let line = |(at, change, fact, reasons): (i64, String, String, String)| {
            let at = Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string());
            format!("{at}  {change}\n    {fact}\n    {reasons}")
        };
        Ok(rows.map_err(|error| error.to_string())?.into_iter().map(line).collect())
    }

    /// A row whose facts only a newer version can read.
    pub async fn leave_unreadable(&mut self, forge: Forge) -> Result<(), Broken> {
        let (change, now) = (format!("{}:{}!9999", name(forge), project(forge)), self.now().as_millisecond());
        self.disk.leave_alone(true);
        let mut store = self.look_into_store().await?;
        let insert = "INSERT INTO inbox (forge, event, change, facts, received_at, not_before)
            VALUES ($1, 'told', $2, '[{\"fact\":\"of another time\"}]', $3, $3)";
        let insert = sqlx::query(insert).bind(name(forge)).bind(change).bind(now);
        insert.execute(&mut store).await.map_err(|error| error.to_string())?;
        self.unreadable += 1;
        self.count("unreadable rows");
        let closed = store.close().await.map_err(|error| error.to_string());
        self.disk.leave_alone(false);
        closed
    }

    /// Everything that waits is sent, in its order.
    pub async fn deliver(&mut self) -> Result<usize, Broken> {
        let mut sent = 0;
        loop {
            let waiting = self.company.sandbox.take_pending();
            if waiting.is_empty() {
                return Ok(sent);
            }
            for request in waiting {
                self.send(&request).await?;
                sent += 1;
            }
        }
    }

    async fn send(&mut self, request: &SignedRequest) -> Result<(), Broken> {
        let place = format!("/hooks/{}", name(request.forge));
        let mut outgoing = Request::post(place);
        for (header, value) in &request.headers {
            outgoing = outgoing.header(header, value);
        }
        let outgoing = outgoing.body(Body::from(request.body.clone())).unwrap();
        let refused = self.disk.refused();
        let taken = self.usher(async |running, _| {
            let door = running.service.door.clone();
            Ok(web::public(door).oneshot(outgoing).await.unwrap().status().as_u16())
        });
        let Some(status) = taken.await? else {
            self.company.sandbox.settle(request, None);
            return Ok(());
        };
        self.company.sandbox.settle(request, Some(status));
        self.count("deliveries");
        match status {
            202 => self.acknowledged.push((request.delivery_id.clone(), self.now())),
            200 => {}
            // Between Usher's clock and the forge's there may be more than a signature allows.
            401 => {
                self.count("refused deliveries");
                return Ok(());
            }
            503 if self.disk.refused() > refused => {
                self.count("deliveries turned away");
                return Ok(());
            }
            _ => return Err(format!("a webhook was answered with {status}")),
        }
        self.delivered.push(request.delivery_id.clone());
        Ok(())
    }

    /// Delivers, decides and performs until nobody has anything left to say.
    pub async fn settle(&mut self) -> Result<(), Broken> {
        for _ in 0..ROUNDS_MAX {
            let mut done = self.deliver().await?;
            done += self.decide().await? + self.tick().await? + self.perform().await?;
            if done == 0 && self.company.sandbox.pending() == 0 {
                return Ok(());
            }
        }
        Err("webhooks and answers go in circles".into())
    }

    /// Lets time pass, stopping wherever something is due by itself.
    pub async fn pass(&mut self, time: SignedDuration) -> Result<(), Broken> {
        let end = self.now() + time;
        self.settle().await?;
        for _ in 0..WAKES_MAX {
            let due = self.running().service.next_due().await.map_err(|error| error.to_string())?;
            let Some(due) = due.filter(|due| *due < end) else {
                self.company.clock.advance_to(end);
                return self.settle().await;
            };
            if due <= self.now() {
                // What is due and was not taken is looked at again a second later.
                self.company.clock.advance_to(self.now() + SignedDuration::from_secs(1));
            }
            self.company.clock.advance_to(due);
            self.renew_tokens(false);
            self.settle().await?;
        }
        Err(format!("more than {WAKES_MAX} things are due within {time:#}"))
    }

    /// Whoever reloads does it again until the new settings are in force.
    pub async fn reload(&mut self) -> Result<(), Broken> {
        let config = self.config();
        for _ in 0..ATTEMPTS_MAX {
            let refused = self.disk.refused();
            match self.usher(async |running, _| Ok(running.service.reload(&config).await)).await? {
                Some(Err(_)) if self.disk.refused() > refused => self.count("failures of the store"),
                Some(Err(error)) => return Err(format!("a reload: {error:#}")),
                Some(Ok(_)) | None => return Ok(()),
            }
        }
        Err("new settings never take effect".into())
    }

    /// The forge does not accept the token for an hour.
    pub fn kill_token(&mut self, forge: Forge) {
        self.company.sandbox.revoke_token(forge, token(forge));
        self.dead_tokens.insert(name(forge), self.now() + SignedDuration::from_hours(1));
    }

    /// Tokens are renewed whose hour is over, or all of them.
    pub fn renew_tokens(&mut self, all: bool) {
        for forge in BOTH {
            let over = self.dead_tokens.get(name(forge)).is_some_and(|until| all || *until <= self.now());
            if over {
                self.dead_tokens.remove(name(forge));
                self.company.sandbox.add_token(forge, token(forge), BOT);
            }
        }
    }
}

/// Does something, and whenever it sleeps, the clock goes on.
async fn while_time_goes_on<T>(
    clock: &Clock,
    to: impl Fn() -> Timestamp,
    done: impl Future<Output = T>,
) -> T {
    // It is looked at after `done` whenever that was, so what sleeps there is seen at once.
    let moving = std::future::poll_fn(|_| {
        if clock.is_awaited() {
            clock.advance_to(to());
        }
        std::task::Poll::Pending
    });
    tokio::select! {
        biased;
        done = done => done,
        never = moving => never,
    }
}

fn token(forge: Forge) -> &'static str {
    SECRETS[usize::from(forge == Forge::Github)].1
}
