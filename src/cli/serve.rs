//! `usher serve`: the server, until it is told to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{CliError, start_logging};
use crate::clock::Clock;
use crate::config::{self, Config, SignIn};
use crate::service::Service;
use crate::web::{self, ConnectionLimits};

/// How long parts may take to finish what they are at when the server stops.
const FAREWELL: Duration = Duration::from_secs(3);

pub(super) async fn run(path: &Path, config: Config) -> Result<ExitCode, CliError> {
    start_logging("info");
    let listen = bind(config.server.listen).await?;
    let admin = bind(config.server.admin).await?;
    let service = Service::assemble(&config, Clock::system()).await?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let limits = ConnectionLimits::default();
    tasks.spawn(web::serve(listen, web::public(service.door.clone()), limits, stop.clone()));
    tasks.spawn(web::serve(admin, web::admin(service.door.clone()), limits, stop.clone()));
    service.spawn(&tasks, &stop);
    if config.dry_run {
        tracing::warn!("dry run: Usher decides and records, and writes nothing to any forge");
    }
    tracing::info!(
        forges = config.forges.iter().map(|forge| forge.name.as_str()).collect::<Vec<_>>().join(","),
        "listening for webhooks on {}, dashboard on http://{}",
        config.server.listen,
        config.server.admin
    );
    until_told(path.to_owned(), config, &service).await?;
    tracing::info!("stopping: no new work is taken, what is under way is finished");
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(FAREWELL, tasks.wait()).await.is_err() {
        tracing::warn!("some work did not finish in time; it is taken up again at the next start");
    }
    service.store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Waits for SIGTERM or SIGINT; on SIGHUP reads the configuration again. `started` is what the
/// process started with: what needs a restart is in force as it says, however often the file is read.
async fn until_told(path: PathBuf, started: Config, service: &Service) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => reload(&path, &started, service).await,
        }
    }
}

/// Reads the configuration again. A bad file keeps the old one and says so.
async fn reload(path: &Path, started: &Config, service: &Service) {
    let config = match config::load(path) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                tracing::warn!("the new configuration is odd:\n{}", loaded.warnings);
            }
            loaded.config
        }
        Err(mistakes) => {
            tracing::error!("the new configuration is wrong, the old one stays:\n{mistakes}");
            return;
        }
    };
    if let Err(error) = service.reload(&config).await {
        tracing::error!("the new configuration is wrong, the old one stays: {error:#}");
        return;
    }
    if needs_restart(started, &config) {
        tracing::warn!(
            "policy and webhook secrets are in force; changes to [server], [store], dry_run, the pause \
             between sweeps, and to a forge's name, address, ca_file, proxy, token or projects need a restart"
        );
    } else {
        tracing::info!("the new configuration is in force");
    }
}

fn needs_restart(started: &Config, read: &Config) -> bool {
    let forges = |config: &Config| {
        let forges = config.forges.iter().map(|forge| {
            let sign_in = match &forge.sign_in {
                SignIn::Token(token) => (0, token.expose_secret().to_owned()),
                SignIn::App { id, private_key } => (*id, private_key.expose_secret().to_owned()),
            };
            let projects: Vec<_> = forge.projects.iter().map(|pattern| pattern.text.clone()).collect();
            let proxy = forge.proxy.as_ref().map(|proxy| proxy.expose_secret().to_owned());
            (forge.name.clone(), forge.url.clone(), (forge.ca.clone(), proxy), sign_in, projects)
        });
        forges.collect::<Vec<_>>()
    };
    let metrics_token =
        |config: &Config| config.metrics_token.as_ref().map(|token| token.expose_secret().to_owned());
    started.server != read.server
        || metrics_token(started) != metrics_token(read)
        || started.store_url != read.store_url
        || started.dry_run != read.dry_run
        || started.reconcile_every != read.reconcile_every
        || forges(started) != forges(read)
}
