//! The forges: everything that speaks GitLab's or GitHub's dialect. Types of the two client crates
//! do not leave this room.
//!
//! Inward: [`Inbound`] verifies a delivery and reads it into facts. Outward: [`Client`] performs
//! actions, observes and lists changes, and resolves the roster, in the dialect of its forge. The
//! rooms, each knowing only those before it: `inbound`, `transport` (the one way out, under both
//! client crates), `shared` (what both dialects are asked for and do alike), `github` and `gitlab`,
//! the client, and `setup` (webhooks, inspection, access).

mod client;
mod github;
mod gitlab;
pub mod inbound;
mod setup;
mod shared;
#[cfg(test)]
mod tests;
mod transport;

pub use client::{Client, ClientConfig, ClientError};
pub use inbound::{BadSecret, Inbound, Incoming, Reading, Secrets, Unreadable, Unverified};
pub use setup::Watched;
pub use shared::access::{ACCESS_PROJECTS_MAX, Members, SeenProjects};
pub use shared::codeowners::OwnersRead;
pub use shared::inspect::{BotRole, Installation, ProjectInspection, TokenFacts};
pub use shared::listing::{Listing, Since, Whereabouts};
pub use shared::performed::{Hint, Performed};
pub use shared::webhook_health::{Deliveries, DeliveryFailure, DeliveryLog, FailedDelivery};
pub use shared::webhooks::{
    HookAddress, HookPlace, HookSecrets, HookState, HookWish, InstalledHook, LastAnswer, leads_to,
};
pub use transport::{
    Again, AppKey, Credentials, ForgeFault, ForgeService, Health, Meaning, Network, RequestBudget,
    TOLD_AFTER, Urgency,
};
