//! Usher's own webhooks as GitLab sees them: GitLab stops a hook that keeps failing, and drops in
//! silence what happens meanwhile (its `auto_disabling.rb`).

use std::borrow::Cow;

use gitlab::api::{AsyncQuery, Endpoint, ignore};

use super::client::{GitLab, fault_of};
use super::webhooks::path_of;
use crate::forge::fault::Fault;
use crate::forge::hooks::HookPlace;

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
    pub(super) fn new(word: Option<&str>) -> HookState {
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

/// `POST /projects/:id/hooks/:hook_id/test/merge_requests_events`, the same below `/groups/:id`
#[derive(Debug)]
struct HookTest<'a> {
    place: &'a HookPlace,
    hook: u64,
}

impl Endpoint for HookTest<'_> {
    fn method(&self) -> http::Method {
        http::Method::POST
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("{}/{}/test/merge_requests_events", path_of(self.place), self.hook).into()
    }
}

impl GitLab {
    /// Lets GitLab send a test to a hook, even to a disabled one; a 2xx to the test enables the hook
    /// again, and only then GitLab answers with 2xx too. One write.
    pub async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), Fault> {
        let test = ignore(HookTest { place, hook });
        test.query_async(&*self.line).await.map_err(|error| fault_of(error, true))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;
    use crate::forge::testing::{Script, start};

    const HOOKS: &str = "/projects/acme%2Fshop/hooks";

    fn shop() -> HookPlace {
        HookPlace::Project("acme/shop".into())
    }

    #[tokio::test]
    async fn states_are_read_as_far_as_they_are_told() {
        let script = Script::gitlab(&[]).await;
        let hook = |id: u64, more: serde_json::Value| {
            let mut hook = json!({"id": id, "url": "https://usher/hooks/f", "push_events": true});
            hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            hook
        };
        let until = "2026-03-02T10:01:00.000+01:00";
        let listed = json!([
            hook(1, json!({"alert_status": "executable", "disabled_until": null})),
            hook(2, json!({"alert_status": "temporarily_disabled", "disabled_until": until})),
            hook(3, json!({"alert_status": "disabled"})),
            hook(4, json!({})),
            hook(5, json!({"alert_status": "asleep", "disabled_until": "soon"})),
            {"id": 6, "url": "https://ci/", "alert_status": "disabled"},
        ]);
        script.on("GET", HOOKS, 200, listed).await;
        let found = script.client.own_hooks(&shop()).await.unwrap().unwrap();
        let states: Vec<_> = found.iter().map(|hook| (hook.id, hook.state.phrase())).collect();
        let expected =
            [(1, "in order"), (2, "temporarily disabled"), (3, "disabled"), (4, "in order"), (5, "asleep")];
        assert_eq!(states, expected);
        assert_eq!(found[1].disabled_until, Some(start() + SignedDuration::from_secs(60)));
        assert_eq!(script.requests().await, [format!("GET {HOOKS}?per_page=100")]);
    }

    #[tokio::test]
    async fn a_test_is_one_write_and_a_refusal_is_told() {
        let script = Script::gitlab(&[]).await;
        let test = format!("{HOOKS}/3/test/merge_requests_events");
        script.on("POST", &test, 201, json!({"message": "201 Created"})).await;
        assert_eq!(script.client.test_hook(&shop(), 3).await, Ok(()));
        let group = "/groups/acme%2Ftools/hooks/3/test/merge_requests_events";
        script.on("POST", group, 201, json!({"message": "201 Created"})).await;
        assert_eq!(script.client.test_hook(&HookPlace::Owner("acme/tools".into()), 3).await, Ok(()));
        assert_eq!(script.requests().await, [format!("POST {test}"), format!("POST {group}")]);

        let test = format!("{HOOKS}/4/test/merge_requests_events");
        let words = "Ensure the project has merge requests.";
        script.on("POST", &test, 422, json!({ "message": words })).await;
        let refused = Fault::Refused { status: 422, answer: words.into() };
        assert_eq!(script.client.test_hook(&shop(), 4).await, Err(refused));
    }

    #[tokio::test]
    async fn who_is_no_maintainer_sees_no_hooks() {
        let script = Script::gitlab(&[]).await;
        script.on("GET", HOOKS, 403, json!({"message": "403 Forbidden"})).await;
        assert_eq!(script.client.own_hooks(&shop()).await, Ok(None));
    }
}
