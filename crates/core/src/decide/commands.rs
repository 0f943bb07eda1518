//! Commands: what people tell Usher in a comment. Done is answered by a reaction, refused or not
//! understood by one short reply.

use jiff::Timestamp;

use super::apply::Applying;
use crate::choose::pick::pick;
use crate::model::action::Action;
use crate::model::candidate::Judgement;
use crate::model::change::{Account, ChangeState, Verdict};
use crate::model::choice::ChoiceTold;
use crate::model::commands::{Allowed, COMMANDS};
use crate::model::fact::{Actor, Command, CommentPlace};
use crate::model::message::{Answer, ChoiceView, Reply};
use crate::model::people::Person;
use crate::model::reason::Reason;
use crate::model::review::{Assignment, DoneCommand, Ended, Origin, PoolReview, Stage};

/// How many commands are remembered, so that one that comes twice is obeyed once.
const REMEMBERED: usize = 32;

impl Command {
    /// The command's word; what was written, for one that is not understood.
    pub fn word(&self) -> &str {
        match self {
            Command::Help => "help",
            Command::Accept => "accept",
            Command::Decline { .. } => "decline",
            Command::Snooze { .. } => "snooze",
            Command::Reassign { .. } => "reassign",
            Command::Pool { .. } => "pool",
            Command::Skip => "skip",
            Command::Resume => "resume",
            Command::Away { .. } => "away",
            Command::Back => "back",
            Command::Sponsor => "sponsor",
            Command::Ready => "ready",
            Command::Overrule { .. } => "overrule",
            Command::Handover { .. } => "handover",
            Command::Why => "why",
            Command::Unknown { text, .. } => text,
        }
    }

    fn allowed(&self) -> Allowed {
        let rule = COMMANDS.iter().find(|rule| rule.usage.split(' ').next() == Some(self.word()));
        rule.map_or(Allowed::Roster, |rule| rule.allowed)
    }
}

/// How a command ended.
pub(super) enum Outcome {
    Done,
    /// Done, and the answer is words.
    Words(Answer),
    Refused(Answer),
}

/// What is answered to the commands of one comment: one reply at most, one reaction at most.
#[derive(Default)]
struct Answers {
    done: bool,
    /// What is said, each once, under the key of the first command that it answers.
    said: Vec<Answer>,
    key: Option<String>,
}

impl Answers {
    fn say(&mut self, key: String, answer: Answer) {
        if !self.said.contains(&answer) {
            self.said.push(answer);
        }
        self.key.get_or_insert(key);
    }
}

