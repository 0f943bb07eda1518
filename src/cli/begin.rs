//! How commands begin, and what ends one early: the configuration is loaded, logging starts.

use std::path::Path;

use crate::config::{self, Config, Loaded};

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong: exit code 2.
    #[error("{0}")]
    Config(config::Mistakes),
    /// What was asked for makes no sense: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It did not work: exit code 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

/// Loads the configuration; warnings go to standard error.
pub(super) fn load(path: &Path) -> Result<Config, CliError> {
    Ok(warn(config::load(path).map_err(CliError::Config)?))
}

/// The configuration; its warnings go to standard error.
pub(super) fn warn(loaded: Loaded) -> Config {
    if !loaded.warnings.is_empty() {
        anstream::eprintln!("{}", loaded.warnings);
    }
    loaded.config
}

/// Starts logging to standard error: one line per event, JSON when `USHER_LOG_FORMAT=json`, filtered
/// by `RUST_LOG`.
pub(super) fn start_logging(default: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = std::env::var("USHER_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A second subscriber in one process is refused; the first one stays.
    let _ = if json {
        builder.json().try_init()
    } else {
        let color =
            std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
        builder.with_ansi(color).try_init()
    };
}
