//! Webhooks of projects and groups: to look at, to set up and to take down.

use std::borrow::Cow;

use async_trait::async_trait;
use gitlab::api::common::NameOrId;
use gitlab::api::{AsyncQuery, BodyError, Endpoint, ignore};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::api::{GitLab, ListEndpoint, fault_of};
use crate::forge::inbound::time::instant;
use crate::forge::shared::webhooks::{HookPlace, HookState, HookWish, InstalledHook, Webhooks};
use crate::forge::transport::fault::ForgeFault;
use crate::forge::transport::pages::Pages;
use usher_core::model::change::ForgeKind;

/// A group has at most 50 hooks, a project 100 (GitLab's `instance_limits.md`): one page.
const HOOK_PAGES_LIMIT: usize = 1;

/// An entry of `GET /projects/:id/hooks`; each event is a member of its own.
#[derive(Debug, Deserialize)]
struct Listed {
    id: u64,
    #[serde(default)]
    url: String,
    enable_ssl_verification: Option<bool>,
    /// GitLab 19.0 and newer.
    token_present: Option<bool>,
    signing_token_present: Option<bool>,
    alert_status: Option<String>,
    disabled_until: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Listed {
    fn hook(self) -> InstalledHook {
        let heard = |(name, value): (String, Value)| {
            (name.ends_with("_events") && value == Value::Bool(true)).then_some(name)
        };
        InstalledHook {
            id: self.id,
            url: self.url,
            events: self.rest.into_iter().filter_map(heard).collect(),
            active: true,
            json: true,
            verifies_tls: self.enable_ssl_verification.unwrap_or(true),
            secret: self.token_present,
            signing_token: self.signing_token_present,
            state: HookState::new(self.alert_status.as_deref()),
            disabled_until: self.disabled_until.as_deref().and_then(instant),
            last: None,
        }
    }
}

/// A write to the hooks of a project or group.
#[derive(Debug)]
struct HookWrite {
    method: http::Method,
    path: String,
    body: Option<Value>,
}

impl Endpoint for HookWrite {
    fn method(&self) -> http::Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        Ok(self.body.as_ref().map(|body| ("application/json", body.to_string().into_bytes())))
    }
}

#[async_trait]
impl Webhooks for GitLab {
    /// All hooks of a project (maintainers only) or group (Premium, owners only). One read.
    async fn hooks_at(&self, place: &HookPlace) -> Result<Vec<InstalledHook>, ForgeFault> {
        let list = ListEndpoint { path: path_of(place), parameters: Vec::new() };
        let listed: Pages<Listed> = self.pages(&list, HOOK_PAGES_LIMIT).await?;
        Ok(listed.entries.into_iter().map(Listed::hook).collect())
    }

    /// Sets up a hook, or makes `old` as it should be. One write.
    async fn put_hook(
        &self,
        place: &HookPlace,
        old: Option<&InstalledHook>,
        wish: &HookWish,
    ) -> Result<InstalledHook, ForgeFault> {
        let (method, path) = match old {
            None => (http::Method::POST, path_of(place)),
            Some(old) => (http::Method::PUT, format!("{}/{}", path_of(place), old.id)),
        };
        let write = HookWrite { method, path, body: Some(form(place, old, wish)) };
        let hook: Listed = self.write(&write).await?;
        Ok(hook.hook())
    }

    /// Takes a hook down. One write.
    async fn delete_hook(&self, place: &HookPlace, id: u64) -> Result<(), ForgeFault> {
        let path = format!("{}/{id}", path_of(place));
        let write = ignore(HookWrite { method: http::Method::DELETE, path, body: None });
        write.query_async(&*self.transport).await.map_err(|error| fault_of(error, true))
    }
}

pub(super) fn path_of(place: &HookPlace) -> String {
    match place {
        HookPlace::Project(path) => format!("projects/{}/hooks", NameOrId::from(path.as_str())),
        HookPlace::Owner(path) => format!("groups/{}/hooks", NameOrId::from(path.as_str())),
    }
}

/// The whole hook with every secret: a PUT without `token` clears the one that is there. New hooks
/// hear pushes unless that is switched off (`doc/api/project_webhooks.md`).
fn form(place: &HookPlace, old: Option<&InstalledHook>, wish: &HookWish) -> Value {
    let mut form = Map::new();
    form.insert("url".into(), wish.address.as_str().into());
    form.insert("enable_ssl_verification".into(), true.into());
    form.insert("push_events".into(), false.into());
    for name in old.iter().flat_map(|old| &old.events) {
        form.insert(name.clone(), false.into());
    }
    for name in place.events(ForgeKind::GitLab) {
        form.insert(name, true.into());
    }
    for (name, secret) in [("token", &wish.secrets.secret), ("signing_token", &wish.secrets.signing_token)] {
        if let Some(secret) = secret {
            form.insert(name.into(), secret.expose_secret().into());
        }
    }
    Value::Object(form)
}
