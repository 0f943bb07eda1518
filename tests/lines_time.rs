//! Lines about working time: weeks of single people, holidays, a closed forge.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Weekday;
use usher_core::model::calendar::{Hours, Window};

use super::{Story, Told, date, fit, hours, moment, person};
use crate::support::company::zone;

impl Story {
    pub(super) fn given_time(&mut self, line: &str) -> Option<Told> {
        let told = if let Some([who, days]) = fit("{} works on {} only", line) {
            self.works_on(who, days)
        } else if let Some([who, spans]) = fit("{} works from {}", line) {
            self.works_from(who, spans)
        } else if let Some([who, place, days]) = fit("{} lives in {} with holidays on {}", line) {
            self.lives_in(who, place, days)
        } else if let Some([days]) = fit("there are holidays on {}", line) {
            dates(days).map(|days| {
                let week = [
                    Weekday::Monday,
                    Weekday::Tuesday,
                    Weekday::Wednesday,
                    Weekday::Thursday,
                    Weekday::Friday,
                ];
                let policy = &mut self.play.company.policy;
                let zone = policy.default_hours.timezone().clone();
                policy.default_hours = Arc::new(Hours::new(zone, &week, &[(540, 1020)], days));
            })
        } else if let Some([start, end]) = fit("the forge is closed from {} to {}", line) {
            self.closed(start, end)
        } else {
            return None;
        };
        Some(told)
    }

    fn works_on(&mut self, who: &str, days: &str) -> Told {
        let days = days.split(", ").map(weekday).collect::<Result<_, _>>()?;
        person(who)?;
        self.play.company.person_mut(who).week.days = Some(days);
        Ok(())
    }

    fn works_from(&mut self, who: &str, spans: &str) -> Told {
        let spans: Vec<(u16, u16)> = spans.split(", ").map(hours).collect::<Result<_, _>>()?;
        person(who)?;
        self.play.company.person_mut(who).week.hours = Some(spans);
        Ok(())
    }

    fn lives_in(&mut self, who: &str, place: &str, days: &str) -> Told {
        let week =
            [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        let hours = Hours::new(zone(place), &week, &[(540, 1020)], dates(days)?);
        person(who)?;
        self.play.company.person_mut(who).hours = Some(Arc::new(hours));
        Ok(())
    }

    fn closed(&mut self, start: &str, end: &str) -> Told {
        let now = self.play.now;
        let read = |text: &str, from: Timestamp| match moment(text, from) {
            Some((at, "")) => Ok(at),
            _ => Err(format!("`{text}` is no time")),
        };
        let start = read(start, now)?;
        let end = read(end, start)?;
        let forge = &mut self.play.company.policy.forges[0];
        let mut windows = forge.maintenance.to_vec();
        windows.push(Window { start, end });
        forge.maintenance = Window::joined(windows).into();
        Ok(())
    }
}

fn dates(text: &str) -> Result<Vec<jiff::civil::Date>, String> {
    text.split(", ").map(date).collect()
}

fn weekday(text: &str) -> Result<Weekday, String> {
    let week = Weekday::Monday.cycle_forward().zip(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    let mut days = week.filter(|(_, name)| *name == text).map(|(day, _)| day);
    days.next().ok_or_else(|| format!("`{text}` is no day"))
}
