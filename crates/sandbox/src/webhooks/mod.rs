//! Webhooks on their way: what happened is told to whoever is subscribed, signed when it is sent.

mod announce;
mod delivery;
mod sign;

pub(crate) use self::announce::announce;
pub use self::delivery::{DeliveryOutcome, SignedRequest};
pub(crate) use self::delivery::{settle, take_next};
#[cfg(test)]
pub(crate) use self::sign::{github_sha256, gitlab_signature};
