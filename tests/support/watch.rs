//! What holds of every decision where parts meet: scope and sponsors, the queue, owners, time box
//! rules, templates, maintenance, who is eased in. Judged from the outside, as far as that goes: with
//! the calendar and the policy of the core, but not with its judgements.

use std::collections::BTreeSet;

use jiff::{SignedDuration, ToSpan};
use usher_core::model::action::{Action, DesiredState, STATUS_MARKER};
use usher_core::model::calendar::Agenda;
use usher_core::model::candidate::{Candidate, Judgement};
use usher_core::model::change::ChangeState;
use usher_core::model::choice::VerdictsTold;
use usher_core::model::fact::{Act, Command, Fact};
use usher_core::model::people::{Person, Workloads};
use usher_core::model::policy::Pool;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Assignment, Hold, Origin, PoolReview, Review, Routing, Stage};
use usher_core::model::terms::Turn;
use usher_core::model::world::Decision;
use usher_words as words;

use super::markup::live;
use super::play::{Play, body};

/// GitHub refuses comments of more than 65,536 characters.
const BODY_CHARS_MAX: usize = 60_000;
/// Within this time a pool without anybody to ask is looked at again.
const LOOKS_AGAIN_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// How far ahead a leave may play a part in who can be asked, in days.
const LEAVE_SIGHT_DAYS: i64 = 21;
/// No head start in the queue goes back further.
const HEAD_START_MAX: SignedDuration = SignedDuration::from_hours(61 * 24);
/// HTML that Usher's own comments are made of.
const OWN_HTML: [&str; 6] =
    ["<details>", "<summary>Why this choice?</summary>", "</details>", "<sub>", "</sub>", "<summary>"];
/// Stands in templates that must not be used.
pub const BROKEN: &str = "BROKEN";

impl Play {
    pub(super) fn parts_hold(&self, fact: &Fact, decision: &Decision, workloads: &Workloads) {
        let Decision { review, actions, reasons, .. } = decision;
        self.chosen_can_be_asked(review, workloads);
        self.nobody_starves(decision, workloads);
        self.boxes_are_honest(review);
        self.scope_holds(fact, decision);
        self.announced_once(decision);
        let commented = self.review.done.status_fingerprint.is_some();
        held_is_left_alone(review, actions, commented);
        for reason in reasons {
            assert!(!words::sentence(reason).is_empty());
            self.choice_holds(reason, workloads);
        }
        for action in actions {
            let body = body(action, &self.company.templates).unwrap_or_default();
            match action {
                Action::Desired(shape) => self.labels_hold(review, shape),
                Action::Status(_) => {
                    assert!(body.starts_with(STATUS_MARKER), "a status comment without its marker");
                    self.body_holds(review, &body);
                }
                Action::Ping(_) => {
                    let windows =
                        self.company.policy.forges.iter().flat_map(|forge| forge.maintenance.iter());
                    let closed = windows.into_iter().any(|w| w.start <= self.now && self.now < w.end);
                    assert!(!closed, "law 2: pinged while the forge is closed: {body}");
                    self.body_holds(review, &body);
                }
                Action::Reply(_) => self.body_holds(review, &body),
                _ => {}
            }
        }
        let replies = actions.iter().filter(|action| matches!(action, Action::Reply(_))).count();
        let reactions = actions.iter().filter(|action| matches!(action, Action::React { .. })).count();
        assert!(replies <= 1 && reactions <= 1, "one comment, {replies} replies and {reactions} reactions");
        let held = usher_core::decide::suppressed::held(review, &self.company.policy);
        assert!(held.iter().all(|held| !words::held(held).is_empty()));
    }

    /// Whoever is chosen is of the pool, can be a reviewer, works some time, and has room, also for
    /// those who wait ahead.
    fn chosen_can_be_asked(&self, review: &Review, workloads: &Workloads) {
        for own in review.planned.assignments.iter().skip(self.review.planned.assignments.len()) {
            if !matches!(own.origin, Origin::Picked | Origin::Widened) {
                continue;
            }
            let name = &own.person;
            let person = self.directory.by_name(name).unwrap_or_else(|| panic!("{name} is on no roster"));
            let pool = self.company.policy.pool(&own.pool).unwrap_or_else(|| panic!("{} is gone", own.pool));
            assert_eq!(person.account.as_ref(), Some(&own.account), "{name} is somebody else");
            assert!(
                self.directory.in_pool(&own.pool, name),
                "{name} was chosen for {} and is not in it",
                own.pool
            );
            assert_ne!(review.author_name.as_ref(), Some(name), "law 1: the author was chosen");
            assert!(!workloads.no_access.contains(name), "{name} cannot be a reviewer there and was chosen");
            assert!(person.agenda().next_working(self.now).is_some(), "{name} never works and was chosen");
            let (open, capacity) = (workloads.of(name).open, capacity(person, pool));
            let room = open.room_for(capacity);
            assert!(room > 0, "{name} has {open} of {capacity} reviews and was chosen");
            let ahead = self.surely_ahead(review, own);
            assert!(ahead < room, "{name} is kept for {ahead} and was chosen ({open} of {capacity})");
        }
    }

