//! Who is on the forge's list of reviewers, and by whose hand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::apply::{Applying, Hand};
use super::draft::{GRACE_AFTER_REMOVAL, later};
use crate::model::change::{Account, SeenReviewers, Verdict};
use crate::model::fact::{Actor, Refusal};
use crate::model::reason::Reason;
use crate::model::review::{Ended, Origin};

impl Applying<'_, '_, '_> {
    /// Compares reviewers with those seen before: whom a person took off stays off, whom a person
    /// put back is asked again.
    pub(super) fn apply_reviewers(&mut self, seen: &SeenReviewers, hand: Hand, beside: bool, at: Timestamp) {
        let dated = self.draft.world.policy.dates_reviews(&self.draft.review.change.forge);
        let listed = seen.list.iter().filter(|one| self.draft.review.is_listed(one, seen.complete, dated));
        // Whom the forge shows for what they said is on the list since they said it.
        let mut since: BTreeMap<Account, Timestamp> = BTreeMap::new();
        for one in listed.clone() {
            let from = one.verdict.filter(|_| dated).map_or(at, |(_, given)| given);
            since.entry(one.account.clone()).and_modify(|known| *known = from.max(*known)).or_insert(from);
        }
        let since = |account: &Account| since.get(account).copied().unwrap_or(at);
        let mut list: BTreeSet<Account> = listed.map(|reviewer| reviewer.account.clone()).collect();
        if beside {
            // As with the labels: it may be from before our write.
            let (known, asked) = (&self.draft.review.seen.reviewers, &self.draft.review.done.last_applied);
            list.retain(|account| known.contains(account) || !asked.not_reviewers.contains(account));
            list.extend(known.intersection(&asked.reviewers).cloned());
        }
        let before = std::mem::replace(&mut self.draft.review.seen.reviewers, list.clone());
        if hand == Hand::Own && seen.complete {
            self.notice_overwritten(&before, &list);
        }
        self.draft.review.done.overwritten.retain(|account| !list.contains(account));
        if hand == Hand::Own {
            self.notice_others(&before, &list, since);
        }
        // Whom Usher asked for, and no list has shown since, is there by Usher's own hand.
        let ours = std::mem::take(&mut self.draft.review.done.unshown);
        self.draft.review.done.unshown = ours.difference(&list).cloned().collect();
        if hand != Hand::Person {
            return;
        }
        // Where the list is not complete, who has a verdict may be on it without being asked.
        let asked = seen.list.iter().filter(|reviewer| seen.complete || reviewer.verdict.is_none());
        let new = |account: &Account| {
            !before.contains(account) && list.contains(account) && !ours.contains(account)
        };
        for reviewer in asked.filter(|reviewer| new(&reviewer.account)) {
            self.ask_back(&reviewer.account, since(&reviewer.account));
        }
        if seen.complete {
            let leaving = self.draft.review.done.leaving.reviewers.clone();
            for account in before.difference(&list).filter(|account| !leaving.contains(*account)) {
                self.taken_off(account, at);
            }
        }
    }

    /// After a write of ours the list shows somebody whom that did not put there: a person did, and that
    /// was not heard.
    fn notice_others(
        &mut self,
        before: &BTreeSet<Account>,
        after: &BTreeSet<Account>,
        since: impl Fn(&Account) -> Timestamp,
    ) {
        for account in after.difference(before) {
            let done = &self.draft.review.done;
            let ours = done.last_applied.reviewers.contains(account) || done.unshown.contains(account);
            if !ours {
                self.ask_back(account, since(account));
            }
        }
    }

    /// A person asked for somebody, or they came of their own accord, at `at`. If their assignment had
    /// ended before, it is on again.
    pub(super) fn ask_back(&mut self, account: &Account, at: Timestamp) {
        self.draft.review.done.leaving.reviewers.remove(account);
        let own = self.draft.assignment_where(|own| own.account == *account);
        let Some((id, own)) = own else { return };
        match own.ended {
            None => own.name_at(at),
            Some((ended, _)) if ended < at => self.draft.revive(id, Origin::Adopted, at),
            Some(_) => return,
        }
        self.draft.assignment_mut(id).into_iter().for_each(|own| own.by_hand = true);
    }

    /// GitLab takes the whole list of reviewers. Whom a person added between our read and our write
    /// is gone with it, and only this snapshot of our own write shows it.
    fn notice_overwritten(&mut self, before: &BTreeSet<Account>, after: &BTreeSet<Account>) {
        for account in before.difference(after) {
            let meant = self.draft.review.done.last_applied.not_reviewers.contains(account);
            // An author among the reviewers is none of Usher's asking, not even to put them back.
            let is_author = *account == self.draft.review.author;
            if !meant && !is_author && self.draft.review.done.overwritten.insert(account.clone()) {
                self.draft.say(Reason::Overwritten { login: account.login.clone() });
            }
        }
    }

    /// A person took a reviewer off: the assignment ends, and nobody else is chosen for a moment.
    pub(super) fn taken_off(&mut self, account: &Account, at: Timestamp) {
        let now = self.draft.now();
        let own = self.draft.assignment_where(|own| own.account == *account && own.listed);
        let Some((id, own)) = own else { return };
        // Taken off once more: an older wish to have them back, told late, is void.
        if let Some((ended, Ended::Removed)) = &mut own.ended {
            *ended = at.max(*ended);
            return;
        }
        // They were chosen with this news, or newer, at hand.
        let older = own.known_until >= Some(at);
        if older || !own.yields_at(at) {
            return;
        }
        let (person, pool) = (own.person.clone(), own.pool.clone());
        self.draft.end(id, Ended::Removed, at);
        self.draft.say(Reason::ReviewerTakenOff { person });
        if let Some(part) = self.draft.part_mut(&pool) {
            part.not_before = Some(later(now, GRACE_AFTER_REMOVAL));
        }
    }

    /// A person asked `reviewer` to review, or to review again.
    pub(super) fn requested(&mut self, reviewer: &Account, by: &Actor, at: Timestamp) {
        // An author who asks somebody passes the ball, also when it is a second opinion.
        if self.draft.review.is_authors(&by.account) {
            self.author_acts(at);
        }
        self.asked_to_look_again(reviewer, at, false);
    }

    /// A person wants the reviewer to look at it, or to look again, since `at` (`at_most`: or before).
    pub(super) fn asked_to_look_again(&mut self, reviewer: &Account, at: Timestamp, at_most: bool) {
        // First of all: whoever dropped off the roster is heard while they are asked.
        self.ask_back(reviewer, at);
        // GitHub's own block on the merge stays until they review again, GitLab's is gone with the request:
        // docs.github.com, "About pull request reviews"; docs.gitlab.com, "Re-request a review".
        let stays = self.draft.world.policy.dates_reviews(&self.draft.review.change.forge);
        let requests = self.draft.review.verdicts_of(reviewer).requests_changes();
        if stays && requests.is_some_and(|requested| requested < at) {
            let reviewer = reviewer.clone();
            self.answered_by(|review| {
                let verdicts = review.said.verdicts.entry(reviewer.id).or_default();
                verdicts.asked_again_at = verdicts.asked_again_at.max(Some(at));
            });
        } else {
            // Asked to look again: what they said before is no longer the last word.
            let heard = stays && self.name_of(reviewer).is_some() && !self.draft.review.is_authors(reviewer);
            let verdicts = &mut self.draft.review.said.verdicts;
            if !heard || verdicts.entry(reviewer.id).or_default().ask_again(at) {
                self.take_verdict(reviewer, Verdict::Withdrawn, at, at_most);
            }
        }
        self.draft.review.said.commanders.remove(&reviewer.id);
    }

    /// The forge would not have a reviewer that we asked for.
    pub(super) fn refused(&mut self, reviewer: &Account, refusal: Refusal) {
        self.draft.review.done.overwritten.remove(reviewer);
        self.draft.review.done.last_applied.reviewers.remove(reviewer);
        let own = self.draft.assignment_where(|own| own.is_active() && own.account == *reviewer);
        let Some((id, own)) = own else { return };
        let person = own.person.clone();
        if refusal == Refusal::OneReviewerOnly {
            // Still theirs to review: they are named in the comment instead.
            own.listed = false;
        } else {
            self.draft.let_go(id, Ended::Refused(refusal));
        }
        self.draft.say(Reason::Refused { person, refusal });
    }
}
