//! Steps: what happens as a time box runs out, and how people are pinged about it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::timers::BoxId;
use crate::model::action::{Action, ping_key};
use crate::model::calendar::Agenda;
use crate::model::message::{Moment, Ping, PingAbout};
use crate::model::people::Person;
use crate::model::reason::Reason;
use crate::model::review::{Assignment, Stage};
use crate::model::suppressed::{SuppressedPing, SuppressedWhy};
use crate::model::timebox::{Step, StepKind};

/// Whether a step was dealt with.
enum Taken {
    Yes,
    /// Kept back until then.
    Later(Timestamp),
}

/// The steps of the boxes that run, as they are taken.
pub(super) struct Escalation<'d, 'w> {
    pub(super) draft: &'d mut Draft<'w>,
    /// Pings that go out.
    pub(super) pings: Vec<Action>,
    /// Keys of those that are kept back.
    pub(super) kept: BTreeSet<String>,
}

impl Escalation<'_, '_> {
    /// Takes the steps of every running box, and tells those whom the forge cannot list.
    pub(super) fn ping_and_step(&mut self) {
        self.tell_unlisted();
        self.hand_back();
        self.tell_lead_of_support();
        self.draft.review.done.overdue = false;
        for id in self.draft.running() {
            self.take_steps(id);
        }
    }

    fn take_steps(&mut self, id: BoxId) {
        let (terms, agenda, now) = (self.draft.terms(id), self.draft.agenda(id), self.draft.now());
        let time_box = self.draft.time_box(id);
        match time_box.and_then(|own| own.due(terms.budget, 100, &agenda, &self.draft.walks)) {
            Some(at) if at <= now => self.run_out(id),
            // Other terms hold than when it ran out: there is time again.
            Some(_) => self.draft.time_box_mut(id).into_iter().for_each(|own| own.ran_out = false),
            None => {}
        }
        let Some(time_box) = self.draft.time_box(id) else { return };
        let due: Vec<Step> = (terms.steps.iter().copied())
            .filter(|step| !time_box.taken_steps.contains(step))
            .filter(|step| {
                let due = time_box.due(terms.budget, step.at_percent, &agenda, &self.draft.walks);
                due.is_some_and(|at| at <= now)
            })
            .collect();
        for (place, step) in due.iter().enumerate() {
            // After a long silence (a stopped server) the strongest words suffice; so they do when a
            // reload put a step before one that was taken.
            let taken = self.draft.time_box(id).into_iter().flat_map(|own| &own.taken_steps);
            let taken = taken.filter(|taken| *taken > step);
            let later = due
                .iter()
                .skip(place.saturating_add(1))
                .chain(taken)
                .any(|step| step.kind != StepKind::Widen);
            let taken = match step.kind {
                StepKind::Remind if later => {
                    let person = self.draft.holder(id).unwrap_or_default();
                    self.draft.say(Reason::PingHeld { person, why: SuppressedWhy::Overtaken });
                    Taken::Yes
                }
                StepKind::Remind => self.remind(id, *step),
                StepKind::Widen => self.widen(id),
                StepKind::Escalate => self.escalate(id, *step),
            };
            match taken {
                Taken::Yes => {
                    let time_box = self.draft.time_box_mut(id);
                    time_box.map(|own| own.taken_steps.insert(*step));
                }
                Taken::Later(at) => self.draft.retry_at(at),
            }
        }
        if self.draft.tells_again_at(id).is_some_and(|at| at <= now) {
            self.escalate_again(id);
        }
    }

    /// Nobody has helped since somebody was told: it is told again, as long as it goes on.
    fn escalate_again(&mut self, id: BoxId) {
        let last = self.draft.time_box(id).and_then(|own| own.taken_steps.iter().next_back().copied());
        let escalates = |step: &Step| step.kind == StepKind::Escalate;
        let steps = self.draft.terms(id).steps;
        let Some(step) = last.filter(escalates).or_else(|| steps.iter().copied().rfind(escalates)) else {
            return;
        };
        self.draft.set_escalated(id, false);
        if let Taken::Later(at) = self.tell(id, step) {
            self.draft.set_escalated(id, true);
            self.draft.retry_at(at);
        }
    }

    /// The budget is spent: the change is overdue until the turn moves.
    fn run_out(&mut self, id: BoxId) {
        self.draft.review.done.overdue = true;
        if let BoxId::Reviewing(own) = id
            && let Some(own) = self.draft.assignment_mut(own)
        {
            own.ran_out = true;
        }
        let Some(time_box) = self.draft.time_box_mut(id) else { return };
        let known = std::mem::replace(&mut time_box.ran_out, true);
        if !known {
            let holder = self.draft.holder(id);
            let holder = holder.or_else(|| self.draft.part_of(id).map(|part| part.pool.clone()));
            let holder = holder.unwrap_or_else(|| self.draft.review.author.login.clone());
            let stage = match id {
                BoxId::Waiting(_) | BoxId::Unclaimed => Stage::Waiting,
                BoxId::Reviewing(_) | BoxId::Author | BoxId::Merge => self.draft.review.done.stage,
            };
            self.draft.say(Reason::BoxRanOut { stage, holder });
        }
    }

