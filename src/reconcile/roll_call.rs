//! The roll call: which open reviews does the forge still show? One that is missing from the list of
//! open changes is looked for: it may have ended unheard, its project may have another name, be archived,
//! gone, or hidden from us.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn, age};
use crate::forge::{ForgeFault, Meaning, Since, Whereabouts};
use crate::store::{OpenKey, Store, StoreError};
use crate::wakeups::Listener;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::review::Review;
use usher_core::model::unreachable::UnreachableWhy;

/// Pause between two roll calls.
const ROLL_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// Shortest pause between two, however often somebody tells of changed projects or people.
const ROLL_WHEN_TOLD: SignedDuration = SignedDuration::from_mins(1);
/// Names of reviews read at once.
const KEYS_PAGE: u32 = 500;
/// Missing changes that are looked for in one roll call, at most; each costs up to three requests.
/// After the next sweep it goes on with the rest.
const MISSING_MAX: usize = 100;

/// Where projects are, asked once in a roll call.
type Places = BTreeMap<String, Result<Whereabouts, ForgeFault>>;

pub(super) struct RollCallDuty {
    context: DutyContext,
    /// Somebody tells of changed people or projects.
    told: Listener,
    /// What was told was not followed yet.
    owed: bool,
    /// When the last one was completed, since the start.
    called_at: Option<Timestamp>,
    /// The sweep after which it had its turn last.
    after: u64,
    /// The id of the review with which the last call ended before the end, or 0.
    from: i64,
}

/// Open reviews that the forge did not list.
struct Missing {
    changes: Vec<ChangeKey>,
    /// Names that were read for it.
    read: usize,
    /// There may be more, after the review of this id.
    goes_on_after: Option<i64>,
}

impl RollCallDuty {
    pub(super) fn new(context: DutyContext) -> RollCallDuty {
        let told = context.wakeups.roster.listen();
        RollCallDuty { context, told, owed: false, called_at: None, after: 0, from: 0 }
    }

    /// Calls if it is time for it, which is sooner when somebody `told` of changed projects or people.
    /// Returns how many changes were news.
    pub(super) async fn call(&mut self, told: bool, now: Timestamp) -> Result<usize, SweepError> {
        let swept = self.context.signals.swept.borrow().clone();
        let just_swept = swept.number != self.after;
        self.after = swept.number;
        if !self.is_due(told, now) {
            return Ok(0);
        }
        let (mut news, mut shown, mut complete) = (0, swept.shown, swept.complete);
        if !just_swept || swept.since.mark.is_some() {
            // Only what is open now, wherever it is: that is what can be missed.
            let since = Since { mark: None, roll_call: true, ..swept.since };
            let mut listing = self.context.client.list(&since).await?;
            let seen = if just_swept { shown } else { Arc::default() };
            let (more, open) = self.context.take_in(&mut listing, &seen, now).await?;
            complete = listing.is_complete();
            (news, shown) = (more, Arc::new(open));
        }
        if complete {
            let (more, done) = self.look_for_missing(&shown, now).await?;
            self.called_at = done.then_some(now).or(self.called_at);
            news += more;
        }
        if news > 0 {
            self.context.wakeups.inbox.wake();
        }
        Ok(news)
    }

    /// After a start, every few hours, and when somebody `told` of changed projects or people.
    fn is_due(&self, told: bool, now: Timestamp) -> bool {
        let pause = if told { ROLL_WHEN_TOLD } else { ROLL_EVERY };
        self.called_at.is_none_or(|at| age(at, now) >= pause)
    }

    /// Looks for open reviews that are not among the `shown` ones, from where the last call ended. Returns
    /// how many facts came of it, and whether all were looked for.
    async fn look_for_missing(
        &mut self,
        shown: &BTreeSet<ChangeKey>,
        now: Timestamp,
    ) -> Result<(usize, bool), SweepError> {
        let missing = self.missing(shown).await?;
        let (mut places, mut found) = (Places::new(), 0);
        for change in &missing.changes {
            if let Some((change, fact)) = self.look_for(change, &mut places, now).await? {
                self.context.store.put_facts(&change, &[fact], now).await?;
                found += 1;
            }
        }
        let (forge, read, looked_for) = (self.context.client.name(), missing.read, missing.changes.len());
        tracing::debug!(forge, read, looked_for, "looked for what the forge does not list");
        self.from = missing.goes_on_after.unwrap_or(0);
        Ok((found, missing.goes_on_after.is_none()))
    }

    /// The first open reviews that are not among the `shown` ones. Those of projects that were taken out of
    /// the configuration are left as they are.
    async fn missing(&self, shown: &BTreeSet<ChangeKey>) -> Result<Missing, StoreError> {
        let policy = self.context.shared.snapshot().policy.clone();
        let shown: BTreeSet<String> = shown.iter().map(|change| change.to_string().to_lowercase()).collect();
        let is_shown = |change: &ChangeKey| shown.contains(&change.to_string().to_lowercase());
        // Where its path is not known just now, nobody can say whether it is watched.
        let is_watched = |change: &ChangeKey| policy.watches(change) || !change.project.contains('/');
        missing(&self.context.store, self.context.client.name(), self.from, is_shown, is_watched).await
    }

