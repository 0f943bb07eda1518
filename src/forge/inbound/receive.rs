//! Bytes in, facts out: what a forge posts to `/hooks/{name}`, verified and read.

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::signature::{BadSecret, GitHubProof, GitLabProof, Unverified};
use super::{github, gitlab};
use usher_core::model::change::{Account, ChangeKey, ForgeKind};
use usher_core::model::fact::Fact;
use usher_core::model::people::{DEFAULT_HANDLE, handle_of};
use usher_core::model::tickets::TicketRules;

/// Longest delivery id that is taken from a header; a longer one is replaced by the body's digest.
const DELIVERY_ID_CHARS_MAX: usize = 200;

/// Longest text from a payload in an error, an event name or a meaning.
const EXCERPT_CHARS_MAX: usize = 200;

/// The secrets of one forge, as configured. `Debug` shows none of them.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// GitHub: the webhook's secret.
    pub webhook_secrets: Vec<SecretString>,
    /// GitLab 19.0 and later: `whsec_` tokens.
    pub signing_tokens: Vec<SecretString>,
    /// GitLab: `X-Gitlab-Token`.
    pub secret_tokens: Vec<SecretString>,
    /// GitLab, for migration: believe a secret token although signing tokens are configured.
    pub allow_unsigned: bool,
}

/// The front door of one forge.
#[derive(Clone, Debug)]
pub struct Inbound {
    name: String,
    proof: Proof,
    handles: Vec<String>,
    tickets: Arc<TicketRules>,
}

#[derive(Clone, Debug)]
enum Proof {
    GitHub(GitHubProof),
    GitLab(GitLabProof),
}

/// What a delivery turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// None of Usher's business: an event it does not read, or one that names no change.
    Unsupported { event: String },
    /// GitHub's greeting to a new webhook.
    Ping,
    /// Somebody joined or left a group or team: the roster must be read again.
    Roster { what: String },
    /// Something happened to a change.
    Change(Incoming),
}

/// One delivery about one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The forge's own id of the delivery, the same when it is sent again; where there is none, a
    /// digest of the body.
    pub delivery_id: String,
    /// Equal for one event that two hooks (project and group, repository and organization)
    /// delivered under two ids; different for two events.
    pub meaning: String,
    /// The event's name without its action: `pull_request`, `merge_request`, `note`…
    pub event: String,
    pub change: ChangeKey,
    /// Who wrote the change. The login is empty where the forge tells the id alone (GitLab). Where it
    /// names nobody: GitHub's ghost, or id 0 on GitLab.
    pub author: Account,
    /// At least one.
    pub facts: Vec<Fact>,
}

/// A correctly signed body that cannot be read: what is wrong and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {what}")]
pub struct Unreadable {
    /// A path into the body (`object_attributes.iid`), `body`, or a header's name.
    pub place: String,
    pub what: String,
}

impl Unreadable {
    pub(crate) fn new(place: &str, what: &str) -> Unreadable {
        Unreadable { place: excerpt(place), what: excerpt(what) }
    }
}

/// What the reader of a forge is given besides the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub forge: &'a str,
    pub handles: &'a [String],
    pub tickets: &'a TicketRules,
    /// The value of the forge's event header, if any.
    pub event: Option<&'a str>,
    /// The forge's own id of the delivery, if any.
    told_id: Option<&'a str>,
    body: &'a [u8],
}

impl Context<'_> {
    /// The forge's own id, or a digest of the body where there is none.
    pub(crate) fn delivery_id(&self) -> String {
        match self.told_id.filter(|id| id.len() <= DELIVERY_ID_CHARS_MAX) {
            Some(id) => id.to_owned(),
            None => format!("sha256:{}", hex::encode(Sha256::digest(self.body))),
        }
    }
}

impl Reading {
    pub(crate) fn unsupported(event: &str) -> Reading {
        Reading::Unsupported { event: excerpt(event) }
    }

    pub(crate) fn roster(what: &str) -> Reading {
        Reading::Roster { what: excerpt(what) }
    }
}

impl Inbound {
    /// Prepares the secrets of a forge. `handles` are the names that commands are addressed to,
    /// with or without the `@`; none given means `usher`.
    ///
    /// # Errors
    /// When a secret is empty or a signing token is not `whsec_` and the base64 of 32 bytes. The
    /// error says which one and why, never the secret.
    pub fn new(
        name: &str,
        kind: ForgeKind,
        secrets: &Secrets,
        handles: Vec<String>,
    ) -> Result<Inbound, BadSecret> {
        let proof = match kind {
            ForgeKind::GitHub => Proof::GitHub(GitHubProof::new(&secrets.webhook_secrets)?),
            ForgeKind::GitLab => Proof::GitLab(GitLabProof::new(
                &secrets.signing_tokens,
                &secrets.secret_tokens,
                secrets.allow_unsigned,
            )?),
        };
        let bare = handles.iter().map(|handle| handle.trim_start_matches('@').to_owned());
        let mut handles: Vec<String> = bare.filter(|handle| !handle.is_empty()).collect();
        if handles.is_empty() {
            handles.push(DEFAULT_HANDLE.to_owned());
        }
        Ok(Inbound { name: name.to_owned(), proof, handles, tickets: Arc::default() })
    }

    /// Finds customer tickets in descriptions by these rules; without, none are looked for.
    #[must_use]
    pub fn with_tickets(self, tickets: Arc<TicketRules>) -> Inbound {
        Inbound { tickets, ..self }
    }

