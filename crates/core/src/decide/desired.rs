//! The desired state: what should be seen on the forge becomes actions, and only what is not so
//! already.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::find::AssignmentId;
use super::stage::standing;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::action::{Action, Announcement, DesiredState};
use crate::model::change::{Account, ChangeState};
use crate::model::choice::ChoiceTold;
use crate::model::fingerprint::fingerprint_of;
use crate::model::message::{
    AuthorView, ByOthers, Formally, HoldNote, HoldView, Lacking, LackingView, MergerView, Moment,
    OpenThreads, Others, PoolView, PushedSince, RefusedSince, ReviewerView, StatusView,
};
use crate::model::reason::Reason;
use crate::model::review::{AskedParts, Assignment, Ended, Hold, Origin, PoolReview, Review, Routing, Stage};
use crate::model::standing::Why;

/// How often the same shape is asked for again in one turn, when another bot keeps undoing it.
const RESHAPES_MAX: u32 = 3;

/// What should be seen on the forge, as far as it is not so already.
#[derive(Default)]
pub(super) struct Desired {
    /// Labels and reviewers as they should be; `None` where nothing is said of them now.
    pub shape: Option<WantedState>,
    /// The status comment, if it says something new.
    pub status: Option<NewStatus>,
}

/// A status comment that says something new.
pub(super) struct NewStatus {
    pub view: Box<StatusView>,
    /// By which it is known whether the next one says something else.
    pub fingerprint: u64,
}

/// Labels and reviewers.
pub(super) struct WantedState {
    pub shape: DesiredState,
    pub ask: Ask,
}

/// Whether the forge is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// It shows all of that.
    No,
    Yes,
    /// Once more for the same: somebody else undid it.
    Again,
}

