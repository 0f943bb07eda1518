//! What is configured, as the rest of Usher sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use secrecy::SecretString;

use super::redact;
use usher_core::model::calendar::{Hours, Window};
use usher_core::model::change::ForgeKind;
use usher_core::model::policy::{Pattern, Policy};
use usher_words::templates::Templates;

/// Everything that is configured.
#[derive(Clone)]
pub struct Config {
    /// Decide and record, write nothing to any forge.
    pub dry_run: bool,
    pub server: Server,
    /// With it `/metrics` answers under any name.
    pub metrics_token: Option<SecretString>,
    /// `sqlite:PATH`; may carry a password, so `Debug` does not print it.
    pub store_url: String,
    /// At least one.
    pub forges: Vec<Forge>,
    /// Pause between two sweeps over all open changes, 10 s to 1 d.
    pub reconcile_every: Duration,
    pub policy: Policy,
    /// The calendars by name, with the days that they know of.
    pub calendars: BTreeMap<String, Calendar>,
    /// The company's own words for some comments.
    pub templates: Templates,
    /// Where merges of changes with tickets are announced.
    pub ticket_webhook: Option<TicketWebhook>,
}

/// A calendar: its working time, and what its single days are called.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub hours: Arc<Hours>,
    /// Days off by date; empty texts for those that stand in the configuration itself.
    pub holidays: BTreeMap<Date, String>,
    /// Days of calendar files that are worked because of `holidays_skip`.
    pub skipped: BTreeMap<Date, String>,
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
    /// Names by which people reach the admin listener, besides its address and loopback; in lower case,
    /// without a port.
    pub admin_names: Vec<String>,
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

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("dry_run", &self.dry_run)
            .field("server", &self.server)
            .field("metrics_token", &self.metrics_token.is_some())
            .field("store_url", &redact::line(&self.store_url))
            .field("forges", &self.forges)
            .field("reconcile_every", &self.reconcile_every)
            .field("policy", &self.policy)
            .field("calendars", &self.calendars)
            .field("templates", &self.templates)
            .field("ticket_webhook", &self.ticket_webhook.is_some())
            .finish()
    }
}
