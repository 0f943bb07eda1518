//! The GitLab dialect: REST v4 below `/gl/api/v4`, and its webhooks.

pub(super) mod graphql;
pub(super) mod hooks;
mod json;
mod lists;
mod merge_requests;
mod mutations;
mod notes;
pub(super) mod rest;
mod webhooks;

pub(super) use self::json::unified;