impl Applying<'_, '_, '_> {
    /// Obeys the commands of one comment, in their order and each once. However many are wrong, the
    /// comment has one answer.
    pub(super) fn obey_all<'c>(
        &mut self,
        commands: impl Iterator<Item = &'c Command>,
        (place, comment): (CommentPlace, u64),
        by: &Actor,
        at: Timestamp,
    ) {
        let mut answers = Answers::default();
        for command in commands {
            self.obey(command, (place, comment), by, at, &mut answers);
        }
        if answers.done {
            self.observed.answers.push(Action::React { comment, place });
        }
        if let Some(key) = answers.key {
            let me = self.draft.world.directory.handle().to_owned();
            self.observed.answers.push(Action::Reply(Box::new(Reply { key, me, answers: answers.said })));
        }
    }

    /// Obeys a command, once.
    fn obey(
        &mut self,
        command: &Command,
        (place, comment): (CommentPlace, u64),
        by: &Actor,
        at: Timestamp,
        answers: &mut Answers,
    ) {
        let print = command.print();
        if !self.is_new(DoneCommand { place, comment, print }) {
            return;
        }
        let key = match place {
            CommentPlace::Conversation => format!("reply-{comment}-{print:016x}"),
            CommentPlace::Review => format!("reply-review-{comment}-{print:016x}"),
            CommentPlace::Line { .. } => format!("reply-line-{comment}-{print:016x}"),
        };
        let Some(person) = self.draft.world.directory.by_id(by.account.id) else {
            return self.answer_stranger(key, &by.account, command, answers);
        };
        let (allowed, word) = (command.allowed(), command.word().to_owned());
        let state = self.draft.review.seen.state;
        let outcome = if state != ChangeState::Open && command.is_about_the_change() {
            Outcome::Refused(Answer::Finished { state })
        } else if self.may(person, allowed) {
            self.carry_out(command, person, at)
        } else {
            Outcome::Refused(Answer::NotAllowed { command: word.clone(), allowed })
        };
        let (by, command) = (person.name.clone(), word);
        match outcome {
            Outcome::Done => answers.done = true,
            Outcome::Words(answer) => {
                self.draft.say(Reason::Answered { by, command });
                answers.say(key, answer);
            }
            Outcome::Refused(answer) => {
                self.draft.say(Reason::CommandRefused { by, command });
                answers.say(key, answer);
            }
        }
    }

    /// Remembers the command; false when it was carried out before.
    fn is_new(&mut self, command: DoneCommand) -> bool {
        let said = &mut self.draft.review.said;
        // Remarks on lines were not heard when whole comments were remembered.
        let whole = !matches!(command.place, CommentPlace::Line { .. })
            && said.comments_obeyed.iter().any(|(comment, _)| *comment == command.comment);
        if whole || said.commands.contains(&command) {
            return false;
        }
        if said.commands.len() >= REMEMBERED {
            said.commands.remove(0);
        }
        said.commands.push(command);
        true
    }

    /// Somebody whom no roster names may ask, and is told who may do everything else.
    fn answer_stranger(&mut self, key: String, who: &Account, command: &Command, answers: &mut Answers) {
        let (login, word) = (who.login.clone(), command.word().to_owned());
        let answer = match command {
            Command::Help => Answer::Help,
            Command::Why => self.why(),
            Command::Accept
            | Command::Decline { .. }
            | Command::Snooze { .. }
            | Command::Reassign { .. }
            | Command::Pool { .. }
            | Command::Skip
            | Command::Resume
            | Command::Away { .. }
            | Command::Back
            | Command::Sponsor
            | Command::Ready
            | Command::Overrule { .. }
            | Command::Handover { .. }
            | Command::Unknown { .. } => {
                self.draft.say(Reason::StrangerRefused { login, command: word });
                return answers.say(key, Answer::Stranger { ask: self.who_can_help() });
            }
        };
        self.draft.say(Reason::Answered { by: login, command: word });
        answers.say(key, answer);
    }

    /// The author and the leads of the change's pools, as far as they are on the roster.
    fn who_can_help(&self) -> Vec<String> {
        let review = &self.draft.review;
        let policy = self.draft.world.policy;
        let pools = review.planned.pools.iter().filter_map(|part| policy.pool(&part.pool));
        let mut people: Vec<String> = review.author_name.iter().cloned().collect();
        for lead in pools.flat_map(|pool| &pool.leads) {
            if !people.contains(lead) {
                people.push(lead.clone());
            }
        }
        people
    }

    /// A lead decides that somebody's request for changes stands no longer.
    fn overrule(&mut self, by: &Person, whom: &str, note: Option<String>, at: Timestamp) -> Outcome {
        let Some(person) = self.draft.world.directory.find(whom) else {
            return Outcome::Refused(Answer::UnknownPerson { handle: whom.to_owned() });
        };
        let verdicts =
            person.account.as_ref().and_then(|own| self.draft.review.said.verdicts.get_mut(&own.id));
        match verdicts {
            Some(verdicts) if verdicts.requests_changes().is_some_and(|requested| requested < at) => {
                verdicts.overruled_at = Some(at);
                let (by, person) = (by.name.clone(), person.name.clone());
                self.draft.say(Reason::Overruled { by, person, note });
                Outcome::Done
            }
            _ => Outcome::Refused(Answer::NothingToOverrule { person: person.name.clone() }),
        }
    }

    fn may(&self, person: &Person, allowed: Allowed) -> bool {
        let assigned = self.draft.review.active().any(|assignment| assignment.person == person.name);
        match allowed {
            Allowed::Anybody | Allowed::Roster => true,
            Allowed::Reviewers => assigned,
            Allowed::Leads => self.leads(person),
            Allowed::Author => person.support || self.speaks_for_author(person),
            Allowed::Involved => {
                let is_author = self.speaks_for_author(person);
                let of_pool = self
                    .draft
                    .review
                    .planned
                    .pools
                    .iter()
                    .any(|part| self.draft.belongs(&part.pool, &person.name));
                // Before any pool is known, whoever reviews anywhere may help the change along.
                let unclaimed = self.draft.review.planned.pools.is_empty() && !person.support;
                let maintains = self.draft.world.directory.maintains(&person.name);
                assigned || is_author || of_pool || unclaimed || maintains
            }
        }
    }

    /// The author, whoever carries on for them, and the lead of support.
    fn speaks_for_author(&self, person: &Person) -> bool {
        let (review, support) = (&self.draft.review, &self.draft.world.policy.support);
        let theirs = person.account.as_ref().is_some_and(|own| review.is_authors(own));
        theirs || support.lead.as_ref() == Some(&person.name)
    }

    /// Whether the person leads one of the change's pools; any pool, before one has the change.
    fn leads(&self, person: &Person) -> bool {
        let parts = &self.draft.review.planned.pools;
        let mut led = self.draft.world.policy.pools.iter().filter(|pool| pool.is_led_by(&person.name));
        led.any(|pool| parts.is_empty() || parts.iter().any(|part| part.pool == pool.name))
    }

    fn carry_out(&mut self, command: &Command, person: &Person, at: Timestamp) -> Outcome {
        match command {
            Command::Help => Outcome::Words(Answer::Help),
            Command::Why => Outcome::Words(self.why()),
            Command::Accept => self.accept(person),
            Command::Decline { note } => self.decline(person, note.clone(), at),
            Command::Snooze { span } => self.snooze(*span, person, at),
            Command::Skip => self.skip(person, at),
            Command::Resume => self.resume(person, at),
            Command::Reassign { to } => self.reassign(person, to.as_deref(), at),
            Command::Pool { name } => self.choose_pool(person, name, at),
            Command::Away { end } => self.go_away(person, *end, at),
            Command::Back => self.say_back(person, at),
            Command::Ready => {
                self.author_acts(at);
                Outcome::Done
            }
            Command::Handover { to } => self.hand_over(person, to.as_deref(), at),
            Command::Overrule { whom, note } => self.overrule(person, whom, note.clone(), at),
            Command::Sponsor => {
                self.draft.review.said.sponsor = Some(person.name.clone());
                self.draft.say(Reason::Sponsored { by: person.name.clone() });
                Outcome::Done
            }
            Command::Unknown { text, nearest } => {
                Outcome::Refused(Answer::NotUnderstood { text: text.clone(), nearest: nearest.clone() })
            }
        }
    }

    /// How each pool's reviewers came to be asked, and why the time boxes are as they are.
    fn why(&self) -> Answer {
        let review = &self.draft.review;
        let told = self.draft.world.policy.verdicts;
        let choice = |part: &PoolReview| ChoiceView {
            pool: part.pool.clone(),
            candidates: ChoiceTold::of(&part.candidates, told),
            asked: review.active_in(&part.pool).map(|assignment| assignment.person.clone()).collect(),
        };
        Answer::Why {
            pools: review.planned.pools.iter().map(choice).collect(),
            boxes: self.draft.world.policy.box_notes(review),
        }
    }

    fn accept(&mut self, person: &Person) -> Outcome {
        for assignment in self.draft.review.planned.assignments.iter_mut().filter(|a| a.is_active()) {
            if assignment.person == person.name && !assignment.accepted {
                assignment.accepted = true;
                assignment.reviewing_box.close();
            }
        }
        self.draft.say(Reason::Accepted { person: person.name.clone() });
        Outcome::Done
    }

    fn decline(&mut self, person: &Person, note: Option<String>, at: Timestamp) -> Outcome {
        if let Some(id) = self.merges(person, at) {
            return self.hand_on_merge(id, None, at);
        }
        let own = self.draft.assignments().filter(|(_, own)| own.person == person.name);
        let given_up: Vec<_> = own.filter(|(_, own)| self.lets_go(own, at)).map(|(id, _)| id).collect();
        if given_up.is_empty() {
            return Outcome::Refused(Answer::Overtaken);
        }
        for id in given_up {
            self.draft.end(id, Ended::Declined, at);
        }
        self.draft.say(Reason::Declined { person: person.name.clone(), note });
        Outcome::Done
    }

    /// Whether a command of `at` may end the assignment. A verdict given since, told earlier than the
    /// command, is the last word; so is a person's wish to have them.
    fn lets_go(&self, assignment: &Assignment, at: Timestamp) -> bool {
        let verdicts = self.draft.review.verdicts_of(&assignment.account);
        let spoke = verdicts.verdict.is_some_and(|(verdict, spoke)| {
            verdict != Verdict::Withdrawn && spoke >= at && !verdicts.verdict_at_most
        });
        assignment.yields_at(at) && !spoke
    }

    /// Asks `to` (or whoever is next) in place of the reviewer who asks for it, or of the one who
    /// has waited longest.
    fn reassign(&mut self, by: &Person, to: Option<&str>, at: Timestamp) -> Outcome {
        let active = || self.draft.assignments().filter(|(_, own)| own.is_active());
        if let Some(id) = self.merges(by, at) {
            return self.hand_on_merge(id, to, at);
        }
        let own = active().find(|(_, own)| own.person == by.name && !self.draft.review.has_approved(own));
        let longest = || active().find(|(_, own)| !self.draft.review.has_approved(own));
        let current = own.or_else(longest);
        let latest = self
            .draft
            .review
            .active()
            .filter_map(|a| self.draft.review.verdicts_of(&a.account).approved_at())
            .max();
        if current.map_or(latest > Some(at), |(_, own)| !self.lets_go(own, at)) {
            return Outcome::Refused(Answer::Overtaken);
        }
        let pool = match current {
            Some((_, own)) => own.pool.clone(),
            None => match self.draft.review.planned.pools.first() {
                Some(part) => part.pool.clone(),
                None => return Outcome::Refused(Answer::NoPoolYet),
            },
        };
        let from = current.map(|(id, own)| (id, own.person.clone()));
        match to {
            Some(handle) => {
                if let Err(refusal) = self.name_reviewer(&pool, handle, at) {
                    return Outcome::Refused(refusal);
                }
            }
            // Nobody is waited for in whose place somebody could be asked.
            None if current.is_none() && self.draft.stage() == Stage::ReadyToMerge => {
                let people = self.draft.review.active().map(|own| own.person.clone()).collect();
                return Outcome::Refused(Answer::AlreadyApproved { people });
            }
            None => {
                let Some(rule) = self.draft.world.policy.pool(&pool) else {
                    return Outcome::Refused(Answer::NoPoolYet);
                };
                let choice = pick(self.draft.world, &self.draft.review, rule, None);
                if choice.chosen.is_none() {
                    let candidates = ChoiceTold::of(&choice.candidates, self.draft.world.policy.verdicts);
                    return Outcome::Refused(Answer::NobodyElse { candidates });
                }
            }
        }
        if let Some((id, person)) = &from
            && to.and_then(|to| self.draft.world.directory.find(to)).is_none_or(|to| to.name != *person)
        {
            self.draft.end(*id, Ended::Reassigned, at);
        }
        let from = from.map(|(_, person)| person);
        self.draft.say(Reason::Reassigned { from, by: by.name.clone() });
        Outcome::Done
    }

    /// A human names a reviewer: capacity and leave are theirs to judge, but not law 1, the pool's
    /// boundary, or an account that the forge does not know.
    pub(super) fn name_reviewer(&mut self, pool: &str, handle: &str, at: Timestamp) -> Result<(), Answer> {
        let Some(person) = self.draft.world.directory.find(handle) else {
            return Err(Answer::UnknownPerson { handle: handle.to_owned() });
        };
        let Some(rule) = self.draft.world.policy.pool(pool) else {
            return Err(Answer::NoPoolYet);
        };
        let choice = pick(self.draft.world, &self.draft.review, rule, Some(&person.name));
        let standing = choice.candidates.into_iter().find(|candidate| candidate.person == person.name);
        match standing.map(|candidate| candidate.standing) {
            None if person.account.as_ref().is_some_and(|own| self.draft.review.is_authors(own)) => {
                return Err(Answer::CannotBeAsked { person: person.name.clone(), why: Judgement::Author });
            }
            None if self.draft.belongs(pool, &person.name) => {}
            None => {
                return Err(Answer::NotInPool { person: person.name.clone(), pool: pool.to_owned() });
            }
            Some(why @ (Judgement::Author | Judgement::UnknownOnForge)) => {
                return Err(Answer::CannotBeAsked { person: person.name.clone(), why });
            }
            Some(_) => {}
        }
        let Some(account) = person.account.clone() else {
            return Err(Answer::UnknownPerson { handle: handle.to_owned() });
        };
        match self.draft.assignment_where(|own| own.person == person.name) {
            Some((_, own)) if own.is_active() => own.name_at(at),
            // Somebody's newer word, told before this, took them off again.
            Some((_, own)) if own.ended.is_some_and(|(ended, _)| ended > at) => {
                return Err(Answer::Overtaken);
            }
            Some((id, _)) => self.draft.revive(id, Origin::Named, at),
            None => {
                self.draft.assign(pool, &person.name, account, Origin::Named);
                self.draft
                    .review
                    .planned
                    .assignments
                    .iter_mut()
                    .rev()
                    .take(1)
                    .for_each(|own| own.name_at(at));
            }
        }
        Ok(())
    }

    /// Sends the change to one other pool; reviewers who have not spoken yet are let go.
    fn choose_pool(&mut self, by: &Person, name: &str, at: Timestamp) -> Outcome {
        let Some(pool) =
            self.draft.world.policy.pools.iter().find(|pool| pool.name.eq_ignore_ascii_case(name))
        else {
            let pools = self.draft.world.policy.pools.iter().map(|pool| pool.name.clone()).collect();
            return Outcome::Refused(Answer::UnknownPool { name: name.to_owned(), pools });
        };
        let answered = self
            .draft
            .review
            .active()
            .any(|a| self.draft.review.verdicts_of(&a.account).approved_at() > Some(at));
        if answered || self.draft.review.said.pool_at.is_some_and(|said| said > at) {
            return Outcome::Refused(Answer::Overtaken);
        }
        self.draft.review.said.pool_at = Some(at);
        let spoke = |own: &Assignment| self.draft.review.said.verdicts.contains_key(&own.account.id);
        let others = self.draft.assignments().filter(|(_, own)| own.is_active() && own.pool != pool.name);
        let let_go: Vec<_> = others.filter(|(_, own)| !spoke(own)).map(|(id, _)| id).collect();
        for id in let_go {
            self.draft.end(id, Ended::Reassigned, at);
        }
        self.draft.review.planned.routing = crate::model::review::Routing::Routed;
        if !self.draft.review.planned.pools.iter().any(|part| part.pool == pool.name) {
            self.draft.review.planned.pools = vec![self.draft.review.new_part(pool.name.clone(), 0)];
        } else {
            self.draft.review.planned.pools.retain(|part| part.pool == pool.name);
        }
        self.draft.say(Reason::PoolChosen { pool: pool.name.clone(), by: by.name.clone() });
        Outcome::Done
    }
}
