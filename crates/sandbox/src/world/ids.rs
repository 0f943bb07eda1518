//! Identifiers that look random and are not.

use sha2::{Digest, Sha256};

/// Gives out every id once.
pub(crate) struct Ids {
    last: u64,
    /// Keeps the ids of two sandboxes of one test run apart.
    salt: String,
}

impl Ids {
    pub(crate) fn new(salt: String) -> Ids {
        Ids { last: 100, salt }
    }

    /// A number never given out before.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A commit id of 40 hex digits.
    pub(crate) fn commit(&mut self) -> String {
        let id = self.number();
        let mut digits = digest(&format!("commit {id} {}", self.salt));
        digits.truncate(40);
        digits
    }

    /// A version 4 UUID, by its looks.
    pub(crate) fn uuid(&mut self) -> String {
        let id = self.number();
        let hex = digest(&format!("uuid {id} {}", self.salt));
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
    }
}

/// The hex SHA-256 of some text.
pub(crate) fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
