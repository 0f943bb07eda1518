//! Usher takes every merge request written by a support engineer to the right reviewer, and sees
//! that it gets an answer on time, on GitLab and GitHub.
//!
//! A reducer with an inbox and an outbox. Data moves once, left to right: bytes become facts
//! ([`forge`]), facts become decisions ([`usher_core`]), decisions are written in one transaction
//! ([`engine`], [`store`]), and actions go back to the forge. ARCHITECTURE.md has the picture.

pub mod alarm;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod courier;
pub mod engine;
pub mod forge;
pub mod metrics;
pub mod reconcile;
pub mod service;
pub mod store;
pub mod tasks;
pub mod wakeups;
pub mod web;
