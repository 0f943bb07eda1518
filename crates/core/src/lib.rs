//! The judgement of Usher: pure, total, deterministic.
//!
//! Nothing here waits, fails or tells the time. [`decide()`] takes the world as it is, a review and a
//! fact, and answers with the new review, the actions, the reasons and when to look again.
//!
//! Its rooms know only those before them: [`model`] has the nouns, [`choose`] finds pools and people,
//! [`mod@decide`] puts a decision together, one phase a file.

// A list gets shorter, and a place in it is then another one's: ids, iterators or `get`.
#![warn(clippy::indexing_slicing)]

pub mod choose;
pub mod decide;
pub mod model;

pub use decide::{decide, loads};
