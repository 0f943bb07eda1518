//! Absence: what people and forges say of somebody's presence, beside the leave in the configuration.
//!
//! Two kinds that are not the same. Who said `away` is on leave: they are not asked, not reminded, and
//! a review they hold gets a second reviewer. Whom a forge shows as busy is at work with something
//! else: nobody new is put before them, and what they hold already stays theirs.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::calendar::{Agenda, Away, Hours};
use super::change::ForgeKind;
use super::decide::Judge;
use super::obey::Answer;
use super::people::{Directory, Person};
use super::reason::Reason;
use super::words;

/// How long a forge's word on somebody counts after it was last heard. Statuses are read about once
/// an hour; a forge that does not answer for longer than this must not keep anybody out for ever.
const BUSY_COUNTS_FOR: SignedDuration = SignedDuration::from_hours(6);
/// Longest absence that one command can announce, in days.
pub const AWAY_DAYS_MAX: u32 = 366;

/// A forge shows somebody as busy (GitLab: `availability: busy`, GitHub: "limited availability"). What
/// they wrote beside it is none of Usher's business, and neither asked for nor kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    pub says: ForgeKind,
    /// When the status ends by itself, as far as the forge tells.
    pub until: Option<Timestamp>,
    /// When the forge was asked.
    pub seen_at: Timestamp,
}

impl Busy {
    /// Whether the word still counts at `now`.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now) && now.duration_since(self.seen_at) < BUSY_COUNTS_FOR
    }
}

/// What somebody said last of their own absence, with `away` or `back`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The days, both ends included, in the person's own time zone. After `back` those that are over;
    /// `None` if there are none.
    pub days: Option<Away>,
    /// By the clock of the forge on which it was said.
    pub said_at: Timestamp,
}

/// What everybody said last, by Usher's name for the person. It holds on all forges.
pub type Absences = BTreeMap<String, Absence>;

/// Somebody said `away` or `back`: what is to be remembered of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsenceWish {
    pub person: String,
    pub absence: Absence,
}

impl AbsenceWish {
    /// Writes the wish into `absences`, unless something newer was said before: facts may come late.
    pub fn enter(&self, absences: &mut Absences) {
        let newer = absences.get(&self.person).is_some_and(|known| known.said_at > self.absence.said_at);
        if !newer {
            absences.insert(self.person.clone(), self.absence);
        }
    }
}

/// The end of an absence, as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwayEnd {
    /// The last day, in the person's own time zone.
    Until(Date),
    /// So many working days of theirs, today included while it is not over.
    Days(u32),
}

/// Whom the forges show as busy, by Usher's name for the person: the newest word on each.
pub type BusyPeople = BTreeMap<String, Busy>;

impl Directory {
    /// Adds those whom this directory's forge shows as busy.
    pub fn tell_busy(&self, busy: &mut BusyPeople) {
        for person in self.people() {
            let Some(own) = person.busy else { continue };
            let known = busy.entry(person.name.clone()).or_insert(own);
            if own.seen_at > known.seen_at {
                *known = own;
            }
        }
    }

    /// Joins in what people said of themselves, and what other forges show: people are the same
    /// everywhere, so somebody who is busy on one forge is not asked on another.
    pub fn heed(&mut self, absences: &Absences, busy: &BusyPeople) {
        for person in self.people_mut() {
            person.busy = busy.get(&person.name).copied().or(person.busy);
            person.said = absences.get(&person.name).copied();
            person.away.extend(person.said.and_then(|said| said.days));
        }
    }
}

