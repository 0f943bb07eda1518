//! Registered webhooks, and how healthy they are.

use jiff::{SignedDuration, Timestamp};

use super::accounts::with_ancestors;
use super::forge::Forge;

/// Consecutive failures after which GitLab rests a hook, and after which it gives up on it
/// (`auto_disabling.rs`, thresholds 3 and 39).
const FAILURES_UNTIL_REST: u32 = 4;
const FAILURES_UNTIL_DISABLED: u32 = 40;
/// Longest rest of a GitLab hook, in hours.
const REST_HOURS_MAX: i64 = 24;

/// What a webhook is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookTarget {
    /// A GitLab project or GitHub repository, by full path.
    Project(String),
    /// A GitLab group with all below it (Premium), by full path.
    Group(String),
    /// A GitHub organisation.
    Org(String),
}

impl HookTarget {
    /// Whether a hook there hears of a project's events.
    pub(crate) fn covers_project(&self, project: &str, is_premium: bool) -> bool {
        let owner = project.rsplit_once('/').map_or("", |(owner, _)| owner);
        match self {
            HookTarget::Project(path) => path == project,
            HookTarget::Group(_) => self.covers_group(owner, is_premium),
            HookTarget::Org(name) => name == owner,
        }
    }

    /// Whether a hook there hears of a GitLab group's members.
    pub(crate) fn covers_group(&self, group: &str, is_premium: bool) -> bool {
        match self {
            HookTarget::Group(path) => is_premium && with_ancestors(group).any(|ancestor| ancestor == path),
            HookTarget::Project(_) | HookTarget::Org(_) => false,
        }
    }
}

/// A webhook to be attached.
#[derive(Clone, Debug)]
pub struct NewHook {
    /// Where it sends to.
    pub url: String,
    /// GitLab: `merge_requests_events`, `note_events`, `confidential_note_events`,
    /// `member_events`; GitHub: event names.
    /// Empty means all.
    pub events: Vec<String>,
    /// GitLab's plain secret token, or GitHub's secret.
    pub secret: Option<String>,
    /// GitLab's signing token, `whsec_<base64 of 32 bytes>`.
    pub signing_token: Option<String>,
    /// GitHub: switched on.
    pub active: bool,
    /// GitHub: `content_type` is `json` and not `form`. Only shown: bodies are always JSON.
    pub json: bool,
    /// Whether the receiver's certificate is looked at. Only shown.
    pub verifies_tls: bool,
}

impl NewHook {
    /// A hook for all events without any secret.
    pub fn to(url: &str) -> NewHook {
        NewHook {
            url: url.to_owned(),
            events: Vec::new(),
            secret: None,
            signing_token: None,
            active: true,
            json: true,
            verifies_tls: true,
        }
    }

    /// Only for these events.
    #[must_use]
    pub fn with_events(self, events: &[&str]) -> NewHook {
        NewHook { events: events.iter().map(|name| (*name).to_owned()).collect(), ..self }
    }

    /// With a GitHub secret or a GitLab secret token.
    #[must_use]
    pub fn with_secret(self, secret: &str) -> NewHook {
        NewHook { secret: Some(secret.to_owned()), ..self }
    }

    /// With a GitLab signing token.
    #[must_use]
    pub fn with_signing_token(self, token: &str) -> NewHook {
        NewHook { signing_token: Some(token.to_owned()), ..self }
    }
}

/// An attached webhook and its health.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) forge: Forge,
    pub(crate) target: HookTarget,
    pub(crate) new: NewHook,
    pub(crate) failures: u32,
    pub(crate) disabled_until: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Hook {
    pub(crate) fn new(id: u64, forge: Forge, target: HookTarget, new: NewHook, at: Timestamp) -> Hook {
        let (failures, disabled_until) = (0, None);
        Hook { id, forge, target, new, failures, disabled_until, created_at: at, updated_at: at }
    }

    /// Whether it hears what hooks subscribe to under this name.
    pub(crate) fn hears(&self, subscription: &str) -> bool {
        let named = |name: &String| name == subscription || (self.forge == Forge::Github && name == "*");
        self.new.events.is_empty() || self.new.events.iter().any(named)
    }

    /// GitLab's `alert_status`.
    pub(crate) fn alert_status(&self, now: Timestamp) -> &'static str {
        match self.disabled_until {
            _ if self.failures >= FAILURES_UNTIL_DISABLED => "disabled",
            Some(until) if until > now => "temporarily_disabled",
            _ => "executable",
        }
    }

    /// Counts an answer, as GitLab's auto-disabling does; GitHub never disables a hook by itself.
    pub(crate) fn count(&mut self, succeeded: bool, now: Timestamp) {
        if self.forge == Forge::Github {
            return;
        }
        if succeeded {
            (self.failures, self.disabled_until) = (0, None);
            return;
        }
        self.failures += 1;
        if self.failures >= FAILURES_UNTIL_REST {
            let minutes = 1_i64 << (self.failures - FAILURES_UNTIL_REST).min(11);
            let rest = SignedDuration::from_mins(minutes.min(REST_HOURS_MAX * 60));
            self.disabled_until = Some(now + rest);
        }
    }
}
