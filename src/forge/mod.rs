//! The forges: everything that speaks GitLab's or GitHub's dialect. Types of the two client crates
//! do not leave this room.
//!
//! Outward: [`Client`] performs actions, observes and lists changes, and resolves the roster, over
//! one [`http::Transport`] (timeouts, limits, faults, the [`gate`]) that lies under both crates.

pub mod client;
pub mod fault;
pub mod gate;
pub mod github;
pub mod gitlab;
pub mod http;
mod story;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod url;

pub use client::{Client, ClientConfig, Hint, Listing, Performed};
pub use fault::Fault;
pub use http::Health;
