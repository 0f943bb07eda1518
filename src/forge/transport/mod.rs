//! The one way out to a forge, under both client crates: HTTP, paces and budgets, the breaker, what
//! answers mean, and in whose name requests are sent.

pub(super) mod address;
mod app;
mod breaker;
mod budget;
mod connection;
pub(super) mod credentials;
pub(super) mod entries;
mod etag;
pub(super) mod exchange;
pub(super) mod fault;
mod gate;
pub(super) mod graphql;
pub(super) mod headers;
pub(super) mod http;
mod judge;
mod limits;
pub(super) mod meaning;
pub(super) mod network;
pub(super) mod pages;
mod renamed;
mod wait;
mod wire;

pub use budget::RequestBudget;
pub use credentials::{AppKey, Credentials};
pub use fault::ForgeFault;
pub use gate::Urgency;
pub use http::Health;
pub use meaning::{Again, Meaning, TOLD_AFTER};
pub use network::Network;
pub use wire::ForgeService;
