//! GitLab (gitlab.com and self-managed): webhooks read with small structs of our own, the API
//! through the `gitlab` crate's endpoints, sent over our own [`Transport`](super::http::Transport).

mod access;
mod append;
mod busy;
mod client;
mod comment;
mod graphql;
mod hooks;
mod inspect;
mod labels;
mod list;
mod look;
pub mod read;
mod reviewers;
mod roster;
mod shape;
#[cfg(test)]
mod tests;
mod webhooks;
mod wire;

pub(super) use client::GitLab;
pub use hooks::HookState;
