//! What became of GitHub's deliveries to Usher: GitHub never repeats a failed one by itself, but keeps
//! it for three days and sends it again when asked, under the same id (GitHub's
//! `best-practices-for-using-webhooks.md`).
//!
//! An App reads the log of its own hook. A token reads those of organisations' hooks, where its
//! account owns the organisation.

use jiff::Timestamp;
use serde::Deserialize;

use super::client::GitHub;
use crate::forge::fault::Fault;
use crate::forge::hooks::{HookPlace, InstalledHook, leads_to};
use crate::forge::listing::{Source, sources};
use usher_core::model::policy::Pattern;

/// Pages of a log that are read at once, at most: 1,000 failures.
const LOG_PAGES_LIMIT: usize = 10;

/// Where a log is kept, below the API's root: `app/hook`, or `orgs/{org}/hooks/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryLog(Vec<String>);

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

impl GitHub {
    /// The logs that may be read, one request for each organisation; for an App none.
    pub async fn delivery_logs(&self, forge: &str, patterns: &[Pattern]) -> Result<Vec<DeliveryLog>, Fault> {
        if self.is_app() {
            return Ok(vec![DeliveryLog(vec!["app".into(), "hook".into()])]);
        }
        let mut logs = Vec::new();
        for source in sources(patterns) {
            let Source::Below(owner) = source else { continue };
            let hooks = match self.hooks_at(&HookPlace::Owner(owner.clone())).await {
                Ok(hooks) => hooks,
                // The token's account does not own the organisation, as it should be.
                Err(Fault::Gone | Fault::Refused { .. }) => continue,
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
    pub async fn failed_deliveries(
        &self,
        log: &DeliveryLog,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, Fault> {
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
    pub async fn redeliver(&self, log: &DeliveryLog, id: u64) -> Result<(), Fault> {
        let id = id.to_string();
        let url = self.at(log.0.iter().map(String::as_str).chain(["deliveries", &id, "attempts"]));
        self.write(http::Method::POST, &url, None::<&()>).await
    }
}
