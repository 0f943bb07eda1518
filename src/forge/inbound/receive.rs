//! Bytes in, facts out: what a forge posts to `/hooks/{name}`, verified and read.

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use secrecy::SecretString;

use super::envelope::{Context, Reading, Unreadable, utf8};
use super::signature::{BadSecret, GitHubProof, GitLabProof, Unverified};
use super::{github, gitlab};
use usher_core::model::change::ForgeKind;
use usher_core::model::people::{DEFAULT_HANDLE, handle_of};
use usher_core::model::tickets::TicketRules;

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
                let text = github::text(headers, body)?;
                github::read(context("x-github-event", header("x-github-delivery")), &text)
            }
            // `X-Gitlab-Webhook-UUID` and `X-Gitlab-Event-UUID` are fresh for every request or
            // resend, whatever their documentation says, so they identify nothing.
            ForgeKind::GitLab => {
                let told_id = header("webhook-id").or_else(|| header("idempotency-key"));
                gitlab::read(context("x-gitlab-event", told_id), utf8(body)?)
            }
        }
    }
}

/// A header's text, trimmed; empty and non-ASCII values count as absent.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then_some(text)
}
