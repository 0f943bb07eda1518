//! How deliveries to Usher went, as far as a forge tells.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;

use super::webhooks::HookPlace;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::policy::Pattern;

/// GitHub's newest deliveries of one hook, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    pub seen: usize,
    pub failed: usize,
    /// The newest failure: when, which event, and the forge's words (`401 Invalid HTTP Response: 401`).
    pub last_failure: Option<(Timestamp, String, String)>,
}

/// Where a log is kept, below the API's root: `app/hook`, or `orgs/{org}/hooks/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryLog(pub(in crate::forge) Vec<String>);

/// One failed try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FailedDelivery {
    /// Of this try.
    pub id: u64,
    /// `X-GitHub-Delivery`, the same for every try.
    pub guid: String,
    pub delivered_at: Timestamp,
    /// GitHub's words: `Invalid HTTP Response: 503`.
    #[serde(default)]
    pub status: String,
}

/// What a forge tells of its deliveries, and how it is made to try again.
#[async_trait]
pub(in crate::forge) trait WebhookHealth: Sync {
    /// The logs that may be read.
    async fn delivery_logs(&self, forge: &str, patterns: &[Pattern]) -> Result<Vec<DeliveryLog>, ForgeFault>;
    /// The failed tries at or after `since`, newest first.
    async fn failed_deliveries(
        &self,
        log: &DeliveryLog,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ForgeFault>;
    /// Lets the forge send a delivery again.
    async fn redeliver(&self, log: &DeliveryLog, id: u64) -> Result<(), ForgeFault>;
    /// The newest deliveries of one hook; `None` where the hook's state tells of failures.
    async fn deliveries(&self, place: &HookPlace, id: u64) -> Result<Option<Deliveries>, ForgeFault>;
    /// Lets the forge send a test to a hook, even to a disabled one.
    async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), ForgeFault>;
}
