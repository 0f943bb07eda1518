//! The house from outside: one integration test binary.

mod contract;
mod flow;
mod payloads;
mod scenarios;
mod support;
mod web;
