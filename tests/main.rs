//! The house from outside, one module per subject.

#![expect(unreachable_pub, reason = "no other crate sees a test, so `pub` is the short word here")]

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
mod web;
mod wire;
