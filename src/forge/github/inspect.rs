//! A look at token and repositories for `usher check --online`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;

use super::api::GitHub;
use super::wire;
use crate::forge::inbound::time::instant;
use crate::forge::shared::inspect::{
    BotRole, Inspect, Installation, ProjectInspection, TokenFacts, date, if_allowed, look,
};
use crate::forge::shared::webhooks::leads_to;
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::headers::text_of;
use crate::forge::transport::pages::{PAGES_LIMIT, Pages};
use usher_core::model::access::Rank;

/// When a personal access token ends: `2026-12-01 09:00:00 UTC`, on every answer to one that does.
const EXPIRATION: &str = "github-authentication-token-expiration";
/// What a classic token was given; fine-grained tokens and Apps have no such header.
const SCOPES: &str = "x-oauth-scopes";

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Default, Deserialize)]
struct Address {
    url: Option<String>,
}

#[derive(Deserialize)]
struct Installed {
    account: Option<Owner>,
    suspended_at: Option<Timestamp>,
    #[serde(default)]
    permissions: BTreeMap<String, serde_json::Value>,
}

/// An enterprise has no login, and no repositories.
#[derive(Deserialize)]
struct Owner {
    login: Option<String>,
}

impl GitHub {
    async fn app(&self, forge: &str) -> Result<TokenFacts, ForgeFault> {
        let answer = look(&self.transport, &self.at(["app"])).await?;
        let installed: Pages<Installed> = self.pages(self.at(["app", "installations"]), PAGES_LIMIT).await?;
        let config: Option<Address> = if_allowed(self.get(&self.at(["app", "hook", "config"])).await)?;
        let url = config.and_then(|config| config.url);
        let installation = |one: Installed| {
            let level =
                |(right, level): (String, serde_json::Value)| Some((right, level.as_str()?.to_owned()));
            Some(Installation {
                owner: one.account?.login?,
                suspended: one.suspended_at.is_some(),
                permissions: one.permissions.into_iter().filter_map(level).collect(),
            })
        };
        Ok(TokenFacts {
            what: "a GitHub App".into(),
            date: date(answer.headers()),
            installations: installed.entries.into_iter().filter_map(installation).collect(),
            is_delivered_to: Some(url.is_some_and(|url| leads_to(&url, forge))),
            ..TokenFacts::default()
        })
    }
}

#[async_trait]
impl Inspect for GitHub {
    async fn token(&self, forge: &str) -> Result<TokenFacts, ForgeFault> {
        if self.transport.is_app() {
            return self.app(forge).await;
        }
        let answer = look(&self.transport, &self.at(["user"])).await?;
        let text = |name| text_of(answer.headers(), name);
        let scopes = text(SCOPES).map(|scopes| {
            let scopes = scopes.split(',').map(|scope| scope.trim().to_owned());
            scopes.filter(|scope| !scope.is_empty()).collect::<Vec<_>>()
        });
        let what = match &scopes {
            Some(scopes) => format!("a classic token with the scopes {}", scopes.join(", ")),
            None => "a fine-grained token".to_owned(),
        };
        let expires_at = text(EXPIRATION).and_then(instant);
        Ok(TokenFacts { what, scopes, expires_at, date: date(answer.headers()), ..TokenFacts::default() })
    }

    async fn project(&self, path: &str) -> Result<ProjectInspection, ForgeFault> {
        let seen: wire::Repository = self.get(&self.in_project(path, [])).await?;
        let role = match seen.permissions.unwrap_or_default().rank() {
            // What is told there is the account's; an App has only its installation.
            _ if self.transport.is_app() => BotRole::Unknown,
            Rank::Write | Rank::Maintain | Rank::Admin => BotRole::Writes,
            Rank::Triage => BotRole::Labels,
            Rank::Nobody | Rank::Guest | Rank::Read => BotRole::Reads,
        };
        let labels: Option<Pages<Label>> =
            if_allowed(self.pages(self.in_project(path, ["labels"]), PAGES_LIMIT).await)?;
        let labels = labels.into_iter().flat_map(|labels| labels.entries).map(|label| label.name).collect();
        Ok(ProjectInspection { archived: seen.archived, role, labels, assigns_reviewers: None })
    }
}
