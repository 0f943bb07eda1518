//! Lines about who was asked how often.

use std::sync::Arc;

use jiff::civil::Time;
use usher_core::model::calendar::Hours;

use super::{Story, Told, at, date, fit, london, number, person};

impl Story {
    pub(super) fn given_history(&mut self, line: &str) -> Option<Told> {
        let company = &mut self.play.company;
        let told = if let Some([who, times, day]) = fit("{} was asked {} times on {}", line) {
            person(who).and_then(|_| {
                let (times, noon) = (number(times)?, at(date(day)?, Time::constant(12, 0, 0, 0)));
                let load = company.elsewhere.people.entry(who.into()).or_default();
                for _ in 0..times {
                    load.asked.add(noon);
                }
                load.last_asked = load.last_asked.max(Some(noon));
                Ok(())
            })
        } else if let Some([who]) = fit("{} never works", line) {
            let never = Arc::new(Hours::new(london(), &[], &[], []));
            person(who).map(|_| company.person_mut(who).hours = Some(never))
        } else {
            return None;
        };
        Some(told)
    }
}
