//! Who waits for whom, since when and until when: pure views of a review.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use usher_core::decide::holders;
use usher_core::model::calendar::Agenda;
use usher_core::model::candidate::Criterion;
use usher_core::model::change::{ChangeKey, ForgeKind};
use usher_core::model::people::Directory;
use usher_core::model::policy::Policy;
use usher_core::model::review::{Assignment, Ended, Hold, Review, Stage};
use usher_core::model::standing::Holder;
use usher_core::model::terms;
use usher_core::model::timebox::Budget;

/// Who must act next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhoseTurn {
    /// Drafts, finished changes, and changes that are left alone.
    Nobody,
    /// Pools that have nobody to ask.
    Pool(Vec<String>),
    Reviewer(Vec<String>),
    Author(String),
    /// Whoever merges; the person who is expected to, if there is one.
    Merger(Option<String>),
}

impl WhoseTurn {
    /// The turn's word in the API.
    pub fn word(&self) -> &'static str {
        match self {
            WhoseTurn::Nobody => "nobody",
            WhoseTurn::Pool(_) => "pool",
            WhoseTurn::Reviewer(_) => "reviewer",
            WhoseTurn::Author(_) => "author",
            WhoseTurn::Merger(_) => "merger",
        }
    }

    /// Who is meant, as one phrase.
    pub fn phrase(&self) -> String {
        match self {
            WhoseTurn::Nobody => "nobody".into(),
            WhoseTurn::Pool(pools) if pools.is_empty() => "no pool yet".into(),
            WhoseTurn::Pool(pools) => pools.join(" and "),
            WhoseTurn::Reviewer(people) => people.join(" and "),
            WhoseTurn::Author(author) => author.clone(),
            WhoseTurn::Merger(Some(person)) => person.clone(),
            WhoseTurn::Merger(None) => "whoever merges".into(),
        }
    }
}

/// One review as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub turn: WhoseTurn,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When its time is up: the soonest of its boxes, or the end of a snooze. `None` while
    /// no clock runs.
    pub until: Option<Timestamp>,
    /// Its time is up, and nothing pauses it.
    pub overdue: bool,
    /// Business time of whoever `until` concerns that is left, in milliseconds; the time it is
    /// overdue, as a negative number.
    pub left_millis: Option<i64>,
    /// The time zone in which `until` is meant.
    pub zone: TimeZone,
    pub reviewers: Vec<ReviewerTurn>,
}

/// One assignment as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewerTurn {
    pub person: String,
    pub login: String,
    pub pool: String,
    /// `asked`, `accepted`, `approved`, `asks_author`, `declined`, `removed`, `refused`, `away`, `left` or
    /// `reassigned`.
    pub state: &'static str,
    pub since: Timestamp,
    pub due: Option<Timestamp>,
    /// What decided for them, where Usher chose.
    pub decided_by: Option<Criterion>,
}

/// What a view is made from, besides the review.
#[derive(Clone, Copy)]
pub struct Eyes<'a> {
    pub policy: &'a Policy,
    /// The people of the review's forge, if it is still configured.
    pub directory: Option<&'a Directory>,
    pub now: Timestamp,
}

impl<'a> Eyes<'a> {
    /// Looks at one review.
    pub fn view(&self, review: &Review) -> View {
        let reviewers: Vec<ReviewerTurn> =
            review.planned.assignments.iter().map(|assignment| self.reviewer(review, assignment)).collect();
        let deadline = self.deadline(review);
        let paused = review.is_paused();
        let until = deadline.as_ref().map(|deadline| deadline.at);
        let left_millis = deadline.as_ref().map(|deadline| match deadline.at >= self.now {
            true => deadline.agenda.between(self.now, deadline.at),
            false => -deadline.agenda.between(deadline.at, self.now),
        });
        let late = review.done.overdue || until.is_some_and(|until| until < self.now);
        View {
            turn: turn(self.policy, review),
            since: if review.done.stage == Stage::Done {
                review.seen.ended_at
            } else {
                review.done.stage_since
            },
            until,
            overdue: late && review.is_open() && !paused,
            left_millis,
            zone: deadline.map_or_else(|| self.policy.default_hours.timezone().clone(), |d| d.zone()),
            reviewers,
        }
    }

