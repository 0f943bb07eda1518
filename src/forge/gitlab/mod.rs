//! GitLab (gitlab.com and self-managed): webhooks read with small structs of our own, the API
//! through the `gitlab` crate's endpoints, sent over our own [`Transport`](super::http::Transport).

mod access;
mod busy;
mod client;
mod comment;
mod hooks;
mod labels;
mod list;
pub mod read;
mod reviewers;
mod roster;
mod shape;
#[cfg(test)]
mod tests;
mod webhooks;
mod wire;

pub(super) use client::GitLab;
pub use hooks::{Hook, HookState};