    /// The forge's name, as in `/hooks/{name}`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which dialect the forge speaks.
    pub fn kind(&self) -> ForgeKind {
        match self.proof {
            Proof::GitHub(_) => ForgeKind::GitHub,
            Proof::GitLab(_) => ForgeKind::GitLab,
        }
    }

    /// Whether the sender is who it says it is: checked on the raw bytes, in constant time, against
    /// every configured secret, so that a secret can be rotated without losing a delivery.
    ///
    /// # Errors
    /// Why the delivery must be refused (HTTP 401).
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Unverified> {
        match &self.proof {
            Proof::GitHub(proof) => proof.verify(headers, body),
            Proof::GitLab(proof) => proof.verify(headers, body, now),
        }
    }

    /// Reads a delivery into facts. Unknown events, actions, states and fields are no errors.
    ///
    /// # Errors
    /// When the body is no JSON object, or what identifies the change has an impossible type
    /// (HTTP 400).
    pub fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Reading, Unreadable> {
        self.read_as(headers, body, None)
    }

    /// As [`Inbound::read`]; `me` is the login of Usher's own account, which commands may be addressed
    /// to as well. It is learnt from the forge while Usher runs.
    ///
    /// # Errors
    /// As [`Inbound::read`].
    pub fn read_as(&self, headers: &HeaderMap, body: &[u8], me: Option<&str>) -> Result<Reading, Unreadable> {
        let me = me.map(handle_of).filter(|me| !me.is_empty()).map(str::to_owned);
        let handles: Vec<String> = self.handles.iter().cloned().chain(me).collect();
        let header = |name| header(headers, name);
        let context = |event, told_id| Context {
            forge: &self.name,
            handles: &handles,
            tickets: &self.tickets,
            event: header(event),
            told_id,
            body,
        };
        match self.kind() {
            ForgeKind::GitHub => {
                let text = github::read::text(headers, body)?;
                github::read::read(context("x-github-event", header("x-github-delivery")), &text)
            }
            // `X-Gitlab-Webhook-UUID` and `X-Gitlab-Event-UUID` are fresh for every request or
            // resend, whatever their documentation says, so they identify nothing.
            ForgeKind::GitLab => {
                let told_id = header("webhook-id").or_else(|| header("idempotency-key"));
                gitlab::read::read(context("x-gitlab-event", told_id), utf8(body)?)
            }
        }
    }
}

/// A header's text, trimmed; empty and non-ASCII values count as absent.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then_some(text)
}

/// The body as text.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(body).map_err(|error| Unreadable::new("body", &format!("no UTF-8: {error}")))
}

/// The fault of a delivery about a change none of whose times can be read: without one the snapshot
/// cannot be put in order.
pub(crate) fn timeless(place: &str) -> Unreadable {
    let what = "no instant such as 2026-01-16T05:56:22Z, and no other time of the event can be read";
    Unreadable::new(&format!("{place}.updated_at"), what)
}

/// Refuses a text that is no JSON object: derived structs would also accept a list.
pub(crate) fn object(text: &str) -> Result<(), Unreadable> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => Ok(()),
        Some(_) => Err(Unreadable::new("body", "no JSON object")),
        None => Err(Unreadable::new("body", "empty")),
    }
}

/// Says what is wrong with a text that serde could not read as `T`, and where. Reads it a second
/// time, so it is for the failure path only.
pub(crate) fn fault<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Unreadable {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => {
            let path = error.path().to_string();
            let place = if path == "." { "body" } else { &path };
            Unreadable::new(place, &error.inner().to_string())
        }
        // The object itself is fine, so something follows it.
        Ok(_) => Unreadable::new("body", "more than one JSON object"),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS_MAX).collect()
}

/// Builds the meaning of an event: what happened in words, and a digest of what tells it from
/// others of the same second.
pub(crate) struct Meaning(Sha256);

impl Meaning {
    pub(crate) fn new() -> Meaning {
        Meaning(Sha256::new())
    }

    /// Adds one distinguishing text. The length goes in first, so that neighbours cannot run into
    /// each other.
    pub(crate) fn part(mut self, text: &str) -> Meaning {
        self.add(text.as_bytes());
        self
    }

    /// Adds one distinguishing number.
    pub(crate) fn number(mut self, number: Option<u64>) -> Meaning {
        match number {
            Some(number) => self.add(&number.to_be_bytes()),
            None => self.add(&[]),
        }
        self
    }

    /// Adds a JSON text in which the order of keys and white space do not matter.
    pub(crate) fn json(mut self, text: &str) -> Meaning {
        match serde_json::from_str(text) {
            Ok(value) => self.add_json(&value),
            Err(_) => self.add(text.as_bytes()),
        }
        self
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn add_json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                self.add(b"{");
                for (key, value) in entries {
                    self.add(key.as_bytes());
                    self.add_json(value);
                }
                self.add(b"}");
            }
            serde_json::Value::Array(list) => {
                self.add(b"[");
                for value in list {
                    self.add_json(value);
                }
                self.add(b"]");
            }
            scalar => self.add(scalar.to_string().as_bytes()),
        }
    }

    /// `forge:event:object:action:time:actor:digest`.
    pub(crate) fn seal(self, forge: &str, subject: &Subject<'_>) -> String {
        let Subject { event, object, action, at, actor } = subject;
        let digest = hex::encode(&self.0.finalize()[..12]);
        let action: String = action.chars().take(40).collect();
        format!("{forge}:{event}:{object}:{action}:{}:{actor}:{digest}", at.as_millisecond())
    }
}

/// The readable part of a meaning.
pub(crate) struct Subject<'a> {
    pub event: &'a str,
    pub object: u64,
    pub action: &'a str,
    pub at: Timestamp,
    pub actor: u64,
}
