//! GitHub (github.com and Enterprise Server) through `octocrab` over our own transport.

mod access;
mod api;
mod busy;
mod comment;
mod desired;
mod graphql;
mod inspect;
mod labels;
mod list;
mod projects;
mod read;
mod reviewers;
mod roster;
mod search;
mod threads;
mod webhook_health;
mod webhooks;
mod wire;

pub(super) use api::GitHub;