    /// How many other changes are ahead of this for whom it got, at least.
    fn surely_ahead(&self, review: &Review, own: &Assignment) -> u32 {
        let before = self.review.planned.pools.iter().find(|part| part.pool == own.pool);
        let since = before.and_then(|part| part.queued.as_ref()).map_or(self.now, |queued| queued.since);
        let priority = review.seen.labels.contains(&self.company.policy.labels.priority);
        let head_start = priority || !review.seen.tickets.is_empty();
        let place = if head_start { since - HEAD_START_MAX } else { since };
        let line = self.company.lines.iter().filter(|(person, _)| *person == own.person);
        let ahead = line.filter(|(_, waiting)| waiting.place < place && waiting.change != review.change);
        ahead.map(|(_, waiting)| &waiting.change).collect::<BTreeSet<_>>().len() as u32
    }

    /// Law 6 with a queue: a pool that lacks reviewers has nobody who is free and kept for nobody, and
    /// is looked at again soon.
    fn nobody_starves(&self, decision: &Decision, workloads: &Workloads) {
        let review = &decision.review;
        if !review.tracked || !review.is_live() || review.planned.routing != Routing::Routed {
            return;
        }
        for part in &review.planned.pools {
            let Some(pool) = self.company.policy.pool(&part.pool) else { continue };
            let asked = review.active_in(&part.pool).count();
            let enough = asked >= pool.reviewers.max(pool.approvals) as usize;
            let content = asked > 0 && review.approvals(&part.pool) >= pool.approvals;
            let gone_by_hand = part.not_before.is_some_and(|at| at > self.now);
            if enough || content || gone_by_hand {
                continue;
            }
            for name in self.directory.pool(&part.pool) {
                let free = self.is_surely_free(name, pool, review, workloads);
                assert!(!free, "law 6: {name} of {} is free and not asked\n{}", part.pool, self.story());
            }
            let soon = decision.wake.is_some_and(|wake| wake <= self.now + LOOKS_AGAIN_WITHIN);
            assert!(soon, "law 6: {} is looked at again {:?}", part.pool, decision.wake);
            self.queued_if_hoped(part, review);
        }
    }

    /// Whoever lacks somebody that may become free has a place in the queue, and keeps it.
    fn queued_if_hoped(&self, part: &PoolReview, review: &Review) {
        let free_later = |c: &Candidate| {
            matches!(
                c.standing,
                Judgement::Away { .. }
                    | Judgement::Busy { .. }
                    | Judgement::LeaveSoon { .. }
                    | Judgement::AtCapacity { .. }
                    | Judgement::Kept { .. }
            )
        };
        let hoped = part.nobody_said && part.candidates.iter().any(free_later);
        assert!(!hoped || part.queued.is_some(), "{} hopes and has no place in the queue", part.pool);
        // A place that was taken on paper is gone with the dry run.
        let written = self.review.before_dry_run.as_ref().filter(|_| !self.company.policy.dry_run);
        let planned = written.map_or(&self.review.planned, |written| &written.planned);
        let known = planned.pools.iter().find(|known| known.pool == part.pool && known.number == part.number);
        let (known, now) = (known.and_then(|known| known.queued.as_ref()), part.queued.as_ref());
        if let (Some(known), Some(now)) = (known, now) {
            assert_eq!(known.since, now.since, "law 6: a place in the queue was lost");
        }
        if let Some(queued) = now {
            assert!(queued.place <= queued.since, "a place in the queue after the wait began");
            assert!(review.queued().any(|(pool, _)| pool == part.pool), "a place that nobody sees");
        }
    }

