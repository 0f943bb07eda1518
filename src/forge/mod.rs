//! The forges: everything that speaks GitLab's or GitHub's dialect. Types of the two client crates
//! do not leave this room.
//!
//! Inward: [`Inbound`] verifies a delivery and reads it into facts. Outward: [`Client`] performs
//! actions, observes and lists changes, and resolves the roster, over one [`http::Transport`]
//! (timeouts, limits, faults, the [`gate`]) that lies under both crates.

pub mod access;
mod away;
mod breaker;
mod budget;
mod carry;
pub mod client;
pub mod command;
mod credentials;
mod description;
mod etag;
pub mod fault;
pub mod gate;
pub mod github;
pub mod gitlab;
pub mod hooks;
pub mod http;
pub mod inbound;
pub mod inspect;
mod listing;
mod membership;
mod moved;
pub mod owners;
pub mod signature;
mod story;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_gate;
pub mod time;
pub mod tolerant;
pub mod url;
mod way;

pub use budget::Budget;
pub use client::{Client, ClientConfig, Hint, Performed, Watched};
pub use credentials::{AppKey, Credentials};
pub use fault::Fault;
pub use github::{DeliveryLog, FailedDelivery};
pub use gitlab::HookState;
pub use hooks::{HookAddress, HookPlace, HookSecrets, HookWish, InstalledHook};
pub use http::Health;
pub use inbound::{Inbound, Incoming, Reading, Secrets, Unreadable};
pub use listing::{Listing, Since, Whereabouts};
pub use owners::OwnersRead;
pub use signature::{BadSecret, Unverified};
pub use way::Way;