    fn reviewer(&self, review: &Review, assignment: &Assignment) -> ReviewerTurn {
        let due = assignment
            .reviewing_box
            .runs_out(
                self.budget(review, terms::Turn::Reviewing, Some(&assignment.pool)),
                &self.agenda(review, Some(&assignment.person), Some(&assignment.pool)),
            )
            .filter(|_| assignment.is_active());
        ReviewerTurn {
            person: assignment.person.clone(),
            login: assignment.account.login.clone(),
            pool: assignment.pool.clone(),
            state: state(review, assignment),
            since: assignment.since,
            due,
            decided_by: assignment.decided_by.0,
        }
    }

    /// The soonest end among the boxes that run.
    fn deadline(&self, review: &Review) -> Option<Deadline<'a>> {
        if let Some(Hold::Snooze { until }) = review.said.hold {
            return Some(Deadline {
                at: until,
                agenda: self.agenda(review, review.author_name.as_deref(), None),
            });
        }
        let end = |agenda: Agenda<'a>, at: Option<Timestamp>| at.map(|at| Deadline { at, agenda });
        let closed = self.policy.maintenance(&review.change.forge);
        let pools = review.planned.pools.iter().filter_map(|part| {
            let agenda = Agenda::new(self.policy.pool_hours(&part.pool), &[]).outside(closed);
            let budget = self.budget(review, terms::Turn::Waiting, Some(&part.pool));
            end(agenda, part.waiting_box.runs_out(budget, &agenda))
        });
        let reviewers = review.active().filter_map(|assignment| {
            let agenda = self.agenda(review, Some(&assignment.person), Some(&assignment.pool));
            let budget = self.budget(review, terms::Turn::Reviewing, Some(&assignment.pool));
            end(agenda, assignment.reviewing_box.runs_out(budget, &agenda))
        });
        match review.done.stage {
            Stage::Draft | Stage::Done => None,
            Stage::Waiting => {
                let agenda = self.agenda(review, None, None);
                let budget = self.budget(review, terms::Turn::Waiting, None);
                let unclaimed = end(agenda, review.planned.unclaimed_box.runs_out(budget, &agenda));
                pools.chain(unclaimed).min_by_key(|deadline| deadline.at)
            }
            Stage::Reviewing => pools.chain(reviewers).min_by_key(|deadline| deadline.at),
            Stage::WithAuthor => {
                let agenda = self.agenda(review, review.acting_author().0, None);
                let budget = self.budget(review, terms::Turn::WithAuthor, None);
                end(agenda, review.planned.author_box.runs_out(budget, &agenda))
            }
            Stage::ReadyToMerge => {
                let pool = review.merger().map(|merger| merger.pool.as_str());
                let agenda = self.agenda(review, review.merger().map(|merger| merger.person.as_str()), pool);
                end(
                    agenda,
                    review
                        .planned
                        .merge_box
                        .runs_out(self.budget(review, terms::Turn::ReadyToMerge, pool), &agenda),
                )
            }
        }
    }

    /// The time that a turn has; the first pool speaks for the change where none is named.
    fn budget(&self, review: &Review, turn: terms::Turn, pool: Option<&str>) -> Budget {
        let named = pool.and_then(|pool| review.planned.pools.iter().find(|part| part.pool == pool));
        self.policy.terms(review, turn, named.or(review.planned.pools.first())).budget
    }

    /// A person's working time, for the pool that asks them where one does; the default's for somebody
    /// unknown.
    fn agenda(&self, review: &Review, person: Option<&str>, pool: Option<&str>) -> Agenda<'a> {
        let person = self.directory.zip(person).and_then(|(directory, name)| match pool {
            Some(pool) => directory.asked_by(pool, name),
            None => directory.by_name(name),
        });
        let closed = self.policy.maintenance(&review.change.forge);
        person.map_or_else(
            || Agenda::new(&self.policy.default_hours, &[]).outside(closed),
            |person| person.agenda(),
        )
    }
}

