//! The judgement of Usher: pure, total, deterministic.
//!
//! Nothing here waits, fails or tells the time. [`decide`] takes the world as it is, a review and a
//! fact, and answers with the new review, the actions, the reasons and when to look again.
//!
//! Its rooms know only those before them: [`model`] has the nouns, [`choose`] finds pools and people,
//! [`decide`] puts a decision together, one phase a file.

pub mod choose;
pub mod decide;
pub mod model;

pub use decide::decide;
