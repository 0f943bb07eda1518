//! What became of GitHub's deliveries to Usher: GitHub never repeats a failed one by itself, but keeps
//! it for three days and sends it again when asked, under the same id (GitHub's
//! `best-practices-for-using-webhooks.md`).
//!
//! An App reads the log of its own hook. A token reads those of organisations' hooks, where its
//! account owns the organisation.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::api::GitHub;
use super::webhooks::WORDS_CHARS_MAX;
use crate::forge::shared::listing::{Source, sources};
use crate::forge::shared::webhook_health::{
    Deliveries, DeliveryFailure, DeliveryLog, FailedDelivery, WebhookHealth,
};
use crate::forge::shared::webhooks::{HookPlace, InstalledHook, Webhooks, leads_to};
use crate::forge::transport::fault::ForgeFault;
use usher_core::model::policy::Pattern;

/// Pages of a log that are read at once, at most: 1,000 failures.
const LOG_PAGES_LIMIT: usize = 10;
/// One page of the deliveries of one hook is looked at.
const DELIVERY_PAGES: usize = 1;

/// `hook-delivery-item` of GitHub's description.
#[derive(Debug, Deserialize)]
struct Delivery {
    delivered_at: Timestamp,
    /// `OK`, or what went wrong.
    status: String,
    #[serde(default)]
    status_code: u16,
    #[serde(default)]
    event: String,
}

impl Delivery {
    fn failure(self) -> Option<DeliveryFailure> {
        let words = self.status.chars().take(WORDS_CHARS_MAX).collect();
        let status = (self.status_code != 0).then_some(self.status_code);
        let at = Some(self.delivered_at);
        (self.status != "OK").then_some(DeliveryFailure { at, event: self.event, status, words })
    }
}

impl GitHub {
    /// The newest deliveries at `url`: one page, newest first.
    async fn counted(&self, url: Url) -> Result<Deliveries, ForgeFault> {
        let mut found = Deliveries::default();
        let count = |page: Vec<Delivery>| {
            page.into_iter().for_each(|delivery| found.count(delivery.failure()));
            // A hundred are enough; there is always a next page of older ones.
            false
        };
        self.each_page(url, DELIVERY_PAGES, count).await?;
        Ok(found)
    }
}

#[async_trait]
impl WebhookHealth for GitHub {
    /// The logs that may be read, one request for each organisation; for an App none.
    async fn delivery_logs(&self, forge: &str, patterns: &[Pattern]) -> Result<Vec<DeliveryLog>, ForgeFault> {
        if self.transport.is_app() {
            return Ok(vec![DeliveryLog(vec!["app".into(), "hook".into()])]);
        }
        let mut logs = Vec::new();
        for source in sources(patterns) {
            let Source::Below(owner) = source else { continue };
            let hooks = match self.hooks_at(&HookPlace::Owner(owner.clone())).await {
                Ok(hooks) => hooks,
                // The token's account does not own the organisation, as it should be.
                Err(ForgeFault::Gone | ForgeFault::Refused { .. }) => continue,
                Err(fault) => return Err(fault),
            };
            let ours = hooks.into_iter().filter(|hook| leads_to(&hook.url, forge));
            let place = |hook: InstalledHook| {
                DeliveryLog(vec!["orgs".into(), owner.clone(), "hooks".into(), hook.id.to_string()])
            };
            logs.extend(ours.map(place));
        }
        Ok(logs)
    }

    /// The failed tries at or after `since`, newest first: one request for 100.
    async fn failed_deliveries(
        &self,
        log: &DeliveryLog,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ForgeFault> {
        let mut url = self.at(log.0.iter().map(String::as_str).chain(["deliveries"]));
        url.query_pairs_mut().append_pair("status", "failure");
        let mut failed = Vec::new();
        let take = |page: Vec<FailedDelivery>| {
            let read = page.len();
            let before = failed.len();
            failed.extend(page.into_iter().filter(|one| one.delivered_at >= since && one.status != "OK"));
            failed.len() - before == read
        };
        self.each_page(url, LOG_PAGES_LIMIT, take).await?;
        Ok(failed)
    }

    /// Lets GitHub send a delivery again: 202, and the delivery follows. One write.
    async fn redeliver(&self, log: &DeliveryLog, id: u64) -> Result<(), ForgeFault> {
        let id = id.to_string();
        let url = self.at(log.0.iter().map(String::as_str).chain(["deliveries", &id, "attempts"]));
        self.write(http::Method::POST, &url, None::<&()>).await
    }

    /// The newest deliveries of a hook, up to a hundred. One read.
    async fn deliveries(&self, place: &HookPlace, id: u64) -> Result<Option<Deliveries>, ForgeFault> {
        let url = self.hooks_of(place, [id.to_string().as_str(), "deliveries"]);
        self.counted(url).await.map(Some)
    }

    /// The newest deliveries of a log, up to a hundred. One read.
    async fn deliveries_in(&self, log: &DeliveryLog) -> Result<Deliveries, ForgeFault> {
        self.counted(self.at(log.0.iter().map(String::as_str).chain(["deliveries"]))).await
    }

    /// Nothing to do: GitHub disables none.
    async fn test_hook(&self, _: &HookPlace, _: u64) -> Result<(), ForgeFault> {
        Ok(())
    }
}
