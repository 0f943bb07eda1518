//! Threads: when all that a reviewer opened are resolved, what they asked for is done. Forges tell that one was
//! resolved, not which are open, so then all are read.

use jiff::Timestamp;

use super::apply::Applying;
use super::draft::{Draft, later};
use super::plausible::CLOCKS_DIFFER;
use super::seconds::second_of;
use crate::model::action::Action;
use crate::model::change::{Account, Verdict};
use crate::model::fact::TurnedThread;
use crate::model::reason::Reason;
use crate::model::review::Assignment;
use crate::model::threads::{OwnThreads, Thread};

/// So many threads are known by what was last told of them.
const THREADS_REMEMBERED: usize = 200;

impl Applying<'_, '_, '_> {
    /// Who asks for changes may do so in threads: where they remarked on lines, these are read.
    pub(super) fn look_for_threads(&mut self, account: &Account) {
        let own = self.draft.review.verdicts_of(account);
        self.observed.threads |= own.threads.remarked && own.requests_changes().is_some();
    }

    /// Somebody remarked on a line, or reviewed without a verdict.
    pub(super) fn remarks(&mut self, account: &Account, at: Timestamp) {
        let before = self.draft.review.verdicts_of(account);
        self.take_verdict(account, Verdict::Commented, at, false);
        let Some(own) = self.draft.review.said.verdicts.get_mut(&account.id) else { return };
        let news = own.commented_at != before.commented_at || !own.threads.remarked;
        own.threads.remarked = true;
        if news {
            self.look_for_threads(account);
        }
    }

    /// Somebody resolved a thread, which one where that is told, or opened it again.
    pub(super) fn thread_turned(
        &mut self,
        thread: Option<&TurnedThread>,
        resolved: bool,
        by: &Account,
        at: Timestamp,
    ) {
        let said = &mut self.draft.review.said;
        let known = said.threads.insert(thread.map_or(0, |thread| thread.number), (resolved, at));
        // GitHub moves no time of the change with it.
        let twice = known.is_some_and(|(was, told)| was == resolved && (thread.is_some() || told >= at));
        if said.threads.len() > THREADS_REMEMBERED {
            said.threads.pop_first();
        }
        self.observed.threads |= !twice;
        let Some(opener) = thread.map(|thread| &thread.opener) else { return };
        let Some(own) = self.draft.review.said.verdicts.get_mut(&opener.id) else { return };
        if resolved && opener != by {
            own.threads.told_at = own.threads.told_at.max(Some(at));
        }
    }

    /// All threads, as they were read. Whoever resolves their own has only taken back what they asked.
    pub(super) fn take_threads(&mut self, threads: &[Thread]) {
        let review = &self.draft.review;
        let requesters = review.requesters().map(|own| (own.account.clone(), own.person.clone()));
        let requesters: Vec<_> = requesters.collect();
        for (account, person) in requesters {
            let verdicts = self.draft.review.verdicts_of(&account);
            let Some(requested) = verdicts.requests_changes() else { continue };
            let theirs: Vec<&Thread> = threads.iter().filter(|thread| thread.opener == account).collect();
            let open = theirs.iter().filter(|thread| thread.resolved.is_none()).count();
            let known = verdicts.threads;
            let others = self.last_resolved(&theirs, requested, known);
            let resolved_at = others.max(known.told_at).max(known.resolved_at);
            self.settle(
                &account,
                person,
                OwnThreads { open: u32::try_from(open).ok(), resolved_at, told_at: None, ..known },
            );
        }
    }

    /// When somebody else last resolved one of these threads of one person, who asked for changes at `requested`.
    fn last_resolved(
        &self,
        theirs: &[&Thread],
        requested: Timestamp,
        known: OwnThreads,
    ) -> Option<Timestamp> {
        let known_until = self.draft.review.known_until();
        // A time in the future would answer whatever is asked until then.
        let latest = later(self.draft.now(), CLOCKS_DIFFER).max(known_until.unwrap_or(Timestamp::MIN));
        let dates = theirs.iter().filter_map(|thread| {
            let resolved = thread.resolved.as_ref()?;
            if resolved.by.as_ref() == Some(&thread.opener) {
                return None;
            }
            // Without a time it is surely later where it was open before, or came with the request.
            let later = second_of(thread.opened_at) >= second_of(requested) || known.open > Some(0);
            let undated = || known_until.filter(|_| later && known.settled_at().is_none());
            let at = resolved.at.or_else(undated)?.min(latest);
            // Of one second what was read later is later.
            Some(if second_of(at) == second_of(requested) { at.max(requested) } else { at })
        });
        dates.max()
    }

    fn settle(&mut self, account: &Account, person: String, threads: OwnThreads) {
        let asks = |draft: &Draft<'_>| {
            draft.review.active().any(|own| own.account == *account && draft.review.asks_author(own))
        };
        let asked = asks(self.draft);
        let Some(own) = self.draft.review.said.verdicts.get_mut(&account.id) else { return };
        let known = std::mem::replace(&mut own.threads, threads).open.unwrap_or_default();
        let open = threads.open.unwrap_or_default();
        if asked && !asks(self.draft) {
            self.draft.review.planned.author_box.close();
            self.draft.say(Reason::ThreadsResolved { person });
        } else if open != known {
            self.draft.say(Reason::ThreadsOpen { person, open });
        }
    }
}

impl Draft<'_> {
    /// How many threads are open that the reviewer opened, while their request for changes stands.
    pub(super) fn open_threads(&self, own: &Assignment) -> u32 {
        let verdicts = self.review.verdicts_of(&own.account);
        verdicts.requests_changes().and(verdicts.threads.open).unwrap_or_default()
    }

    /// What to read where a thread may have been resolved (`news`): all of them, while somebody's request for
    /// changes stands.
    pub(super) fn read_threads(&self, news: bool) -> Option<Action> {
        let wanted = news && self.is_live() && self.review.requesters().next().is_some();
        wanted.then_some(Action::ReadThreads)
    }
}
