//! A play: the real `decide`, an in-memory forge, a store in a struct, and a clock that jumps from
//! wake to wake. What holds of every decision is checked at every decision.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use usher_core::model::absence::AbsenceWish;
use usher_core::model::action::Action;
use usher_core::model::fact::Fact;
use usher_core::model::people::{Directory, Person, Workloads};
use usher_core::model::queue::Waiting;
use usher_core::model::reason::Reason;
use usher_core::model::review::{Ended, Hold, Origin, PoolReview, Review, Routing};
use usher_core::model::world::{Decision, World};
use usher_core::{decide, loads};
use usher_words as words;
use usher_words::happening;
use usher_words::templates::Templates;

use super::company::Company;
use super::forge::Forge;

/// One decision that said something.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Timestamp,
    pub what: String,
    pub reasons: Vec<Reason>,
    pub actions: Vec<Action>,
}

/// One person named in a comment of its own.
#[derive(Clone, Debug)]
pub struct Pinged {
    pub at: Timestamp,
    pub person: String,
    pub body: String,
    pub key: String,
    /// Taken back before it went out, or dropped as stale: it does not count.
    pub withdrawn: bool,
}

pub struct Play {
    pub company: Company,
    pub directory: Directory,
    pub forge: Forge,
    pub review: Review,
    pub now: Timestamp,
    /// When the story began.
    pub start: Timestamp,
    pub ledger: Vec<Entry>,
    pub pings: Vec<Pinged>,
    /// Every fact arrives twice, as with a project hook beside a group hook.
    pub twice: bool,
    /// Usher's own edits are not told back.
    pub deaf_to_itself: bool,
    /// Actions are decided but do not reach the forge yet.
    pub courier_stopped: bool,
    pub outbox: VecDeque<Action>,
    /// What the last decision wants to be remembered of somebody's absence.
    said: Option<AbsenceWish>,
    /// The server's clock is wrong, or was: it does not follow the forge's.
    pub clock_is_own: bool,
    /// Pings since the stage last moved, counted apart from the review.
    pub turn_pings: u32,
    /// Sees every decision before anything follows from it.
    pub observer: Option<Observer>,
}