impl Judge<'_> {
    /// Somebody says that they are not there.
    pub(super) fn go_away(&mut self, person: &Person, end: Option<AwayEnd>, at: Timestamp) -> Answer {
        let me = self.world.directory.handle();
        let first = Agenda::new(&person.hours, &[]).workday(at);
        let latest = first.checked_add(i64::from(AWAY_DAYS_MAX).days()).unwrap_or(first);
        let last = match end {
            None => return Answer::Refused(words::away_unclear(first, me)),
            Some(AwayEnd::Until(last)) => last,
            Some(AwayEnd::Days(days)) => match last_working_day(&person.hours, at, days) {
                Some(last) => last,
                None => return Answer::Refused(words::away_too_long(latest)),
            },
        };
        if last < first {
            return Answer::Refused(words::away_over(last, first, me));
        }
        if last > latest {
            return Answer::Refused(words::away_too_long(latest));
        }
        // Who stays away for longer has been away all the time: no box had its time run meanwhile.
        let runs_on =
            |leave: &Away| leave.first < first && leave.last.tomorrow().is_ok_and(|next| next >= first);
        let first = said_leave(person).filter(runs_on).map_or(first, |leave| leave.first);
        if self.remember(person, Some(Away { first, last }), at) {
            self.say(Reason::WentAway { person: person.name.clone(), until: last });
        }
        Answer::Done
    }

    /// Somebody says that they are there again. What the configuration or a forge says is not
    /// Usher's to end, so they are told of it.
    pub(super) fn say_back(&mut self, person: &Person, at: Timestamp) -> Answer {
        // The days until today stay days away, for the same reason.
        let today = Agenda::new(&person.hours, &[]).workday(at);
        let begun = said_leave(person).filter(|leave| leave.first < today);
        let over = begun.zip(today.yesterday().ok());
        let over = over.map(|(leave, yesterday)| Away { last: leave.last.min(yesterday), ..leave });
        if self.remember(person, over, at) {
            self.say(Reason::CameBack { person: person.name.clone() });
        }
        let now = self.now();
        let configured = self.world.policy.people.get(&person.name).map(|own| own.away.as_slice());
        let leave = Agenda::new(&person.hours, configured.unwrap_or_default()).away_until(now);
        let busy = person.busy.filter(|busy| busy.counts(now));
        match words::still_away(leave, busy, person.hours.timezone()) {
            Some(text) => Answer::Words(text),
            None => Answer::Done,
        }
    }

    /// Notes what is to be remembered; false when something newer is known.
    fn remember(&mut self, person: &Person, days: Option<Away>, said_at: Timestamp) -> bool {
        if person.said.is_some_and(|known| known.said_at > said_at) {
            self.say(Reason::OlderWord { person: person.name.clone() });
            return false;
        }
        let absence = Absence { days, said_at };
        self.absence = Some(AbsenceWish { person: person.name.clone(), absence });
        true
    }
}

/// The leave that the person announced last, whether or not it is over.
fn said_leave(person: &Person) -> Option<Away> {
    person.said.and_then(|said| said.days)
}

/// The last of the next `days` working days from `from` on, leave not taken off; `None` when there
/// are not so many within [`AWAY_DAYS_MAX`].
fn last_working_day(hours: &Hours, from: Timestamp, days: u32) -> Option<Date> {
    let undisturbed = Agenda::new(hours, &[]);
    let mut from = from;
    let mut last = None;
    for _ in 0..days.min(AWAY_DAYS_MAX + 1) {
        let day = undisturbed.workday(undisturbed.next_working(from)?);
        last = Some(day);
        from = undisturbed.leave_begins(day.tomorrow().ok()?)?;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_forges_word_counts_while_it_is_fresh_and_not_over() {
        let seen_at = at("2026-11-23T09:00:00Z");
        let busy = Busy { says: ForgeKind::GitHub, until: None, seen_at };
        assert!(busy.counts(seen_at) && busy.counts(at("2026-11-23T14:59:59Z")));
        assert!(!busy.counts(at("2026-11-23T15:00:00Z")), "nobody has confirmed it for six hours");
        let short = Busy { until: Some(at("2026-11-23T10:00:00Z")), ..busy };
        assert!(short.counts(at("2026-11-23T09:59:59Z")) && !short.counts(at("2026-11-23T10:00:00Z")));
    }

    #[test]
    fn days_of_a_night_shift_are_those_on_which_it_begins() {
        use jiff::civil::Weekday::{Friday, Monday};
        let night = Hours::new(jiff::tz::TimeZone::UTC, &[Monday, Friday], &[(22 * 60, 6 * 60)], []);
        let last = |from: &str, days| last_working_day(&night, at(from), days).map(|day| day.to_string());
        // Friday the 27th, in the middle of the shift, and after midnight of it.
        for from in ["2026-11-27T23:00:00Z", "2026-11-28T01:00:00Z"] {
            assert_eq!(last(from, 1).as_deref(), Some("2026-11-27"), "{from}");
            assert_eq!(last(from, 2).as_deref(), Some("2026-11-30"), "{from}");
        }
        assert_eq!(last("2026-11-28T06:00:00Z", 1).as_deref(), Some("2026-11-30"));
    }

    #[test]
    fn the_newest_word_stands_in_whatever_order_words_come() {
        let day = |text: &str| text.parse().unwrap();
        let away = Away { first: day("2026-11-23"), last: day("2026-12-01") };
        let said = |days, said_at: &str| AbsenceWish {
            person: "rita".into(),
            absence: Absence { days, said_at: at(said_at) },
        };
        let (gone, back) = (said(Some(away), "2026-11-23T09:00:00Z"), said(None, "2026-11-24T09:00:00Z"));
        for order in [[&gone, &back], [&back, &gone]] {
            let mut absences = Absences::new();
            order.into_iter().for_each(|wish| wish.enter(&mut absences));
            assert_eq!(absences["rita"], back.absence);
        }
        // Two words of one second (forges date to the second): the later in order stands.
        let mut absences = Absences::new();
        said(None, "2026-11-23T09:00:00Z").enter(&mut absences);
        gone.enter(&mut absences);
        assert_eq!(absences["rita"].days, Some(away));
    }
}
