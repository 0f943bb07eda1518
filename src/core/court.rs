//! The court: who must act next, how much time they have left, and what happens as it runs out.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::action::Action;
use super::calendar::Agenda;
use super::decide::Judge;
use super::reason::{PingHeld, Reason};
use super::review::{Assignment, Hold, Review, Stage};
use super::timebox::{BoxRule, Step, StepKind, TimeBox};
use super::words;

/// One of the time boxes of a review.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BoxId {
    /// A pool that has nobody to ask; index into `pools`.
    Waiting(usize),
    /// A reviewer's turn; index into `assignments`.
    Reviewing(usize),
    Author,
    Merge,
}

/// Whether a step was dealt with.
enum Taken {
    Yes,
    /// Kept back until then.
    Later(Timestamp),
}

impl Judge<'_> {
    /// Computes the stage, lets boxes run or pause, and takes the steps that are due.
    pub(super) fn court(&mut self) {
        self.move_to(self.stage());
        self.run_boxes();
        if !self.is_live() {
            return;
        }
        self.cover_leave();
        self.tell_unlisted();
        self.review.overdue = false;
        for id in self.running() {
            self.take_steps(id);
        }
        // Widening may have added reviewers whose time starts now.
        self.run_boxes();
    }

    /// The stage follows from the review alone, so facts may come in any order.
    pub(super) fn stage(&self) -> Stage {
        let review = &self.review;
        if !review.is_open() {
            return Stage::Done;
        }
        if review.draft {
            return Stage::Draft;
        }
        if let Some((stage, at)) = review.stage_set
            && !acted_since(review, at)
        {
            return stage;
        }
        if review.active().any(|assignment| review.asks_author(assignment)) {
            return Stage::WithAuthor;
        }
        if review.active().next().is_none() {
            return Stage::Waiting;
        }
        let content = review.pools.iter().all(|part| self.is_content(&part.pool));
        if content && !review.pools.is_empty() { Stage::ReadyToMerge } else { Stage::Reviewing }
    }

    /// Whether the pool has the approvals it needs.
    pub(super) fn is_content(&self, pool: &str) -> bool {
        let needed = self.world.policy.pool(pool).map_or(1, |pool| pool.approvals);
        self.review.approvals(pool) >= needed
    }

    fn move_to(&mut self, stage: Stage) {
        let from = self.review.stage;
        if self.review.stage_since.is_none() {
            self.review.stage = stage;
            self.review.stage_since = Some(self.now());
            return;
        }
        if from == stage {
            return;
        }
        if from == Stage::ReadyToMerge {
            self.review.merge_box.close();
        }
        self.review.stage = stage;
        self.review.stage_since = Some(self.now());
        self.review.overdue = false;
        self.review.court_pings = 0;
        self.review.reshapes = 0;
        self.review.held_pings.clear();
        for part in &mut self.review.pools {
            part.escalated = false;
        }
        self.say(Reason::StageMoved { from, to: stage });
    }

    /// Every box runs exactly while its holder has the ball.
    fn run_boxes(&mut self) {
        let now = self.now();
        for id in self.boxes() {
            if self.should_run(id) {
                self.time_box_mut(id).run(now);
            } else {
                let agenda = self.agenda(id);
                self.time_box_mut(id).pause(now, &agenda);
            }
        }
        for index in 0..self.review.pools.len() {
            let staffed = self.review.active_in(&self.review.pools[index].pool).next().is_some();
            if staffed {
                self.review.pools[index].waiting_box.close();
            }
        }
    }

    fn should_run(&self, id: BoxId) -> bool {
        let stage = self.review.stage;
        self.is_live()
            && match id {
                BoxId::Waiting(index) => {
                    self.review.active_in(&self.review.pools[index].pool).next().is_none()
                }
                BoxId::Reviewing(index) => {
                    let assignment = &self.review.assignments[index];
                    stage == Stage::Reviewing && self.has_the_turn(assignment)
                }
                BoxId::Author => stage == Stage::WithAuthor,
                BoxId::Merge => stage == Stage::ReadyToMerge,
            }
    }

    /// Whether something is still wanted of the reviewer.
    fn has_the_turn(&self, assignment: &Assignment) -> bool {
        assignment.is_active() && !self.review.has_approved(assignment) && !self.is_content(&assignment.pool)
    }

    fn boxes(&self) -> Vec<BoxId> {
        let waiting = (0..self.review.pools.len()).map(BoxId::Waiting);
        let reviewing = (0..self.review.assignments.len()).map(BoxId::Reviewing);
        waiting.chain(reviewing).chain([BoxId::Author, BoxId::Merge]).collect()
    }

    fn running(&self) -> Vec<BoxId> {
        let mut boxes = self.boxes();
        boxes.retain(|id| self.time_box(*id).running_since.is_some());
        boxes
    }

    fn time_box(&self, id: BoxId) -> &TimeBox {
        match id {
            BoxId::Waiting(index) => &self.review.pools[index].waiting_box,
            BoxId::Reviewing(index) => &self.review.assignments[index].reviewing_box,
            BoxId::Author => &self.review.author_box,
            BoxId::Merge => &self.review.merge_box,
        }
    }

    fn time_box_mut(&mut self, id: BoxId) -> &mut TimeBox {
        match id {
            BoxId::Waiting(index) => &mut self.review.pools[index].waiting_box,
            BoxId::Reviewing(index) => &mut self.review.assignments[index].reviewing_box,
            BoxId::Author => &mut self.review.author_box,
            BoxId::Merge => &mut self.review.merge_box,
        }
    }

    /// The person who holds the box, by name; nobody holds a waiting box.
    fn holder(&self, id: BoxId) -> Option<String> {
        match id {
            BoxId::Waiting(_) => None,
            BoxId::Reviewing(index) => Some(self.review.assignments[index].person.clone()),
            BoxId::Author => self.review.author_name.clone(),
            BoxId::Merge => self.review.merger().map(|assignment| assignment.person.clone()),
        }
    }

    /// The pool whose lead answers for the box.
    fn pool_of(&self, id: BoxId) -> Option<usize> {
        let pool = match id {
            BoxId::Waiting(index) => return Some(index),
            BoxId::Reviewing(index) => Some(self.review.assignments[index].pool.as_str()),
            BoxId::Merge => self.review.merger().map(|assignment| assignment.pool.as_str()),
            BoxId::Author => None,
        };
        let found = pool.and_then(|pool| self.review.pools.iter().position(|part| part.pool == pool));
        found.or(if self.review.pools.is_empty() { None } else { Some(0) })
    }
}

