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
    /// Who is told when the box runs out: the first of those whom it concerns who is there within a business
    /// day, else the contact of the configuration, else the first of them once they are back. Of an author's
    /// silence that is the lead of support, and the pool's leads where nobody else is named.
    pub(super) fn who_is_told(&self, id: BoxId) -> Option<String> {
        let policy = self.world.policy;
        let contact = policy.contact.iter();
        let pool = self.part_of(id).map(|part| part.pool.as_str());
        let leads = pool.and_then(|pool| policy.pool(pool)).into_iter().flat_map(|pool| &pool.leads);
        let told: Vec<&String> = match id {
            BoxId::Author => policy.support.lead.iter().chain(contact).chain(leads).collect(),
            BoxId::Unclaimed => contact.collect(),
            BoxId::Waiting(_) | BoxId::Reviewing(_) | BoxId::Merge => leads.chain(contact).collect(),
        };
        self.first_there(&told, pool)
    }

    /// The lead of support, or else the contact.
    pub(super) fn who_finds_a_colleague(&self) -> Option<String> {
        let policy = self.world.policy;
        self.first_there(&policy.support.lead.iter().chain(&policy.contact).collect::<Vec<_>>(), None)
    }

    fn first_there(&self, told: &[&String], pool: Option<&str>) -> Option<String> {
        let directory = self.world.directory;
        // An author who leads support is not told of their own silence.
        let theirs = |name: &str| {
            let (acting, _) = self.review.acting_author();
            acting == Some(name) || self.review.author_name.as_deref() == Some(name)
        };
        let known = |name: &&&String| {
            directory.by_name(name).is_some_and(|own| own.account.is_some()) && !theirs(name)
        };
        let there = |name: &&&String| {
            let busy = directory.by_name(name).and_then(|own| own.busy);
            self.long_leave(name, pool).is_none() && busy.is_none_or(|busy| !busy.counts(self.now()))
        };
        let mut known = told.iter().filter(known);
        let first = known.clone().next();
        known.find(there).or(first).map(|name| (*name).clone())
    }

    /// When it is told again that a box ran out: one budget after it was told last, and not before five
    /// working days of whoever is told.
    pub(super) fn tells_again_at(&self, id: BoxId) -> Option<Timestamp> {
        let time_box = self.time_box(id)?;
        let told = time_box.escalated_at.filter(|_| time_box.running_since.is_some())?;
        let (terms, agenda) = (self.terms(id), self.agenda(id));
        let lead = self.who_is_told(id)?;
        let hers = self.person_of(id, &lead)?.agenda();
        let budget = agenda.add(told, terms.budget.millis(&agenda))?;
        let days = hers.add(told, TOLD_AGAIN_AFTER.millis(&hers))?;
        Some(budget.max(days))
    }

    /// Who is on leave for longer neither merges nor has a clock.
    pub(super) fn note_who_is_absent(&mut self) {
        let away =
            |own: &Assignment| own.is_active() && self.long_leave(&own.person, Some(&own.pool)).is_some();
        let away: Vec<bool> = self.review.planned.assignments.iter().map(away).collect();
        for (own, absent) in self.review.planned.assignments.iter_mut().zip(away) {
            own.absent = absent;
        }
    }

    /// The last day of the person's present leave, if it outlasts one working day of the pool; one of their own
    /// where no pool asks.
    pub(super) fn long_leave(&self, person: &str, pool: Option<&str>) -> Option<jiff::civil::Date> {
        let directory = self.world.directory;
        let person =
            pool.map_or_else(|| directory.by_name(person), |pool| directory.asked_by(pool, person))?;
        let agenda = person.agenda();
        let until = agenda.away_until(self.now())?;
        let hours = pool.map_or(&*person.hours, |pool| self.world.policy.pool_hours(pool));
        let working_time = Agenda::new(hours, &[]);
        let back = agenda.next_working(self.now());
        let too_long =
            back.is_none_or(|back| working_time.between(self.now(), back) > hours.longest_day_millis());
        too_long.then_some(until)
    }
}
