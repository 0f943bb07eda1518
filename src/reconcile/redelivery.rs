//! Failed deliveries are asked for again, where the forge keeps them (GitHub). A sweep finds out how
//! changes are; what people said and did, and who, is only in the deliveries. Deliveries that did come
//! are known by their ids, and news that has become old by then changes nothing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn, age};
use crate::forge::{DeliveryLog, FailedDelivery, ForgeFault};
use crate::store::StoreError;
use usher_core::model::change::ForgeKind;

/// GitHub keeps deliveries for three days.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Deliveries asked for in one round, at most, oldest first; the next round goes on. GitHub takes 80
/// writes a minute, and reviews need some of them.
const REDELIVERIES_MAX: usize = 40;
/// How often one delivery is asked for, at most.
const TRIES_MAX: u32 = 3;
/// Which logs there are is looked up again after so long.
const LOGS_FOR: SignedDuration = SignedDuration::from_hours(24);
const SCOPE: &str = "deliveries";

pub(super) struct RedeliveryDuty {
    context: DutyContext,
    logs: Vec<DeliveryLog>,
    looked_at: Option<Timestamp>,
    /// How often a delivery was asked for, the last try that failed, and when it was.
    asked: BTreeMap<String, Asked>,
}

struct Asked {
    times: u32,
    /// The failed try on which it was asked for last.
    attempt: u64,
    at: Timestamp,
}

impl RedeliveryDuty {
    pub(super) fn new(context: DutyContext) -> RedeliveryDuty {
        RedeliveryDuty { context, logs: Vec::new(), looked_at: None, asked: BTreeMap::new() }
    }

    /// Looks for failed deliveries and has them sent again. Faults of the forge are no fault of the
    /// sweep. Returns how many were asked for.
    pub(super) async fn ask(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        if self.context.client.kind() != ForgeKind::GitHub {
            return Ok(0);
        }
        let context = self.context.clone();
        let forge = context.client.name();
        match self.ask_again(now).await? {
            Ok(asked) => {
                if asked > 0 {
                    tracing::info!(forge, asked, "failed deliveries are sent again");
                }
                Ok(asked)
            }
            Err(fault) => {
                tracing::warn!(forge, %fault, "the log of deliveries could not be worked through");
                Ok(0)
            }
        }
    }

    async fn ask_again(&mut self, now: Timestamp) -> Result<Result<usize, ForgeFault>, StoreError> {
        let context = self.context.clone();
        let forge = context.client.name();
        if self.looked_at.is_none_or(|at| age(at, now) >= LOGS_FOR) {
            match self.context.client.delivery_logs().await {
                Ok(known) => (self.logs, self.looked_at) = (known, Some(now)),
                Err(fault) => return Ok(Err(fault)),
            }
        }
        self.asked.retain(|_, asked| age(asked.at, now) < KEPT_FOR);
        let first_seen = self.context.shared.snapshot().forge(forge).map_or(now, |known| known.first_seen);
        let mark = self.context.store.watermark(forge, SCOPE).await?.unwrap_or(first_seen);
        let since = mark.max(now.checked_sub(KEPT_FOR).unwrap_or(mark));
        let mut failed = Vec::new();
        for log in &self.logs {
            match self.context.client.failed_deliveries(log, since).await {
                Ok(found) => failed.extend(found.into_iter().map(|one| (log.clone(), one))),
                Err(fault) => return Ok(Err(fault)),
            }
        }
        failed.sort_by_key(|(_, one)| (one.delivered_at, one.id));
        self.report(&failed).await;
        if self.context.dry_run {
            // To have them sent again is a write.
            return Ok(Ok(0));
        }
        let mut asked = 0;
        let mut done_until = since;
        for (log, one) in failed {
            if asked >= REDELIVERIES_MAX {
                break;
            }
            if self.is_wanted(&one).await? {
                if let Err(fault) = self.context.client.redeliver(&log, one.id).await {
                    if !matches!(fault, ForgeFault::Gone | ForgeFault::Refused { .. }) {
                        self.context.store.save_watermark(forge, SCOPE, done_until).await?;
                        return Ok(Err(fault));
                    }
                    tracing::debug!(forge, delivery = one.guid, %fault, "cannot be sent again");
                }
                self.note(&one, now);
                asked += 1;
            }
            done_until = one.delivered_at;
        }
        self.context.store.save_watermark(forge, SCOPE, done_until).await?;
        Ok(Ok(asked))
    }

    /// Tells of the logs whose newest delivery failed. They are looked at where something failed since the
    /// last good delivery came.
    async fn report(&self, failed: &[(DeliveryLog, FailedDelivery)]) {
        let DutyContext { client, shared, .. } = &self.context;
        let good_at = shared.arrivals.of(client.name()).good_at;
        let newest = |log: &DeliveryLog| {
            let own = failed.iter().filter(|(whose, _)| whose == log);
            own.map(|(_, one)| one.delivered_at).max()
        };
        let mut failing = Vec::new();
        for log in self.logs.iter().filter(|log| newest(log) > good_at) {
            match client.deliveries_in(log).await {
                Ok(found) => failing.extend(self.context.failing_hook(log.whose(), None, &found)),
                Err(fault) => tracing::debug!(forge = client.name(), %fault, "a log cannot be read"),
            }
        }
        shared.set_failing_hooks(client.name(), failing);
    }

    /// Whether a delivery has not come in another way and was not asked for too often.
    async fn is_wanted(&self, one: &FailedDelivery) -> Result<bool, StoreError> {
        let fresh =
            self.asked.get(&one.guid).is_none_or(|asked| asked.times < TRIES_MAX && asked.attempt < one.id);
        Ok(fresh && !self.context.store.has_delivery(self.context.client.name(), &one.guid).await?)
    }

    fn note(&mut self, one: &FailedDelivery, now: Timestamp) {
        let times = self.asked.get(&one.guid).map_or(0, |asked| asked.times) + 1;
        self.asked.insert(one.guid.clone(), Asked { times, attempt: one.id, at: now });
    }
}

impl Duty for RedeliveryDuty {
    const NAME: &'static str = "asking for failed deliveries";

    async fn turn(&mut self, _woken: bool) -> Result<DutyTurn, SweepError> {
        self.ask(self.context.clock.now()).await?;
        Ok(DutyTurn::Done)
    }
}
