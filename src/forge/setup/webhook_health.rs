//! How the webhooks are, and healing them.

use jiff::Timestamp;

use crate::forge::client::Client;
use crate::forge::shared::inspect::if_allowed;
use crate::forge::shared::webhook_health::{Deliveries, DeliveryLog, FailedDelivery};
use crate::forge::shared::webhooks::{HookPlace, InstalledHook, leads_to};
use crate::forge::transport::fault::ForgeFault;

impl Client {
    /// Those webhooks of a place that lead to `/hooks/{forge}`, wherever that is; `None`: this token may
    /// not look. One read.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn own_hooks(&self, place: &HookPlace) -> Result<Option<Vec<InstalledHook>>, ForgeFault> {
        let hooks = if_allowed(self.hooks_at(place).await)?;
        let own = |hook: &InstalledHook| leads_to(&hook.url, self.name());
        Ok(hooks.map(|hooks| hooks.into_iter().filter(own).collect()))
    }

    /// Where GitHub keeps what became of its deliveries to Usher, as far as this identity may read it:
    /// an App its own hook's log, a token those of the organisations that it owns. GitLab keeps none
    /// that says more than a sweep.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn delivery_logs(&self) -> Result<Vec<DeliveryLog>, ForgeFault> {
        self.dialect().delivery_logs(self.name(), self.patterns()).await
    }

    /// The deliveries that failed at or after `since`, newest first. One read for 100.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn failed_deliveries(
        &self,
        log: &DeliveryLog,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ForgeFault> {
        self.dialect().failed_deliveries(log, since).await
    }

    /// Has one of [`Client::failed_deliveries`] sent again, under the id it had. One write.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn redeliver(&self, log: &DeliveryLog, id: u64) -> Result<(), ForgeFault> {
        self.dialect().redeliver(log, id).await
    }

    /// Sends a test to one of [`Client::own_hooks`], which enables it again where Usher answers well.
    /// One write; GitLab allows five a minute. On GitHub there is nothing to do: it disables none.
    ///
    /// # Errors
    /// See [`ForgeFault`]. 422: Usher did not answer well, or there is no change to make a test of.
    pub async fn test_hook(&self, place: &HookPlace, hook: u64) -> Result<(), ForgeFault> {
        self.dialect().test_hook(place, hook).await
    }

    /// How the newest deliveries of a webhook went: up to a hundred on GitHub, up to twenty on GitLab;
    /// `None` where the forge does not tell (GitLab before 17.3). One read.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn hook_deliveries(
        &self,
        place: &HookPlace,
        id: u64,
    ) -> Result<Option<Deliveries>, ForgeFault> {
        self.dialect().deliveries(place, id).await
    }

    /// How the newest deliveries of one of [`Client::delivery_logs`] went, good ones too. One read.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn deliveries_in(&self, log: &DeliveryLog) -> Result<Deliveries, ForgeFault> {
        self.dialect().deliveries_in(log).await
    }
}
