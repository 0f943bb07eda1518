//! What both dialects share: the nouns that a forge is spoken of in, what a dialect must be able to
//! do, and what is done alike on either.

pub(super) mod access;
pub(super) mod availability;
pub(super) mod changes;
pub(super) mod codeowners;
pub(super) mod comments;
pub(super) mod dialect;
pub(super) mod inspect;
pub(super) mod labels;
pub(super) mod listing;
pub(super) mod people;
pub(super) mod performed;
pub(super) mod roster;
pub(super) mod webhook_events;
pub(super) mod webhook_health;
pub(super) mod webhooks;
