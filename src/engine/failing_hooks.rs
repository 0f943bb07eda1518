//! Webhooks whose deliveries do not come through, as their forge tells, and what mends them.

use jiff::Timestamp;

use usher_core::model::change::ForgeKind;

/// A webhook of Usher's whose newest deliveries failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingHook {
    /// Which one; `None` for one that is known by its log only.
    pub hook: Option<HookNumber>,
    /// `webhook 5 of acme/shop`
    pub whose: String,
    /// When the first of them was sent, where the forge tells.
    pub since: Option<Timestamp>,
    /// The receiver's answer to the newest, if there was one.
    pub status: Option<u16>,
    /// The forge's words for it: `internal error`.
    pub words: String,
    /// What mends it.
    pub remedy: String,
}

/// By what a forge knows a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookNumber {
    /// Full path of the project, or of the group or organisation.
    pub place: String,
    /// Whether it is a group's or an organisation's.
    pub of_group: bool,
    pub id: u64,
}

impl FailingHook {
    /// What goes wrong, since when, and what mends it.
    pub fn sentence(&self) -> String {
        let since = self.since.map(|since| format!(" since {}", minute(since))).unwrap_or_default();
        let how = match self.status {
            Some(status) if (400..500).contains(&status) => format!("are refused with {status}{since}"),
            _ => format!("do not come through{since} ({})", self.words),
        };
        format!("{}: its deliveries {how}: {}", self.whose, self.remedy)
    }
}

/// What mends a webhook whose deliveries are answered with `status`, or not at all.
pub fn remedy(kind: ForgeKind, forge: &str, status: Option<u16>) -> String {
    let secrets = match kind {
        ForgeKind::GitHub => "`webhook_secrets`",
        ForgeKind::GitLab => "`signing_tokens` or `secret_tokens`",
    };
    match status {
        Some(401) => format!(
            "the secret there is not one of {secrets}; `usher hooks install --forge {forge} --url … --rotate \
             --yes` gives it the first of them (of an App: its settings do), or add the webhook's own"
        ),
        Some(404) => format!("its address has to lead to Usher and to end in /hooks/{forge}"),
        Some(413) => "its deliveries are larger than `server.body_limit`".into(),
        Some(503) => {
            "Usher, or what stands before it, could not take them; `/readyz` and the log say why".into()
        }
        Some(status) if (300..400).contains(&status) => {
            "its address is redirected; name the one it leads to".into()
        }
        Some(status) if (400..500).contains(&status) => {
            "what stands before Usher, a proxy perhaps, refuses them".into()
        }
        _ => "nobody answers at its address; is it right, and can the forge reach it?".into(),
    }
}

/// An instant in UTC, to the minute.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_hook_says_since_when_and_what_mends_it() {
        let sentence = |status: Option<u16>, words: &str, since: Option<&str>| {
            let hook = FailingHook {
                hook: None,
                whose: "webhook 5 of acme/shop".into(),
                since: since.map(|since| since.parse().unwrap()),
                status,
                words: words.into(),
                remedy: remedy(ForgeKind::GitLab, "gitlab", status),
            };
            hook.sentence()
        };
        let refused = sentence(Some(401), "401", Some("2026-03-02T10:03:00Z"));
        assert!(
            refused.starts_with(
                "webhook 5 of acme/shop: its deliveries are refused with 401 since 2026-03-02 10:03 UTC: \
                 the secret there is not one of `signing_tokens` or `secret_tokens`; `usher hooks install"
            ),
            "{refused}"
        );
        assert_eq!(
            sentence(None, "internal error", None),
            "webhook 5 of acme/shop: its deliveries do not come through (internal error): \
             nobody answers at its address; is it right, and can the forge reach it?"
        );
    }
}
