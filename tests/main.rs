//! The house from outside: one integration test binary, one module per subject.

mod access;
mod app;
#[path = "support/cases.rs"]
mod cases;
mod complaints;
mod contract;
mod flow;
mod house;
mod interleavings;
mod links;
mod network;
mod payloads;
mod simulation;
mod web;
mod wire;