/// When somebody's time is up.
struct Deadline<'a> {
    at: Timestamp,
    agenda: Agenda<'a>,
}

impl Deadline<'_> {
    fn zone(&self) -> TimeZone {
        self.agenda.hours.timezone().clone()
    }
}

/// Whose turn it is.
pub fn turn(policy: &Policy, review: &Review) -> WhoseTurn {
    if review.is_paused() {
        return WhoseTurn::Nobody;
    }
    let stage = review.done.stage;
    let holders = holders(policy, review, stage);
    let unstaffed = || {
        let pools = holders.iter().filter_map(|holder| match holder {
            Holder::Pool { pool } => Some((*pool).to_owned()),
            Holder::Unclaimed | Holder::Reviewer { .. } | Holder::Author | Holder::Merger { .. } => None,
        });
        pools.collect()
    };
    match stage {
        Stage::Draft | Stage::Done => WhoseTurn::Nobody,
        Stage::Waiting => WhoseTurn::Pool(unstaffed()),
        Stage::Reviewing => {
            let people = holders.iter().filter_map(|holder| match holder {
                Holder::Reviewer { person, .. } => Some((*person).to_owned()),
                Holder::Unclaimed | Holder::Pool { .. } | Holder::Author | Holder::Merger { .. } => None,
            });
            let people: Vec<String> = people.collect();
            if people.is_empty() { WhoseTurn::Pool(unstaffed()) } else { WhoseTurn::Reviewer(people) }
        }
        Stage::WithAuthor => {
            let carrier = review.said.carrier.as_ref().map(|carrier| carrier.person.clone());
            WhoseTurn::Author(carrier.unwrap_or_else(|| author(review)))
        }
        Stage::ReadyToMerge => WhoseTurn::Merger(review.merger().map(|merger| merger.person.clone())),
    }
}

/// The author's name, or what the forge calls them.
pub fn author(review: &Review) -> String {
    match &review.author_name {
        Some(name) => name.clone(),
        None if review.author.login.is_empty() => format!("user {}", review.author.id),
        None => review.author.login.clone(),
    }
}

fn state(review: &Review, assignment: &Assignment) -> &'static str {
    match assignment.ended {
        Some((_, Ended::Declined)) => "declined",
        Some((_, Ended::Removed)) => "removed",
        Some((_, Ended::Refused(_))) => "refused",
        Some((_, Ended::Reassigned)) => "reassigned",
        Some((_, Ended::Away)) => "away",
        Some((_, Ended::Left)) => "left",
        None if review.has_approved(assignment) => "approved",
        None if review.asks_author(assignment) => "asks_author",
        None if assignment.accepted => "accepted",
        None => "asked",
    }
}

/// The state of an assignment for people.
pub fn state_phrase(state: &str) -> &str {
    match state {
        "asks_author" => "asks the author",
        "removed" => "taken off",
        "away" => "on leave",
        "left" => "no longer of the pool",
        "refused" => "not possible on this forge",
        "reassigned" => "handed on",
        other => other,
    }
}

/// A change as its forge writes it: `acme/shop!12` on GitLab, `acme/shop#12` on GitHub.
pub fn reference(change: &ChangeKey, kind: Option<ForgeKind>) -> String {
    let mark = if kind == Some(ForgeKind::GitHub) { '#' } else { '!' };
    format!("{}{mark}{}", change.project, change.number)
}