    fn remind(&mut self, id: BoxId, step: Step) -> Taken {
        let Some(person) = self.draft.holder(id) else { return Taken::Yes };
        let key = self.draft.key_of(id, step, 0, &person);
        let due = self.draft.due(id);
        let holder = self.draft.person_of(id, &person);
        let zone = holder.map(|holder| holder.hours.timezone().clone());
        let about = PingAbout::Remind {
            stage: self.draft.review.done.stage,
            due: due.and_then(|at| Some(Moment { at, zone: zone? })),
            over: due.is_some_and(|due| due <= self.draft.now()),
        };
        match self.ping(holder, &key, about) {
            PingOutcome::Sent => {
                self.draft.say(Reason::Reminded { person });
                Taken::Yes
            }
            PingOutcome::Never => Taken::Yes,
            PingOutcome::Later(at) => Taken::Later(at),
        }
    }

    /// Asks a second reviewer of the pool; the first stays. Once per pool.
    fn widen(&mut self, id: BoxId) -> Taken {
        let policy = self.draft.world.policy;
        let pool = self.draft.part_of(id).and_then(|part| policy.pool(&part.pool));
        let Some((pool, part)) = pool.and_then(|pool| Some((pool, self.draft.part_mut(&pool.name)?))) else {
            return Taken::Yes;
        };
        if std::mem::replace(&mut part.widened, true) {
            return Taken::Yes;
        }
        if let Err(candidates) = self.draft.choose_second(pool) {
            self.draft.retry_if_time_helps(&candidates);
            self.draft.say(Reason::NobodyToWiden { pool: pool.name.clone(), candidates });
        }
        Taken::Yes
    }

    /// Names whoever is told. Once per pool and turn.
    fn escalate(&mut self, id: BoxId, step: Step) -> Taken {
        if self.draft.is_escalated(id) { Taken::Yes } else { self.tell(id, step) }
    }

    fn tell(&mut self, id: BoxId, step: Step) -> Taken {
        let pool = self.draft.part_of(id).map(|part| part.pool.clone());
        let Some(lead) = self.draft.who_is_told(id) else {
            self.draft.set_escalated(id, true);
            self.draft.say(match pool.filter(|_| id != BoxId::Author) {
                Some(pool) => Reason::NoLead { pool },
                None => Reason::NobodyToTell,
            });
            return Taken::Yes;
        };
        let key = self.draft.key_of(id, step, self.draft.told(id), &lead);
        let about = self.draft.what_is_told(id);
        match self.ping(self.draft.person_of(id, &lead), &key, about) {
            PingOutcome::Sent => {
                self.draft.set_escalated(id, true);
                let now = self.draft.now();
                if let Some(own) = self.draft.time_box_mut(id) {
                    own.escalated_at = Some(now);
                    own.escalations = own.escalations.saturating_add(1);
                }
                self.draft.say(match pool.filter(|_| id != BoxId::Author) {
                    Some(pool) => Reason::Escalated { pool, lead },
                    None => Reason::ToldOfSilence { person: lead },
                });
                Taken::Yes
            }
            PingOutcome::Never => Taken::Yes,
            PingOutcome::Later(at) => Taken::Later(at),
        }
    }

    /// A reviewer whom the forge cannot list learns of the request by being named.
    fn tell_unlisted(&mut self) {
        for id in self.draft.assignment_ids() {
            let Some(own) = self.draft.assignment(id) else { continue };
            if own.listed || own.told || !self.draft.has_the_turn(own) {
                continue;
            }
            let (pool, person, key) = (own.pool.clone(), own.person.clone(), asked_key(own));
            match self.ping(self.draft.world.directory.asked_by(&pool, &person), &key, PingAbout::Ask) {
                PingOutcome::Sent | PingOutcome::Never => {
                    self.draft.assignment_mut(id).into_iter().for_each(|own| own.told = true);
                }
                PingOutcome::Later(at) => self.draft.retry_at(at),
            }
        }
    }
}

/// What came of the time boxes: whether they run stands in the review.
#[derive(Default)]
pub(super) struct Timers {
    /// Who is named in a comment of their own.
    pub pings: Vec<Action>,
}

