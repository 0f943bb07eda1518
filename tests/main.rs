//! The one integration test binary: one module per subject.

mod scenarios;
mod support;
