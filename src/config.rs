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
mod keys;
mod mistakes;
mod people;
mod pools;
mod reader;
mod redact;
mod rules;
mod secrets;
mod templates;
#[cfg(test)]
mod tests;
mod tickets;
mod timeboxes;
mod tree;
mod units;
mod way;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use usher_core::model::calendar::Window;
use usher_core::model::change::ForgeKind;
use usher_core::model::policy::{Pattern, Policy};
use usher_words::templates::Templates;

pub use mistakes::{Mistake, Mistakes, Severity};

use mistakes::Book;
use reader::Section;

/// Largest configuration, secret or calendar file that is read.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Everything that is configured.
#[derive(Clone)]
pub struct Config {
    /// Decide and record, write nothing to any forge.
    pub dry_run: bool,
    pub server: Server,
    /// `sqlite:PATH`; may carry a password, so `Debug` does not print it.
    pub store_url: String,
    /// At least one.
    pub forges: Vec<Forge>,
    /// Pause between two sweeps over all open changes, 10 s to 1 d.
    pub reconcile_every: Duration,
    pub policy: Policy,
    /// The company's own words for some comments.
    pub templates: Templates,
    /// Where merges of changes with tickets are announced.
    pub ticket_webhook: Option<TicketWebhook>,
}

/// Where a ticket system listens. The address may carry a secret of its own, so neither it nor the
/// token is printed.
#[derive(Clone)]
pub struct TicketWebhook {
    /// `https`, or `http` on loopback.
    pub url: String,
    /// `whsec_` and 24 to 64 bytes in base64.
    pub signing_token: SecretString,
}

/// The listeners and what they take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where the forges deliver: `POST /hooks/{forge}`.
    pub listen: SocketAddr,
    /// Dashboard, metrics and API; not to be exposed as it is.
    pub admin: SocketAddr,
    /// Largest webhook body, in bytes.
    pub body_limit: u64,
    /// How long the bodies of deliveries are kept; zero: they are never stored.
    pub keep_bodies: Duration,
}

/// How to reach one forge. What the core must know of it is in [`Policy::forges`].
#[derive(Clone, Debug)]
pub struct Forge {
    /// Lower-case and fit for a URL: `POST /hooks/{name}`.
    pub name: String,
    pub kind: ForgeKind,
    /// Without a slash at the end. GitLab: the instance's address, without `/api/v4`. GitHub: the
    /// API's address, `https://api.github.com` or `https://HOST/api/v3`.
    pub url: String,
    pub sign_in: SignIn,
    /// GitHub only; not empty there.
    pub webhook_secrets: Vec<SecretString>,
    /// GitLab 19.0 and newer: `whsec_` and 32 bytes in base64, as given.
    pub signing_tokens: Vec<SecretString>,
    /// GitLab: the plain tokens of `X-Gitlab-Token`.
    pub secret_tokens: Vec<SecretString>,
    /// GitLab: take deliveries without a signature although signing tokens are configured.
    pub allow_unsigned: bool,
    /// Projects that Usher watches; not empty.
    pub projects: Vec<Pattern>,
    /// Certificates in PEM that are trusted beside the machine's.
    pub ca: Option<String>,
    /// The proxy on the way, with user and password if it asks for them.
    pub proxy: Option<SecretString>,
    /// How many changes are written to at once; one on GitHub.
    pub changes_at_once: usize,
    /// When the forge is closed, as [`Window::joined`] leaves it.
    pub maintenance: Arc<[Window]>,
}

/// What Usher signs in with.
#[derive(Clone, Debug)]
pub enum SignIn {
    Token(SecretString),
    /// A GitHub App: its id, and its private key in PEM.
    App {
        id: u64,
        private_key: SecretString,
    },
}

/// A configuration without mistakes, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// Only warnings; may be empty.
    pub warnings: Mistakes,
}

/// What the configuration may look at beside its own text: the environment and files.
pub struct Outside<'a> {
    /// Environment variables by name.
    pub variables: BTreeMap<String, String>,
    /// The folder that relative paths start from: the one of the configuration file.
    pub folder: PathBuf,
    /// Reads a whole text file.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl Outside<'_> {
    /// The environment of this process and its files. Variables that are no UTF-8 are left out.
    pub fn process(folder: PathBuf) -> Outside<'static> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Outside { variables, folder, read_file: &read_text_file }
    }

    /// Reads a file whose path is absolute or relative to the configuration's folder.
    fn read(&self, path: &str) -> io::Result<String> {
        (self.read_file)(&self.folder.join(path))
    }
}

/// Reads the configuration file at `path` with the environment of the process.
///
/// # Errors
/// All mistakes at once; a file that cannot be read is one.
pub fn load(path: &Path) -> Result<Loaded, Mistakes> {
    load_with(path, &read_text_file)
}

/// As [`load`], as if there were a file at `file` that holds `text`: for a secret that is about to be
/// written there.
///
/// # Errors
/// As [`load`].
pub fn load_as_if(path: &Path, file: &Path, text: &str) -> Result<Loaded, Mistakes> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = absolute(file);
    load_with(path, &|wanted| {
        if absolute(wanted) == file { Ok(text.to_owned()) } else { read_text_file(wanted) }
    })
}

fn load_with(path: &Path, read_file: &dyn Fn(&Path) -> io::Result<String>) -> Result<Loaded, Mistakes> {
    let name = path.display().to_string();
    match read_text_file(path) {
        Ok(text) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            parse(&text, &name, &Outside { read_file, ..Outside::process(folder) })
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
    let server = forges::server(&root, book);
    let store_url = forges::store_url(&root, book);
    let forges = forges::forges(&root, outside, book);
    let reconcile_every = forges::reconcile_every(&root, book);
    let mut policy = rules::policy(&root, &forges, outside, book);
    let (found, ticket_webhook) = tickets::tickets(&root, outside, book);
    policy.tickets = found;
    policy.announces_merges = ticket_webhook.is_some();
    let forges = forges.into_iter().filter_map(|forge| forge.whole).collect();
    let templates = templates::templates(&root, outside, book);
    Some(Config { dry_run, server, store_url, forges, reconcile_every, policy, templates, ticket_webhook })
}

fn read_text_file(path: &Path) -> io::Result<String> {
    use io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 MiB"));
    }
    Ok(text)
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("dry_run", &self.dry_run)
            .field("server", &self.server)
            .field("store_url", &redact::line(&self.store_url))
            .field("forges", &self.forges)
            .field("reconcile_every", &self.reconcile_every)
            .field("policy", &self.policy)
            .field("templates", &self.templates)
            .field("ticket_webhook", &self.ticket_webhook.is_some())
            .finish()
    }
}