    fn is_surely_free(&self, name: &str, pool: &Pool, review: &Review, workloads: &Workloads) -> bool {
        let Some(person) = self.directory.asked_by(&pool.name, name) else { return false };
        let Some(account) = &person.account else { return false };
        let is_author = *account == review.author || review.author_name.as_deref() == Some(name);
        let known = review.planned.assignments.iter().any(|a| a.person == name || a.account == *account);
        if is_author || known || workloads.no_access.contains(name) {
            return false;
        }
        let agenda = Agenda::new(&person.hours, &person.away);
        let today = agenda.date(self.now);
        let (from, to) = (today.saturating_sub(2.days()), today.saturating_add(LEAVE_SIGHT_DAYS.days()));
        let leave = person.away.iter().any(|away| away.first <= to && from <= away.last);
        let busy = person.busy.is_some_and(|busy| busy.counts(self.now));
        if leave || busy || person.agenda().next_working(self.now).is_none() {
            return false;
        }
        let room = workloads.of(name).open.room_for(capacity(person, pool));
        // The clock may have gone back since it began to wait.
        let queued = review
            .planned
            .pools
            .iter()
            .filter(|part| part.pool == pool.name)
            .find_map(|part| part.queued.as_ref());
        let until = queued.map_or(self.now, |queued| queued.since.max(self.now));
        let line =
            self.company.lines.iter().filter(|(person, waiting)| person == name && waiting.place <= until);
        let ahead: BTreeSet<_> = line.map(|(_, waiting)| &waiting.change).collect();
        room > ahead.len() as u32
    }

    /// A reviewer's box is overdue exactly when its budget, as it is now, is spent; and whatever is
    /// called overdue has a box that ran out.
    fn boxes_are_honest(&self, review: &Review) {
        if !review.is_ready()
            || review.said.hold.is_some()
            || review.seen.unreachable.is_some()
            || review.seen.blocked.is_some()
            || !review.tracked
        {
            return;
        }
        let policy = &self.company.policy;
        for own in review.active().filter(|own| own.reviewing_box.running_since.is_some()) {
            let (Some(person), Some(since)) =
                (self.directory.asked_by(&own.pool, &own.person), own.reviewing_box.running_since)
            else {
                continue;
            };
            let agenda = person.agenda();
            let part = review
                .planned
                .pools
                .iter()
                .find(|part| part.pool == own.pool)
                .or(review.planned.pools.first());
            let budget = policy.terms(review, Turn::Reviewing, part).budget.millis(&agenda);
            let spent = own.reviewing_box.spent_millis + agenda.between(since, self.now);
            // Terms that leave nothing to spend run out as work begins.
            let Some(work) = agenda.next_working(since) else { continue };
            let over = spent >= budget && work <= self.now;
            let clock_went_back = self.now < since;
            assert!(
                over == own.reviewing_box.ran_out || clock_went_back,
                "{}: {spent} of {budget} ms are spent, and overdue is {}",
                own.person,
                own.reviewing_box.ran_out
            );
        }
        let waiting = review.planned.pools.iter().map(|part| &part.waiting_box);
        let reviewing = review.active().map(|own| &own.reviewing_box);
        let planned = &review.planned;
        let others = [&planned.unclaimed_box, &planned.author_box, &planned.merge_box];
        let mut boxes = waiting.chain(reviewing).chain(others);
        let over = boxes.any(|one| one.ran_out && one.running_since.is_some());
        assert!(!review.done.overdue || over, "overdue, and no box ran out\n{}", self.story());
    }

    /// The scope is advice by the rules as they are; a lead's sponsorship takes it away for good.
    fn scope_holds(&self, fact: &Fact, decision: &Decision) {
        let review = &decision.review;
        if review.tracked
            && review.is_ready()
            && review.said.hold.is_none()
            && review.seen.unreachable.is_none()
            && review.seen.blocked.is_none()
        {
            assert_eq!(
                review.planned.out_of_scope.is_some(),
                self.is_beyond(review),
                "scope: {:?}",
                review.planned.out_of_scope
            );
        }
        if self.review.said.sponsor != review.said.sponsor {
            let lead = |by: &Person| {
                let pools = self.review.planned.pools.iter().chain(&review.planned.pools);
                let mut pools = pools.filter_map(|part| self.company.policy.pool(&part.pool));
                // Before a pool has it, whoever leads any pool may take it on.
                let any = self.company.policy.pools.iter().any(|pool| pool.is_led_by(&by.name));
                pools.any(|pool| pool.is_led_by(&by.name)) || (self.review.planned.pools.is_empty() && any)
            };
            let said = match fact {
                Fact::Told { act: Act::Commanded { command, also, .. }, by, .. } => {
                    let sponsors = std::iter::once(command).chain(also).any(|one| *one == Command::Sponsor);
                    sponsors && self.directory.by_id(by.account.id).is_some_and(lead)
                }
                _ => false,
            };
            assert!(said, "{:?} sponsors by {fact:?}", review.said.sponsor);
        }
        let replaced = self.company.templates.files().any(|(text, _)| text.word() == "status");
        for action in &decision.actions {
            let Action::Status(view) = action else { continue };
            let worded = words::status(&self.company.templates, view).comment;
            let body = worded.body();
            let advice = body.contains("may be more than a fix:");
            let wanted = review.planned.out_of_scope.is_some()
                && review.said.sponsor.is_none()
                && review.done.stage != Stage::Done;
            // A change that is left alone, or of which the forge takes nothing, promises and advises nothing.
            let told =
                matches!(review.said.hold, None | Some(Hold::FirstRun)) && review.seen.blocked.is_none();
            assert!(!advice || wanted, "advice that nobody needs: {body}");
            assert!(advice || !wanted || replaced || !told, "no advice: {body}");
        }
    }