/// The address of a change, if a browser may be sent there: nothing but `http` and `https`.
pub fn link(url: &str) -> Option<&str> {
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

/// Business time as `3 h 20 min` (of working time); `0 min` for less than a minute.
pub fn working_time(millis: i64) -> String {
    let minutes = millis.abs() / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;

    use super::*;
    use usher_core::model::calendar::Away;
    use usher_core::model::calendar::Hours;
    use usher_core::model::change::{Account, ChangeState, Verdict};
    use usher_core::model::people::Roster;
    use usher_core::model::policy::{ForgePolicy, PersonPolicy, Pool};
    use usher_core::model::review::{Origin, PoolReview};
    use usher_core::model::timebox::TimeBox;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Rita works in Lisbon and is away on 25 November; everybody else in UTC, 9 to 17.
    fn policy() -> Policy {
        let lisbon = TimeZone::get("Europe/Lisbon").unwrap();
        let rita = PersonPolicy {
            hours: Some(Arc::new(Hours::office(lisbon))),
            away: vec![Away { first: date(2026, 11, 25), last: date(2026, 11, 25) }],
            ..PersonPolicy::default()
        };
        let backend =
            Pool { name: "backend".into(), members: vec!["rita".into(), "ravi".into()], ..Pool::default() };
        Policy {
            forges: vec![ForgePolicy::new("gitlab", ForgeKind::GitLab, Vec::new())],
            people: [("rita".to_owned(), rita)].into(),
            pools: vec![backend],
            ..Policy::default()
        }
    }

    fn assignment(person: &str, id: u64, since: &str) -> Assignment {
        Assignment {
            reviewing_box: TimeBox { running_since: Some(at(since)), ..TimeBox::default() },
            ..Assignment::new("backend", person, Account::new(id, person), at(since), Origin::Picked)
        }
    }

    fn reviewing(since: &str) -> Review {
        let mut review = Review::new(ChangeKey::new("gitlab", "acme/shop", 12));
        review.done.stage = Stage::Reviewing;
        review.done.stage_since = Some(at(since));
        review.author = Account::new(7, "sam");
        review.planned.pools = vec![PoolReview::new("backend".into(), 10)];
        review.planned.assignments = vec![assignment("rita", 1, since)];
        review
    }

    fn view_at(review: &Review, now: &str) -> View {
        let policy = policy();
        let directory = Directory::new(&policy, "gitlab", &Roster::default());
        Eyes { policy: &policy, directory: Some(&directory), now: at(now) }.view(review)
    }

    #[test]
    fn a_reviewers_time_is_up_in_their_own_working_hours() {
        // Tuesday noon; eight hours of Rita's time, who is away on Wednesday.
        let review = reviewing("2026-11-24T12:00:00Z");
        let view = view_at(&review, "2026-11-24T14:00:00Z");
        assert_eq!(view.turn, WhoseTurn::Reviewer(vec!["rita".into()]));
        assert_eq!(view.since, Some(at("2026-11-24T12:00:00Z")));
        assert_eq!(view.until, Some(at("2026-11-26T12:00:00Z")));
        assert_eq!(view.left_millis, Some(6 * 3_600_000));
        assert_eq!(view.zone.iana_name(), Some("Europe/Lisbon"));
        assert!(!view.overdue);
        assert_eq!(view.reviewers[0].due, view.until);
        assert_eq!(view.reviewers[0].state, "asked");
    }

    #[test]
    fn what_ran_out_is_overdue_by_working_time() {
        let review = reviewing("2026-11-24T12:00:00Z");
        let view = view_at(&review, "2026-11-26T13:30:00Z");
        assert!(view.overdue, "although nobody has decided so yet");
        assert_eq!(view.left_millis, Some(-90 * 60_000));
        let mut snoozed = review.clone();
        snoozed.done.overdue = true;
        snoozed.said.hold = Some(Hold::Snooze { until: at("2026-11-30T09:00:00Z") });
        let view = view_at(&snoozed, "2026-11-26T13:30:00Z");
        assert!(!view.overdue);
        assert_eq!((view.turn, view.until), (WhoseTurn::Nobody, Some(at("2026-11-30T09:00:00Z"))));
    }

    #[test]
    fn every_stage_names_whose_turn_it_is() {
        let policy = policy();
        let mut review = reviewing("2026-11-24T12:00:00Z");
        review.done.stage = Stage::WithAuthor;
        assert_eq!(turn(&policy, &review), WhoseTurn::Author("sam".into()));
        review.author_name = Some("Sam Weaver".into());
        assert_eq!(turn(&policy, &review).phrase(), "Sam Weaver");
        review.done.stage = Stage::ReadyToMerge;
        assert_eq!(turn(&policy, &review), WhoseTurn::Merger(Some("rita".into())));
        review.done.stage = Stage::Waiting;
        review.planned.assignments.clear();
        assert_eq!(turn(&policy, &review), WhoseTurn::Pool(vec!["backend".into()]));
        review.done.stage = Stage::Reviewing;
        assert_eq!(turn(&policy, &review).phrase(), "backend", "nobody left who could answer");
        review.done.stage = Stage::Draft;
        assert_eq!(turn(&policy, &review), WhoseTurn::Nobody);
        review.seen.state = ChangeState::Merged;
        review.done.stage = Stage::Done;
        assert_eq!(turn(&policy, &review), WhoseTurn::Nobody);
    }

    #[test]
    fn the_author_has_five_working_days() {
        let mut review = reviewing("2026-11-24T12:00:00Z");
        review.done.stage = Stage::WithAuthor;
        review.planned.author_box.run(at("2026-11-24T12:00:00Z"));
        let view = view_at(&review, "2026-11-24T12:00:00Z");
        assert_eq!(view.until, Some(at("2026-12-01T12:00:00Z")));
        assert_eq!(view.left_millis, Some(40 * 3_600_000));
    }

    #[test]
    fn an_assignment_says_where_it_stands() {
        let mut review = reviewing("2026-11-24T12:00:00Z");
        let spoken = at("2026-11-24T13:00:00Z");
        let state_of = |review: &Review| state(review, &review.planned.assignments[0]);
        review.planned.assignments[0].accepted = true;
        assert_eq!(state_of(&review), "accepted");
        review.said.verdicts.entry(1).or_default().apply(Verdict::ChangesRequested, spoken);
        assert_eq!(state_of(&review), "asks_author");
        review.said.author_acted_at = Some(at("2026-11-24T14:00:00Z"));
        assert_eq!(state_of(&review), "accepted");
        review.said.verdicts.entry(1).or_default().apply(Verdict::Approved, at("2026-11-24T15:00:00Z"));
        assert_eq!(state_of(&review), "approved");
        review.planned.assignments[0].ended = Some((spoken, Ended::Declined));
        assert_eq!(state_of(&review), "declined");
        assert_eq!(view_at(&review, "2026-11-24T15:00:00Z").reviewers[0].due, None);
    }

    #[test]
    fn browsers_are_sent_to_web_pages_only() {
        assert_eq!(link("https://gitlab.example/x"), Some("https://gitlab.example/x"));
        assert_eq!(link("javascript:alert(1)"), None);
        assert_eq!(link(""), None);
    }

    #[test]
    fn times_are_told_in_few_words() {
        assert_eq!(working_time(-5_400_000), "1 h 30 min");
        assert_eq!(working_time(59_000), "0 min");
    }

    #[test]
    fn a_reference_is_written_as_its_forge_writes_it() {
        let change = ChangeKey::new("x", "acme/shop", 12);
        assert_eq!(reference(&change, Some(ForgeKind::GitHub)), "acme/shop#12");
        assert_eq!(reference(&change, Some(ForgeKind::GitLab)), "acme/shop!12");
        assert_eq!(reference(&change, None), "acme/shop!12");
    }
}
