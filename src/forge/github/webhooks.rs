//! Webhooks of repositories and organisations: to look at, to set up and to take down.

use std::collections::BTreeSet;

use async_trait::async_trait;
use http::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::api::GitHub;
use crate::forge::shared::webhooks::{HookPlace, HookState, HookWish, InstalledHook, LastAnswer, Webhooks};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::Pages;
use usher_core::model::change::ForgeKind;

/// An event goes to at most 20 hooks, 250 on Enterprise Server (`troubleshooting-webhooks.md`).
const HOOK_PAGES_LIMIT: usize = 5;
/// Longest text of GitHub's about an answer.
pub(super) const WORDS_CHARS_MAX: usize = 200;

/// `hook` and `org-hook` of GitHub's description.
#[derive(Debug, Deserialize)]
struct Listed {
    id: u64,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    events: BTreeSet<String>,
    #[serde(default)]
    config: Settings,
    last_response: Option<LastResponse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    url: String,
    content_type: Option<String>,
    /// `"0"`, `"1"`, or the same as a number.
    insecure_ssl: Value,
    /// `********` where there is one.
    secret: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LastResponse {
    code: Option<u16>,
    status: Option<String>,
    message: Option<String>,
}

impl Listed {
    fn hook(self) -> InstalledHook {
        let config = self.config;
        InstalledHook {
            id: self.id,
            url: config.url,
            events: self.events,
            active: self.active,
            json: config.content_type.as_deref() == Some("json"),
            verifies_tls: !matches!(config.insecure_ssl.to_string().trim_matches('"'), "1"),
            secret: Some(config.secret.is_some_and(|secret| !secret.is_empty())),
            signing_token: None,
            state: HookState::Executable,
            disabled_until: None,
            last: self.last_response.map(|last| {
                let parts = [last.status, last.message].into_iter().flatten().collect::<Vec<_>>();
                LastAnswer {
                    code: last.code.filter(|code| *code != 0),
                    words: parts.join(" ").chars().take(WORDS_CHARS_MAX).collect(),
                }
            }),
        }
    }
}

#[async_trait]
impl Webhooks for GitHub {
    /// All hooks of a repository (its administrators only) or organisation (its owners only). One read.
    async fn hooks_at(&self, place: &HookPlace) -> Result<Vec<InstalledHook>, ForgeFault> {
        let listed: Pages<Listed> = self.pages(self.hooks_of(place, []), HOOK_PAGES_LIMIT).await?;
        Ok(listed.entries.into_iter().map(Listed::hook).collect())
    }

    /// Sets up a hook, or makes `old` as it should be. One write. The `config` goes out whole: without
    /// `secret` the one that is there would be taken away.
    async fn put_hook(
        &self,
        place: &HookPlace,
        old: Option<&InstalledHook>,
        wish: &HookWish,
    ) -> Result<InstalledHook, ForgeFault> {
        let mut config = json!({
            "url": wish.address.as_str(), "content_type": "json", "insecure_ssl": "0",
        });
        if let Some(secret) = &wish.secrets.secret {
            config["secret"] = secret.expose_secret().into();
        }
        let mut body = json!({ "active": true, "events": place.events(ForgeKind::GitHub), "config": config });
        let hook: Listed = match old {
            None => {
                body["name"] = "web".into();
                self.post(&self.hooks_of(place, []), &body).await?
            }
            Some(old) => self.patch(&self.hooks_of(place, [old.id.to_string().as_str()]), &body).await?,
        };
        Ok(hook.hook())
    }

    /// Takes a hook down. One write.
    async fn delete_hook(&self, place: &HookPlace, id: u64) -> Result<(), ForgeFault> {
        let url = self.hooks_of(place, [id.to_string().as_str()]);
        self.write(Method::DELETE, &url, None::<&()>).await
    }
}

impl GitHub {
    pub(super) fn hooks_of<'a>(&self, place: &'a HookPlace, rest: impl IntoIterator<Item = &'a str>) -> Url {
        let rest = ["hooks"].into_iter().chain(rest);
        match place {
            HookPlace::Project(path) => self.in_project(path, rest),
            HookPlace::Owner(owner) => self.at(["orgs", owner.as_str()].into_iter().chain(rest)),
        }
    }
}
