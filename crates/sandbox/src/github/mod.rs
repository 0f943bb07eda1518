//! The GitHub dialect: REST 2022-11-28 below `/api/v3`, GraphQL, and the payloads of its webhooks.
//!
//! `api` is its door; below it `rest` with one file for each part of the API, and `graphql`; below them
//! `replies`, `rates` and `tokens`, and what objects look like: `json`, `repository`, `organization`, `users`.
//! `payloads` stands beside `rest` and uses the same objects.

pub(crate) mod api;
pub(crate) mod apps;
mod deliveries;
mod graphql;
mod issues;
mod json;
mod organization;
pub(crate) mod payloads;
mod pulls;
mod rates;
mod reactions;
mod replies;
mod repository;
mod rest;
mod search;
mod threads;
mod time;
pub(crate) mod tokens;
mod users;
mod webhooks;
