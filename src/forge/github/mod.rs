//! GitHub: `octocrab` over our own [`Transport`](super::http::Transport).

mod client;
mod comment;
mod list;
mod roster;
mod shape;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use client::GitHub;
