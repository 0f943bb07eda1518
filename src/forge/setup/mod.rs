//! Setting a forge up for Usher, and how it is set up: webhooks, their health, rights and access.

mod access;
mod inspect;
mod webhook_health;
mod webhooks;

pub use webhooks::Watched;