impl Draft<'_> {
    /// Computes the stage, lets boxes run or pause, and takes the steps that are due. A step may add
    /// a reviewer who has spoken already, and so move the ball: then once more.
    pub(super) fn run_timers(&mut self) -> Timers {
        let mut timers = self.run_once();
        if self.is_live() && self.stage() != self.review.done.stage {
            timers.pings.extend(self.run_once().pings);
        }
        timers
    }

    fn run_once(&mut self) -> Timers {
        self.move_to(self.stage());
        self.note_who_is_absent();
        self.run_boxes();
        if !self.is_live() {
            return self.tell_contact();
        }
        let pings_before = self.review.done.turn_pings;
        let limit = self.world.policy.limits.pings_per_change;
        let mut steps = Escalation { draft: self, pings: Vec::new(), kept: BTreeSet::new() };
        steps.ping_and_step();
        let sent = steps.draft.review.done.turn_pings;
        if sent >= limit && sent > pings_before && !steps.kept.is_empty() {
            // The last ping that the change may have is out: none is left for those that were kept back.
            steps.kept.clear();
            steps.ping_and_step();
        }
        let Escalation { pings, kept, .. } = steps;
        // A box that was closed meanwhile takes its pings along.
        self.review.done.suppressed_pings.retain(|key, _| kept.contains(key));
        // Widening may have added reviewers whose time starts now.
        self.run_boxes();
        self.say_box_rule();
        Timers { pings }
    }

    /// A ping could not be sent in its hours: nobody was told, so it does not count, and its step is due
    /// again. Each is taken back once, however often that is told. What is known of a time to come was
    /// noted by a clock that ran ahead, and says nothing of this one.
    pub(super) fn lapsed(&mut self, key: &str, not_after: Timestamp) {
        let now = self.world.now;
        if self.review.done.lapsed_pings.get(key).is_some_and(|known| (not_after..=now).contains(known)) {
            return;
        }
        let (mut person, mut counts) = (None, true);
        for id in self.boxes() {
            let taken = self.time_box(id).into_iter().flat_map(|own| &own.taken_steps);
            for step in taken.copied().collect::<Vec<Step>>() {
                // Whoever would be named now may be somebody else.
                let told_before = self.told(id).saturating_sub(1);
                let Some((of, named)) = key.rsplit_once('-') else { continue };
                if self.key_of(id, step, told_before, "") != of {
                    continue;
                }
                let time_box = self.time_box_mut(id);
                time_box.map(|own| own.taken_steps.remove(&step));
                if step.kind == StepKind::Escalate {
                    self.set_escalated(id, false);
                    if let Some(own) = self.time_box_mut(id) {
                        (own.escalated_at, own.escalations) = (None, own.escalations.saturating_sub(1));
                    }
                }
                counts = step.kind != StepKind::Escalate;
                let mut people = self.world.directory.people().map(|known| &known.name);
                let known = people.find(|name| ping_key(&[name]) == named);
                person = Some(known.map_or(named, String::as_str).to_owned());
            }
        }
        for assignment in self.review.planned.assignments.iter_mut().filter(|a| a.told && asked_key(a) == key)
        {
            assignment.told = false;
            person = Some(assignment.person.clone());
        }
        if let Some(back) = self.take_hand_back_back(key) {
            (person, counts) = (Some(back), false);
        }
        if let Some(told) = self.take_word_back(key) {
            (person, counts) = (Some(told), false);
        }
        let Some(person) = person else { return };
        self.review.done.lapsed_pings.insert(key.to_owned(), not_after);
        if counts {
            self.review.done.turn_pings = self.review.done.turn_pings.saturating_sub(1);
        }
        self.say(Reason::PingLapsed { person });
    }

    /// Whether somebody was told in this turn: of a pool once, whichever of its boxes ran out.
    pub(super) fn is_escalated(&self, id: BoxId) -> bool {
        match id {
            BoxId::Author | BoxId::Unclaimed => self.time_box(id).is_some_and(|own| own.told),
            BoxId::Waiting(_) | BoxId::Reviewing(_) | BoxId::Merge => {
                self.part_of(id).is_none_or(|part| part.escalated)
            }
        }
    }

    fn set_escalated(&mut self, id: BoxId, escalated: bool) {
        if let BoxId::Author | BoxId::Unclaimed = id {
            self.time_box_mut(id).into_iter().for_each(|own| own.told = escalated);
            return;
        }
        let pool = self.part_of(id).map(|part| part.pool.clone());
        if let Some(part) = pool.and_then(|pool| self.part_mut(&pool)) {
            part.escalated = escalated;
        }
    }

    /// How often it was told that the box ran out.
    fn told(&self, id: BoxId) -> u32 {
        self.time_box(id).map_or(0, |own| own.escalations)
    }

    /// Unique on its change, also when a turn comes back, and where somebody was told so often before.
    fn key_of(&self, id: BoxId, step: Step, told_before: u32, person: &str) -> String {
        let word = match id {
            BoxId::Unclaimed => "unclaimed",
            BoxId::Waiting(_) => "waiting",
            BoxId::Reviewing(_) => "reviewing",
            BoxId::Author => "with-author",
            BoxId::Merge => "ready-to-merge",
        };
        let turn = self.time_box(id).map_or(0, |own| own.turn);
        let holder = match id {
            // Nobody holds it: the pool's part tells two pools with one lead apart.
            BoxId::Waiting(id) => self.part_by(id).map(|part| format!("{}-{}", part.pool, part.number)),
            BoxId::Unclaimed | BoxId::Reviewing(_) | BoxId::Author | BoxId::Merge => self.holder(id),
        }
        .unwrap_or_default();
        let repeats = step.kind == StepKind::Escalate && told_before > 0;
        let again = if repeats { format!("-{told_before}") } else { String::new() };
        let step = format!("{}-{}{again}", step.kind.word(), step.at_percent);
        ping_key(&[word, &holder, &turn.to_string(), &step, person])
    }
}

