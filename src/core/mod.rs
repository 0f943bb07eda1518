//! The judgement of Usher: pure, total, deterministic.
//!
//! Nothing here waits, fails or tells the time. [`decide`] takes the world as it is, a review and a
//! fact, and answers with the new review, the actions, the reasons and when to look again.

pub mod absence;
pub mod access;
pub mod action;
pub mod asked;
mod assignment;
mod boxes;
pub mod calendar;
pub mod candidate;
pub mod change;
pub mod claims;
pub mod codeowners;
pub mod commands;
mod court;
mod decide;
mod express;
pub mod fact;
mod hear;
pub mod held;
pub mod lost;
mod measure;
pub mod membership;
mod obey;
pub mod owners;
pub mod people;
pub mod pick;
pub mod policy;
pub mod queue;
mod rank;
pub mod reason;
pub mod review;
pub mod scope;
mod staff;
mod steps;
pub mod terms;
pub mod tickets;
pub mod timebox;
mod voice;
pub mod words;
pub mod world;

pub use decide::decide;
