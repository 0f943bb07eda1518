//! Threads on the change, as each forge keeps them and tells of them.

use jiff::{SignedDuration, Timestamp};
use usher_core::model::change::{Account, ForgeKind, Verdict};
use usher_core::model::fact::{Act, Fact, TurnedThread};
use usher_core::model::threads::{Resolved, Thread};

use super::forge::Forge;

impl Forge {
    pub(super) fn opens_thread(&mut self, opener: &Account) {
        let opened_at = self.updated_at;
        self.threads.push(Thread { opener: opener.clone(), opened_at, resolved: None });
    }

    /// A request for changes that comes with remarks on lines, each of which is told by itself.
    pub fn asks_in_threads(&mut self, now: Timestamp, by: &Account, threads: usize) -> Vec<Fact> {
        let remark = Act::Reviewed { verdict: Verdict::Commented };
        let review = self.reviewed(now, by, Verdict::ChangesRequested);
        (0..threads).for_each(|_| self.opens_thread(by));
        let mut facts = vec![self.told(by, remark); threads];
        facts.push(review);
        facts
    }

    /// Somebody resolves the first `most` open threads of `opener`. GitHub tells of each and when is not kept;
    /// GitLab tells when none is open any more.
    pub fn resolves(&mut self, now: Timestamp, by: &Account, opener: &Account, most: usize) -> Vec<Fact> {
        let gitlab = self.kind == ForgeKind::GitLab;
        let at = gitlab.then(|| now.max(self.updated_at + SignedDuration::from_millis(1)));
        let open = self.threads.iter_mut().enumerate();
        let open = open.filter(|(_, one)| one.opener == *opener && one.resolved.is_none()).take(most);
        let resolved = open.map(|(index, one)| {
            one.resolved = Some(Resolved { by: Some(by.clone()), at });
            turned(index, opener, true)
        });
        let resolved: Vec<Act> = resolved.collect();
        if let Some(at) = at {
            self.updated_at = at;
            let all = !resolved.is_empty() && self.threads.iter().all(|one| one.resolved.is_some());
            let told = all.then(|| self.told(by, Act::ThreadTurned { thread: None, resolved: true }));
            return told.into_iter().collect();
        }
        resolved.into_iter().map(|act| self.told(by, act)).collect()
    }

    /// Somebody opens a thread of `opener`'s again, of which GitLab tells nothing.
    pub fn reopens(&mut self, by: &Account, opener: &Account) -> Vec<Fact> {
        let mut threads = self.threads.iter_mut().enumerate();
        let resolved = threads.find(|(_, one)| one.opener == *opener && one.resolved.is_some());
        let Some((index, thread)) = resolved else { return Vec::new() };
        thread.resolved = None;
        let act = turned(index, opener, false);
        (self.kind == ForgeKind::GitHub).then(|| self.told(by, act)).into_iter().collect()
    }
}

fn turned(index: usize, opener: &Account, resolved: bool) -> Act {
    let thread = TurnedThread { number: index as u64 + 1, opener: opener.clone() };
    Act::ThreadTurned { thread: Some(thread), resolved }
}