    fn is_beyond(&self, review: &Review) -> bool {
        let rules = &self.company.policy.scope;
        let lines = review.seen.size.is_some_and(|size| rules.max_lines.is_some_and(|max| size.lines > max));
        let files = review.seen.size.is_some_and(|size| rules.max_files.is_some_and(|max| size.files > max));
        let title = rules.titles.iter().any(|pattern| pattern.is_match(&review.seen.title));
        let spelled = |on: &String| rules.labels.iter().any(|label| self.forge.kind.same_label(label, on));
        review.seen.labels.iter().any(spelled) || title || lines || files
    }

    /// The label of the scope says what the review knows, and the priority label is people's.
    fn labels_hold(&self, review: &Review, shape: &DesiredState) {
        let names = &self.company.policy.labels;
        assert!(
            review.said.hands_off.is_disjoint(&shape.labels),
            "law 4: a label that a person took off: {shape:?}"
        );
        let touched = shape.labels.contains(&names.priority) || shape.not_labels.contains(&names.priority);
        assert!(!touched, "law 4: the priority label is for people: {shape:?}");
        let beyond = review.planned.out_of_scope.is_some() && review.said.sponsor.is_none();
        let hands_off = review.said.hands_off.contains(&names.out_of_scope);
        let left_alone = matches!(review.said.hold, Some(Hold::Skip));
        let on = shape.labels.contains(&names.out_of_scope);
        assert!(
            left_alone || on == (beyond && !hands_off),
            "scope: {shape:?} for {:?}",
            review.planned.out_of_scope
        );
        let overdue = shape.labels.contains(&names.overdue);
        // Of what the forge refuses the same is asked again.
        let as_before = left_alone || review.seen.blocked.is_some();
        assert!(!overdue || review.done.overdue || as_before, "overdue without a box that ran out");
    }

    /// Every merge of a change with tickets is announced once, if merges are.
    fn announced_once(&self, decision: &Decision) {
        let review = &decision.review;
        let announced = decision.actions.iter().any(|action| matches!(action, Action::Announce(_)));
        let merged = self.review.tracked
            && self.review.seen.state != ChangeState::Merged
            && review.seen.state == ChangeState::Merged;
        let wanted = merged
            && self.company.policy.announces_merges
            && !review.seen.tickets.is_empty()
            && review.said.hold != Some(Hold::Skip);
        assert_eq!(announced, wanted, "announced {announced}, wanted {wanted}");
    }

    /// A comment fits, says something, names only known people and does nothing on its own; a
    /// template that cannot be used is not.
    fn body_holds(&self, review: &Review, body: &str) {
        let length = body.chars().count();
        assert!(length <= BODY_CHARS_MAX, "a comment of {length} characters");
        let (marker, text) = body.split_once('\n').unwrap_or_default();
        assert!(marker.starts_with("<!-- usher:") && marker.ends_with(" -->"), "no marker: {body}");
        assert!(!text.trim().is_empty(), "an empty comment: {body}");
        assert!(!text.contains("<!--"), "a second marker: {body}");
        assert!(!text.contains(BROKEN), "a template that cannot be used: {body}");
        let live = live(text);
        for handle in &live.mentions {
            let asked = review.planned.assignments.iter().any(|own| own.account.login == *handle);
            let known = asked || self.directory.find(handle).is_some() || *handle == review.author.login;
            assert!(known, "@{handle} is live and on no roster: {body}");
        }
        if self.company.policy.verdicts != VerdictsTold::Full {
            let told = PRIVATE.iter().find(|words| text.contains(**words));
            assert!(told.is_none(), "{told:?} is told in public: {body}");
        }
        assert!(live.quick_actions.is_empty(), "a quick action: {body}");
        let html = live.html.iter().flat_map(|html| html.split_inclusive('>')).map(str::trim);
        let foreign: Vec<_> = html.filter(|tag| !OWN_HTML.iter().any(|own| own.contains(tag))).collect();
        assert!(foreign.is_empty(), "{foreign:?} in {body}");
    }

