//! The world: the company on its forges, and Usher beside it, which may die and come again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;

use axum::body::Body;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use tower::ServiceExt;
use usher::clock::Clock;
use usher::config::Config;
use usher::forge::Network;
use usher::reconcile::Reconcile;
use usher::service::Service;
use usher::web;
use usher_core::model::change::ChangeKey;
use usher_core::model::review::Review;
use usher_sandbox::{ChangeRef, Forge, Sandbox, SignedRequest};

use super::wire::Lines;
use crate::flow::harness::{BOT, BOTH, Company, SECRETS, Settings, monday, name};
use crate::wire::time::SandboxClock;

/// More rounds of deliveries and answers than this is a circle.
const ROUNDS_MAX: usize = 60;
/// More deadlines within one jump than this is one, too.
const WAKES_MAX: usize = 3_000;

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
    pub settings: Settings,
    pub dry_run: bool,
    running: Option<Running>,
    /// The changes in the order of their openings, with their authors.
    pub opened: Vec<(Forge, u64, &'static str)>,
    /// Deliveries that were acknowledged with 202, by the forge's id, and when.
    pub acknowledged: Vec<(String, Timestamp)>,
    /// Until when a forge does not accept the token.
    dead_tokens: BTreeMap<&'static str, Timestamp>,
    pub delivered: Vec<String>,
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
    pub async fn new() -> Result<World, Broken> {
        let clock = Clock::virtual_at(monday());
        let sandbox = Sandbox::in_process(SandboxClock(clock.clone()));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let company = Company::peopled(sandbox, clock, nowhere, folder());
        // GitHub greets each webhook.
        company.sandbox.take_pending();
        if let Some(store) = empty_store().get() {
            std::fs::write(company.store_path(), store).unwrap();
        }
        let mut world = World {
            company,
            lines: Lines::default(),
            settings: Settings::default(),
            dry_run: false,
            running: None,
            opened: Vec::new(),
            acknowledged: Vec::new(),
            dead_tokens: BTreeMap::new(),
            delivered: Vec::new(),
            counts: BTreeMap::new(),
            log: Vec::new(),
        };
        world.start().await?;
        if empty_store().get().is_none() {
            world.stop().await;
            let _ = empty_store().set(std::fs::read(world.company.store_path()).unwrap());
            world.start().await?;
        }
        world.sweep(false).await?;
        world.settle().await?;
        world.counts.clear();
        Ok(world)
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
        let (lines, sandbox) = (self.lines.clone(), self.company.sandbox.clone());
        let network = |forge: &usher::config::Forge| {
            let which = if forge.name == name(Forge::Gitlab) { Forge::Gitlab } else { Forge::Github };
            Network { service: Some(lines.to(&sandbox, which)), ..Network::default() }
        };
        let service = Service::assemble_over(&self.config(), network, self.company.clock.clone()).await;
        let service = service.map_err(|error| format!("Usher does not start: {error:#}"))?;
        let reconciles = service.reconciles();
        self.running = Some(Running { service, reconciles });
        Ok(())
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
        let running = self.running.as_mut().expect("Usher runs");
        let done = tokio::select! {
            biased;
            () = lines.death() => None,
            done = act(running, &clock) => Some(done?),
        };
        if done.is_none() {
            self.count("crashes");
            self.say("Usher dies");
            self.running = None;
            self.start().await?;
        }
        Ok(done)
    }

    pub async fn decide(&mut self) -> Result<usize, Broken> {
        let decided = self.usher(async |running, _| {
            running.service.engine.drain().await.map_err(|error| format!("the engine: {error}"))
        });
        Ok(decided.await?.unwrap_or(1))
    }

    pub async fn tick(&mut self) -> Result<usize, Broken> {
        let ticked = self.usher(async |running, _| {
            running.service.engine.tick().await.map_err(|error| format!("a tick: {error}"))
        });
        Ok(ticked.await?.unwrap_or(1))
    }

    pub async fn perform(&mut self) -> Result<usize, Broken> {
        let performed = self.usher(async |running, _| {
            running.service.courier.drain().await.map_err(|error| format!("the courier: {error}"))
        });
        Ok(performed.await?.unwrap_or(1))
    }

    /// One sweep of each forge. Background traffic waits for its pace: then the clock goes on.
    pub async fn sweep(&mut self, told: bool) -> Result<(), Broken> {
        for index in 0..BOTH.len() {
            let swept = self.usher(async |running, clock| {
                let clients = running.service.clients.clone();
                let moving = async {
                    loop {
                        for client in &clients {
                            client.health().waits_until.into_iter().for_each(|at| clock.advance_to(at));
                        }
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    biased;
                    swept = running.reconciles[index].sweep(told) => Ok(swept.is_ok()),
                    () = moving => unreachable!("it goes on for ever"),
                }
            });
            if swept.await? == Some(false) {
                self.count("failed sweeps");
            }
        }
        Ok(())
    }

    pub async fn prune(&mut self) -> Result<(), Broken> {
        let keep = std::time::Duration::from_secs(3 * 86_400);
        let pruned = self.running().service.store.prune(self.now(), keep).await;
        pruned.map(drop).map_err(|error| format!("pruning: {error}"))
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
        let door = self.running().service.door.clone();
        let answer = web::public(door).oneshot(outgoing).await.unwrap();
        let status = answer.status().as_u16();
        self.company.sandbox.settle(request, Some(status));
        self.count("deliveries");
        match status {
            202 => self.acknowledged.push((request.delivery_id.clone(), self.now())),
            200 => {}
            // Between Usher's clock and the forge's there may be more than a signature allows.
            401 => self.count("refused deliveries"),
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

    /// The clock of this machine is set right: it was ahead.
    pub async fn set_back(&mut self, time: SignedDuration) -> Result<(), Broken> {
        self.company.clock.set_back_to(self.now() - time);
        let told = self.running().service.clock_was_set_back().await;
        told.map_err(|error| format!("the clock was set back: {error}"))
    }

    pub async fn reload(&mut self) -> Result<(), Broken> {
        let reloaded = self.running().service.reload(&self.config()).await;
        reloaded.map_err(|error| format!("a reload: {error:#}"))
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

fn token(forge: Forge) -> &'static str {
    SECRETS[usize::from(forge == Forge::Github)].1
}
