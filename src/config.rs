//! The configuration: TOML and environment → [`Config`], with every mistake in one report.
//!
//! The text is read into a small tree that knows the place of each key and value (`tree`), and
//! each section of the tree is read by hand (`reader`), so that one wrong type hides no other
//! mistake. A value that could not be read is replaced by a stand-in and the reading goes on; the
//! result is only handed out when nothing was wrong.
//!
//! # Overrides by environment
//! `USHER__SERVER__LISTEN=0.0.0.0:8080` sets `listen` in `[server]`: sections and keys in capitals,
//! joined by two underscores. Only plain tables can be reached, not the lists `[[forge]]`,
//! `[[pool]]` and so on. The value is read as TOML where it is TOML (`true`, `3`, `["a"]`), as a
//! string otherwise. Mistakes in it name the variable.

mod calendars;
mod forges;
mod ics;
mod ics_event;
mod keys;
mod mistakes;
mod names;
mod outside;
mod people;
mod pools;
mod reader;
mod redact;
mod rules;
mod secrets;
mod server;
mod settings;
mod templates;
#[cfg(test)]
mod tests;
mod tickets;
mod timeboxes;
mod tree;
mod units;
mod way;

use std::io;
use std::path::Path;

pub use mistakes::{Mistake, Mistakes, Severity};
pub use outside::Outside;
pub use settings::{Calendar, Config, Forge, Server, SignIn, TicketWebhook};

use calendars::Calendars;
use mistakes::Book;
use outside::{read_file, utf8};
use reader::Section;

/// A configuration without mistakes, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// Only warnings; may be empty.
    pub warnings: Mistakes,
}

/// Reads the configuration file at `path` with the environment of the process.
///
/// # Errors
/// All mistakes at once; a file that cannot be read is one.
pub fn load(path: &Path) -> Result<Loaded, Mistakes> {
    load_with(path, true, &read_file)
}

/// As [`load`], for a look at everything but the secrets: those that are not there are warned of. The
/// result is not fit to be used.
///
/// # Errors
/// As [`load`].
pub fn load_without_secrets(path: &Path) -> Result<Loaded, Mistakes> {
    load_with(path, false, &read_file)
}

/// As [`load`], as if there were a file at `file` that holds `text`: for a secret that is about to be
/// written there.
///
/// # Errors
/// As [`load`].
pub fn load_as_if(path: &Path, file: &Path, text: &str) -> Result<Loaded, Mistakes> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = absolute(file);
    load_with(path, true, &|wanted| {
        if absolute(wanted) == file { Ok(text.as_bytes().to_vec()) } else { read_file(wanted) }
    })
}

fn load_with(
    path: &Path,
    needs_secrets: bool,
    read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<Loaded, Mistakes> {
    let name = path.display().to_string();
    match read_file(path).and_then(utf8) {
        Ok(text) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            parse(&text, &name, &Outside { needs_secrets, read_file: read, ..Outside::process(folder) })
        }
        Err(error) => Err(Mistakes::unreadable(&name, &error)),
    }
}

/// Reads a configuration from text; `file_name` is only for the report.
///
/// # Errors
/// All mistakes at once, sorted by line. Broken TOML is reported alone, since what follows from it
/// would be guesswork.
pub fn parse(text: &str, file_name: &str, outside: &Outside<'_>) -> Result<Loaded, Mistakes> {
    let mut book = Book::default();
    let mut document = match tree::parse(text) {
        Ok(document) => document,
        Err(faults) => return Err(Mistakes::new(file_name, text, faults)),
    };
    tree::apply_overrides(&mut document, &outside.variables, &mut book);
    let config = read_config(&document, outside, &mut book);
    if !outside.needs_secrets {
        secrets::warn_of_missing(&document, outside, &mut book);
    }
    let report = book.close(file_name, text);
    match config {
        Some(config) if report.count(Severity::Mistake) == 0 => Ok(Loaded { config, warnings: report }),
        _ => Err(report),
    }
}

/// Reads every section. `None` only when something that has no stand-in is missing; then the book
/// says so.
fn read_config(document: &tree::Node, outside: &Outside<'_>, book: &mut Book) -> Option<Config> {
    let root = Section::open(document, &keys::ROOT, book)?;
    let dry_run = root.value(book, "dry_run", units::boolean).is_some_and(|value| value.it);
    let (server, metrics_token) = server::server(&root, outside, book);
    let store_url = forges::store_url(&root, book);
    let forges = forges::forges(&root, outside, book);
    let reconcile_every = forges::reconcile_every(&root, book);
    let calendars = Calendars::read(&root, outside, book);
    let mut policy = rules::policy(&root, &forges, &calendars, book);
    let (found, ticket_webhook) = tickets::tickets(&root, outside, book);
    policy.dry_run = dry_run;
    policy.tickets = found;
    policy.announces_merges = ticket_webhook.is_some();
    let forges = forges.into_iter().filter_map(|forge| forge.whole).collect();
    let templates = templates::templates(&root, outside, book);
    let calendars = calendars.into_map();
    policy.calendars = calendars.iter().map(|(name, it)| (name.clone(), it.hours.clone())).collect();
    Some(Config {
        dry_run,
        server,
        metrics_token,
        store_url,
        forges,
        reconcile_every,
        policy,
        calendars,
        templates,
        ticket_webhook,
    })
}
