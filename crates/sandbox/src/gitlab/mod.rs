//! The GitLab dialect: REST v4 below `/gl/api/v4`, GraphQL, and the payloads of its webhooks.
//!
//! `api` is its door; below it `rest` with one file for each part of the API, and `graphql` with its
//! `mutations`; below them `replies`, `rates` and `tokens`, and what objects look like: `json` for REST,
//! `nodes` for GraphQL, `hook_json` for webhooks. `payloads` stands beside `rest`.

pub(crate) mod api;
mod graphql;
mod hook_events;
mod hook_json;
mod json;
mod lists;
mod merge_requests;
mod mutations;
mod nodes;
mod notes;
pub(crate) mod payloads;
mod rates;
mod replies;
mod rest;
mod time;
pub(crate) mod tokens;
mod webhooks;
