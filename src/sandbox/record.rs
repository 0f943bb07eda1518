//! What was seen: every request that reached a forge, and everything that happened there.

use jiff::Timestamp;

use super::people::ChangeRef;
use super::state::{Forge, State};
use super::{Sandbox, limits};

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

/// Something that happened on a forge, for timelines.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// Login of who did it.
    pub actor: String,
    /// Whether the actor is a bot account.
    pub by_bot: bool,
    /// The change it happened to.
    pub change: ChangeRef,
    /// What, in words: `opened`, `requested review from rita`, `commented: …`.
    pub what: String,
}

impl State {
    pub(super) fn record(&mut self, record: RequestRecord) {
        if self.requests.len() >= limits::REQUESTS_KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(record);
    }
}

impl Sandbox {
    /// Every request since the start or the last [`Sandbox::clear_requests`], oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.state().requests.iter().cloned().collect()
    }

    /// Forgets the requests seen so far.
    pub fn clear_requests(&self) {
        self.state().requests.clear();
    }

    /// How many requests that only read were seen.
    pub fn reads(&self) -> usize {
        self.state().requests.iter().filter(|request| request.is_read()).count()
    }

    /// How many requests of any other kind were seen.
    pub fn writes(&self) -> usize {
        self.state().requests.iter().filter(|request| !request.is_read()).count()
    }

    /// Everything that happened since the `known`-th entry, oldest first. Start with 0, then pass the
    /// number of entries read so far.
    pub fn log_since(&self, known: usize) -> Vec<LogEntry> {
        self.state().log.get(known..).unwrap_or_default().to_vec()
    }
}
