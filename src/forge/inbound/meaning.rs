//! What an event means, whichever hook delivered it.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Builds the meaning of an event: what happened in words, and a digest of what tells it from
/// others of the same second.
pub(super) struct EventMeaning(Sha256);

impl EventMeaning {
    pub(super) fn new() -> EventMeaning {
        EventMeaning(Sha256::new())
    }

    /// Adds one distinguishing text. The length goes in first, so that neighbours cannot run into
    /// each other.
    pub(super) fn part(mut self, text: &str) -> EventMeaning {
        self.add(text.as_bytes());
        self
    }

    /// Adds one distinguishing number.
    pub(super) fn number(mut self, number: Option<u64>) -> EventMeaning {
        match number {
            Some(number) => self.add(&number.to_be_bytes()),
            None => self.add(&[]),
        }
        self
    }

    /// Adds a JSON text in which the order of keys and white space do not matter.
    pub(super) fn json(mut self, text: &str) -> EventMeaning {
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
    pub(super) fn seal(self, forge: &str, subject: &Subject<'_>) -> String {
        let Subject { event, object, action, at, actor } = subject;
        let digest = hex::encode(&self.0.finalize()[..12]);
        let action: String = action.chars().take(40).collect();
        format!("{forge}:{event}:{object}:{action}:{}:{actor}:{digest}", at.as_millisecond())
    }
}

/// The readable part of a meaning.
pub(super) struct Subject<'a> {
    pub event: &'a str,
    pub object: u64,
    pub action: &'a str,
    pub at: Timestamp,
    pub actor: u64,
}