impl<'w> Judge<'w> {
    fn rule(&self, id: BoxId) -> &'w BoxRule {
        let boxes = &self.world.policy.boxes;
        match id {
            BoxId::Waiting(_) => &boxes.waiting,
            BoxId::Reviewing(_) => &boxes.reviewing,
            BoxId::Author => &boxes.with_author,
            BoxId::Merge => &boxes.ready_to_merge,
        }
    }

    /// The business time in which the box runs: the holder's, or the pool's while nobody holds it.
    fn agenda(&self, id: BoxId) -> Agenda<'w> {
        let world = self.world;
        if let BoxId::Waiting(index) = id {
            return Agenda::new(world.policy.pool_hours(&self.review.pools[index].pool), &[]);
        }
        let holder = self.holder(id);
        match holder.and_then(|name| world.directory.by_name(&name)) {
            Some(person) => person.agenda(),
            None => Agenda::new(&world.policy.default_hours, &[]),
        }
    }

    /// When the current court's box runs out, in the order of boxes; for the status comment.
    pub(super) fn due_of(&self, assignment: usize) -> Option<Timestamp> {
        self.due(BoxId::Reviewing(assignment))
    }

    pub(super) fn author_due(&self) -> Option<Timestamp> {
        self.due(BoxId::Author)
    }

    pub(super) fn merge_due(&self) -> Option<Timestamp> {
        self.due(BoxId::Merge)
    }

    fn due(&self, id: BoxId) -> Option<Timestamp> {
        self.time_box(id).runs_out(self.rule(id), &self.agenda(id))
    }

    /// The time zone in which a person reads a time.
    pub(super) fn zone_of(&self, name: Option<&str>) -> TimeZone {
        let person = name.and_then(|name| self.world.directory.by_name(name));
        person.map_or_else(|| self.world.policy.default_hours.timezone(), |p| p.hours.timezone()).clone()
    }
}

