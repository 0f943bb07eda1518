//! Every sentence that Usher says, built by pure functions: warm, short and plain.
//!
//! Names are written with `@` only when they come from the roster or a pool, and at most where
//! somebody is really asked for something. Text that users wrote is never live: it goes into code
//! spans, where neither forge looks for mentions, references or commands.

mod absence;
mod boxes;
mod context;
mod facts;
mod held;
mod lost;
mod next;
mod owners;
mod pings;
mod reasons;
mod replies;
mod samples;
mod scope;
mod status;
pub mod templates;
mod text;

pub use absence::{away_over, away_too_long, away_unclear, busy_phrase, still_away};
pub use boxes::{box_notes, box_rule, budget};
pub use context::{ask_context, escalate_context, remind_context, status_context};
pub use facts::happening;
pub use held::held;
pub use next::NextStep;
pub use pings::{Escalation, Reminder, asked_by_name, escalate, key, remind};
pub use reasons::{sentence, stage_name};
pub use replies::{
    cannot_be_asked, help, no_pool_yet, nobody_else, not_allowed, not_in_pool, not_understood, overtaken,
    reply, snooze_first_run, snooze_skipped, snooze_too_long, stranger, unknown_person, unknown_pool, why,
};
pub use samples::rehearse;
pub use scope::{beyond, standing_notes};
pub use status::{Status, StatusReviewer, status};
pub use text::{candidate, elapsed, moment, quote, relative, standing};