/// Somebody who sees the question and the answer.
pub type Observer = Box<dyn FnMut(&World<'_>, &Templates, &Fact, &Decision)>;

/// More answers than this to one event is a loop.
const ECHOES_MAX: usize = 60;
/// More wakes than this within one jump is a loop too (48 half-hours a day for some weeks).
const WAKES_MAX: usize = 5_000;

impl Play {
    pub fn new(company: Company, forge: Forge, now: Timestamp) -> Play {
        Play {
            directory: company.directory(),
            review: Review::new(company.change()),
            company,
            forge,
            now,
            start: now,
            ledger: vec![],
            pings: vec![],
            twice: false,
            deaf_to_itself: false,
            courier_stopped: false,
            outbox: VecDeque::new(),
            said: None,
            clock_is_own: false,
            turn_pings: 0,
            observer: None,
        }
    }

    /// The policy was changed: what is derived from it is derived anew.
    pub fn reload(&mut self) {
        self.directory = self.company.directory();
    }

    /// Somebody's word on their absence is kept and holds from now on.
    pub fn enter(&mut self, wish: &AbsenceWish) {
        wish.enter(&mut self.company.absences);
        self.reload();
    }

    /// What everybody carries: the other changes and this one.
    pub fn workloads(&self) -> Workloads {
        let mut workloads = self.company.elsewhere.clone();
        for (person, load) in loads(&self.company.policy, &self.review, self.now) {
            let own = workloads.people.entry(person.to_owned()).or_default();
            own.open = own.open.and(load);
        }
        for assignment in &self.review.planned.assignments {
            let load = workloads.people.entry(assignment.person.clone()).or_default();
            load.last_asked = load.last_asked.max(Some(assignment.since));
            load.asked.add(assignment.since);
        }
        for (pool, queued) in self.review.queued() {
            let (place, change) = (queued.place, self.review.change.clone());
            let own = Waiting { place, change, pool: pool.to_owned() };
            queued.hopes.iter().for_each(|person| workloads.queue.join(person, own.clone()));
        }
        let day_ago = self.now - SignedDuration::from_hours(24);
        for ping in self.pings.iter().filter(|ping| ping.at > day_ago && !ping.withdrawn) {
            workloads.people.entry(ping.person.clone()).or_default().pings_today += 1;
        }
        workloads
    }

    /// A fact arrives, and everything that follows from it at once.
    pub fn tell(&mut self, fact: Fact) {
        let mut queue = VecDeque::from([fact]);
        for _ in 0..ECHOES_MAX {
            let Some(fact) = queue.pop_front() else { return };
            self.clock_of(&fact);
            for action in self.decide(&fact) {
                queue.extend(self.perform(action));
            }
            let said = self.said.take();
            // Whoever was let go has room for it by what they carry, which the next look sees.
            let let_go = |entry: &Entry| {
                let mut reasons = entry.reasons.iter();
                reasons.any(|reason| {
                    matches!(reason, Reason::WentLive | Reason::LeftPool { .. } | Reason::ReviewerAway { .. })
                })
            };
            if self.twice && !self.ledger.last().is_some_and(let_go) {
                let again = self.decide(&fact);
                let story = || self.story();
                assert!(again.is_empty(), "law 5: {fact:?} twice gave {again:?}\n{}", story());
            }
            if let Some(wish) = said {
                self.enter(&wish);
                queue.push_back(Fact::Tick);
            }
        }
        panic!("one event had more than {ECHOES_MAX} echoes; the last were {queue:?}");
    }

    fn perform(&mut self, action: Action) -> Vec<Fact> {
        if self.courier_stopped {
            let kind = action.kind();
            match self.outbox.iter_mut().find(|waiting| waiting.kind() == kind) {
                // The newer content takes the row's place.
                Some(waiting) => *waiting = action,
                None => self.outbox.push_back(action),
            }
            return vec![];
        }
        // The newer content has taken the row's place.
        self.outbox.retain(|waiting| waiting.kind() != action.kind());
        if let Some(named) = action.names()
            && self.now > named.not_after
        {
            self.take_back(|ping| ping.key == named.key);
            self.turn_pings = self.turn_pings.saturating_sub(1);
            return vec![Fact::Lapsed { key: named.key.to_owned(), not_after: named.not_after }];
        }
        let mut facts = self.forge.perform(self.now, &action, &self.company.templates);
        if self.deaf_to_itself {
            facts.retain(|fact| !matches!(fact, Fact::Told { .. }));
        }
        facts
    }

    /// The courier works again and brings out what has waited.
    pub fn courier_runs(&mut self) {
        self.courier_stopped = false;
        while let Some(action) = self.outbox.pop_front() {
            for fact in self.perform(action) {
                self.tell(fact);
            }
        }
    }

    /// Pings that will not go out: they count no more.
    fn take_back(&mut self, which: impl Fn(&Pinged) -> bool) {
        self.pings.iter_mut().filter(|ping| which(ping)).for_each(|ping| ping.withdrawn = true);
    }

    /// Forge and server share their clock here, unless it was set by hand; it never goes back.
    fn clock_of(&mut self, fact: &Fact) {
        if let (Fact::Told { at, .. }, false) = (fact, self.clock_is_own) {
            // Whoever is told learns of it a moment after it happened.
            let moment = SignedDuration::from_millis(if self.forge.whole_seconds { 400 } else { 0 });
            self.now = self.now.max(*at + moment);
        }
    }

    /// Decides without performing.
    pub fn decide(&mut self, fact: &Fact) -> Vec<Action> {
        if self.company.read_statuses(self.now) {
            self.reload();
        }
        let workloads = self.workloads();
        let world = World {
            policy: &self.company.policy,
            directory: &self.directory,
            workloads: &workloads,
            first_seen: self.company.first_seen,
            unsent: self.outbox.iter().any(|action| matches!(action, Action::Desired(_))),
            now: self.now,
        };
        let before = self.review.clone();
        let decision = decide(&world, &before, fact);
        let again = decide(&world, &before, fact);
        assert_eq!(decision, again, "the same question had two answers");
        if let Some(observer) = &mut self.observer {
            observer(&world, &self.company.templates, fact, &decision);
        }
        self.holds(fact, &decision, &workloads);
        self.history_holds(&decision);
        self.parts_hold(fact, &decision, &workloads);
        let Decision { review, mut actions, reasons, absence, .. } = decision;
        self.said = absence;
        self.review = review;
        let held_back = matches!(self.review.said.hold, Some(Hold::FirstRun | Hold::Skip));
        if before.said.hold == Some(Hold::FirstRun) && !held_back {
            self.company.elsewhere.first_run_taken += 1;
        }
        if self.review.done.stage != before.done.stage {
            self.withdraw_pings();
        }
        if self.company.policy.dry_run {
            actions.retain(Action::is_read);
        }
        for action in &actions {
            if let Action::Ping(ping) = action {
                let (person, key) = (ping.person.clone(), ping.key.clone());
                let body = words::ping(&self.company.templates, ping).comment.body().to_owned();
                self.pings.push(Pinged { at: self.now, person, body, key, withdrawn: false });
            }
        }
        if !reasons.is_empty() || !actions.is_empty() {
            let what = happening(fact);
            self.ledger.push(Entry { at: self.now, what, reasons, actions: actions.clone() });
        }
        actions
    }

    /// The turn has moved: what waits to be said to the old one is not said.
    fn withdraw_pings(&mut self) {
        let mut waiting = BTreeSet::new();
        self.outbox.retain(|action| match action.names() {
            Some(named) => {
                waiting.insert(named.key.to_owned());
                false
            }
            None => true,
        });
        self.take_back(|ping| waiting.contains(&ping.key));
    }

    /// What holds of every single decision.
    fn holds(&self, fact: &Fact, decision: &Decision, workloads: &Workloads) {
        let Decision { review, actions, reasons, absence, wake } = decision;
        assert!(absence.is_none() || !reasons.is_empty(), "an absence without a reason: {fact:?}");
        assert!(
            actions.is_empty() || !reasons.is_empty(),
            "law 7: an action without a reason: {actions:?} for {fact:?}"
        );
        assert!(wake.is_none_or(|wake| wake > self.now), "law 7: a wake that is not in the future: {wake:?}");
        assert_eq!(review.planned.wake, *wake, "the review remembers another wake");
        let mut kinds: Vec<_> = actions.iter().map(Action::kind).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), actions.len(), "two actions of one kind: {actions:?}");
        for assignment in &review.planned.assignments {
            assert_ne!(assignment.account, review.author, "law 1: the author is a reviewer");
        }
        self.choices_hold(fact, review);
        self.somebody_acts(review);
        super::standing::somebody_has_the_ball(review, &self.company.policy).unwrap();
        super::standing::ready_is_ready(review, &self.company.policy).unwrap();
        super::standing::own_acts_are_own(fact, decision);
        for action in actions {
            match action {
                Action::Desired(shape) => self.shape_holds(review, shape),
                Action::Ping(ping) => {
                    let body = words::ping(&self.company.templates, ping).comment;
                    self.ping_holds(&ping.person, body.body(), ping.not_after, workloads);
                }
                Action::Status(view) => {
                    self.mentions_hold(words::status(&self.company.templates, view).comment.body());
                }
                Action::Comment(_) => panic!("decided in words: {action:?}"),
                Action::Reply(_)
                | Action::ReadFiles { .. }
                | Action::Look
                | Action::ReadThreads
                | Action::React { .. }
                | Action::Announce(_) => {}
            }
        }
    }

    /// Law 3: nobody whose assignment ended comes back, unless a person asks. What ended in a dry run ended
    /// on paper: when that is over, what was written before counts.
    fn choices_hold(&self, fact: &Fact, review: &Review) {
        let written = self.review.before_dry_run.as_ref().filter(|_| review.before_dry_run.is_none());
        let planned = written.map_or(&self.review.planned, |written| &written.planned);
        let known = planned.assignments.len();
        for (index, assignment) in review.planned.assignments.iter().enumerate() {
            let person = &assignment.person;
            let ours = matches!(assignment.origin, Origin::Picked | Origin::Widened);
            let earlier = review.planned.assignments[..index].iter().any(|other| other.person == *person);
            assert!(!earlier, "law 3: {person} has two assignments");
            // Who was away, or left the pool, may be chosen once they are there again.
            let known_end = planned.assignments.get(index).and_then(|before| before.ended);
            let was_over = known_end.is_some_and(|(_, how)| !matches!(how, Ended::Away | Ended::Left));
            let by_person = match fact {
                // Our own write may show what a person did unheard.
                Fact::Told { by, .. } => !by.bot || self.directory.me.as_ref() == Some(&by.account),
                Fact::Swept { .. } => true,
                Fact::Unreachable { .. }
                | Fact::Moved { .. }
                | Fact::Files { .. }
                | Fact::Threads { .. }
                | Fact::Refused { .. }
                | Fact::Failed { .. }
                | Fact::Lapsed { .. }
                | Fact::TemplateBroken { .. }
                | Fact::Tick => false,
            };
            let revived = was_over && assignment.is_active();
            // Whose doing the news of a verdict is does not matter: the verdict is the person's own.
            let account = &assignment.account;
            let spoke = review.verdicts_of(account).verdict != self.review.verdicts_of(account).verdict;
            assert!(
                !revived || ((by_person || spoke) && !ours),
                "law 3: {person} was asked again by {fact:?}"
            );
            let chosen_now = index >= known && ours;
            let away = self.directory.by_name(person).and_then(|p| p.agenda().away_until(self.now));
            assert!(!chosen_now || away.is_none(), "{person} is away and was chosen");
            let busy = self.directory.by_name(person).and_then(|person| person.busy);
            let busy = busy.is_some_and(|busy| busy.counts(self.now));
            assert!(!chosen_now || !busy, "{person} is busy and was chosen");
        }
    }

    /// Law 6: an open contribution has a reviewer, or a stated reason and a time to look again.
    fn somebody_acts(&self, review: &Review) {
        if !review.tracked || !review.is_ready() || review.said.hold == Some(Hold::Skip) {
            return;
        }
        let reviewed = review.active().next().is_some();
        if review.said.hold.is_some() || !reviewed {
            assert!(
                review.planned.wake.is_some(),
                "law 6: nobody looks again at {:?} ({:?})",
                review.done.stage,
                review.said.hold
            );
        }
        let shown = review.seen.unreachable.is_none() && review.seen.blocked.is_none();
        if review.said.hold.is_none() && shown && !reviewed {
            let stated = |part: &PoolReview| {
                part.nobody_said || !part.candidates.is_empty() || part.not_before.is_some()
            };
            let staffed =
                review.planned.pools.iter().all(stated) || review.planned.routing == Routing::ReadingFiles;
            assert!(staffed, "law 6: nobody is asked, nothing says why: {:#?}", review.planned.pools);
        }
    }

    fn shape_holds(&self, review: &Review, shape: &usher_core::model::action::DesiredState) {
        assert!(!shape.reviewers.contains(&review.author), "law 1: the author is asked");
        assert!(shape.reviewers.is_disjoint(&shape.not_reviewers), "asked and not asked: {shape:?}");
        assert!(shape.labels.is_disjoint(&shape.not_labels), "on and off: {shape:?}");
        for account in &shape.not_reviewers {
            let ended =
                review.planned.assignments.iter().find(|a| a.account == *account).and_then(|a| a.ended);
            let wished = matches!(ended, Some((_, Ended::Declined | Ended::Reassigned | Ended::Left)));
            assert!(wished, "law 4: nobody wished {account:?} to go");
        }
        for label in &shape.not_labels {
            let asked = review.done.set_labels.contains(label);
            let skip = *label == self.company.policy.labels.skip && review.said.unskip;
            assert!(asked || skip, "law 4: {label} was not set by Usher");
        }
    }

    fn ping_holds(&self, person: &str, body: &str, not_after: Timestamp, workloads: &Workloads) {
        let known = self.directory.by_name(person).unwrap_or_else(|| panic!("{person} is on no roster"));
        // Which pool speaks to them does not show.
        let pools =
            self.company.policy.pools.iter().filter_map(|pool| self.directory.asked_by(&pool.name, person));
        let (span, now) = (not_after.as_millisecond() - self.now.as_millisecond(), self.now);
        let works =
            |known: &Person| known.agenda().is_working(now) && known.agenda().between(now, not_after) == span;
        let works = [known].into_iter().chain(pools).any(works);
        assert!(works, "law 2: {person} is pinged outside their hours at {now}, until {not_after}");
        assert!(span > 0, "law 2: a ping that is too late at once");
        let today = workloads.of(person).pings_today;
        let limit = self.company.policy.limits.pings_per_person_per_day;
        assert!(today < limit, "law 2: {person} had {today} pings today");
        let login = known.account.as_ref().map(|account| account.login.clone()).unwrap_or_default();
        assert!(body.contains(&format!("@{login}")), "a ping that does not name {person}: {body}");
        self.mentions_hold(body);
    }

    /// Only people of the roster are written with `@`, and the bot's own handle in code spans.
    fn mentions_hold(&self, body: &str) {
        let mut in_code = false;
        let live: String = body
            .chars()
            .filter(|c| {
                in_code ^= *c == '`';
                !in_code
            })
            .collect();
        for (at, _) in live.match_indices('@') {
            let rest = &live[at + 1..];
            let end =
                rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len());
            let handle = &rest[..end];
            // Who was of the roster when they were asked keeps their name.
            let asked = self.review.planned.assignments.iter().any(|a| a.account.login == *handle);
            let known = asked || self.directory.find(handle).is_some() || *handle == self.review.author.login;
            assert!(known, "@{handle} is named and on no roster: {body}");
        }
    }

    /// Lets time pass until `to`, waking when the review asks for it.
    pub fn pass(&mut self, to: Timestamp) {
        for _ in 0..WAKES_MAX {
            match self.review.planned.wake {
                Some(wake) if wake <= to => {
                    self.now = self.now.max(wake);
                    self.tell(Fact::Tick);
                }
                _ => {
                    self.now = self.now.max(to);
                    return;
                }
            }
        }
        panic!("more than {WAKES_MAX} wakes until {to}");
    }

    /// Who is asked now, by name.
    pub fn asked(&self) -> Vec<String> {
        let mut names: Vec<_> = self.review.active().map(|assignment| assignment.person.clone()).collect();
        names.sort();
        names
    }

    /// The history in words, for a person who looks at a failure.
    pub fn story(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for entry in &self.ledger {
            let at = words::moment(entry.at, &super::company::london());
            let _ = writeln!(text, "{at}  {}", entry.what);
            for reason in &entry.reasons {
                let _ = writeln!(text, "      {}", words::sentence(reason));
            }
            for action in &entry.actions {
                let _ = writeln!(text, "      -> {}", shown(action));
            }
        }
        if let Some(status) = self.forge.status() {
            let _ = writeln!(text, "status comment:\n{}", status.replace('\n', "\n    | "));
        }
        text
    }
}