    /// What became of a change that is missing from the list of open ones, and how it is called now.
    async fn look_for(
        &self,
        change: &ChangeKey,
        places: &mut Places,
        now: Timestamp,
    ) -> Result<Option<(ChangeKey, Fact)>, SweepError> {
        let Some(review) = review(&self.context.store, change).await? else { return Ok(None) };
        if !places.contains_key(&change.project) {
            let known = self.context.store.project_of(change)?.map(|known| known.number);
            let place = self.context.client.whereabouts(&change.project, known).await;
            if let Ok(Whereabouts { project, number: Some(number), .. }) = &place {
                self.context.learn(*number, project, now).await?;
            }
            places.insert(change.project.clone(), place);
        }
        let lost = |why| Ok(Some((change.clone(), Fact::Unreachable { why })));
        let place = match places.get(&change.project) {
            Some(Ok(place)) => place,
            Some(Err(ForgeFault::Gone)) => return lost(UnreachableWhy::Hidden),
            // Moved, and Usher never learnt its number.
            Some(Err(fault)) if fault.meaning() == Meaning::Moved => return lost(UnreachableWhy::MovedAway),
            Some(Err(ForgeFault::Refused { .. })) | None => return lost(UnreachableWhy::Hidden),
            // One ill project must not end the call for all others.
            Some(Err(fault)) if fault.meaning() == Meaning::Ill => return Ok(None),
            Some(Err(fault)) => return Err(fault.clone().into()),
        };
        let change = ChangeKey { project: place.project.clone(), ..change.clone() };
        let fact = self.seen_at(&change, place, &review).await?;
        Ok(fact.map(|fact| (change, fact)))
    }

    /// What there is to tell of a change whose project is there.
    async fn seen_at(
        &self,
        change: &ChangeKey,
        place: &Whereabouts,
        review: &Review,
    ) -> Result<Option<Fact>, SweepError> {
        if place.archived {
            return Ok(Some(Fact::Unreachable { why: UnreachableWhy::Archived }));
        }
        if !self.context.shared.snapshot().policy.watches(change) {
            return Ok(Some(Fact::Unreachable { why: UnreachableWhy::MovedAway }));
        }
        match self.context.client.observe(change).await {
            Ok(snapshot) => {
                let known = review.seen.at.is_some_and(|seen| seen >= snapshot.updated_at);
                let same = known && snapshot.state == review.seen.state && review.seen.unreachable.is_none();
                Ok((!same).then_some(Fact::Swept { snapshot }))
            }
            Err(ForgeFault::Gone | ForgeFault::Refused { .. }) => {
                Ok(Some(Fact::Unreachable { why: UnreachableWhy::Hidden }))
            }
            Err(fault) if fault.meaning() == Meaning::Ill => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// The first open reviews after the one with the id `from` that are missing. Holds one page of names beside
/// what it has found, and reads no page more than it takes.
async fn missing(
    store: &Store,
    forge: &str,
    from: i64,
    is_shown: impl Fn(&ChangeKey) -> bool,
    is_watched: impl Fn(&ChangeKey) -> bool,
) -> Result<Missing, StoreError> {
    let (mut changes, mut read, mut after) = (Vec::new(), 0, from);
    loop {
        let page = store.open_keys(forge, after, KEYS_PAGE).await?;
        let Some(last) = page.last() else { return Ok(Missing { changes, read, goes_on_after: None }) };
        after = last.id;
        read += page.len();
        for OpenKey { id, change } in page.into_iter().filter(|open| !is_shown(&open.change)) {
            if is_watched(&change) || is_unreachable(store, &change).await? {
                changes.push(change);
            }
            if changes.len() >= MISSING_MAX {
                return Ok(Missing { changes, read, goes_on_after: Some(id) });
            }
        }
    }
}

/// Whether it was missing before.
async fn is_unreachable(store: &Store, change: &ChangeKey) -> Result<bool, StoreError> {
    Ok(review(store, change).await?.is_some_and(|review| review.seen.unreachable.is_some()))
}

/// The review of a change; `None` also where it cannot be read, of which the engine tells.
async fn review(store: &Store, change: &ChangeKey) -> Result<Option<Review>, StoreError> {
    match store.load(change).await {
        Err(StoreError::Unreadable { .. }) => Ok(None),
        stored => Ok(stored?.map(|stored| stored.review)),
    }
}

impl Duty for RollCallDuty {
    const NAME: &'static str = "a roll call";

    async fn turn(&mut self, _woken: bool) -> Result<DutyTurn, SweepError> {
        self.owed |= self.told.was_woken();
        self.call(self.owed, self.context.clock.now()).await?;
        self.owed = false;
        Ok(DutyTurn::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stocked;
    use super::*;

    #[tokio::test]
    async fn a_roll_call_reads_a_page_of_names_at_a_time_and_stops_once_it_has_seen_enough() {
        let store = stocked::empty().await;
        stocked::add(&store, "gitlab", "acme/shop", 1..=1_250).await;
        let all = |_: &ChangeKey| true;
        let none = |_: &ChangeKey| false;
        let first = missing(&store, "gitlab", 0, none, all).await.unwrap();
        assert_eq!((first.changes.len(), first.read), (MISSING_MAX, KEYS_PAGE as usize), "no second page");
        let next = missing(&store, "gitlab", first.goes_on_after.unwrap(), none, all).await.unwrap();
        assert_eq!(next.changes[0].number, first.changes.len() as u64 + 1, "it goes on where it was");
        let nobody = missing(&store, "gitlab", 0, all, all).await.unwrap();
        assert_eq!((nobody.changes.len(), nobody.read, nobody.goes_on_after), (0, 1_250, None));
        let unwatched = missing(&store, "gitlab", 0, none, none).await.unwrap();
        assert_eq!((unwatched.changes.len(), unwatched.read), (0, 1_250), "and never missed before");
        let last = missing(&store, "gitlab", 0, |change| change.number <= 1_200, all).await.unwrap();
        assert_eq!((last.changes.len(), last.read, last.goes_on_after), (50, 1_250, None));
        assert_eq!(missing(&store, "github", 0, none, all).await.unwrap().read, 0);
    }
}
