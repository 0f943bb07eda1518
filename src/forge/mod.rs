//! The forges: everything that speaks GitLab's or GitHub's dialect. Types of the two client crates
//! do not leave this room.
//!
//! Inward: [`Inbound`] verifies a delivery and reads it into facts. Outward: [`Client`] performs
//! actions, observes and lists changes, and resolves the roster, over one [`http::Transport`]
//! (timeouts, limits, faults, the [`gate`]) that lies under both crates.

pub mod access;
mod away;
pub mod client;
pub mod command;
mod credentials;
mod description;
pub mod fault;
pub mod gate;
pub mod github;
pub mod gitlab;
pub mod hooks;
pub mod http;
pub mod inbound;
mod membership;
pub mod owners;
pub mod signature;
mod story;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod time;
pub mod tolerant;
pub mod url;

pub use client::{Client, ClientConfig, Hint, Listing, Performed, Watched};
pub use credentials::{AppKey, Credentials};
pub use fault::Fault;
pub use gitlab::{Hook, HookState};
pub use hooks::{HookAddress, HookPlace, HookSecrets, HookWish, InstalledHook};
pub use http::Health;
pub use inbound::{Inbound, Incoming, Reading, Secrets, Unreadable};
pub use owners::OwnersRead;
pub use signature::{BadSecret, Unverified};
