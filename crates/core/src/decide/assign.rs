//! Staffing: which pools the change belongs to, and who of each is asked.

use jiff::{SignedDuration, Timestamp};

use super::draft::{Draft, RETRY_FILES, RETRY_STAFFING, RETRY_TOMORROW, SEEN_WHOLE_WITHIN, later};
use super::find::AssignmentId;
use crate::choose::pick::{Choice, pick};
use crate::choose::queue::queue_up;
use crate::choose::route::{Claim, Claims, FilesRead};
use crate::model::action::Action;
use crate::model::candidate::Candidate;
use crate::model::change::{Account, OwnersFile, Verdict};
use crate::model::policy::Pool;
use crate::model::reason::Reason;
use crate::model::review::{Assignment, Ended, Origin, PoolReview, Routing, Stage};

/// What is told of one moment and comes in later, is after it.
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// What assigning found: who is asked stands in the review.
#[derive(Default)]
pub(super) struct Assignments {
    /// Files that must be read before it can go on.
    pub reads: Vec<Action>,
}

/// Asks the policy which pools the change belongs to, now that its files were read; also where nobody
/// is to be asked yet.
///
/// `no_files`: they cannot be had. Then the first route without paths decides, provisionally: once they are
/// read it is routed anew, if nobody has answered by then.
pub(super) fn claim(draft: &mut Draft<'_>, files: Option<FilesRead<'_>>, no_files: bool) -> Assignments {
    let routed = draft.review.planned.routing == Routing::Routed && !draft.review.planned.pools.is_empty();
    if no_files && draft.review.planned.routing == Routing::ReadingFiles {
        draft.say(Reason::WithoutFiles);
        draft.review.planned.provisional = true;
        let nothing = FilesRead { files: &[], codeowners: OwnersFile::NotAsked };
        return Assignments { reads: draft.route(Some(nothing)).into_iter().collect() };
    }
    let mut reads = Vec::new();
    if let Some(read) = files {
        draft.review.planned.provisional = false;
        if routed {
            draft.claim_by_files(read);
        } else {
            reads.extend(draft.route(Some(read)));
        }
    }
    Assignments { reads }
}

