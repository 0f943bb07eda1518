//! A dry run: everything is decided and nothing is written. What it decides is on paper only, and when
//! it is over each review goes on from what Usher last wrote, with whatever people have said since.

use super::draft::Draft;
use crate::model::reason::Reason;
use crate::model::review::{AskedParts, Assignment, Done, Ended, Hold, Review, Written};

impl Draft<'_> {
    /// Puts aside what was written when a dry run begins, and takes it up again when it is over.
    pub(super) fn begin_or_end_dry_run(&mut self) {
        match (self.world.policy.dry_run, self.review.before_dry_run.take()) {
            (true, None) => {
                let Review { planned, done, said, .. } = &self.review;
                let held = said.hold == Some(Hold::FirstRun);
                let written = Written { planned: planned.clone(), done: done.clone(), held };
                self.review.before_dry_run = Some(Box::new(written));
            }
            (true, kept) => self.review.before_dry_run = kept,
            (false, None) => {}
            (false, Some(written)) => self.go_live(*written),
        }
    }

    /// From now on Usher writes. Time that passed on paper is nobody's: every clock starts now.
    fn go_live(&mut self, written: Written) {
        let Written { planned, done, held } = written;
        self.say(Reason::WentLive);
        let never_written = done.stage_since.is_none();
        let older = self.review.seen.opened_at.is_some_and(|opened| opened < self.world.first_seen);
        let paper = std::mem::replace(&mut self.review.planned, planned);
        // What people put on or took off since is kept up to date in a dry run, too.
        let set_labels = std::mem::take(&mut self.review.done.set_labels);
        self.review.done = Done { set_labels, ..done };
        self.keep_what_people_ended(paper.assignments);
        let now = self.now();
        let Review { planned, said, .. } = &mut self.review;
        let own = [&mut planned.author_box, &mut planned.merge_box];
        let waiting = planned.pools.iter_mut().map(|part| &mut part.waiting_box);
        let reviewing = planned.assignments.iter_mut().map(|assignment| &mut assignment.reviewing_box);
        for time_box in own.into_iter().chain(waiting).chain(reviewing) {
            time_box.restart(now);
        }
        // What was taken on in the first roll-out was so on paper only.
        if said.hold.is_none() && (held || (never_written && older)) {
            said.hold = Some(Hold::FirstRun);
            self.say(Reason::HeldForFirstRun);
        }
    }

    /// Who declined or was taken off by hand is not asked again, also where they were asked on paper.
    fn keep_what_people_ended(&mut self, paper: Vec<Assignment>) {
        let assignments = &mut self.review.planned.assignments;
        let by_hand = |own: &Assignment| matches!(own.ended, Some((_, Ended::Declined | Ended::Removed)));
        for own in paper.into_iter().filter(by_hand) {
            match assignments.iter_mut().find(|known| known.account == own.account) {
                Some(known) => known.ended = known.ended.or(own.ended),
                None => assignments.push(own),
            }
        }
    }

    /// Nothing was asked of the forge, whatever the review would believe: a later snapshot is judged
    /// by what was really written.
    pub(super) fn keep_dry(&mut self, before: &Review) {
        if self.world.policy.dry_run {
            let Review { done, seen, .. } = &mut self.review;
            done.last_applied.clone_from(&before.done.last_applied);
            done.leaving.clone_from(&before.done.leaving);
            // Who put on what is there people have decided; of the rest, what was really written counts.
            done.set_labels.retain(|label| seen.labels.contains(label));
            done.set_labels.extend(before.done.set_labels.difference(&seen.labels).cloned());
            done.status_fingerprint = before.done.status_fingerprint;
            // What was given up is not asked for again on paper.
            if let (Some(blocked), Some(before)) = (&mut seen.blocked, before.seen.blocked) {
                blocked.given_up |= before.given_up;
            }
            done.unproven =
                if self.world.unsent { before.done.unproven.clone() } else { AskedParts::default() };
        }
    }
}
