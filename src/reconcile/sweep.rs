//! The sweep: every change that is news since the last one, listed project by project.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::backoff::Backoff;
use super::context::{DutyContext, SweepError, Swept};
use super::pace::{Duty, DutyTurn, TOLD_PAUSE};
use crate::metrics::ForgeLabels;
use crate::wakeups::Listener;
use usher_core::model::fingerprint::fingerprint;

/// How far the watermark stays behind the sweep: projects are listed one after another, and forges
/// date by their own clocks. What is listed twice is no news the second time.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// How far it stays behind where there was nothing yet: no time of the forge's own is known then, and its clock
/// may be slow.
const EMPTY_MARGIN: SignedDuration = SignedDuration::from_hours(1);
/// Two snapshots of one second may differ, so a sweep looks a little further back.
const OVERLAP: SignedDuration = SignedDuration::from_secs(2);

pub(super) struct SweepDuty {
    context: DutyContext,
    /// Somebody tells of changed people or projects.
    told: Listener,
    /// What was told was not swept yet.
    owed: bool,
    /// What the last good sweep was of, and when it ended.
    scope: Option<String>,
    swept_at: Option<Timestamp>,
    backoff: Backoff,
}

impl SweepDuty {
    pub(super) fn new(context: DutyContext) -> SweepDuty {
        let told = context.wakeups.roster.listen();
        SweepDuty { context, told, owed: false, scope: None, swept_at: None, backoff: Backoff::default() }
    }

    /// Lists changes and keeps what is news. Returns how many were; none while it is not known who is
    /// who, for then nobody's changes are.
    pub(super) async fn sweep(&mut self) -> Result<usize, SweepError> {
        if !self.knows_people() {
            return Ok(0);
        }
        let context = self.context.clone();
        let (forge, started) = (context.client.name(), context.clock.now());
        let scope = self.scope();
        let mark = context.store.watermark(forge, &scope).await?;
        let since = self.backoff.since(&context, &scope, mark.map(|mark| mark - OVERLAP), started).await?;
        let mut listing = context.client.list(&since).await?;
        if self.scope.is_none() {
            tell_of_unwatched(forge, &listing.unwatched);
        }
        let newest = listing.changes.iter().map(|(_, snapshot)| snapshot.updated_at).max();
        let (news, shown) = context.take_in(&mut listing, &BTreeSet::new(), started).await?;
        self.backoff.note_refused(&context, &scope, &since, &listing, started).await?;
        let mark = match newest.filter(|_| !listing.truncated) {
            Some(newest) => {
                let covered = listing.covered_until.map_or(newest, |until| until.min(newest));
                Some(covered.min(started - MARGIN))
            }
            // Without a mark only what is open is listed, and what ends unheard would not be news.
            None if mark.is_none() && listing.is_complete() => Some(started - EMPTY_MARGIN),
            None => None,
        };
        if let Some(mark) = mark {
            context.store.save_watermark(forge, &scope, mark).await?;
        }
        if news > 0 {
            context.wakeups.inbox.wake();
        }
        let complete = listing.is_complete();
        context.shared.swept(forge, context.clock.now());
        (self.scope, self.swept_at) = (Some(scope), Some(context.clock.now()));
        context.signals.swept.send_modify(|last| {
            *last = Swept { number: last.number + 1, since, shown: Arc::new(shown), complete };
        });
        Ok(news)
    }

    fn knows_people(&self) -> bool {
        let known = self.context.shared.snapshot();
        known.forge(self.context.client.name()).is_some_and(|forge| forge.directory.known)
    }

    /// What the watermark is good for: these projects, these support engineers and these rules for
    /// tickets. With others, all open changes are listed anew, for theirs were passed over before.
    fn scope(&self) -> String {
        let known = self.context.shared.snapshot();
        let name = self.context.client.name();
        let projects = known.policy.forge(name).into_iter().flat_map(|forge| &forge.projects);
        let directory = known.forge(name).map(|forge| forge.directory.clone());
        let people =
            directory.iter().flat_map(|directory| directory.people().filter(|person| person.support));
        let ids = people.filter_map(|person| person.account.as_ref()).map(|account| account.id.to_string());
        let ids: BTreeSet<String> = ids.collect();
        let projects = projects.map(|pattern| pattern.text.as_str());
        format!(
            "changes {:016x}",
            fingerprint(projects.chain(ids.iter().map(String::as_str)).chain(known.policy.tickets.texts()))
        )
    }
}

/// Once a start: changes that the forge showed and that nobody asked Usher to watch.
fn tell_of_unwatched(forge: &str, unwatched: &BTreeSet<String>) {
    if let Some(first) = unwatched.first() {
        tracing::warn!(
            forge,
            projects = unwatched.len(),
            "there are changes in projects of subgroups that are not watched, in {first} for one; `*` is one \
             level of a path, and `**` in `projects` would watch what lies below, too"
        );
    }
}

impl Duty for SweepDuty {
    const NAME: &'static str = "a sweep";

    async fn turn(&mut self, woken: bool) -> Result<DutyTurn, SweepError> {
        self.owed |= self.told.was_woken();
        // A roster that was read again and says the same is no reason to sweep sooner.
        let same = self.scope.as_ref() == Some(&self.scope());
        if !self.knows_people() || (woken && same && !self.owed) {
            return Ok(DutyTurn::Idle);
        }
        let soonest = self.swept_at.map(|at| at + TOLD_PAUSE);
        if woken
            && same
            && let Some(at) = soonest.filter(|at| *at > self.context.clock.now())
        {
            return Ok(DutyTurn::NotBefore(at));
        }
        let news = self.sweep().await?;
        let forge = ForgeLabels { forge: self.context.client.name().to_owned() };
        tracing::debug!(forge = forge.forge, news, "swept");
        self.context.metrics.sweeps.get_or_create(&forge).inc();
        self.owed = false;
        Ok(DutyTurn::Done)
    }
}
