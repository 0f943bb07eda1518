//! How commands begin, and what ends one early: the configuration is loaded, logging starts.

use std::path::Path;

use crate::config::{self, Config, Loaded, Mistake, Mistakes, Severity};

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

impl CliError {
    /// The same for a machine.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            CliError::Config(mistakes) => {
                serde_json::json!({ "config": "bad", "error": mistakes.summary(), "mistakes": mistakes_json(mistakes) })
            }
            CliError::Usage(_) | CliError::Failed(_) => serde_json::json!({ "error": self.to_string() }),
        }
    }
}

/// Mistakes and warnings for a machine, in the order of the report.
pub(super) fn mistakes_json(mistakes: &Mistakes) -> Vec<serde_json::Value> {
    let one = |mistake: &Mistake| {
        let severity = if mistake.severity == Severity::Mistake { "mistake" } else { "warning" };
        serde_json::json!({
            "severity": severity,
            "what": mistake.what,
            "remedy": mistake.todo,
            "file": mistake.variable().is_none().then(|| mistakes.file_name()),
            "variable": mistake.variable(),
            "line": mistake.line,
            "column": mistake.column,
        })
    };
    mistakes.iter().map(one).collect()
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
