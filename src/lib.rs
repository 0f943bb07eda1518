//! Usher takes every merge request written by a support engineer to the right reviewer.

pub mod clock;
pub mod sandbox;