impl Draft<'_> {
    /// What should be seen. `reshape`: the forge was seen to differ from what was asked of it.
    pub(super) fn desired(&self, reshape: bool) -> Desired {
        if self.review.seen.unreachable.is_some() {
            // It would be refused, if not worse: written to where it was.
            return Desired::default();
        }
        if let Some(blocked) =
            self.review.seen.blocked.filter(|_| self.review.is_ready() && self.review.said.hold.is_none())
        {
            // What was asked for is still tried by the courier; after that, when the change is seen again.
            let shape = self.asked_before();
            let again = (blocked.given_up && reshape) || shape != self.review.done.last_applied;
            let shape = again.then_some(WantedState { shape, ask: Ask::Yes });
            return Desired { shape, status: self.desired_status() };
        }
        match self.review.said.hold {
            Some(Hold::FirstRun) => Desired::default(),
            // Commands were answered; everything else stays as it is, but for the label and the comment
            // that say so. What is finished is left behind as every other change.
            Some(Hold::Skip) if self.review.is_open() => {
                Desired { shape: self.skip_shape(), status: self.desired_status() }
            }
            // Not before it is known whom it concerns.
            _ if self.is_live() && self.review.planned.routing != Routing::Routed => Desired::default(),
            _ => Desired { shape: Some(self.desired_shape(reshape)), status: self.desired_status() },
        }
    }

    fn skip_shape(&self) -> Option<WantedState> {
        let skip = &self.world.policy.labels.skip;
        if self.review.seen.labels.contains(skip) || self.review.done.last_applied.labels.contains(skip) {
            return None;
        }
        let mut shape = self.asked_before();
        shape.labels.insert(skip.clone());
        shape.reviewers.clear();
        shape.not_labels.remove(skip);
        Some(WantedState { shape, ask: Ask::Yes })
    }

    /// What was asked for last, without whom and what people have put on or taken off since: they need not be
    /// as that was.
    fn asked_before(&self) -> DesiredState {
        let Review { planned, said, done, .. } = &self.review;
        let mut shape = done.last_applied.clone();
        let taken_off = |account: &Account| {
            let mut own = planned.assignments.iter().filter(|own| own.account == *account);
            own.any(|own| matches!(own.ended, Some((_, Ended::Removed | Ended::Declined))))
        };
        shape.reviewers.retain(|account| !taken_off(account));
        shape.not_reviewers.retain(|account| !self.review.active().any(|own| own.account == *account));
        shape.labels.retain(|label| !said.hands_off.contains(label));
        shape
            .not_labels
            .retain(|label| done.set_labels.contains(label) && !done.unproven.labels.contains(label));
        shape
    }

    fn desired_shape(&self, reshape: bool) -> WantedState {
        let shape = self.wanted_shape();
        let differs = shape != self.review.done.last_applied;
        let unconfirmed = self.is_unlike(&self.review.done.last_applied);
        let unlike = self.is_unlike(&shape);
        let ask = match () {
            () if differs && (unlike || unconfirmed || self.hands_back(&shape)) => Ask::Yes,
            () if unlike && reshape && self.may_reshape() => Ask::Again,
            () => Ask::No,
        };
        WantedState { shape, ask }
    }

    /// Each snapshot that shows a difference is answered once, and no more than a few in one turn.
    fn may_reshape(&self) -> bool {
        let answered = self.review.done.applied_again_at == self.review.seen.at;
        !answered && self.review.done.applied_again < RESHAPES_MAX
    }

    /// The one status comment: written when the change is first staffed, edited whenever it would
    /// say something else.
    fn desired_status(&self) -> Option<NewStatus> {
        let posted = self.review.done.status_fingerprint.is_some();
        if !posted && (!self.is_live() || self.review.done.stage == Stage::Draft) {
            return None;
        }
        let mut view = Box::new(self.status_view());
        let fingerprint = fingerprint_of(&view);
        // Not part of what the built-in words say: a better title alone is worth no edit.
        view.title.clone_from(&self.review.seen.title);
        let new = self.review.done.status_fingerprint != Some(fingerprint);
        new.then_some(NewStatus { view, fingerprint })
    }

    /// What went out, or may have, is Usher's doing from now on.
    pub(super) fn note_what_went_out(&mut self) {
        if !self.world.unsent {
            let AskedParts { reviewers, .. } = std::mem::take(&mut self.review.done.unproven);
            self.review.done.unshown.extend(reviewers);
        }
    }

    /// A request takes the place of one that may not have gone out: what only that one asked for was
    /// never set.
    fn replace_unsent(&mut self, shape: &DesiredState) {
        let done = &mut self.review.done;
        let never = |label: &String| done.unproven.labels.contains(label) && !shape.labels.contains(label);
        done.set_labels.retain(|label| !never(label));
        let new =
            |label: &&String| !done.set_labels.contains(*label) || done.unproven.labels.contains(*label);
        let labels = shape.labels.difference(&self.review.seen.labels).filter(new).cloned().collect();
        let asked = shape.reviewers.difference(&self.review.seen.reviewers);
        let reviewers = asked.filter(|account| !done.unshown.contains(*account)).cloned().collect();
        done.unproven = AskedParts { reviewers, labels };
        // A label that is there already was put on by somebody else, or is known as ours.
        done.set_labels.extend(shape.labels.difference(&self.review.seen.labels).cloned());
    }

    /// Remembers what is to go by this request. What was to go by the last one, and is wanted again, may be gone:
    /// that it is missing then is nobody else's doing.
    fn note_leaving(&mut self, shape: &DesiredState) {
        let (seen, done) = (&self.review.seen, &mut self.review.done);
        let AskedParts { mut reviewers, mut labels } = std::mem::take(&mut done.leaving);
        labels.retain(|label| !self.world.unsent && shape.labels.contains(label));
        reviewers.retain(|account| !self.world.unsent && shape.reviewers.contains(account));
        labels.extend(shape.not_labels.intersection(&seen.labels).cloned());
        reviewers.extend(shape.not_reviewers.intersection(&seen.reviewers).cloned());
        done.leaving = AskedParts { reviewers, labels };
    }

    /// Remembers what is asked for, and makes actions of it.
    pub(super) fn take_up(&mut self, desired: Desired, reshape: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(WantedState { shape, ask }) = desired.shape {
            if ask == Ask::Again {
                self.review.done.applied_again = self.review.done.applied_again.saturating_add(1);
                self.say(Reason::Reshaped);
            }
            if ask != Ask::No {
                self.note_leaving(&shape);
                self.replace_unsent(&shape);
                if reshape {
                    self.review.done.applied_again_at = self.review.seen.at;
                }
                self.review.seen.blocked.iter_mut().for_each(|blocked| blocked.given_up = false);
                actions.push(Action::Desired(shape.clone()));
            }
            self.note_handed_back(&shape);
            self.review.done.last_applied = shape;
        }
        if let Some(NewStatus { view, fingerprint }) = desired.status {
            self.review.done.status_fingerprint = Some(fingerprint);
            actions.push(Action::Status(view));
        }
        actions
    }

    /// Labels and reviewers as the review wants them.
    fn wanted_shape(&self) -> DesiredState {
        let review = &self.review;
        let names = &self.world.policy.labels;
        let mut labels = BTreeSet::new();
        if review.seen.ready_at.is_some() {
            labels.insert(names.contribution.clone());
        }
        labels.extend(names.of(review.done.stage).map(str::to_owned));
        if review.done.overdue && self.is_live() {
            labels.insert(names.overdue.clone());
        }
        if review.planned.out_of_scope.is_some() && review.said.sponsor.is_none() {
            labels.insert(names.out_of_scope.clone());
        }
        labels.retain(|label| !review.said.hands_off.contains(label));
        let own = |label: &&String| {
            let kept =
                names.stage_of(label).is_some() || [&names.overdue, &names.out_of_scope].contains(label);
            kept && !review.done.unproven.labels.contains(*label)
        };
        let mut not_labels: BTreeSet<String> = review.done.set_labels.iter().filter(own).cloned().collect();
        let skipped = review.said.hold == Some(Hold::Skip);
        if !skipped && (review.said.unskip || review.done.set_labels.contains(&names.skip)) {
            not_labels.insert(names.skip.clone());
        }
        not_labels.retain(|label| !labels.contains(label));
        // Only those who have not spoken yet: asking again would look like a new request.
        let asked = review.active().filter(|a| a.listed && !review.has_answered(a));
        let live = self.is_live();
        let asked = asked.map(|assignment| &assignment.account).chain(&review.done.overwritten);
        let mut reviewers: BTreeSet<_> = asked.filter(|_| live).cloned().collect();
        let ended =
            |a: &&Assignment| matches!(a.ended, Some((_, Ended::Declined | Ended::Reassigned | Ended::Left)));
        let ended =
            review.planned.assignments.iter().filter(ended).filter(|a| !a.by_hand).map(|a| &a.account);
        // Whoever is put on the list from now on is put there by somebody else.
        let on = |account: &&Account| {
            review.seen.reviewers.contains(*account) || review.done.unshown.contains(*account)
        };
        let not_reviewers: BTreeSet<_> = ended.filter(on).cloned().collect();
        // Whom a person put on at the moment of our write, and who then declined, stays off.
        reviewers.retain(|account| !not_reviewers.contains(account));
        let reviewers_again = self.asked_again();
        DesiredState { reviewers, not_reviewers, reviewers_again, labels, not_labels }
    }

    /// Tells the ticket system of the merge that was just heard of. One that was merged before it was
    /// ever seen is no news.
    pub(super) fn announce(&mut self) -> Option<Action> {
        let review = &self.review;
        let (ChangeState::Merged, Some(merged_at)) = (review.seen.state, review.seen.ended_at) else {
            return None;
        };
        let wanted = self.world.policy.announces_merges && review.said.hold != Some(Hold::Skip);
        if !wanted || review.seen.tickets.is_empty() {
            return None;
        }
        let approvals = review.active().filter(|a| review.has_approved(a)).count();
        let news = Announcement {
            url: review.seen.url.clone(),
            tickets: review.seen.tickets.clone(),
            opened_at: review.seen.opened_at.unwrap_or(merged_at),
            merged_at,
            reviewers: u32::try_from(review.active().count()).unwrap_or(u32::MAX),
            approvals: u32::try_from(approvals).unwrap_or(u32::MAX),
        };
        self.say(Reason::Announced { tickets: u32::try_from(news.tickets.len()).unwrap_or(u32::MAX) });
        Some(Action::Announce(news))
    }

    /// Whether the forge, as last seen, differs from a shape.
    pub(super) fn is_unlike(&self, shape: &DesiredState) -> bool {
        let (labels, reviewers) = (&self.review.seen.labels, &self.review.seen.reviewers);
        !shape.labels.is_subset(labels)
            || !shape.not_labels.is_disjoint(labels)
            || !shape.reviewers.is_subset(reviewers)
            || !shape.not_reviewers.is_disjoint(reviewers)
    }

    /// All that the status comment says, without the title, and nothing that it does not say in this
    /// stage: what nobody reads is worth no edit.
    fn status_view(&self) -> StatusView {
        let review = &self.review;
        if review.is_open() && review.said.hold == Some(Hold::Skip) {
            return self.skipped_view();
        }
        let stage = review.done.stage;
        let active = self.assignments().filter(|(_, own)| own.is_active());
        // When it is over, it was the author's all the same.
        let over = (review.author_name.as_deref(), &review.author);
        let (acting_name, acting) = if review.is_open() { review.acting_author() } else { over };
        let author_zone = self.zone_of(acting_name, None);
        let waits = matches!(review.said.stage, Some((Stage::Waiting, _)));
        let ended = stage == Stage::Done;
        let snoozed = match review.said.hold {
            Some(Hold::Snooze { until }) if !ended => Some(until),
            _ => None,
        };
        StatusView {
            me: self.world.directory.handle().to_owned(),
            stage,
            state: review.seen.state,
            title: String::new(),
            author: AuthorView {
                login: acting.login.clone(),
                name: acting_name.map(str::to_owned),
                due: self.author_due().map(in_zone(&author_zone)),
                late: stage == Stage::WithAuthor && review.planned.author_box.ran_out,
            },
            snoozed_until: snoozed.map(in_zone(&author_zone)),
            hold: self.hold_view(),
            refused_since: RefusedSince(
                review.seen.blocked.map(|blocked| in_zone(&author_zone)(blocked.since)),
            ),
            set_to_wait: waits && stage == Stage::Waiting && review.active().next().is_some(),
            reviewers: active.map(|(id, assignment)| self.reviewer_view(id, assignment)).collect(),
            pools: review.planned.pools.iter().map(|part| self.pool_view(part)).collect(),
            merger: self.merger_view(),
            pushed_since: PushedSince(self.was_pushed_since_approval()),
            others: self.others(),
            next: self.next_steps(),
            tickets: review.seen.tickets.clone(),
            out_of_scope: review.planned.out_of_scope.clone(),
            sponsor: review.said.sponsor.clone(),
            boxes: self.world.policy.box_notes(review),
            opened_at: review.seen.opened_at.filter(|_| ended),
            done_at: review.seen.ended_at.filter(|_| ended),
        }
    }

    /// Of a change that is left alone: whatever people do meanwhile, it says nothing else.
    fn skipped_view(&self) -> StatusView {
        let review = &self.review;
        StatusView {
            me: self.world.directory.handle().to_owned(),
            stage: Stage::Draft,
            state: review.seen.state,
            title: String::new(),
            author: AuthorView {
                login: review.author.login.clone(),
                name: review.author_name.clone(),
                due: None,
                late: false,
            },
            snoozed_until: None,
            hold: self.hold_view(),
            refused_since: RefusedSince(None),
            set_to_wait: false,
            reviewers: Vec::new(),
            pools: Vec::new(),
            merger: None,
            pushed_since: PushedSince::default(),
            others: Others::default(),
            next: Vec::new(),
            tickets: BTreeSet::new(),
            out_of_scope: None,
            sponsor: None,
            boxes: Vec::new(),
            opened_at: None,
            done_at: None,
        }
    }

    /// Who asked for the hold of an open change.
    fn hold_view(&self) -> HoldNote {
        let said = &self.review.said;
        let held = self.review.is_open() && matches!(said.hold, Some(Hold::Skip | Hold::Snooze { .. }));
        let zone = self.zone_of(self.review.author_name.as_deref(), None);
        HoldNote(held.then(|| HoldView {
            skipped: said.hold == Some(Hold::Skip),
            by: said.hold_origin.as_ref().and_then(|origin| origin.by.clone()),
            since: said.hold_origin.as_ref().map(|origin| in_zone(&zone)(origin.at)),
            snoozes: said.snoozes,
        }))
    }

    /// The forge may take approvals back at a push: then the change is not ready, and this says nothing.
    fn was_pushed_since_approval(&self) -> bool {
        let review = &self.review;
        let approved = review.active().filter_map(|own| review.verdicts_of(&own.account).approved_at()).max();
        let approved = approved.filter(|_| review.done.stage == Stage::ReadyToMerge);
        approved.is_some_and(|approved| review.seen.pushed_at > Some(approved))
    }

    fn merger_view(&self) -> Option<MergerView> {
        let merger = self.review.merger().filter(|_| self.review.done.stage == Stage::ReadyToMerge)?;
        Some(MergerView {
            login: merger.account.login.clone(),
            // A person may have set the stage by label.
            approved: standing(self.world.policy, &self.review).why == Why::Approved,
            by_others: ByOthers(!self.review.has_approved(merger)),
            due: self.merge_due().map(in_zone(&self.zone_of(Some(&merger.person), Some(&merger.pool)))),
            late: self.review.planned.merge_box.ran_out,
        })
    }

    fn reviewer_view(&self, id: AssignmentId, assignment: &Assignment) -> ReviewerView {
        let review = &self.review;
        let spoke_at = review.verdicts_of(&assignment.account).spoke_at();
        let due = self.due_of(id);
        let has_the_turn = due.is_some();
        ReviewerView {
            person: assignment.person.clone(),
            login: assignment.account.login.clone(),
            pool: assignment.pool.clone(),
            approved: review.has_approved(assignment),
            asks: review.asks_author(assignment),
            formally: Formally(review.asks_author(assignment) && review.requests_changes(assignment)),
            threads: OpenThreads(self.open_threads(assignment)),
            accepted: assignment.accepted,
            second: assignment.origin == Origin::Widened,
            answered: has_the_turn && spoke_at.is_some_and(|at| at > assignment.since),
            due: due.map(in_zone(&self.zone_of(Some(&assignment.person), Some(&assignment.pool)))),
            late: has_the_turn && assignment.reviewing_box.ran_out,
        }
    }

    /// What the pool lacks, if nobody who is asked can give it.
    fn lacking(&self, part: &PoolReview) -> Option<LackingView> {
        let (policy, review) = (self.world.policy, &self.review);
        policy.is_stuck(review, &part.pool).then(|| LackingView {
            approvals: policy.lacks(review, &part.pool),
            against: review.requesters().map(|own| own.person.clone()).collect(),
        })
    }

    fn pool_view(&self, part: &PoolReview) -> PoolView {
        let led = self.world.policy.pool(&part.pool).is_some_and(|pool| !pool.leads.is_empty());
        let staffed = self.review.active_in(&part.pool).next().is_some();
        let ended = self.review.done.stage == Stage::Done;
        let candidates = if ended { &[] } else { part.candidates.as_slice() };
        PoolView {
            pool: part.pool.clone(),
            staffed,
            on_hold: !staffed && part.not_before.is_some(),
            leadless: !staffed && part.escalated && !led,
            candidates: ChoiceTold::of(candidates, self.world.policy.verdicts),
            ahead: part.queued.as_ref().filter(|_| !staffed).map_or(0, |queued| queued.ahead),
            lacks: Lacking(self.lacking(part).filter(|_| staffed && !ended)),
        }
    }

    /// A template that cannot be used is told once for each change and fault.
    pub(super) fn note_template(&mut self, template: &str, fault: &str) {
        if self.review.done.broken_templates.insert(format!("{template}: {fault}")) {
            let (template, fault) = (template.to_owned(), fault.to_owned());
            self.say(Reason::TemplateBroken { template, fault });
        }
    }
}

/// A time as it is told to somebody in the zone.
fn in_zone(zone: &TimeZone) -> impl FnOnce(Timestamp) -> Moment {
    let zone = zone.clone();
    move |at| Moment { at, zone }
}
