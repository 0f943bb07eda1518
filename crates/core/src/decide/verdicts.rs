//! What people say of a change, and since when: verdicts as they are given, and those that a forge shows.

use jiff::{SignedDuration, Timestamp};

use super::apply::Applying;
use super::draft::Draft;
use super::seconds::second_of;
use crate::model::change::{Account, SeenReviewer, SeenReviewers, Verdict};
use crate::model::message::{OtherVerdict, Others};
use crate::model::reason::Reason;
use crate::model::review::{Commander, Ended, Origin};

/// How far apart the times may be of a review on GitLab and of the note that is its text.
const ONE_DEED: SignedDuration = SignedDuration::from_secs(10);

fn is_one_deed(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= ONE_DEED
}

impl Applying<'_, '_, '_> {
    /// The verdicts that a snapshot of `at` shows.
    pub(super) fn take_verdicts(&mut self, seen: &SeenReviewers, at: Timestamp) {
        // GitLab says which verdict stands, not since when: it dates it by the snapshot, which is
        // an upper bound. So it only fills in what no fact has told. GitHub dates each review.
        let dates = self.draft.world.policy.dates_reviews(&self.draft.review.change.forge);
        if seen.complete {
            let known = &mut self.draft.review.seen.verdicts_at;
            *known = (*known).max(Some(at));
        }
        for reviewer in seen.all() {
            let Some((verdict, given)) = reviewer.verdict else { continue };
            if dates {
                self.take_unheard(seen, &reviewer.account, (verdict, given), at);
            }
            let remark = verdict == Verdict::Commented;
            let at_most = !dates && given >= at;
            let command = match at_most {
                true => remark && self.reviewed_by_command(&reviewer.account, given),
                false => remark && self.was_a_command(&reviewer.account, reviewer.review, given),
            };
            if !command {
                self.take_verdict(&reviewer.account, verdict, given, at_most);
            }
        }
        self.miss_approvals(seen, at);
    }

    /// Where all approvals were read, one that is not among them was taken back, and that was not heard.
    fn miss_approvals(&mut self, seen: &SeenReviewers, at: Timestamp) {
        if seen.beside.is_none() {
            return;
        }
        let shown = |account: &Account| {
            let mut shown = seen.all().filter(|one| one.account == *account);
            shown.any(|one| one.verdict.is_some_and(|(verdict, _)| verdict == Verdict::Approved))
        };
        // Of one second it is not known which was first.
        let before = |since: Timestamp| second_of(since) < second_of(at);
        let said = self.draft.review.said.verdicts.iter();
        let approving = said.filter(|(_, own)| {
            own.verdict.is_some_and(|(word, since)| word == Verdict::Approved && before(since))
        });
        let approving: Vec<u64> = approving.map(|(id, _)| *id).collect();
        for id in approving {
            let account = self.account_of(id).filter(|account| !shown(account));
            if let Some(account) = account {
                self.take_verdict(&account, Verdict::Withdrawn, at, true);
            }
        }
    }

    /// The account of somebody who was heard.
    fn account_of(&self, id: u64) -> Option<Account> {
        let asked = self.draft.review.planned.assignments.iter().map(|own| &own.account);
        let known = self.draft.world.directory.by_id(id).and_then(|person| person.account.as_ref());
        asked.chain(known).find(|account| account.id == id).cloned()
    }

    /// GitHub shows a dismissed review under the time at which it was given, and who is asked again beside
    /// what they said: both may have happened unheard, `at` the latest.
    fn take_unheard(
        &mut self,
        seen: &SeenReviewers,
        account: &Account,
        (verdict, given): (Verdict, Timestamp),
        at: Timestamp,
    ) {
        let known = self.draft.review.verdicts_of(account);
        if verdict == Verdict::Withdrawn {
            let before = |since: Timestamp| second_of(since) <= given;
            let void = known.verdict.is_some_and(|(word, since)| word != Verdict::Withdrawn && before(since));
            if void {
                self.take_verdict(account, Verdict::Withdrawn, at, true);
            }
            return;
        }
        let again = |one: &SeenReviewer| one.account == *account && one.verdict.is_none();
        // Their review may have come between the two reads of a list.
        let asked = seen.complete && given < at && seen.list.iter().any(again);
        let settled = known.newest_at().map(second_of) > Some(given) || known.asked_again_at >= Some(given);
        if !asked || settled {
            return;
        }
        if self.asked_by_us(account, given) {
            // The next list shows it as well, when Usher wants it no more.
            let mut all = self.draft.review.planned.assignments.iter_mut();
            let own = all.find(|own| own.account == *account);
            own.into_iter().for_each(|own| own.handed_back = own.handed_back.max(Some(given)));
        } else {
            self.asked_to_look_again(account, at, true);
        }
    }

    /// Whether a request that a list shows beside a verdict is Usher's.
    fn asked_by_us(&self, account: &Account, given: Timestamp) -> bool {
        let (review, done) = (&self.draft.review, &self.draft.review.done);
        let asked = [&done.last_applied.reviewers, &done.unproven.reviewers, &done.unshown];
        asked.into_iter().any(|asked| asked.contains(account))
            || review
                .planned
                .assignments
                .iter()
                .any(|own| own.account == *account && own.handed_back >= Some(given))
    }

    /// Whether all that is known of a review is a command for Usher, in its text or on a line: nobody's answer.
    fn was_a_command(&self, account: &Account, review: Option<u64>, at: Timestamp) -> bool {
        let said = &self.draft.review.said;
        let numbered = || said.commands.iter().any(|done| done.place.review(done.comment) == review);
        // GitLab has no number of it; its client dates it by the person's newest note.
        let noted = said.commanders.get(&account.id).is_some_and(|own| is_one_deed(own.at, at));
        noted || (review.is_some() && numbered())
    }

    /// GitLab shows that somebody has reviewed when a command was the text of the review. Both are told of by
    /// themselves, in any order, and only their times say that they are one.
    pub(super) fn reviewed_by_command(&mut self, account: &Account, at: Timestamp) -> bool {
        let Some(commander) = self.draft.review.said.commanders.get_mut(&account.id) else { return false };
        commander.only_that |= is_one_deed(commander.at, at);
        commander.only_that
    }

    /// Somebody gave a command, where reviews are not dated. A review that was told just before was that; a
    /// comment of its own was not.
    pub(super) fn commands(&mut self, account: &Account, at: Timestamp) {
        let said = &mut self.draft.review.said;
        let known = said.commanders.get(&account.id).copied();
        let verdicts = said.verdicts.get_mut(&account.id);
        let remark = verdicts.filter(|own| {
            own.commented_at > own.wrote_at && own.commented_at.is_some_and(|said| is_one_deed(said, at))
        });
        let only_that = remark.is_some() || known.is_some_and(|known| known.only_that);
        if let Some(verdicts) = remark {
            (verdicts.commented_at, verdicts.commented_at_most) = (verdicts.wrote_at, false);
        }
        if known.is_none_or(|known| known.at <= at) {
            said.commanders.insert(account.id, Commander { at, only_that });
        }
    }

    /// The name of somebody who is heard: of the roster, or asked before they dropped off it.
    pub(super) fn name_of(&self, account: &Account) -> Option<String> {
        let known = self.draft.world.directory.by_id(account.id).map(|person| person.name.clone());
        known.or_else(|| self.draft.review.active().find(|a| a.account == *account).map(|a| a.person.clone()))
    }

    /// A person of the roster, or one who is asked, says what they think. The turn of a reviewer who speaks is over:
    /// their box closes. A formal verdict of somebody whose assignment had ended before puts it on
    /// again: a human came back.
    /// With `at_most` the time is only the latest that it can have been.
    pub(super) fn take_verdict(&mut self, account: &Account, verdict: Verdict, at: Timestamp, at_most: bool) {
        let Some(person) = self.name_of(account) else { return };
        if self.draft.review.is_authors(account) {
            return;
        }
        let verdicts = self.draft.review.said.verdicts.entry(account.id).or_default();
        let had_verdict = verdicts.verdict.is_some_and(|(known, _)| known != Verdict::Withdrawn);
        let silent = verdicts.spoke_at().is_none();
        let news = if at_most { verdicts.apply_at_most(verdict, at) } else { verdicts.apply(verdict, at) };
        if news && silent && verdict == Verdict::Withdrawn {
            verdicts.silent_at = Some(at);
        }
        if !news || (verdict == Verdict::Withdrawn && !had_verdict) {
            return;
        }
        if matches!(verdict, Verdict::Approved | Verdict::ChangesRequested) {
            self.come_back(account, at, at_most);
        }
        self.look_for_threads(account);
        let mut involved = false;
        for assignment in &mut self.draft.review.planned.assignments {
            if assignment.account == *account && assignment.is_active() {
                assignment.reviewing_box.close();
                // What they accepted is done; the next round is another one.
                assignment.accepted = false;
                involved = true;
            }
        }
        if involved || verdict != Verdict::Commented {
            self.draft.say(match verdict {
                Verdict::Approved => Reason::Approved { person },
                Verdict::ChangesRequested => Reason::ChangesRequested { person },
                Verdict::Commented => Reason::ReviewerCommented { person },
                Verdict::Withdrawn => Reason::ApprovalWithdrawn { person },
            });
        }
    }

    /// Somebody gave a formal verdict at `at` (`at_most`: or before). If they had declined, been let
    /// go or been refused before, they are on again. Whom a person took off stays off: when that was
    /// is often known only roughly, so that the order could not be told.
    fn come_back(&mut self, account: &Account, at: Timestamp, at_most: bool) {
        let own = self.draft.assignments().find(|(_, own)| own.account == *account);
        let Some((id, Some((ended, how)))) = own.map(|(id, own)| (id, own.ended)) else { return };
        let later = ended < at || (ended == at && !at_most);
        if later && how != Ended::Removed {
            self.draft.revive(id, Origin::Adopted, at);
        }
    }
}

impl Draft<'_> {
    /// Who of the roster approves or asks for changes and was asked by no pool. It is shown while people can
    /// act on it, and moves nothing.
    pub(super) fn others(&self) -> Others {
        let review = &self.review;
        if !review.is_live() {
            return Others::default();
        }
        let asked = |id: u64| review.planned.assignments.iter().any(|own| own.account.id == id);
        let said = review.said.verdicts.iter().filter(|(id, _)| !asked(**id));
        let formal = said.filter_map(|(id, said)| {
            let approves = said.has_approved();
            let stands = approves || said.requests_changes().is_some();
            let person = self.world.directory.by_id(*id).filter(|_| stands && !said.is_overruled())?;
            let authors = person.account.as_ref().is_some_and(|own| review.is_authors(own));
            (!authors).then(|| OtherVerdict { person: person.name.clone(), approves })
        });
        let mut others: Vec<OtherVerdict> = formal.collect();
        others.sort();
        Others(others)
    }
}
