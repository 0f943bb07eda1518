//! Who is there: whom a box that ran out is told, and who cannot act for now.

use jiff::Timestamp;

use super::draft::Draft;
use super::timers::BoxId;
use crate::model::calendar::Agenda;
use crate::model::review::Assignment;
use crate::model::timebox::Budget;

/// The least time between two words to one person that a box ran out.
const TOLD_AGAIN_AFTER: Budget = Budget::Days(5);

impl Draft<'_> {
    /// Who is told when a box of the pool runs out: its lead, who is at work within a business day; else the
    /// contact of the configuration; else the lead all the same, once they are back.
    pub(super) fn who_is_told(&self, pool: &str) -> Option<String> {
        let known =
            |name: &String| self.world.directory.by_name(name).is_some_and(|own| own.account.is_some());
        let soon = |name: &String| self.long_leave(name, pool).is_none();
        let lead = self.world.policy.pool(pool).and_then(|pool| pool.lead.clone()).filter(known);
        let contact = self.world.policy.contact.clone().filter(known);
        lead.clone().filter(soon).or(contact.filter(soon)).or(lead)
    }

    /// When it is told again that a box ran out: one budget after it was told last, and not before five
    /// working days of whoever is told.
    pub(super) fn tells_again_at(&self, id: BoxId) -> Option<Timestamp> {
        let time_box = self.time_box(id)?;
        let told = time_box.escalated_at.filter(|_| time_box.running_since.is_some())?;
        let (terms, agenda) = (self.terms(id), self.agenda(id));
        let pool = &self.part_of(id)?.pool;
        let lead = self.who_is_told(pool)?;
        let hers = self.world.directory.asked_by(pool, &lead)?.agenda();
        let budget = agenda.add(told, terms.budget.millis(&agenda))?;
        let days = hers.add(told, TOLD_AGAIN_AFTER.millis(&hers))?;
        Some(budget.max(days))
    }

    /// Who is on leave for longer neither merges nor has a clock.
    pub(super) fn note_who_is_absent(&mut self) {
        let away = |own: &Assignment| own.is_active() && self.long_leave(&own.person, &own.pool).is_some();
        let away: Vec<bool> = self.review.planned.assignments.iter().map(away).collect();
        for (own, absent) in self.review.planned.assignments.iter_mut().zip(away) {
            own.absent = absent;
        }
    }

    /// The last day of the person's present leave, if it outlasts one working day of the pool.
    pub(super) fn long_leave(&self, person: &str, pool: &str) -> Option<jiff::civil::Date> {
        let agenda = self.world.directory.asked_by(pool, person)?.agenda();
        let until = agenda.away_until(self.now())?;
        let hours = self.world.policy.pool_hours(pool);
        let pool_time = Agenda::new(hours, &[]);
        let back = agenda.next_working(self.now());
        let too_long =
            back.is_none_or(|back| pool_time.between(self.now(), back) > hours.longest_day_millis());
        too_long.then_some(until)
    }
}