/// Deadlines.
impl Judge<'_> {
    /// When the next step of each running box is due, or its budget is spent.
    pub(super) fn box_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        self.running().into_iter().flat_map(move |id| {
            let (time_box, rule, agenda) = (self.time_box(id), self.rule(id), self.agenda(id));
            let untaken = rule.steps.iter().enumerate().filter(|(index, _)| !time_box.taken.contains(index));
            let steps = untaken.map(|(_, step)| step.at_percent).chain([100]).collect::<Vec<_>>();
            steps.into_iter().filter_map(move |percent| time_box.due(rule, percent, &agenda))
        })
    }

    /// When a reviewer who has the turn goes on leave.
    pub(super) fn leave_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        let reviewing = self.review.stage == Stage::Reviewing;
        let turns = self.review.active().filter(move |a| reviewing && self.has_the_turn(a));
        turns.filter_map(|assignment| {
            let person = self.world.directory.by_name(&assignment.person)?;
            let first = person.agenda().next_leave(self.now())?;
            person.hours.timezone().to_timestamp(first.to_datetime(jiff::civil::Time::midnight())).ok()
        })
    }
}

/// Steps.
impl Judge<'_> {
    fn take_steps(&mut self, id: BoxId) {
        let (rule, agenda, now) = (self.rule(id), self.agenda(id), self.now());
        let time_box = self.time_box(id);
        if time_box.runs_out(rule, &agenda).is_some_and(|at| at <= now) {
            self.run_out(id);
        }
        let time_box = self.time_box(id);
        let due: Vec<(usize, Step)> = (rule.steps.iter().copied().enumerate())
            .filter(|(index, _)| !time_box.taken.contains(index))
            .filter(|(_, step)| time_box.due(rule, step.at_percent, &agenda).is_some_and(|at| at <= now))
            .collect();
        for (place, (index, step)) in due.iter().enumerate() {
            // After a long silence (a stopped server) the strongest words suffice.
            let later = due[place + 1..].iter().any(|(_, step)| step.kind != StepKind::Widen);
            let taken = match step.kind {
                StepKind::Remind if later => {
                    let person = self.holder(id).unwrap_or_default();
                    self.say(Reason::PingHeld { person, why: PingHeld::Overtaken });
                    Taken::Yes
                }
                StepKind::Remind => self.remind(id, *index),
                StepKind::Widen => self.widen(id),
                StepKind::Escalate => self.escalate(id, *index),
            };
            match taken {
                Taken::Yes => {
                    self.time_box_mut(id).taken.insert(*index);
                }
                Taken::Later(at) => self.retry_at(at),
            }
        }
    }

    /// The budget is spent: the change is overdue until the court moves.
    fn run_out(&mut self, id: BoxId) {
        self.review.overdue = true;
        if let BoxId::Reviewing(index) = id {
            self.review.assignments[index].ran_out = true;
        }
        let known = std::mem::replace(&mut self.time_box_mut(id).ran_out, true);
        if !known {
            let holder = self
                .holder(id)
                .or_else(|| self.pool_of(id).map(|index| self.review.pools[index].pool.clone()));
            let holder = holder.unwrap_or_else(|| self.review.author.login.clone());
            let stage = match id {
                BoxId::Waiting(_) => Stage::Waiting,
                _ => self.review.stage,
            };
            self.say(Reason::BoxRanOut { stage, holder });
        }
    }

    fn remind(&mut self, id: BoxId, step: usize) -> Taken {
        let Some(person) = self.holder(id) else { return Taken::Yes };
        let key = self.ping_key(id, step, &person);
        let text = words::Reminder {
            stage: self.review.stage,
            due: self.due(id),
            over: self.due(id).is_some_and(|due| due <= self.now()),
            zone: self.zone_of(Some(&person)),
        };
        match self.ping(&person, &key, |handle| words::remind(&key, handle, &text)) {
            Ping::Sent => {
                self.say(Reason::Reminded { person });
                Taken::Yes
            }
            Ping::Never => Taken::Yes,
            Ping::Later(at) => Taken::Later(at),
        }
    }

    /// Asks a second reviewer of the pool; the first stays. Once per pool.
    fn widen(&mut self, id: BoxId) -> Taken {
        let Some(index) = self.pool_of(id) else { return Taken::Yes };
        let policy = self.world.policy;
        let Some(pool) = policy.pool(&self.review.pools[index].pool) else { return Taken::Yes };
        if std::mem::replace(&mut self.review.pools[index].widened, true) {
            return Taken::Yes;
        }
        if let Err(candidates) = self.choose_second(index, pool) {
            self.retry_if_time_helps(&candidates);
            self.say(Reason::NobodyToWiden { pool: pool.name.clone(), candidates });
        }
        Taken::Yes
    }

    /// Names the pool's lead. Once per pool and court.
    fn escalate(&mut self, id: BoxId, step: usize) -> Taken {
        let Some(index) = self.pool_of(id) else { return Taken::Yes };
        if self.review.pools[index].escalated {
            return Taken::Yes;
        }
        let pool = self.review.pools[index].pool.clone();
        let lead = self.world.policy.pool(&pool).and_then(|pool| pool.lead.clone());
        let reachable = lead
            .filter(|lead| self.world.directory.by_name(lead).is_some_and(|person| person.account.is_some()));
        let Some(lead) = reachable else {
            self.review.pools[index].escalated = true;
            self.say(Reason::NoLead { pool });
            return Taken::Yes;
        };
        let key = self.ping_key(id, step, &lead);
        let text = words::Escalation {
            stage: match id {
                BoxId::Waiting(_) => Stage::Waiting,
                _ => self.review.stage,
            },
            pool: pool.clone(),
            holder: self.holder(id),
            candidates: self.review.pools[index].candidates.clone(),
        };
        match self.ping(&lead, &key, |handle| words::escalate(&key, handle, &text)) {
            Ping::Sent => {
                self.review.pools[index].escalated = true;
                self.say(Reason::Escalated { pool, lead });
                Taken::Yes
            }
            Ping::Never => Taken::Yes,
            Ping::Later(at) => Taken::Later(at),
        }
    }

    /// Unique on its change, also when a court comes back.
    fn ping_key(&self, id: BoxId, step: usize, person: &str) -> String {
        let (word, turn) = match id {
            BoxId::Waiting(index) => ("waiting", self.review.pools[index].waiting_box.turn),
            BoxId::Reviewing(index) => ("reviewing", self.review.assignments[index].reviewing_box.turn),
            BoxId::Author => ("with-author", self.review.author_box.turn),
            BoxId::Merge => ("ready-to-merge", self.review.merge_box.turn),
        };
        let holder = self.holder(id).unwrap_or_default();
        words::key(&[word, &holder, &turn.to_string(), &step.to_string(), person])
    }

    /// A reviewer who has the turn went on leave for longer than a working day: a second one is
    /// asked, and the first stays.
    fn cover_leave(&mut self) {
        if self.review.stage != Stage::Reviewing {
            return;
        }
        for index in 0..self.review.assignments.len() {
            let assignment = &self.review.assignments[index];
            if !self.has_the_turn(assignment) {
                continue;
            }
            let person = assignment.person.clone();
            let Some(part) = self.review.pools.iter().position(|part| part.pool == assignment.pool) else {
                continue;
            };
            let Some(until) = self.long_leave(&person, &assignment.pool) else { continue };
            if !self.review.pools[part].widened {
                self.say(Reason::ReviewerAway { person, until });
                self.widen(BoxId::Reviewing(index));
            }
        }
    }

    /// The last day of the person's present leave, if it outlasts one working day of the pool.
    fn long_leave(&self, person: &str, pool: &str) -> Option<jiff::civil::Date> {
        let agenda = self.world.directory.by_name(person)?.agenda();
        let until = agenda.away_until(self.now())?;
        let hours = self.world.policy.pool_hours(pool);
        let pool_time = Agenda::new(hours, &[]);
        let back = agenda.next_working(self.now());
        let too_long =
            back.is_none_or(|back| pool_time.between(self.now(), back) > hours.longest_day_millis());
        too_long.then_some(until)
    }

    /// A reviewer whom the forge cannot list learns of the request by being named.
    fn tell_unlisted(&mut self) {
        for index in 0..self.review.assignments.len() {
            let assignment = &self.review.assignments[index];
            if assignment.listed || assignment.told || !self.has_the_turn(assignment) {
                continue;
            }
            let person = assignment.person.clone();
            let key = words::key(&["asked", &person, &assignment.reviewing_box.turn.to_string()]);
            match self.ping(&person, &key, |handle| words::asked_by_name(&key, handle)) {
                Ping::Sent | Ping::Never => self.review.assignments[index].told = true,
                Ping::Later(at) => self.retry_at(at),
            }
        }
    }
}

