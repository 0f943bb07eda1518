//! GitHub (github.com and Enterprise Server): webhooks read with small structs of our own, the API
//! through `octocrab` over our own [`Transport`](super::http::Transport).

mod access;
mod app;
mod busy;
mod client;
mod comment;
mod deliveries;
mod inspect;
mod list;
pub mod read;
mod roster;
mod search;
mod shape;
#[cfg(test)]
mod tests;
mod webhooks;
mod wire;

pub(super) use app::{App, SignIn, Whose};
pub(super) use client::GitHub;
pub use deliveries::{DeliveryLog, FailedDelivery};