    /// Of those who can be asked owners come first, and whoever came back and had their share last.
    fn choice_holds(&self, reason: &Reason, workloads: &Workloads) {
        let Reason::Picked { pool, person, candidates, .. } = reason else { return };
        let mut chosen = candidates.iter().filter(|c| matches!(c.standing, Judgement::Chosen { .. }));
        let own = chosen.next().unwrap_or_else(|| panic!("nobody of {candidates:?} is chosen"));
        assert!(own.person == *person && chosen.next().is_none(), "{person} is chosen of {candidates:?}");
        let passed = |c: &&Candidate| matches!(c.standing, Judgement::Free { .. });
        if let Some(free) = candidates.iter().find(passed) {
            let had_share = self.had_share(person, pool, workloads);
            assert!(!had_share, "{person} is back and had their share; {} was free", free.person);
        }
        let owner = candidates.iter().filter(passed).find(|c| c.owns.is_some());
        if let (Some(owner), None) = (owner, &own.owns) {
            panic!("{person} owns nothing and was chosen before {}", owner.person);
        }
    }

    /// Whether somebody was on a long leave that ended in the last week, and was asked more than
    /// their share since.
    fn had_share(&self, name: &str, pool: &str, workloads: &Workloads) -> bool {
        let (Some(person), Some(pool)) =
            (self.directory.asked_by(pool, name), self.company.policy.pool(pool))
        else {
            return false;
        };
        let members = self.directory.pool(&pool.name).iter().filter_map(|name| self.directory.by_name(name));
        let members: Vec<&Person> = members.filter(|person| person.account.is_some()).collect();
        let all: u64 = members.iter().map(|member| u64::from(capacity(member, pool))).sum();
        let today = person.agenda().date(self.now);
        let recent = person.away.iter().filter(|leave| {
            let long = leave.first.saturating_add(2.days()) <= leave.last;
            long && today.saturating_sub(7.days()) <= leave.last && leave.last < today
        });
        recent.into_iter().any(|leave| {
            let back = leave.last.saturating_add(1.days());
            let zone = person.hours.timezone();
            let [own_from, pool_from] =
                [0, 12].map(|hour| zone.to_timestamp(back.at(hour, 0, 0, 0)).unwrap_or(self.now));
            let own = u64::from(workloads.of(name).asked.since(own_from));
            let asked =
                members.iter().map(|member| u64::from(workloads.of(&member.name).asked.since(pool_from)));
            own * all > asked.sum::<u64>() * u64::from(capacity(person, pool))
        })
    }
}

/// What nobody outside needs to know of a colleague: leave, load, and who declined.
const PRIVATE: [&str; 6] =
    [" declined", "is away until", "goes on leave", "is busy", "open reviews of at most", "is eased in"];

/// Nothing is said or asked on a change that is to be left alone, or waits for its turn; but a status comment
/// that is there says so, and nobody is thanked in one that is not.
fn held_is_left_alone(review: &Review, actions: &[Action], commented: bool) {
    let speaks =
        |action: &Action| matches!(action, Action::Desired(_) | Action::Status { .. } | Action::Ping { .. });
    assert!(
        review.seen.unreachable.is_none() || !actions.iter().any(speaks),
        "not shown, and yet {actions:?}"
    );
    for action in actions {
        let fine = match (review.said.hold, action) {
            (Some(Hold::Skip), Action::Desired(shape)) => shape.reviewers.is_empty(),
            (
                Some(Hold::FirstRun),
                Action::Desired(_) | Action::ReadFiles { .. } | Action::Look | Action::ReadThreads,
            ) => false,
            (Some(Hold::Skip), Action::Status(_)) => commented,
            (Some(Hold::FirstRun), Action::Status(_)) => false,
            (Some(_), Action::Ping { .. }) => false,
            _ => true,
        };
        assert!(fine, "{:?}, and yet {action:?}", review.said.hold);
    }
}

fn capacity(person: &Person, pool: &Pool) -> u32 {
    person.capacity.unwrap_or(pool.capacity)
}
