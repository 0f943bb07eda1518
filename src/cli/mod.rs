//! The command line.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod access;
mod backup;
mod begin;
mod check;
mod check_calendars;
mod check_owners;
mod check_projects;
mod check_rules;
mod check_token;
mod check_version;
mod deliveries;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod finding;
mod health;
mod hooks;
mod people;
mod preview;
mod replay;
mod serve;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

pub use begin::CliError;

use begin::{load, start_logging, warn};

/// How long what cannot be cancelled, for instance looking up a name, may keep the process.
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// Takes every merge request written by a support engineer to the right reviewer, and sees that it
/// gets an answer on time.
#[derive(Debug, Parser)]
#[command(name = "usher", version, about, max_term_width = 100)]
pub struct Cli {
    /// The configuration file [default: ./usher.toml, then /etc/usher/usher.toml]
    #[arg(long, global = true, env = "USHER_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON where a machine may read.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a week of a small company on a sandbox: no account and no network needed
    #[cfg(feature = "demo")]
    Demo {
        /// End with a summary instead of keeping the dashboard open
        #[arg(long)]
        once: bool,
        /// Where the dashboard listens
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: std::net::SocketAddr,
    },
    /// Run the server
    Serve,
    /// Check the configuration; with --online ask the forges too
    ///
    /// Without --online no secret is needed: those that are not there are warned of.
    Check {
        /// Ask the forges: token and rights, clocks, people, projects, labels, webhooks
        #[arg(long)]
        online: bool,
        /// Name the days off of each calendar
        #[arg(long)]
        verbose: bool,
    },
    /// Ask the forges who may do what in the watched projects, and name the smallest grant for each gap
    Access {
        /// Only this forge, by its name in the configuration
        #[arg(long)]
        forge: Option<String>,
    },
    /// List who is what, from which source, and who is away; asks only a forge that was never read
    People {
        /// Ask the forges now; a running server takes the answer over with its next sweep
        #[arg(long)]
        refresh: bool,
    },
    /// Say what Usher would do with a change, and why; writes nothing
    Explain {
        /// The address of its page, or forge:project!number
        change: String,
    },
    /// Read a stored payload as if a forge had just sent it; writes nothing
    Replay {
        /// The body of a delivery
        file: PathBuf,
        /// The event's name: merge_request, note, pull_request, issue_comment, …
        #[arg(long)]
        event: String,
        /// The forge's name in the configuration
        #[arg(long)]
        forge: String,
    },
    /// Set up the webhooks on the forges, and look after them
    Hooks {
        #[command(subcommand)]
        command: hooks::HooksCommand,
    },
    /// Look at inbox, outbox and dead letters
    Deliveries {
        #[command(subcommand)]
        command: Option<deliveries::DeliveriesCommand>,
    },
    /// Copy the store to a file, also while the server runs
    Backup {
        /// Where to; a file that is there is left alone
        file: PathBuf,
    },
    /// Ask the running server whether it is alive: 0 when it is, 1 when not
    Health {
        /// Ask this address instead of the configured one
        #[arg(long)]
        url: Option<String>,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            anstream::eprintln!("usher: the async runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(cli));
    // A look-up of a name that hangs must not keep the process.
    runtime.shutdown_timeout(LAST_PATIENCE);
    match ended {
        Ok(code) => code,
        Err(error) => {
            if json {
                anstream::println!("{:#}", error.json());
            } else if matches!(error, CliError::Failed(_)) {
                anstream::eprintln!("usher: {error}");
            } else {
                anstream::eprintln!("{error}");
            }
            if matches!(error, CliError::Failed(_)) { ExitCode::FAILURE } else { ExitCode::from(2) }
        }
    }
}

/// Where the configuration is looked for when nobody says where it is, in this order.
const CONFIG_PLACES: [&str; 2] = ["usher.toml", "/etc/usher/usher.toml"];

/// The configuration file: the one that was named, else the first that is there.
///
/// # Errors
/// When none was named and none is there.
fn config_path(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
    let found = || CONFIG_PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    named.or_else(found).ok_or_else(|| {
        let [here, there] = CONFIG_PLACES;
        CliError::Usage(format!(
            "there is no configuration: neither ./{here} nor {there} exists\n  name the file with --config or \
             USHER_CONFIG; config/examples of the source code has small ones to begin with"
        ))
    })
}

async fn run(cli: Cli) -> Result<ExitCode, CliError> {
    let path = || config_path(cli.config.clone());
    let config = || load(&path()?);
    match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo { once, listen } => demo::run(once, listen).await,
        Command::Serve => serve::run(&path()?, config()?).await,
        Command::Check { online, verbose } => check::run(&path()?, online, verbose, cli.json).await,
        Command::Access { forge } => access::run(&config()?, forge.as_deref(), cli.json).await,
        Command::People { refresh } => people::run(&config()?, refresh, cli.json).await,
        Command::Explain { change } => explain::run(config()?, &change, cli.json).await,
        Command::Replay { file, event, forge } => {
            replay::run(config()?, &file, &event, &forge, cli.json).await
        }
        Command::Hooks { command } => hooks::run(&path()?, command, cli.json).await,
        Command::Deliveries { command } => {
            deliveries::run(config()?, command.unwrap_or_default(), cli.json).await
        }
        Command::Backup { file } => backup::run(&config()?, &file, cli.json).await,
        Command::Health { url } => health::run(url, || Ok(config()?.server.listen)).await,
    }
}
