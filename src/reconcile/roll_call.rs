//! The roll call: which open reviews does the forge still show? One that is missing from the list of
//! open changes is looked for: it may have ended unheard, its project may have another name, be archived,
//! gone, or hidden from us.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn, age};
use crate::forge::{ForgeFault, Meaning, Since, Whereabouts};
use crate::store::Filter;
use crate::wakeups::Listener;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::review::Review;
use usher_core::model::unreachable::UnreachableWhy;

/// Pause between two roll calls.
const ROLL_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// Shortest pause between two, however often somebody tells of changed projects or people.
const ROLL_WHEN_TOLD: SignedDuration = SignedDuration::from_mins(1);
/// Reviews read at once.
const REVIEWS_PAGE: u32 = 200;
/// Missing changes that are looked for in one roll call, at most; each costs up to three requests.
/// The rest are looked for by the next sweep.
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
}

impl RollCallDuty {
    pub fn new(context: DutyContext) -> RollCallDuty {
        let told = context.wakeups.roster.listen();
        RollCallDuty { context, told, owed: false, called_at: None, after: 0 }
    }

    /// Calls if it is time for it, which is sooner when somebody `told` of changed projects or people.
    /// Returns how many changes were news.
    pub async fn call(&mut self, told: bool, now: Timestamp) -> Result<usize, SweepError> {
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

    /// Looks for every open review that is not among the `shown` ones. Returns how many facts came of
    /// it, and whether all were looked for.
    async fn look_for_missing(
        &self,
        shown: &BTreeSet<ChangeKey>,
        now: Timestamp,
    ) -> Result<(usize, bool), SweepError> {
        let missing = self.missing(shown).await?;
        let (mut places, mut found) = (Places::new(), 0);
        for review in missing.iter().take(MISSING_MAX) {
            if let Some(fact) = self.look_for(review, &mut places).await? {
                self.context.store.put_facts(&review.change, &[fact], now).await?;
                found += 1;
            }
        }
        Ok((found, missing.len() <= MISSING_MAX))
    }

    async fn missing(&self, shown: &BTreeSet<ChangeKey>) -> Result<Vec<Review>, SweepError> {
        let policy = self.context.shared.snapshot().policy.clone();
        let shown: BTreeSet<String> = shown.iter().map(|change| change.to_string().to_lowercase()).collect();
        let (mut missing, mut offset) = (Vec::new(), 0);
        loop {
            let filter = Filter { open_only: true, stage: None, limit: REVIEWS_PAGE, offset };
            let page = self.context.store.reviews(filter).await?;
            let full = page.len() >= REVIEWS_PAGE as usize;
            let reviews = page.into_iter().map(|stored| stored.review);
            missing.extend(reviews.filter(|review| {
                let change = &review.change;
                let ours = change.forge == self.context.client.name();
                // Those of projects that were taken out of the configuration are left as they are.
                let followed = policy.watches(change) || review.seen.unreachable.is_some();
                ours && followed && !shown.contains(&change.to_string().to_lowercase())
            }));
            if !full {
                return Ok(missing);
            }
            offset += REVIEWS_PAGE;
        }
    }

    /// What became of a change that is missing from the list of open ones.
    async fn look_for(&self, review: &Review, places: &mut Places) -> Result<Option<Fact>, SweepError> {
        let change = &review.change;
        if !places.contains_key(&change.project) {
            let place = self.context.client.whereabouts(&change.project, review.project_id).await;
            places.insert(change.project.clone(), place);
        }
        let place = match places.get(&change.project) {
            Some(Ok(place)) => place,
            Some(Err(ForgeFault::Gone)) => return Ok(Some(Fact::Lost { why: UnreachableWhy::Hidden })),
            Some(Err(fault)) if fault.meaning() == Meaning::Moved => {
                // Moved, and Usher never learnt its number.
                return Ok(Some(Fact::Lost { why: UnreachableWhy::MovedAway }));
            }
            Some(Err(ForgeFault::Refused { .. })) | None => {
                return Ok(Some(Fact::Lost { why: UnreachableWhy::Hidden }));
            }
            // One ill project must not end the call for all others.
            Some(Err(fault)) if fault.meaning() == Meaning::Ill => return Ok(None),
            Some(Err(fault)) => return Err(fault.clone().into()),
        };
        if !place.project.eq_ignore_ascii_case(&change.project) {
            let to = ChangeKey::new(&change.forge, &place.project, change.number);
            return Ok(Some(Fact::Moved { to }));
        }
        if place.archived {
            return Ok(Some(Fact::Lost { why: UnreachableWhy::Archived }));
        }
        if !self.context.shared.snapshot().policy.watches(change) {
            return Ok(Some(Fact::Lost { why: UnreachableWhy::MovedAway }));
        }
        match self.context.client.observe(change).await {
            Ok(snapshot) => {
                let known = review.seen.at.is_some_and(|seen| seen >= snapshot.updated_at);
                let same = known && snapshot.state == review.seen.state && review.seen.unreachable.is_none();
                Ok((!same).then_some(Fact::Swept { snapshot }))
            }
            Err(ForgeFault::Gone | ForgeFault::Refused { .. }) => {
                Ok(Some(Fact::Lost { why: UnreachableWhy::Hidden }))
            }
            Err(fault) if fault.meaning() == Meaning::Ill => Ok(None),
            Err(fault) => Err(fault.into()),
        }
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
