//! The language between Usher and people. Every sentence that Usher says is built here by pure functions:
//! warm, short and plain. What people say to Usher is read in [`commands`].
//!
//! Names are written with `@` only when they come from the roster or a pool, and at most where
//! somebody is really asked for something. Text that users wrote is never live: it goes into code
//! spans, where neither forge looks for mentions, references or commands.

mod absence;
mod away;
mod boxes;
mod choices;
pub mod commands;
mod comments;
mod context;
mod facts;
mod held;
mod labels;
mod lost;
mod next;
mod owners;
mod pings;
mod reasons;
mod replies;
mod samples;
mod scope;
mod spans;
mod status;
pub mod templates;
mod text;

pub use boxes::{box_note, box_rule, budget};
pub use comments::{Worded, ping, reply, status};
pub use facts::happening;
pub use held::held;
pub use labels::label_looks;
pub use reasons::sentence;
pub use replies::answer;
pub use samples::rehearse;
pub use scope::{beyond, standing_notes};
pub use text::{
    busy_phrase, candidate, criterion, elapsed, moment, quote, relative, stage_name, standing, visible,
};
