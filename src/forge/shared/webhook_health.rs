//! How deliveries to Usher went, as far as a forge tells.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;

use super::webhooks::HookPlace;
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::policy::Pattern;

/// A forge's newest deliveries of one hook, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    pub seen: usize,
    pub failed: usize,
    /// The newest failure, and whether anything came through since.
    pub last_failure: Option<DeliveryFailure>,
    /// How many of the newest failed, without a good one among them; 0: the newest came through.
    pub failing: usize,
    /// When the first of those was sent, where the forge tells.
    pub failing_since: Option<Timestamp>,
}

/// One delivery that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// When it was sent, where the forge tells.
    pub at: Option<Timestamp>,
    /// `pull_request`, `merge_request_hooks`, …
    pub event: String,
    /// The receiver's answer, if there was one.
    pub status: Option<u16>,
    /// The forge's words: `Invalid HTTP Response: 401`.
    pub words: String,
}

impl Deliveries {
    /// The newest delivery, where it failed: then nothing has come through since `failing_since`.
    pub fn fails_with(&self) -> Option<&DeliveryFailure> {
        self.last_failure.as_ref().filter(|_| self.failing > 0)
    }

    /// Takes in the next older delivery; `None`: it came through.
    pub(in crate::forge) fn count(&mut self, failure: Option<DeliveryFailure>) {
        let unbroken = self.failing == self.seen;
        self.seen += 1;
        let Some(failure) = failure else { return };
        self.failed += 1;
        if unbroken {
            self.failing += 1;
            self.failing_since = failure.at.or(self.failing_since);
        }
        self.last_failure.get_or_insert(failure);
    }
}

/// Where a log is kept, below the API's root: `app/hook`, or `orgs/{org}/hooks/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryLog(pub(in crate::forge) Vec<String>);

impl DeliveryLog {
    /// Whose it is: `the App's webhook`, or `webhook 3 of acme`.
    pub fn whose(&self) -> String {
        match self.0.as_slice() {
            [_, owner, _, id] => format!("webhook {id} of {owner}"),
            _ => "the App's webhook".into(),
        }
    }
}

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
    /// The newest deliveries of one hook; `None` where the forge does not tell of them.
    async fn deliveries(&self, place: &HookPlace, id: u64) -> Result<Option<Deliveries>, ForgeFault>;
    /// The newest deliveries of a log, good ones too.
    async fn deliveries_in(&self, log: &DeliveryLog) -> Result<Deliveries, ForgeFault>;
    /// Lets the forge send a test to a hook, even to a disabled one.
    async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), ForgeFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(at: &str, status: u16) -> Option<DeliveryFailure> {
        let at = (!at.is_empty()).then(|| at.parse().unwrap());
        Some(DeliveryFailure { at, event: "pull_request".into(), status: Some(status), words: String::new() })
    }

    #[test]
    fn only_what_failed_since_the_last_good_one_is_failing() {
        let mut found = Deliveries::default();
        for one in [failed("2026-03-02T10:03:00Z", 401), failed("2026-03-02T10:02:00Z", 401), None] {
            found.count(one);
        }
        found.count(failed("2026-03-02T09:00:00Z", 503));
        let first: Timestamp = "2026-03-02T10:02:00Z".parse().unwrap();
        assert_eq!((found.seen, found.failed, found.failing), (4, 3, 2));
        assert_eq!(found.failing_since, Some(first));
        assert_eq!(found.last_failure.unwrap().status, Some(401));

        let mut good = Deliveries::default();
        [None, failed("", 503)].into_iter().for_each(|one| good.count(one));
        assert_eq!((good.seen, good.failed, good.failing, good.failing_since), (2, 1, 0, None));
    }
}
