//! What GitHub posts.

mod payloads;
mod read;

pub(in crate::forge) use payloads::ghost;
pub(super) use read::{read, text};
