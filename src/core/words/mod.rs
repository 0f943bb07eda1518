//! Every sentence that Usher says, built by pure functions: warm, short and plain.
//!
//! Names are written with `@` only when they come from the roster or a pool, and at most where
//! somebody is really asked for something. Text that users wrote is never live: it goes into code
//! spans, where neither forge looks for mentions, references or commands.

mod facts;
mod held;
mod pings;
mod reasons;
mod replies;
mod status;
mod text;

pub use facts::happening;
pub use held::held;
pub use pings::{Escalation, Reminder, asked_by_name, escalate, key, remind};
pub use reasons::{sentence, stage_name};
pub use replies::{
    cannot_be_asked, help, no_pool_yet, nobody_else, not_allowed, not_in_pool, not_understood, reply,
    snooze_first_run, snooze_skipped, snooze_too_long, unknown_person, unknown_pool, why,
};
pub use status::{Status, StatusReviewer, status};
pub use text::{elapsed, moment, quote, standing};
