//! GitLab (gitlab.com and self-managed) through the `gitlab` crate's endpoints, sent over our own
//! transport.

mod access;
mod api;
mod busy;
mod comment;
mod desired;
mod difference;
mod graphql;
mod inspect;
mod labels;
mod list;
mod projects;
mod read;
mod reviewers;
mod roster;
mod seen;
mod steps;
mod threads;
mod webhook_health;
mod webhooks;
mod wire;

pub(super) use api::GitLab;
