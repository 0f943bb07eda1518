//! The house from outside: one integration test binary, one module per subject.

mod app;
mod contract;
mod flow;
mod house;
mod laws;
mod payloads;
mod scenarios;
mod support;
mod web;
mod words;
