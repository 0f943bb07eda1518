//! The house from outside: one integration test binary, one module per subject.

mod laws;
mod payloads;
mod scenarios;
mod support;
