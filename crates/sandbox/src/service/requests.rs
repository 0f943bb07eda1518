//! Every request that reached a forge.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::world::Forge;

/// Requests remembered.
const KEPT_MAX: usize = 100_000;

/// One request that reached a forge's REST API.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// The forge it reached.
    pub forge: Forge,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query as received.
    pub path: String,
    /// The answer's status; `None` if the connection was dropped instead.
    pub status: Option<u16>,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// Size of the request's body.
    pub body_bytes: usize,
    /// Login of the token's user; `None` if the request was not authenticated.
    pub user: Option<String>,
    /// Whether it could change something; GraphQL takes queries, too, by POST.
    pub mutates: bool,
}

impl RequestRecord {
    /// Whether the request only read.
    pub fn is_read(&self) -> bool {
        !self.mutates
    }
}

/// The requests seen so far; the oldest go first.
#[derive(Default)]
pub(crate) struct SeenRequests(VecDeque<RequestRecord>);

impl SeenRequests {
    pub(super) fn add(&mut self, record: RequestRecord) {
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &RequestRecord> {
        self.0.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
