//! Projects that were renamed or moved, noticed at the door: the first news under a new name.

use jiff::Timestamp;

use super::Engine;
use crate::store::{InboxItem, StoreError};
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::unreachable::UnreachableWhy;

impl Engine {
    /// Whether facts of a change without a review tell of one that is known by its project's old name.
    /// Then the review hears of it first, and the facts wait.
    pub(super) async fn is_known_elsewhere(
        &self,
        change: &ChangeKey,
        items: &[InboxItem],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let facts = items.iter().flat_map(|item| &item.facts);
        let Some(id) = facts.filter_map(Fact::snapshot).find_map(|snapshot| snapshot.project_id) else {
            return Ok(false);
        };
        let Some(before) = self.store.at_home(change, id).await?.filter(|before| before != change) else {
            return Ok(false);
        };
        tracing::info!(from = %before, to = %change, "a project has a new name; the review goes with it");
        // Where the review cannot be carried over yet, one fact that says so is enough.
        if !self.store.has_undecided(&before).await? {
            self.store.put_facts(&before, &[Fact::Moved { to: change.clone() }], now).await?;
        }
        let (_, pause) = self.setbacks.again(change);
        let why = "the review is carried over to this name first";
        self.store.defer(&super::ids(items), now + pause, why).await?;
        Ok(true)
    }

    /// The facts to decide; a tick where nothing came in. A review cannot be carried over to where
    /// there is one already.
    pub(super) async fn facts<'a>(
        &self,
        change: &ChangeKey,
        items: &'a [InboxItem],
    ) -> Result<Vec<&'a Fact>, StoreError> {
        const TICK: &Fact = &Fact::Tick;
        const FOLLOWED: &Fact = &Fact::Lost { why: UnreachableWhy::Followed };
        if items.is_empty() {
            return Ok(vec![TICK]);
        }
        let mut facts = Vec::new();
        for fact in items.iter().flat_map(|item| &item.facts) {
            let taken = match fact {
                Fact::Moved { to } if to != change => self.store.is_tracked(to).await?,
                _ => false,
            };
            facts.push(if taken { FOLLOWED } else { fact });
        }
        Ok(facts)
    }
}
