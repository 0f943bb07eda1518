//! Usher's own webhooks as they should be, on either forge, and how one that is there differs from that.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::webhook_events::events;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::change::ForgeKind;

/// The webhooks of a forge.
#[async_trait]
pub(in crate::forge) trait Webhooks: Sync {
    /// All webhooks of a project, group or organisation. One read.
    async fn hooks_at(&self, place: &HookPlace) -> Result<Vec<InstalledHook>, ForgeFault>;
    /// Sets up a hook, or makes `old` as it should be. One write.
    async fn put_hook(
        &self,
        place: &HookPlace,
        old: Option<&InstalledHook>,
        wish: &HookWish,
    ) -> Result<InstalledHook, ForgeFault>;
    /// Takes a hook down. One write.
    async fn delete_hook(&self, place: &HookPlace, id: u64) -> Result<(), ForgeFault>;
}

/// What a webhook is attached to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookPlace {
    /// A GitLab project or GitHub repository, by full path.
    Project(String),
    /// A GitLab group (Premium) by full path, or a GitHub organisation.
    Owner(String),
}

impl HookPlace {
    pub fn path(&self) -> &str {
        match self {
            HookPlace::Project(path) | HookPlace::Owner(path) => path,
        }
    }

    /// The names of the events that are heard here.
    pub fn events(&self, kind: ForgeKind) -> BTreeSet<String> {
        let owner = matches!(self, HookPlace::Owner(_));
        let heard = events(kind).iter().filter(|event| owner || !event.owners_only);
        heard.map(|event| event.name.to_owned()).collect()
    }
}

/// Where a forge delivers to: `{url}/hooks/{forge}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookAddress {
    forge: String,
    url: Url,
}

impl HookAddress {
    /// The address for the forge of that name, where Usher can be reached as `usher`.
    ///
    /// # Errors
    /// A sentence saying what is wrong with `usher`.
    pub fn new(usher: &str, forge: &str) -> Result<HookAddress, String> {
        let mut url = Url::parse(usher.trim()).map_err(|error| format!("`{usher}` is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("`{usher}` must start with https:// and name a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address must not carry a user name or password".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("`{usher}` must end before `?` and `#`"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/hooks") || path.contains("/hooks/") {
            return Err(format!("`{usher}` must end before /hooks/…, which is added for each forge"));
        }
        url.set_path(&format!("{path}/hooks/{forge}"));
        Ok(HookAddress { forge: forge.to_owned(), url })
    }

    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Whether what is sent there is readable to everybody on the way.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether a hook with this address is ours: the same origin and path.
    pub fn is_ours(&self, url: &str) -> bool {
        let Ok(other) = Url::parse(url.trim()) else { return false };
        let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
        other.origin() == self.url.origin() && path(&other) == path(&self.url)
    }

    /// Whether it leads to an Usher at another address, by the end of its path.
    pub fn is_elsewhere(&self, url: &str) -> bool {
        !self.is_ours(url) && leads_to(url, &self.forge)
    }
}

/// Whether a hook's address ends in `/hooks/{forge}`. Addresses may carry `{variables}` where GitLab
/// hides a part, so they are not parsed.
pub fn leads_to(url: &str, forge: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    path.strip_suffix(forge).is_some_and(|rest| rest.ends_with("/hooks/"))
}

/// A webhook as a forge shows it. No forge shows secrets, only whether there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledHook {
    /// Number of the hook, by which the forge's settings pages and API name it.
    pub id: u64,
    pub url: String,
    /// The names of the events that it hears; GitHub's `*` is all of them.
    pub events: BTreeSet<String>,
    /// GitHub: whether it is switched on.
    pub active: bool,
    /// GitHub: whether the body is JSON and not a form.
    pub json: bool,
    /// Whether the forge looks at the receiver's certificate.
    pub verifies_tls: bool,
    /// GitHub: the secret; GitLab: the plain secret token. `None`: the forge does not tell.
    pub secret: Option<bool>,
    /// GitLab 19.0 and newer.
    pub signing_token: Option<bool>,
    /// GitLab stops one that keeps failing.
    pub state: HookState,
    /// Until when GitLab sends it nothing, for a hook that rests.
    pub disabled_until: Option<Timestamp>,
    /// GitHub, of repositories: how the last delivery ended.
    pub last: Option<LastAnswer>,
}

