//! In which calendar somebody works: their own, else that of support, else that of the pool that asks.

use std::sync::Arc;

use super::calendar::Hours;
use super::people::{Directory, Person, week_millis};
use super::policy::{GroupRef, Policy, Pool};

impl Directory {
    /// Somebody with the working time that they have where this pool asks them, as a member or lead.
    pub fn asked_by(&self, pool: &str, name: &str) -> Option<&Person> {
        let own = self.in_pools.get(pool).and_then(|people| people.get(name));
        own.or_else(|| self.by_name(name))
    }

    /// Gives working time to all who have no calendar of their own: to support engineers that of
    /// `[support]`, for a pool to its members and leads that of the pool. Else the first of these that they
    /// have counts, so that only who has none at all falls to the default.
    pub(super) fn give_calendars(&mut self, policy: &Policy) {
        let names: Vec<String> = self.people().map(|person| person.name.clone()).collect();
        for name in names.iter().filter(|name| !policy.has_own_calendar(name)) {
            let pools = self.calendars_of(policy, name);
            let leads = policy.support.lead.as_ref() == Some(name);
            let support = leads || self.by_name(name).is_some_and(|person| person.support);
            let of_support = policy.support.hours.as_ref().filter(|_| support);
            let Some(usual) = of_support.or(pools.first().map(|(_, hours)| *hours)) else { continue };
            let Some(person) = self.people.get_mut(name) else { continue };
            *person = person.working(policy, usual);
            for (pool, hours) in pools.iter().filter(|(_, hours)| !Arc::ptr_eq(usual, hours)) {
                let people = self.in_pools.entry(pool.name.clone()).or_default();
                people.insert(name.clone(), person.working(policy, hours));
            }
        }
    }

    /// The pools that have somebody as a member or lead, and their calendars; those of members first.
    fn calendars_of<'p>(&self, policy: &'p Policy, name: &str) -> Vec<(&'p Pool, &'p Arc<Hours>)> {
        let pools = policy.pools.iter().filter_map(|pool| Some((pool, pool.hours.as_ref()?)));
        let (members, others): (Vec<_>, Vec<_>) = pools.partition(|(pool, _)| self.in_pool(&pool.name, name));
        let leads = others.into_iter().filter(|(pool, _)| pool.is_led_by(name));
        members.into_iter().chain(leads).collect()
    }
}

impl Policy {
    fn has_own_calendar(&self, name: &str) -> bool {
        self.people.get(name).is_some_and(|own| own.hours.is_some())
    }

    /// Who works in the default calendar because no other is theirs: names, and groups as `forge:path`.
    pub fn without_calendar(&self) -> Vec<String> {
        let mut without: Vec<String> = Vec::new();
        let mut note = |names: &mut dyn Iterator<Item = &String>, groups: &[GroupRef]| {
            without.extend(names.filter(|name| !self.works_somewhere(name)).cloned());
            without.extend(groups.iter().map(|group| format!("{}:{}", group.forge, group.path)));
        };
        if self.support.hours.is_none() {
            note(&mut self.support.members.iter().chain(&self.support.lead), &self.support.groups);
        }
        for pool in self.pools.iter().filter(|pool| pool.hours.is_none()) {
            note(&mut pool.members.iter().chain(&pool.leads), &pool.groups);
        }
        note(&mut self.contact.iter(), &[]);
        without.sort();
        without.dedup();
        without
    }

    /// Whether somebody who is named has any calendar, as far as the configuration alone can tell.
    fn works_somewhere(&self, name: &String) -> bool {
        let support = self.support.members.contains(name) || self.support.lead.as_ref() == Some(name);
        let support = self.support.hours.is_some() && support;
        let pools = self.pools.iter().filter(|pool| pool.hours.is_some());
        let of_pool = |pool: &Pool| pool.members.contains(name) || pool.is_led_by(name);
        self.has_own_calendar(name) || support || pools.into_iter().any(of_pool)
    }
}

impl Pool {
    /// Whether the person is one of its leads.
    pub fn is_led_by(&self, name: &str) -> bool {
        self.leads.iter().any(|lead| lead == name)
    }
}

impl Person {
    /// The same person in another calendar, with what their own week changes in it.
    fn working(&self, policy: &Policy, hours: &Arc<Hours>) -> Person {
        let own = policy.people.get(&self.name);
        let hours = own.map_or_else(|| hours.clone(), |own| own.week.of(hours));
        Person { week_millis: week_millis(&hours), hours, ..self.clone() }
    }
}
