//! The front door: what a forge posts, verified, and its payloads read into facts.

mod envelope;
mod github;
mod gitlab;
mod meaning;
mod receive;
mod signature;
pub(super) mod tickets;
pub(super) mod time;
mod tolerant;

pub use envelope::{Incoming, Reading, Unreadable};
pub(super) use github::ghost;
pub use receive::{Inbound, Secrets};
pub use signature::{BadSecret, Unverified};
