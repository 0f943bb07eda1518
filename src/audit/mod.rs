//! What only reports: who may do what, and who is what.

pub mod access;
pub mod membership;
pub mod words;
