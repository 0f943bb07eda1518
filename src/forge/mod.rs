//! The forges: what they tell us, read into facts, and what we ask of them.

pub mod command;
pub mod github;
pub mod gitlab;
pub mod inbound;
pub mod signature;
pub mod time;
pub mod tolerant;

pub use inbound::{Inbound, Incoming, Reading, Secrets, Unreadable};
pub use signature::{BadSecret, Unverified};
