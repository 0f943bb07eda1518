//! What the two forges know, and what can be done to it, with each forge's rules. Nothing here knows a
//! wire format: what happened is noted as an [`Event`], and who listens is told by the rooms above.
//!
//! Nouns: `forge`, `accounts`, `change`, `project`, `webhook`, `deliveries`, `credentials`, `rates`,
//! `event`. `state` holds them all; on it stand `access` (who may what), `seed` (filling it), `act` (how
//! a change is changed), `comments`, `labels`, `acts` and `reviews` (what can be done to one), `roster`
//! and `lifecycle` (what happens to groups, teams and projects), `snapshot` (how a change looks).

mod access;
mod accounts;
mod act;
mod acts;
mod change;
mod comments;
mod credentials;
mod deliveries;
mod event;
mod forge;
mod ids;
mod labels;
mod lifecycle;
mod project;
mod rates;
mod refusal;
mod reviews;
mod roster;
mod seed;
mod snapshot;
mod state;
mod webhook;

pub use self::accounts::{Access, UserId};
pub(crate) use self::accounts::{Group, Team, User, team_members, with_ancestors};
pub(crate) use self::change::{Change, Comment, Reaction, SubmittedReview};
pub use self::change::{ChangeRef, ChangeState, ChangedFile, NewChange, ReviewerState, Verdict};
pub(crate) use self::credentials::{App, Grant, Installation, TokenFacts};
pub(crate) use self::deliveries::{Attempt, Delivery};
pub use self::event::LogEntry;
pub(crate) use self::event::{ChangeEvent, Event, Happened, Membership, ProjectEvent};
pub use self::forge::{Forge, Tier};
pub(crate) use self::ids::digest;
pub use self::project::{Feature, FeatureAccess};
pub(crate) use self::project::{Label, Project};
pub(crate) use self::rates::Allowance;
pub use self::refusal::Refusal;
pub(crate) use self::reviews::APPROVED;
pub use self::snapshot::{ChangeSnapshot, CommentSnapshot};
pub(crate) use self::state::State;
pub(crate) use self::webhook::Hook;
pub use self::webhook::{HookTarget, NewHook};
