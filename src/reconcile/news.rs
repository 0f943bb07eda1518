//! What listed changes have to tell, and how it comes in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::context::{DutyContext, SweepError};
use crate::forge::{ForgeFault, Listing};
use crate::store::StoreError;
use usher_core::model::change::{ChangeKey, ChangeState, Snapshot};
use usher_core::model::fact::Fact;

impl DutyContext {
    /// Keeps what is news among the listed changes, but for those that were `seen` just now. Returns how
    /// many were news, and all that were shown.
    pub(super) async fn take_in(
        &self,
        listing: &mut Listing,
        seen: &BTreeSet<ChangeKey>,
        now: Timestamp,
    ) -> Result<(usize, BTreeSet<ChangeKey>), SweepError> {
        // Oldest first: so the first roll-out takes them on in this order.
        listing.changes.sort_by_key(|(_, snapshot)| snapshot.created_at);
        let told =
            listing.changes.iter().filter_map(|(change, shown)| Some((shown.project_id?, &change.project)));
        for (number, path) in told.collect::<BTreeMap<_, _>>() {
            self.learn(number, path, now).await?;
        }
        let (mut news, mut shown) = (0, BTreeSet::new());
        for (change, snapshot) in std::mem::take(&mut listing.changes) {
            if !seen.contains(&change)
                && let Some(snapshot) = self.news(&change, snapshot, now).await?
            {
                self.store.put_facts(&change, &[Fact::Swept { snapshot }], now).await?;
                news += 1;
            }
            shown.insert(change);
        }
        Ok((news, shown))
    }

    /// What a listed change has to tell, if anything: a support contribution that is not known, or
    /// a tracked one that has moved on since its verdicts were last seen: most webhooks tell none, so that
    /// a change may have been seen later than a verdict whose webhook was lost. Each is read once after its
    /// opening for this; nobody is too quick to be heard. And one whose reviewers no list has shown since they
    /// were asked.
    async fn news(
        &self,
        change: &ChangeKey,
        listed: Snapshot,
        now: Timestamp,
    ) -> Result<Option<Snapshot>, SweepError> {
        let stored = match self.store.load(change).await {
            // The engine says so, too; the other changes must not suffer from it.
            Err(StoreError::Unreadable { .. }) => return Ok(None),
            stored => stored?,
        };
        match stored {
            Some(stored) => {
                // What was said of what has ended nobody need know.
                let seen = &stored.review.seen;
                let ended = listed.state != ChangeState::Open;
                let seen: Option<Timestamp> = if ended { seen.at } else { seen.verdicts_at };
                // Other rules may find other tickets in what has not changed.
                let tickets =
                    listed.tickets.as_ref().is_none_or(|found| *found == stored.review.seen.tickets);
                let shown = stored.review.seen.unreachable.is_none() && !stored.review.awaits_proof();
                if tickets
                    && shown
                    && stored.review.seen.whole
                    && seen.is_some_and(|seen| seen >= listed.updated_at)
                {
                    return Ok(None);
                }
                // The list does not tell verdicts; one more look does.
                self.look_at(change, now).await
            }
            None => {
                let known = self.shared.snapshot();
                let support = known
                    .forge(&change.forge)
                    .is_some_and(|forge| forge.directory.is_support(listed.author.id));
                if !support || !known.policy.watches(change) {
                    return Ok(None);
                }
                // No list shows what people said since it was opened.
                self.look_at(change, now).await
            }
        }
    }

    /// The whole change; `None` if it is not shown, which must not keep all others from being healed. Tells
    /// the number of a project whose path came from a search and is not known.
    async fn look_at(&self, change: &ChangeKey, now: Timestamp) -> Result<Option<Snapshot>, SweepError> {
        match self.client.observe(change).await {
            Ok(snapshot) => {
                self.learn_shown(change, &snapshot, now).await?;
                Ok(Some(snapshot))
            }
            Err(fault @ (ForgeFault::Gone | ForgeFault::Refused { .. })) => {
                tracing::warn!(%change, %fault, "passed over in this sweep");
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// How the project of a change is called that was just read. By an old path the forge leads to the
    /// project as well, so the address of the change's page says it.
    pub(super) async fn learn_shown(
        &self,
        asked: &ChangeKey,
        shown: &Snapshot,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(number) = shown.project_id else { return Ok(()) };
        match self.client.resolve_url(&shown.url) {
            Some(page) => self.learn(number, &page.project, now).await,
            None if self.store.project_of(asked)?.is_none() => self.learn(number, &asked.project, now).await,
            None => Ok(()),
        }
    }
}