impl InstalledHook {
    /// Whether the forge sends to it, and nothing is known to have gone wrong.
    pub fn is_well(&self) -> bool {
        let failed = self.last.as_ref().is_some_and(LastAnswer::is_failure);
        self.active && self.state == HookState::Executable && !failed
    }
}

/// GitHub's `last_response`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAnswer {
    /// HTTP status; `None` before the first delivery, or where nobody answered.
    pub code: Option<u16>,
    /// `unused`, `active`, `timeout`, …, and the message beside it.
    pub words: String,
}

impl LastAnswer {
    fn is_failure(&self) -> bool {
        match self.code {
            Some(code) => !(200..300).contains(&code),
            None => !matches!(self.words.as_str(), "" | "unused"),
        }
    }
}

/// GitLab's `alert_status` (`auto_disabling.rs`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// Deliveries are sent.
    Executable,
    /// It failed at least four times in a row and rests, a minute at first and a day at most.
    TemporarilyDisabled,
    /// It failed forty times in a row; only a test that succeeds brings it back.
    Disabled,
    /// A word that Usher does not know.
    Other(String),
}

impl HookState {
    /// Older GitLabs tell no state and disable nothing.
    pub(in crate::forge) fn new(word: Option<&str>) -> HookState {
        match word {
            None | Some("executable") => HookState::Executable,
            Some("temporarily_disabled") => HookState::TemporarilyDisabled,
            Some("disabled") => HookState::Disabled,
            Some(word) => HookState::Other(word.chars().take(STATE_CHARS_MAX).collect()),
        }
    }

    /// What is said of such a hook: "temporarily disabled".
    pub fn phrase(&self) -> &str {
        match self {
            HookState::Executable => "in order",
            HookState::TemporarilyDisabled => "temporarily disabled",
            HookState::Disabled => "disabled",
            HookState::Other(word) => word,
        }
    }
}

/// Longest word for a state that is repeated.
const STATE_CHARS_MAX: usize = 40;

/// The secrets that a webhook is given. `Debug` shows none.
#[derive(Clone, Debug, Default)]
pub struct HookSecrets {
    /// GitHub's secret, or GitLab's plain secret token.
    pub secret: Option<SecretString>,
    /// GitLab 19.0 and newer: `whsec_…`.
    pub signing_token: Option<SecretString>,
}

impl HookSecrets {
    /// Takes every secret out of a fault: a forge may repeat what it refuses.
    pub(in crate::forge) fn hidden_in(&self, fault: ForgeFault) -> ForgeFault {
        let hide = |text: String| {
            let secrets = [&self.secret, &self.signing_token].into_iter().flatten();
            secrets.map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()).fold(
                text,
                |text, secret| {
                    let text = text.replace(secret, "[secret]");
                    match secret.strip_prefix("whsec_").filter(|bare| !bare.is_empty()) {
                        Some(bare) => text.replace(bare, "[secret]"),
                        None => text,
                    }
                },
            )
        };
        match fault {
            ForgeFault::Refused { status, answer } => ForgeFault::Refused { status, answer: hide(answer) },
            ForgeFault::Retry { why, outcome_unknown } => {
                ForgeFault::Retry { why: hide(why), outcome_unknown }
            }
            fault => fault,
        }
    }
}

/// A webhook as it should be.
#[derive(Clone, Debug)]
pub struct HookWish {
    pub address: HookAddress,
    pub secrets: HookSecrets,
}

