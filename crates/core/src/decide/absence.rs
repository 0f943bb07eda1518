//! `away` and `back`: what people say of their own presence.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::apply::Applying;
use super::commands::Outcome;
use crate::model::absence::{AWAY_DAYS_MAX, Absence, AbsenceWish, AwayEnd};
use crate::model::calendar::{Agenda, Away, Hours};
use crate::model::choice::VerdictsTold;
use crate::model::message::Answer;
use crate::model::people::Person;
use crate::model::reason::Reason;

impl Applying<'_, '_, '_> {
    /// Somebody says that they are not there.
    pub(super) fn go_away(&mut self, person: &Person, end: Option<AwayEnd>, at: Timestamp) -> Outcome {
        let first = Agenda::new(&person.hours, &[]).workday(at);
        let latest = first.checked_add(i64::from(AWAY_DAYS_MAX).days()).unwrap_or(first);
        let last = match end {
            None => return Outcome::Refused(Answer::AwayUnclear { today: first }),
            Some(AwayEnd::Until(last)) => last,
            Some(AwayEnd::Days(days)) => match last_working_day(&person.hours, at, days) {
                Some(last) => last,
                None => return Outcome::Refused(Answer::AwayTooLong { latest }),
            },
        };
        if last < first {
            return Outcome::Refused(Answer::AwayOver { last, today: first });
        }
        if last > latest {
            return Outcome::Refused(Answer::AwayTooLong { latest });
        }
        // Who stays away for longer has been away all the time: no box had its time run meanwhile.
        let runs_on =
            |leave: &Away| leave.first < first && leave.last.tomorrow().is_ok_and(|next| next >= first);
        let first = said_leave(person).filter(runs_on).map_or(first, |leave| leave.first);
        if self.remember(person, Some(Away { first, last }), at) {
            self.draft.say(Reason::WentAway { person: person.name.clone(), until: last });
            // They counted days; here is what came out.
            if let Some(AwayEnd::Days(_)) = end {
                return Outcome::Words(Answer::AwayUntil { last });
            }
        }
        Outcome::Done
    }

    /// Somebody says that they are there again. What the configuration or a forge says is not
    /// Usher's to end, so they are told of it.
    pub(super) fn say_back(&mut self, person: &Person, at: Timestamp) -> Outcome {
        // The days until today stay days away, for the same reason.
        let today = Agenda::new(&person.hours, &[]).workday(at);
        let begun = said_leave(person).filter(|leave| leave.first < today);
        let over = begun.zip(today.yesterday().ok());
        let over = over.map(|(leave, yesterday)| Away { last: leave.last.min(yesterday), ..leave });
        if self.remember(person, over, at) {
            self.draft.say(Reason::CameBack { person: person.name.clone() });
        }
        let now = self.draft.now();
        let configured = self.draft.world.policy.people.get(&person.name).map(|own| own.away.as_slice());
        let leave = Agenda::new(&person.hours, configured.unwrap_or_default()).away_until(now);
        let busy = person.busy.filter(|busy| busy.counts(now));
        let in_private = self.draft.world.policy.verdicts != VerdictsTold::Full;
        if leave.is_none() && busy.is_none() {
            return Outcome::Done;
        }
        Outcome::Words(Answer::StillAway { leave, busy, in_private, zone: person.hours.timezone().clone() })
    }

    /// Notes what is to be remembered; false when something newer is known.
    fn remember(&mut self, person: &Person, days: Option<Away>, said_at: Timestamp) -> bool {
        if person.said.is_some_and(|known| known.said_at > said_at) {
            self.draft.say(Reason::OlderWord { person: person.name.clone() });
            return false;
        }
        let absence = Absence { days, said_at };
        self.observed.absence = Some(AbsenceWish { person: person.name.clone(), absence });
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
}
