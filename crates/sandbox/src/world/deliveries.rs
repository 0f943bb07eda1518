//! Webhook requests: those that wait, those that were sent, and what became of them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;

use super::forge::Forge;

/// Deliveries and attempts remembered; the oldest go first.
const KEPT_MAX: usize = 10_000;

/// One webhook request not yet signed and sent.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    /// GitLab's `X-Gitlab-Event-UUID`.
    pub(crate) event_uuid: String,
    pub(crate) forge: Forge,
    pub(crate) hook: u64,
    /// `Merge Request Hook`, `pull_request`, …
    pub(crate) event: String,
    pub(crate) body: Bytes,
}

/// One try to deliver, as a forge writes it down.
pub(crate) struct Attempt {
    pub(crate) id: u64,
    /// `X-GitHub-Delivery`, or GitLab's `webhook-id`.
    pub(crate) guid: String,
    pub(crate) hook: u64,
    pub(crate) event: String,
    pub(crate) action: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) redelivery: bool,
}

impl Attempt {
    pub(crate) fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// All webhook requests of both forges.
#[derive(Default)]
pub(crate) struct Deliveries {
    /// What waits to be sent, in order.
    pub(crate) queue: VecDeque<Delivery>,
    sent: VecDeque<Delivery>,
    attempts: VecDeque<Attempt>,
    /// GitLab numbers its log by itself.
    logged: u64,
    /// How many of the next webhook requests get lost.
    losses: BTreeMap<Forge, u32>,
}

impl Deliveries {
    /// Queues a new request, unless it gets lost.
    pub(crate) fn add(&mut self, delivery: Delivery) {
        match self.losses.get_mut(&delivery.forge) {
            Some(left) if *left > 0 => *left -= 1,
            _ => self.queue.push_back(delivery),
        }
    }

    /// Loses the next `count` new requests of a forge.
    pub(crate) fn lose_next(&mut self, forge: Forge, count: u32) {
        *self.losses.entry(forge).or_default() += count;
    }

    /// Remembers a request that was sent.
    pub(crate) fn remember(&mut self, delivery: Delivery) {
        if self.sent.len() >= KEPT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(delivery);
    }

    /// The newest request of that id that was sent.
    pub(crate) fn sent(&self, id: &str) -> Option<&Delivery> {
        self.sent.iter().rev().find(|sent| sent.id == id)
    }

    /// The next number of GitLab's log.
    pub(crate) fn number(&mut self) -> u64 {
        self.logged += 1;
        self.logged
    }

    /// Writes down how a delivery ended.
    pub(crate) fn note(&mut self, attempt: Attempt) {
        if self.attempts.len() >= KEPT_MAX {
            self.attempts.pop_front();
        }
        self.attempts.push_back(attempt);
    }

    /// What became of deliveries, oldest first.
    pub(crate) fn attempts(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.attempts.iter()
    }
}