impl Draft<'_> {
    /// Sees that every pool of a live change has its reviewers, or a reason and a time to retry.
    pub(super) fn assign_reviewers(&mut self, rerouted: bool) -> Assignments {
        let mut found = Assignments::default();
        self.forget_lost_pools();
        if let Some(look) = self.waits_to_be_seen_whole() {
            found.reads.extend(look);
            return found;
        }
        let set = self.review.planned.retry_at.take();
        let due = set.is_some_and(|at| at <= self.now());
        let other_routes = self.review.planned.unclaimed_by != Some(self.world.policy.routes_print());
        match self.review.planned.routing {
            Routing::Pending => found.reads.extend(self.route(None)),
            Routing::ReadingFiles if due => found.reads.extend(self.route(None)),
            Routing::ReadingFiles => self.retry_at(later(self.now(), RETRY_FILES)),
            Routing::Routed if !self.review.planned.pools.is_empty() => {
                found.reads.extend(self.route_again(rerouted));
            }
            Routing::Routed if due || rerouted || other_routes => found.reads.extend(self.route(None)),
            // What happens meanwhile does not put the next look off.
            Routing::Routed => self.retry_at(set.unwrap_or_else(|| later(self.now(), RETRY_TOMORROW))),
        }
        found.reads.extend(self.measure_again());
        // A pool that a policy reload removed has nobody to ask; its part stays on record.
        let policy = self.world.policy;
        let pools: Vec<&Pool> =
            self.review.planned.pools.iter().filter_map(|part| policy.pool(&part.pool)).collect();
        for pool in &pools {
            self.replace_who_left(pool);
            self.adopt(pool);
            self.cover_leave(pool);
        }
        // Whom one pool lets go another one may ask, or hope for.
        for pool in &pools {
            self.fill(pool);
        }
        found
    }

    /// Who has left the pool, and has said nothing yet, is not waited for.
    fn replace_who_left(&mut self, pool: &Pool) {
        let silent = |own: &Assignment| !own.accepted && !self.review.has_answered(own);
        let left = self.assignments().filter(|(_, own)| own.is_active() && own.pool == pool.name);
        let left =
            left.filter(|(_, own)| is_ours(own) && silent(own) && !self.belongs(&pool.name, &own.person));
        let left: Vec<_> = left.map(|(id, own)| (id, own.person.clone())).collect();
        for (id, person) in left {
            self.let_go(id, Ended::Left);
            self.say(Reason::LeftPool { pool: pool.name.clone(), person });
        }
    }

    /// Who has the turn and went on leave for longer than a working day has it no longer: somebody else is
    /// asked, who keeps it.
    fn cover_leave(&mut self, pool: &Pool) {
        if self.stage() != Stage::Reviewing {
            return;
        }
        let turns = self.assignments().filter(|(_, own)| own.pool == pool.name && self.has_the_turn(own));
        let away = turns.filter_map(|(id, own)| {
            Some((id, own.person.clone(), self.long_leave(&own.person, Some(&own.pool))?))
        });
        for (id, person, until) in away.collect::<Vec<_>>() {
            let by_person = self.assignment(id).is_some_and(|own| !is_ours(own));
            if !by_person {
                self.let_go(id, Ended::Away);
                self.say(Reason::ReviewerAway { person, until });
            } else if self
                .part_mut(&pool.name)
                .is_some_and(|part| !std::mem::replace(&mut part.widened, true))
            {
                // Whom a person chose stays, and has no clock until they are back.
                self.say(Reason::ReviewerAway { person, until });
                if let Err(candidates) = self.choose_second(pool) {
                    self.retry_if_time_helps(&candidates);
                }
            }
        }
    }

    /// Whether somebody speaks for the pool: its members and its leads do.
    pub(super) fn belongs(&self, pool: &str, person: &str) -> bool {
        let leads = self.world.policy.pool(pool).is_some_and(|pool| pool.is_led_by(person));
        leads || self.world.directory.in_pool(pool, person)
    }

    /// Takes off whom Usher asked for a pool that has lost the change.
    pub(super) fn leave_lost_pools(&mut self) {
        let review = &self.review;
        let has = |pool: &str| review.planned.pools.iter().any(|part| part.pool == pool);
        let ours = |a: &Assignment| a.is_active() && is_ours(a);
        let lost = |id: &AssignmentId| self.assignment(*id).is_some_and(|a| ours(a) && !has(&a.pool));
        let lost: Vec<AssignmentId> = self.assignment_ids().filter(lost).collect();
        for id in lost {
            self.let_go(id, Ended::Reassigned);
        }
    }

    /// A pool that a policy reload removed can ask nobody. If nobody of it is at work, it no longer
    /// claims the change; if none is left, the change is routed anew.
    fn forget_lost_pools(&mut self) {
        let review = &mut self.review;
        let had = review.planned.pools.len();
        let (policy, assignments) = (self.world.policy, &review.planned.assignments);
        review.planned.pools.retain(|part| {
            policy.pool(&part.pool).is_some()
                || assignments.iter().any(|a| a.is_active() && a.pool == part.pool)
        });
        if review.planned.pools.is_empty() && had > 0 {
            review.planned.routing = Routing::Pending;
        }
    }

    /// A change that was first heard of by a comment, or by a webhook without reviewers, is not staffed yet:
    /// whom a person asked and where it goes is not known, and a wrong choice would be seen by everybody. It
    /// is read at once; if that tells nothing, and no sweep does, the change is staffed all the same.
    fn waits_to_be_seen_whole(&mut self) -> Option<Option<Action>> {
        let ready = self.review.seen.ready_at.filter(|_| !self.review.seen.whole)?;
        let latest = later(ready.max(self.review.seen.first_at.unwrap_or(ready)), SEEN_WHOLE_WITHIN);
        if self.review.planned.routing != Routing::Pending || latest <= self.now() {
            return None;
        }
        let first = self.review.planned.retry_at.replace(latest).is_none();
        if first {
            self.say(Reason::SeenInPart);
        }
        Some(first.then_some(Action::Look))
    }

    /// Routes the change; where files are needed and not at hand, asks for them.
    pub(super) fn route(&mut self, read: Option<FilesRead<'_>>) -> Option<Action> {
        match self.world.policy.claims(&self.route_facts(read)) {
            Claims::NeedFiles { codeowners } => {
                self.say(if codeowners { Reason::ReadingOwners } else { Reason::ReadingFiles });
                Some(self.wait_for_files(codeowners))
            }
            // Read before anybody is told by when to answer: it would change a moment later.
            Claims::Pools(claims) if read.is_none() && !claims.is_empty() && self.wants_size() => {
                self.say(Reason::MeasuringSize);
                Some(self.wait_for_files(false))
            }
            Claims::Pools(claims) => {
                self.take_claims(claims, read.map_or(OwnersFile::NotAsked, |read| read.codeowners));
                None
            }
        }
    }

    fn wait_for_files(&mut self, codeowners: bool) -> Action {
        let branch = codeowners.then(|| self.review.seen.target_branch.clone());
        let read = self.read_files(branch);
        self.review.planned.routing = Routing::ReadingFiles;
        self.retry_at(later(self.now(), RETRY_FILES));
        read
    }

    fn take_claims(&mut self, mut claims: Vec<Claim>, file: OwnersFile) {
        let routed_before = self.review.planned.routing == Routing::Routed;
        self.review.planned.routing = Routing::Routed;
        self.note_routed();
        claims.retain(|claim| self.world.policy.pool(&claim.pool).is_some());
        if claims.is_empty() {
            self.review.planned.pools.clear();
            self.review.planned.unclaimed_by = Some(self.world.policy.routes_print());
            self.retry_at(later(self.now(), RETRY_TOMORROW));
            if !routed_before {
                self.say(Reason::NoRoute);
            }
            return;
        }
        self.say(Reason::Routed { pools: claims.iter().map(|claim| claim.pool.clone()).collect() });
        self.review.planned.pools = Vec::with_capacity(claims.len());
        for claim in claims {
            let owners = self.owners_of(&claim, file);
            let part = self.review.new_part(claim.pool, claim.lines);
            self.review.planned.pools.push(PoolReview { route: Some(claim.route), owners, ..part });
        }
    }

    /// Sets the time to look again, unless an earlier one is set.
    pub(super) fn retry_at(&mut self, at: Timestamp) {
        let earlier = self.review.planned.retry_at.is_none_or(|set| at < set);
        if earlier {
            self.review.planned.retry_at = Some(at);
        }
    }

    /// A member whom a human made a reviewer, or who gave a verdict unasked, is the pool's reviewer.
    fn adopt(&mut self, pool: &Pool) {
        let directory = self.world.directory;
        let formal = |verdict| matches!(verdict, Some((Verdict::Approved | Verdict::ChangesRequested, _)));
        let spoke = self.review.said.verdicts.iter().filter(|(_, verdicts)| formal(verdicts.verdict));
        let ids = self.review.seen.reviewers.iter().map(|account| account.id).chain(spoke.map(|(id, _)| *id));
        let mut people: Vec<_> = ids
            .filter(|id| *id != self.review.author.id)
            .filter_map(|id| directory.by_id(id))
            .filter(|person| self.belongs(&pool.name, &person.name))
            // Whoever had an assignment was put there by us, or is asked again by its own fact.
            .filter(|person| self.review.planned.assignments.iter().all(|a| a.person != person.name))
            .collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        people.dedup_by(|a, b| a.name == b.name);
        for person in people {
            let Some(account) = person.account.clone() else { continue };
            let by_hand = self.review.seen.reviewers.contains(&account);
            self.assign(&pool.name, &person.name, account, Origin::Adopted);
            self.review.planned.assignments.last_mut().into_iter().for_each(|own| own.by_hand = by_hand);
            self.say(Reason::Adopted { pool: pool.name.clone(), person: person.name.clone() });
        }
    }

    /// Picks until the pool has as many reviewers as it wants, unless it has its approvals already.
    fn fill(&mut self, pool: &Pool) {
        let wanted = pool.reviewers.max(pool.approvals) as usize;
        let asked = self.review.active_in(&pool.name).count();
        let enough = asked >= wanted;
        if enough || (asked > 0 && self.is_content(&pool.name)) {
            if let Some(part) = self.part_mut(&pool.name) {
                part.not_before = None;
                part.nobody_said = false;
                part.queued = None;
            }
            if enough {
                self.settle_second(pool);
            }
            return;
        }
        let now = self.now();
        let Some(part) = self.part_mut(&pool.name) else { return };
        if let Some(at) = part.not_before.filter(|at| *at > now) {
            part.queued = None;
            self.retry_at(at);
            return;
        }
        part.not_before = None;
        while self.review.active_in(&pool.name).count() < wanted {
            if let Err(candidates) = self.choose(pool, Origin::Picked) {
                self.queue_up(pool, &candidates);
                // Said once, and again only when it is different people or different obstacles.
                let Some(part) = self.part_mut(&pool.name) else { return };
                let known = part.nobody_said && same_obstacles(&part.candidates, &candidates);
                part.candidates.clone_from(&candidates);
                if !known {
                    part.nobody_said = true;
                    self.say(Reason::NobodyFree { pool: pool.name.clone(), candidates });
                }
                self.retry_at(later(self.now(), RETRY_STAFFING));
                return;
            }
        }
        if let Some(part) = self.part_mut(&pool.name) {
            part.queued = None;
        }
        self.settle_second(pool);
    }

    /// Waits in the pool's queue for whoever becomes free, or keeps its place there.
    fn queue_up(&mut self, pool: &Pool, candidates: &[Candidate]) {
        let queued = queue_up(self.world, &self.review, pool, candidates);
        let known = self.part(&pool.name).is_some_and(|part| part.queued.is_some());
        if let (Some(queued), false) = (&queued, known) {
            self.say(Reason::Queued { pool: pool.name.clone(), ahead: queued.ahead });
        }
        if let Some(part) = self.part_mut(&pool.name) {
            part.queued = queued;
        }
    }

    /// Asks the second reviewer that the pool owes, if it owes one.
    fn settle_second(&mut self, pool: &Pool) {
        if self.owes_second(pool)
            && let Err(candidates) = self.choose_second(pool)
        {
            self.retry_if_time_helps(&candidates);
        }
    }

    /// Whether a second reviewer is due and has not been found, declined, or is gone. One whom a person took
    /// off is not missed.
    fn owes_second(&self, pool: &Pool) -> bool {
        let Some(part) = self.part(&pool.name) else { return false };
        let seconds = self
            .review
            .planned
            .assignments
            .iter()
            .filter(|a| a.pool == part.pool && a.origin == Origin::Widened);
        let missed = |a: &Assignment| {
            matches!(a.ended, Some((_, Ended::Declined | Ended::Left | Ended::Away | Ended::Refused(_))))
        };
        part.widened && self.stage() == Stage::Reviewing && seconds.into_iter().all(missed)
    }

    /// Asks a second reviewer; the first stays. The error is everybody's obstacle.
    pub(super) fn choose_second(&mut self, pool: &Pool) -> Result<(), Vec<Candidate>> {
        let person = self.choose(pool, Origin::Widened)?;
        self.say(Reason::Widened { pool: pool.name.clone(), person });
        Ok(())
    }

    /// Looks again soon if somebody may become free in the meantime.
    pub(super) fn retry_if_time_helps(&mut self, candidates: &[Candidate]) {
        if candidates.iter().any(|candidate| candidate.standing.may_pass()) {
            self.retry_at(later(self.now(), RETRY_STAFFING));
        }
    }

    /// Chooses one more reviewer for a pool, by name; the error is everybody's obstacle.
    pub(super) fn choose(&mut self, pool: &Pool, origin: Origin) -> Result<String, Vec<Candidate>> {
        let Choice { chosen, decided_by, candidates } = pick(self.world, &self.review, pool, None);
        let chosen = chosen.as_ref().and_then(|name| self.world.directory.by_name(name));
        let Some((person, account)) = chosen.and_then(|person| Some((person, person.account.clone()?)))
        else {
            return Err(candidates);
        };
        if let Some(part) = self.part_mut(&pool.name) {
            part.candidates.clone_from(&candidates);
            part.nobody_said = false;
        }
        self.say_if_passed(&pool.name, &person.name);
        match self.assignment_where(|own| own.person == person.name).map(|(id, _)| id) {
            // They were away, or of another pool, and can be asked again.
            Some(id) => self.reopen(id, pool.name.clone(), origin),
            None => self.assign(&pool.name, &person.name, account, origin),
        }
        if let Some((_, own)) = self.assignment_where(|own| own.person == person.name) {
            own.decided_by = decided_by;
        }
        self.say(Reason::Picked { pool: pool.name.clone(), person: person.name.clone(), origin, candidates });
        Ok(person.name.clone())
    }

    /// Up to when all is known as somebody is asked. What they themselves have remarked so far is no answer.
    fn known_of(&self, account: &Account) -> Option<Timestamp> {
        let remarked = self.review.verdicts_of(account).commented_at;
        self.review.known_until().max(remarked.map(|at| later(at, MOMENT)))
    }

    pub(super) fn assign(&mut self, pool: &str, person: &str, account: Account, origin: Origin) {
        let known_until = self.known_of(&account);
        let own = Assignment { known_until, ..Assignment::new(pool, person, account, self.now(), origin) };
        self.review.planned.assignments.push(own);
    }

    pub(super) fn end(&mut self, id: AssignmentId, how: Ended, at: Timestamp) {
        let Some(assignment) = self.assignment_mut(id) else { return };
        assignment.ended = Some((at, how));
        assignment.reviewing_box.close();
    }

    /// Usher itself ends it, by all that is known of the forge: what people did there since, however late it
    /// is told, comes after that.
    pub(super) fn let_go(&mut self, id: AssignmentId, how: Ended) {
        self.end(id, how, self.review.known_until().unwrap_or(self.now()));
    }

    /// A human asked for somebody whose assignment had ended: it is on again.
    pub(super) fn revive(&mut self, id: AssignmentId, origin: Origin, at: Timestamp) {
        let Some(Assignment { pool, person, .. }) = self.assignment(id) else { return };
        let own = self.part(pool).is_some();
        // Their pool may have lost the change meanwhile; they review for one that has it.
        let mut parts = self.review.planned.pools.iter().map(|part| &part.pool);
        let other = parts.find(|pool| !own && self.belongs(pool, person));
        let pool = other.unwrap_or(pool).clone();
        self.reopen(id, pool, origin);
        let Some(assignment) = self.assignment_mut(id) else { return };
        // By that wish, however late it is told: a newer one to the contrary may come later still.
        assignment.known_until = Some(at);
        assignment.name_at(at);
        let (pool, person) = (assignment.pool.clone(), assignment.person.clone());
        self.say(Reason::Adopted { pool, person });
    }

    /// An assignment is on again, from now on, for the pool that asks.
    fn reopen(&mut self, id: AssignmentId, pool: String, origin: Origin) {
        let Some(own) = self.assignment(id) else { return };
        let (now, known_until) = (self.now(), self.known_of(&own.account));
        let Some(assignment) = self.assignment_mut(id) else { return };
        assignment.ended = None;
        assignment.pool = pool;
        assignment.known_until = known_until;
        assignment.since = now;
        assignment.origin = origin;
        assignment.listed = true;
        assignment.by_hand = false;
        assignment.accepted = false;
        assignment.cannot_merge = false;
    }
}

/// Whether Usher chose them.
pub(super) fn is_ours(own: &Assignment) -> bool {
    matches!(own.origin, Origin::Picked | Origin::Widened)
}

/// Whether two judgements of a pool name the same people with the same kind of obstacle.
fn same_obstacles(before: &[Candidate], after: &[Candidate]) -> bool {
    let kind = |c: &Candidate| (c.person.clone(), std::mem::discriminant(&c.standing));
    before.iter().map(kind).eq(after.iter().map(kind))
}
