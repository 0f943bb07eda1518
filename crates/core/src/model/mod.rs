//! Nouns: what the judgement speaks of. They hold data and answer questions about themselves; they
//! choose nobody and decide nothing.

pub mod absence;
pub mod access;
pub mod action;
pub mod assignment;
pub mod calendar;
pub mod candidate;
pub mod change;
pub mod choice;
pub mod commands;
pub mod fact;
pub mod fingerprint;
pub mod labels;
pub mod load;
pub mod message;
pub mod owner;
pub mod people;
pub mod policy;
pub mod queue;
pub mod reason;
pub mod recent_requests;
pub mod review;
pub mod roster;
pub mod said;
pub mod scope;
pub mod stage;
pub mod standing;
pub mod suppressed;
pub mod terms;
pub mod threads;
pub mod tickets;
pub mod timebox;
pub mod unreachable;
pub mod verdicts;
mod worktime;
pub mod world;