/// The key of the request to a reviewer whom the forge cannot list.
fn asked_key(assignment: &Assignment) -> String {
    ping_key(&["asked", &assignment.person, &assignment.reviewing_box.turn.to_string()])
}

/// What became of a ping.
pub(super) enum PingOutcome {
    Sent,
    Later(Timestamp),
    /// Not at all: nobody to name, or the change had its pings.
    Never,
}

impl Escalation<'_, '_> {
    /// Names one person in a short new comment, within the kindness limits.
    pub(super) fn ping(&mut self, person: Option<&Person>, key: &str, about: PingAbout) -> PingOutcome {
        let now = self.draft.now();
        let Some((person, account)) = person.and_then(|person| Some((person, person.account.as_ref()?)))
        else {
            return PingOutcome::Never;
        };
        let name = person.name.as_str();
        let limits = &self.draft.world.policy.limits;
        // Reminders count. Whoever can end a silence is told of it, however many were reminded before.
        let counts = matches!(about, PingAbout::Remind { .. } | PingAbout::Ask);
        if counts && self.draft.review.done.turn_pings >= limits.pings_per_change {
            self.draft.say(Reason::PingHeld { person: name.to_owned(), why: SuppressedWhy::ChangeLimit });
            return PingOutcome::Never;
        }
        let agenda = person.agenda();
        let Some(working) = agenda.next_working(now) else { return PingOutcome::Never };
        let Some(not_after) = agenda.working_until(now) else {
            let until = Some(working);
            // Somebody at work is kept from it by the forge alone.
            let why = match Agenda::new(&person.hours, &person.away).is_working(now) {
                true => SuppressedWhy::ForgeClosed { until },
                false => SuppressedWhy::NotWorking { until },
            };
            return self.hold_ping(name, key, working, why);
        };
        let sent_now = self.pings.iter().filter(|action| action.names().is_some_and(|n| n.person == name));
        let today = self.draft.world.workloads.of(name).pings_today;
        let today = today.saturating_add(sent_now.count() as u32);
        if today >= limits.pings_per_person_per_day {
            let set = self
                .draft
                .review
                .done
                .suppressed_pings
                .get(key)
                .map(|held| held.until)
                .filter(|until| *until > now);
            let tomorrow = now.checked_add(SignedDuration::from_hours(12)).unwrap_or(now);
            let Some(until) = set.or_else(|| agenda.next_working(tomorrow)) else {
                return PingOutcome::Never;
            };
            return self.hold_ping(name, key, until, SuppressedWhy::DayLimit { until: Some(until) });
        }
        self.draft.review.done.suppressed_pings.remove(key);
        let pings = &mut self.draft.review.done.turn_pings;
        *pings = pings.saturating_add(u32::from(counts));
        self.pings.push(Action::Ping(Box::new(Ping {
            key: key.to_owned(),
            person: name.to_owned(),
            login: account.login.clone(),
            not_after,
            me: self.draft.world.directory.handle().to_owned(),
            about,
        })));
        PingOutcome::Sent
    }

    /// Keeps a ping back, and says so once.
    fn hold_ping(&mut self, name: &str, key: &str, until: Timestamp, why: SuppressedWhy) -> PingOutcome {
        let held = SuppressedPing { person: name.to_owned(), until, why };
        let known = self.draft.review.done.suppressed_pings.insert(key.to_owned(), held);
        self.kept.insert(key.to_owned());
        if known.is_none_or(|known| known.until != until) {
            self.draft.say(Reason::PingHeld { person: name.to_owned(), why });
        }
        PingOutcome::Later(until)
    }
}
