//! What tests on the wire share: a sandbox that may be recorded, on Usher's clock.

pub mod tape;
pub mod time;
