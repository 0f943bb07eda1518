//! The GitHub dialect: REST 2022-11-28 below `/api/v3`, and its webhooks.

pub(super) mod apps;
pub(super) mod deliveries;
pub(super) mod graphql;
pub(super) mod hooks;
mod issues;
mod json;
mod organization;
mod pulls;
mod repository;
pub(super) mod rest;
mod search;
mod webhooks;
