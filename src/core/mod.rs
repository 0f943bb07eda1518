//! The judgement of Usher: pure, total, deterministic.
//!
//! Nothing here waits, fails or tells the time. `decide` takes the world as it is, a review and a
//! fact, and answers with the new review, the actions, the reasons and when to look again.

pub mod action;
pub mod calendar;
pub mod change;
pub mod fact;
pub mod people;
pub mod policy;
pub mod reason;
pub mod review;
pub mod timebox;
