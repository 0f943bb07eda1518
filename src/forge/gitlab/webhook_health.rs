//! Usher's own webhooks as GitLab sees them: GitLab stops a hook that keeps failing, and drops in
//! silence what happens meanwhile (its `auto_disabling.rb`).

use std::borrow::Cow;

use async_trait::async_trait;
use gitlab::api::{AsyncQuery, Endpoint, ignore};
use jiff::Timestamp;

use super::api::{GitLab, fault_of};
use super::webhooks::path_of;
use crate::forge::shared::webhook_health::{Deliveries, DeliveryLog, FailedDelivery, WebhookHealth};
use crate::forge::shared::webhooks::HookPlace;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::policy::Pattern;

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

    /// The hook's state tells of failures.
    async fn deliveries(&self, _: &HookPlace, _: u64) -> Result<Option<Deliveries>, ForgeFault> {
        Ok(None)
    }

    /// Lets GitLab send a test to a hook, even to a disabled one; a 2xx to the test enables the hook
    /// again, and only then GitLab answers with 2xx too. One write.
    async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), ForgeFault> {
        let test = ignore(HookTest { place, hook });
        test.query_async(&*self.transport).await.map_err(|error| fault_of(error, true))
    }
}