fn shown(action: &Action) -> String {
    let logins = |set: &std::collections::BTreeSet<usher_core::model::change::Account>| {
        set.iter().map(|account| account.login.clone()).collect::<Vec<_>>().join(" ")
    };
    match action {
        Action::Desired(shape) => format!(
            "shape: reviewers +[{}] -[{}] labels +{:?} -{:?}",
            logins(&shape.reviewers),
            logins(&shape.not_reviewers),
            shape.labels,
            shape.not_labels
        ),
        Action::Status(view) => format!("status ({})", view.stage.word()),
        Action::Ping(ping) => {
            let body = words::ping(&Templates::default(), ping).comment;
            format!("ping {}: {}", ping.person, after_marker(body.body()))
        }
        Action::Reply(reply) => format!("reply: {}", after_marker(words::reply(reply).body())),
        Action::Comment(comment) => format!("comment: {}", after_marker(comment.body())),
        Action::ReadFiles { .. } => "read the changed files".into(),
        Action::Look => "look at the whole change".into(),
        Action::ReadThreads => "read the threads".into(),
        Action::React { .. } => "react".into(),
        Action::Announce(news) => format!("announce the merge for {:?}", news.tickets),
    }
}

fn after_marker(body: &str) -> &str {
    body.split_once('\n').map_or(body, |(_, text)| text)
}

/// The comment that an action writes, with its marker, in the company's words.
pub fn body(action: &Action, templates: &Templates) -> Option<String> {
    let comment = match action {
        Action::Status(view) => words::status(templates, view).comment,
        Action::Ping(ping) => words::ping(templates, ping).comment,
        Action::Reply(reply) => words::reply(reply),
        Action::Comment(comment) => comment.clone(),
        Action::ReadFiles { .. }
        | Action::Look
        | Action::ReadThreads
        | Action::Desired(_)
        | Action::React { .. }
        | Action::Announce(_) => return None,
    };
    Some(comment.body().to_owned())
}
