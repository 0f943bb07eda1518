//! What the forges know of whoever asks: tokens, and GitHub's App with its installations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::accounts::UserId;
use super::forge::Forge;

/// What a token tells of itself.
#[derive(Clone, Debug)]
pub(crate) struct TokenFacts {
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// The one App that the fake GitHub knows.
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) slug: String,
    /// Where its webhook leads, if it has one.
    pub(crate) hook_url: Option<String>,
    /// What it may do wherever it is installed.
    pub(crate) permissions: Value,
    pub(crate) key: DecodingKey,
    /// `slug[bot]`, as which it acts.
    pub(crate) user: UserId,
    /// By owner.
    pub(crate) installations: BTreeMap<String, Installation>,
    /// By token.
    pub(crate) granted: BTreeMap<String, Grant>,
}

pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) suspended_at: Option<Timestamp>,
}

/// What the token of an installation reaches.
pub(crate) struct Grant {
    pub(crate) owner: String,
    pub(crate) expires_at: Timestamp,
}

/// Everything that proves who somebody is.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) tokens: BTreeMap<(Forge, String), UserId>,
    /// What tokens tell of themselves, where that was set.
    pub(crate) facts: BTreeMap<(Forge, String), TokenFacts>,
    /// The GitHub App, if there is one.
    pub(crate) app: Option<App>,
}
