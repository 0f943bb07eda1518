//! Usher's own webhooks as GitLab sees them: GitLab stops a hook that keeps failing, and drops in
//! silence what happens meanwhile (its `auto_disabling.rb`). How deliveries went it tells since 17.3
//! (`doc/api/project_webhooks.md`, `lib/api/hooks/events.rb`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_trait::async_trait;
use gitlab::api::{AsyncQuery, Endpoint, ignore};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::api::{GitLab, fault_of};
use super::webhooks::path_of;
use crate::forge::shared::webhook_health::{
    Deliveries, DeliveryFailure, DeliveryLog, FailedDelivery, WebhookHealth,
};
use crate::forge::shared::webhooks::HookPlace;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::policy::Pattern;

/// Longest word for how a delivery ended that is repeated.
const STATUS_CHARS_MAX: usize = 100;

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

/// `GET /projects/:id/hooks/:hook_id/events`, the same below `/groups/:id`: of the last seven days, the
/// newest twenty, which is the most that a page has.
#[derive(Debug)]
struct HookEvents<'a> {
    place: &'a HookPlace,
    hook: u64,
}

impl Endpoint for HookEvents<'_> {
    fn method(&self) -> http::Method {
        http::Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("{}/{}/events", path_of(self.place), self.hook).into()
    }
}

/// One of them. The body that was sent and what was answered are not looked at.
#[derive(Debug, Deserialize)]
struct HookEvent {
    id: u64,
    /// `merge_request_hooks`
    #[serde(default)]
    trigger: String,
    /// A status, or `internal error` where nobody answered.
    #[serde(default, deserialize_with = "text_or_number")]
    response_status: String,
    #[serde(default)]
    request_headers: BTreeMap<String, Value>,
    #[serde(default)]
    response_headers: BTreeMap<String, Value>,
}

impl HookEvent {
    /// GitLab takes a redirection for a success, too (`web_hook_service.rb`).
    fn failure(self) -> Option<DeliveryFailure> {
        let status: Option<u16> = self.response_status.parse().ok();
        if status.is_some_and(|status| (200..400).contains(&status)) {
            return None;
        }
        let at = self.sent_at();
        let words = self.response_status.chars().take(STATUS_CHARS_MAX).collect();
        Some(DeliveryFailure { at, event: self.trigger, status, words })
    }

    /// The list has no times; from 19.0 on a header of the request has, and most receivers date their answer.
    fn sent_at(&self) -> Option<Timestamp> {
        let told = |headers: &BTreeMap<String, Value>, wanted: &str| {
            let mut found = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.find_map(|(_, value)| value.as_str().map(str::to_owned))
        };
        let signed = told(&self.request_headers, "webhook-timestamp").and_then(|text| text.parse().ok());
        let signed = signed.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let dated = || told(&self.response_headers, "date");
        signed.or_else(|| jiff::fmt::rfc2822::parse(&dated()?).ok().map(|zoned| zoned.timestamp()))
    }
}

#[async_trait]
impl WebhookHealth for GitLab {
    /// None that says more than a sweep.
    async fn delivery_logs(&self, _: &str, _: &[Pattern]) -> Result<Vec<DeliveryLog>, ForgeFault> {
        Ok(Vec::new())
    }

    async fn failed_deliveries(
        &self,
        _: &DeliveryLog,
        _: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ForgeFault> {
        Ok(Vec::new())
    }

    async fn redeliver(&self, _: &DeliveryLog, _: u64) -> Result<(), ForgeFault> {
        Ok(())
    }

    /// The newest deliveries of a hook, up to twenty, for those who may see the hook; `None` before
    /// GitLab 17.3. One read.
    async fn deliveries(&self, place: &HookPlace, id: u64) -> Result<Option<Deliveries>, ForgeFault> {
        let list = HookEvents { place, hook: id };
        let mut events: Vec<HookEvent> = match list.query_async(&*self.transport).await {
            Ok(events) => events,
            Err(error) => {
                return match fault_of(error, false) {
                    ForgeFault::Gone => Ok(None),
                    fault => Err(fault),
                };
            }
        };
        events.sort_by_key(|event| std::cmp::Reverse(event.id));
        let mut found = Deliveries::default();
        events.into_iter().for_each(|event| found.count(event.failure()));
        Ok(Some(found))
    }

    /// There are no logs.
    async fn deliveries_in(&self, _: &DeliveryLog) -> Result<Deliveries, ForgeFault> {
        Ok(Deliveries::default())
    }

    /// Lets GitLab send a test to a hook, even to a disabled one; a 2xx to the test enables the hook
    /// again, and only then GitLab answers with 2xx too. One write.
    async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), ForgeFault> {
        let test = ignore(HookTest { place, hook });
        test.query_async(&*self.transport).await.map_err(|error| fault_of(error, true))
    }
}

/// `"200"`, as it is documented, or 200.
fn text_or_number<'de, D: Deserializer<'de>>(told: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(told)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}
