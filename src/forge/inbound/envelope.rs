//! What a delivery is read into, and what its reader is given.

use sha2::{Digest, Sha256};
use thiserror::Error;

use usher_core::model::change::{Account, ChangeKey};
use usher_core::model::fact::Fact;
use usher_core::model::tickets::TicketRules;

/// Longest delivery id that is taken from a header; a longer one is replaced by the body's digest.
const DELIVERY_ID_CHARS_MAX: usize = 200;

/// Longest text from a payload in an error, an event name or a meaning.
const EXCERPT_CHARS_MAX: usize = 200;

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
    pub(super) fn new(place: &str, what: &str) -> Unreadable {
        Unreadable { place: excerpt(place), what: excerpt(what) }
    }
}

/// What the reader of a forge is given besides the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub forge: &'a str,
    pub handles: &'a [String],
    pub tickets: &'a TicketRules,
    /// The value of the forge's event header, if any.
    pub event: Option<&'a str>,
    /// The forge's own id of the delivery, if any.
    pub told_id: Option<&'a str>,
    pub body: &'a [u8],
}

impl Context<'_> {
    /// The forge's own id, or a digest of the body where there is none.
    pub(super) fn delivery_id(&self) -> String {
        match self.told_id.filter(|id| id.len() <= DELIVERY_ID_CHARS_MAX) {
            Some(id) => id.to_owned(),
            None => format!("sha256:{}", hex::encode(Sha256::digest(self.body))),
        }
    }
}

impl Reading {
    pub(super) fn unsupported(event: &str) -> Reading {
        Reading::Unsupported { event: excerpt(event) }
    }

    pub(super) fn roster(what: &str) -> Reading {
        Reading::Roster { what: excerpt(what) }
    }
}

/// The body as text. A byte order mark before it is passed over, as RFC 8259 (8.1) allows.
pub(super) fn utf8(body: &[u8]) -> Result<&str, Unreadable> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|error| Unreadable::new("body", &format!("no UTF-8: {error}")))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The fault of a delivery about a change none of whose times can be read: without one the snapshot
/// cannot be put in order.
pub(super) fn timeless(place: &str) -> Unreadable {
    let what = "no instant such as 2026-01-16T05:56:22Z, and no other time of the event can be read";
    Unreadable::new(&format!("{place}.updated_at"), what)
}

/// Refuses a text that is no JSON object: derived structs would also accept a list.
pub(super) fn object(text: &str) -> Result<(), Unreadable> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => Ok(()),
        Some(_) => Err(Unreadable::new("body", "no JSON object")),
        None => Err(Unreadable::new("body", "empty")),
    }
}

/// Says what is wrong with a text that serde could not read as `T`, and where. Reads it a second
/// time, so it is for the failure path only.
pub(super) fn what_is_wrong<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Unreadable {
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
