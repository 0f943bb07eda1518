//! `usher demo`: a week of a small company on a sandbox. The server, the clients, the webhooks and
//! their signatures are the real ones; the forges are fakes on loopback and time is virtual.

mod company;
mod habits;
mod scene;
mod story;
mod timeline;
mod verdict;
mod wrap;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::company::Company;
use self::scene::Scene;
use self::timeline::Timeline;
use self::verdict::DemoVerdict;
use super::{CliError, start_logging};
use crate::clock::Clock;
use crate::reconcile::Reconcile;
use crate::service::Service;
use crate::web::{self, ConnectionLimits};

/// How long a scene stays alone on a terminal before the next one.
const PACE: Duration = Duration::from_millis(700);
/// How often the forges are swept, in virtual time; the demo need not do it every ten minutes.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(2);
/// How long the demo may take to clean up behind itself.
const FAREWELL: Duration = Duration::from_secs(5);
/// More rounds than this in one scene mean that something goes in circles.
const ROUNDS_MAX: usize = 100;

pub(super) async fn run(once: bool, listen: SocketAddr) -> Result<ExitCode, CliError> {
    start_logging("error");
    // Before anything is made that has to be taken away again.
    let mut told = Told::listen()?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let (mut play, dashboard) = Play::prepare(folder.path(), listen).await?;
    let paced = !once && std::io::IsTerminal::is_terminal(&std::io::stdout());
    play.timeline.welcome(&dashboard.to_string());
    let ended = tokio::select! {
        outcome = play.week(paced) => Some(outcome?),
        () = told.stop() => None,
    };
    match &ended {
        None => anstream::println!("\nStopped in the middle of the week."),
        Some(outcome) => outcome.print(),
    }
    if ended.is_some() && !once {
        anstream::println!("\nThe dashboard stays open at http://{dashboard} (Ctrl-C ends it).");
        told.stop().await;
    }
    // Closed before the folder goes, so that nothing is written into it any more.
    if tokio::time::timeout(FAREWELL, play.end()).await.is_err() {
        tracing::warn!("some work did not finish in time");
    }
    folder.close().context("the temporary folder cannot be taken away")?;
    let good = ended.is_some_and(|outcome| outcome.is_good());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// SIGINT and SIGTERM, heard from the moment this exists. As the first process of a container, which
/// signals do not end by themselves, the demo stops too.
struct Told {
    interrupt: Signal,
    terminate: Signal,
}

impl Told {
    fn listen() -> anyhow::Result<Told> {
        let hear = |kind| signal(kind).context("cannot listen for signals");
        Ok(Told { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The week as it goes.
struct Play {
    company: Company,
    service: Service,
    reconciles: Vec<Reconcile>,
    clock: Clock,
    timeline: Timeline,
    next_sweep: Timestamp,
    stop: CancellationToken,
}

impl Play {
    /// Founds the company, wires the service and opens its door for webhooks. Returns the
    /// dashboard's address too.
    async fn prepare(folder: &Path, listen: SocketAddr) -> anyhow::Result<(Play, SocketAddr)> {
        let admin = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let dashboard = admin.local_addr().context("no address")?;
        let clock = Clock::virtual_at(story::start());
        let hooks = TcpListener::bind("127.0.0.1:0").await.context("no free port for the webhooks")?;
        let company =
            Company::found(clock.clone(), hooks.local_addr().context("no address")?, folder).await?;
        let service = Service::assemble(&company.config, clock.clone()).await?;
        let reconciles = service.reconciles();
        let stop = CancellationToken::new();
        tokio::spawn(web::serve(
            hooks,
            web::public(service.door.clone()),
            ConnectionLimits::default(),
            stop.clone(),
        ));
        tokio::spawn(web::serve(
            admin,
            web::admin(service.door.clone()),
            ConnectionLimits::default(),
            stop.clone(),
        ));
        let (timeline, next_sweep) = (Timeline::default(), story::start());
        Ok((Play { company, service, reconciles, clock, timeline, next_sweep, stop }, dashboard))
    }

    /// Closes listeners, store and forges.
    async fn end(self) {
        self.stop.cancel();
        self.service.store.close().await;
        self.company.sandbox.shutdown().await;
    }

    /// Plays the whole week and judges it.
    async fn week(&mut self, paced: bool) -> anyhow::Result<DemoVerdict> {
        for scene in story::week() {
            let words = scene.words;
            self.enter(&scene).await.with_context(|| format!("the scene \"{words}\" failed"))?;
            if paced {
                tokio::time::sleep(PACE).await;
            }
        }
        self.until(story::end()).await?;
        verdict::judge(&self.company, &self.service).await
    }

    /// Lets time pass until the scene begins, then plays it.
    async fn enter(&mut self, scene: &Scene) -> anyhow::Result<()> {
        self.until(scene.at).await?;
        self.timeline.scene(scene, self.clock.now());
        (scene.act)(&mut self.company)?;
        self.quiet_down().await
    }

    /// Lets time pass, stopping wherever something is due by itself.
    async fn until(&mut self, end: Timestamp) -> anyhow::Result<()> {
        loop {
            let due = self.service.next_due().await?.unwrap_or(end);
            let next = due.min(self.next_sweep).min(end);
            if next >= end {
                self.clock.advance_to(end);
                return Ok(());
            }
            self.clock.advance_to(next);
            if next >= self.next_sweep {
                for reconcile in &mut self.reconciles {
                    reconcile.sweep(false).await?;
                    reconcile.read_access().await;
                }
                self.next_sweep = next + SWEEP_EVERY;
            }
            self.quiet_down().await?;
        }
    }

    /// Delivers webhooks, decides and performs until nobody has anything left to say.
    async fn quiet_down(&mut self) -> anyhow::Result<()> {
        for _ in 0..ROUNDS_MAX {
            self.company.deliveries.extend(self.company.sandbox.deliver_pending().await);
            self.service.settle().await?;
            self.timeline.tell(&self.company, &self.service).await?;
            if self.company.sandbox.pending() == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("webhooks and answers go in circles")
    }
}
