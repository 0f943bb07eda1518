//! The house from outside: one integration test binary, one module per subject.

mod app;
mod complaints;
mod contract;
mod flow;
mod house;
mod interleavings;
mod laws;
mod links;
mod live_text;
mod payloads;
mod scenarios;
mod support;
mod upgrade;
mod way;
mod web;
mod words;