impl HookWish {
    /// What is not as it should be, one phrase for each; none: the hook is in order, as far as the
    /// forge tells.
    pub fn differences(&self, kind: ForgeKind, place: &HookPlace, hook: &InstalledHook) -> Vec<String> {
        let mut found = Vec::new();
        if hook.url != self.address.as_str() {
            found.push("its address is spelt differently".to_owned());
        }
        let wanted = place.events(kind);
        let titles = |names: Vec<&String>| {
            let title = |name: &&String| {
                events(kind).iter().find(|event| event.name == name.as_str()).map(|e| e.title)
            };
            let titles: Vec<&str> = names.iter().map(|name| title(name).unwrap_or(name.as_str())).collect();
            titles.join(", ")
        };
        let missing: Vec<_> = wanted.difference(&hook.events).collect();
        let all = hook.events.contains("*");
        if !missing.is_empty() && !all {
            found.push(format!("does not hear {}", titles(missing)));
        }
        let surplus: Vec<_> = hook.events.difference(&wanted).collect();
        if all {
            found.push("hears everything".to_owned());
        } else if !surplus.is_empty() {
            found.push(format!("hears {} for nothing", titles(surplus)));
        }
        let flags = [
            (!hook.active, "is switched off"),
            (!hook.json, "sends forms instead of JSON"),
            (!hook.verifies_tls, "does not verify the certificate"),
        ];
        found.extend(flags.into_iter().filter(|(wrong, _)| *wrong).map(|(_, what)| what.to_owned()));
        let named = if kind == ForgeKind::GitHub { "has no secret" } else { "has no secret token" };
        if self.secrets.secret.is_some() && hook.secret == Some(false) {
            found.push(named.to_owned());
        }
        if self.secrets.signing_token.is_some() && hook.signing_token != Some(true) {
            found.push(match hook.signing_token {
                None => "tells of no signing token: GitLab knows them since 19.0, before that set `secret_tokens`",
                Some(_) => "has no signing token",
            }
            .to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_hooks_are_known_by_the_end_of_their_address() {
        for url in [
            "https://usher.example.com/hooks/gitlab",
            "https://usher.example.com/hooks/gitlab/",
            "https://{secret}@h/a/hooks/gitlab?x=/y#z",
        ] {
            assert!(leads_to(url, "gitlab"), "{url}");
        }
        for url in [
            "https://ci.example.com/build",
            "https://h/hooks/gitlab2",
            "https://h/hooks/my-gitlab",
            "https://h/webhooks-gitlab",
            "https://h/?to=/hooks/gitlab",
            "",
        ] {
            assert!(!leads_to(url, "gitlab"), "{url}");
        }
    }

    #[test]
    fn an_address_is_ours_by_origin_and_path() {
        let ours = HookAddress::new("https://Usher.example.com:443/a/", "gitlab").unwrap();
        assert_eq!(ours.as_str(), "https://usher.example.com/a/hooks/gitlab");
        for url in [
            "https://usher.example.com/a/hooks/gitlab",
            "https://usher.example.com:443/a/hooks/gitlab/",
            "HTTPS://USHER.example.com/a/hooks/gitlab?x=1",
        ] {
            assert!(ours.is_ours(url) && !ours.is_elsewhere(url), "{url}");
        }
        for (url, elsewhere) in [
            ("http://usher.example.com/a/hooks/gitlab", true),
            ("https://usher.example.com/hooks/gitlab", true),
            ("https://usher.example.com:8443/a/hooks/gitlab", true),
            ("https://usher.example.com/a/hooks/gitlab2", false),
            ("https://usher.example.com.evil.example/a/hooks/gitlab", true),
            ("https://usher.example.com/a/hooks/github", false),
            ("https://usher.example.com/A/hooks/gitlab", true),
            ("{url}", false),
            ("", false),
        ] {
            assert!(!ours.is_ours(url), "{url}");
            assert_eq!(ours.is_elsewhere(url), elsewhere, "{url}");
        }
        for wrong in [
            "usher.example.com",
            "ftp://h",
            "https://",
            "https://me:pw@h",
            "https://h/?a",
            "https://h/hooks/gitlab",
            "https://h/hooks/",
        ] {
            assert!(HookAddress::new(wrong, "gitlab").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_refusal_that_repeats_the_secret_does_not_show_it() {
        let secrets =
            HookSecrets { secret: Some("hush".into()), signing_token: Some("whsec_c2VjcmV0".into()) };
        let refused = |answer: &str| ForgeFault::Refused { status: 400, answer: answer.into() };
        let said = secrets.hidden_in(refused("token hush and whsec_c2VjcmV0, c2VjcmV0 are bad"));
        assert_eq!(said, refused("token [secret] and [secret], [secret] are bad"));
    }
}