/// What became of a ping.
enum Ping {
    Sent,
    Later(Timestamp),
    /// Not at all: nobody to name, or the change had its pings.
    Never,
}

impl Judge<'_> {
    /// Names one person in a short new comment, within the kindness limits.
    fn ping(&mut self, name: &str, key: &str, body: impl FnOnce(&str) -> String) -> Ping {
        let now = self.now();
        let Some(person) = self.world.directory.by_name(name) else { return Ping::Never };
        let Some(account) = &person.account else { return Ping::Never };
        let limits = &self.world.policy.limits;
        if self.review.court_pings >= limits.pings_per_change {
            self.say(Reason::PingHeld { person: name.to_owned(), why: PingHeld::ChangeLimit });
            return Ping::Never;
        }
        let agenda = person.agenda();
        let Some(working) = agenda.next_working(now) else { return Ping::Never };
        if working > now {
            return self.hold_ping(name, key, working, PingHeld::NotWorking { until: Some(working) });
        }
        let sent_now =
            self.actions.iter().filter(|a| matches!(a, Action::Ping { person, .. } if person == name));
        let today = self.world.workloads.of(name).pings_today + sent_now.count() as u32;
        if today >= limits.pings_per_person_per_day {
            let set = self.review.held_pings.get(key).copied().filter(|until| *until > now);
            let tomorrow = now.checked_add(SignedDuration::from_hours(12)).unwrap_or(now);
            let Some(until) = set.or_else(|| agenda.next_working(tomorrow)) else { return Ping::Never };
            return self.hold_ping(name, key, until, PingHeld::DayLimit { until: Some(until) });
        }
        self.review.held_pings.remove(key);
        self.review.court_pings += 1;
        let body = body(&account.login);
        self.actions.push(Action::Ping { key: key.to_owned(), person: name.to_owned(), body });
        Ping::Sent
    }

    /// Keeps a ping back, and says so once.
    fn hold_ping(&mut self, name: &str, key: &str, until: Timestamp, why: PingHeld) -> Ping {
        let known = self.review.held_pings.insert(key.to_owned(), until);
        if known != Some(until) {
            self.say(Reason::PingHeld { person: name.to_owned(), why });
        }
        Ping::Later(until)
    }
}

/// Whether anybody who counts has acted after `at`.
fn acted_since(review: &Review, at: Timestamp) -> bool {
    let voices = review
        .voices
        .values()
        .flat_map(|voice| voice.verdict.map(|(_, spoke)| spoke).into_iter().chain(voice.commented_at));
    voices.chain(review.author_acted_at).any(|acted| acted > at)
}

impl Review {
    /// Who is expected to merge: the reviewer who approved last, else the first one asked.
    pub fn merger(&self) -> Option<&Assignment> {
        let approved = self.active().filter(|assignment| self.has_approved(assignment));
        let last = approved.max_by_key(|a| self.voice(&a.account).verdict.map(|(_, at)| at));
        last.or_else(|| self.active().next())
    }

    /// Whether time boxes stand still although the change is open.
    pub fn is_paused(&self) -> bool {
        self.draft || matches!(self.hold, Some(Hold::Skip | Hold::Snooze { .. } | Hold::FirstRun))
    }
}
