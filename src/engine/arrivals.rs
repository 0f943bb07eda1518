//! What comes to each forge's front door: when the last good delivery came, and what was refused since.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::failing_hooks::{minute, remedy};
use usher_core::model::calendar::{Agenda, Hours};
use usher_core::model::change::ForgeKind;

/// Refused deliveries that go on for so long without a good one are a fault: any stranger can send one.
const FAULT_AFTER_MILLIS: i64 = 60 * 60 * 1000;

/// What came since the server started, by the forge's name. Only in memory: what goes wrong goes wrong again.
#[derive(Debug, Default)]
pub struct Arrivals {
    forges: Mutex<BTreeMap<String, Arrived>>,
}

/// What came to one forge's door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// When the last one came that was rightly signed.
    pub good_at: Option<Timestamp>,
    /// What was refused since, of those with the headers of this kind of forge.
    pub refused: Option<RefusedRun>,
}

/// Deliveries that were refused one after another, and no good one between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedRun {
    pub since: Timestamp,
    pub last_at: Timestamp,
    pub count: u64,
    /// Of the last one.
    pub why: RefusedWhy,
}

/// Why deliveries are refused, as far as the remedies differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWhy {
    /// The signature is wrong or missing.
    Unsigned,
    /// It is of another time.
    Clocks,
    /// The configuration has no secret to compare it with.
    NoSecret,
}

impl Arrivals {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arrived>> {
        self.forges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of a forge.
    fn note(&self, forge: &str, change: impl FnOnce(&mut Arrived)) {
        let mut forges = self.all();
        match forges.get_mut(forge) {
            Some(known) => change(known),
            None => change(forges.entry(forge.to_owned()).or_default()),
        }
    }

    /// A delivery was rightly signed.
    pub fn good(&self, forge: &str, at: Timestamp) {
        self.note(forge, |known| *known = Arrived { good_at: Some(at), refused: None });
    }

    /// A delivery with the headers of this kind of forge was refused.
    pub fn refused(&self, forge: &str, why: RefusedWhy, at: Timestamp) {
        self.note(forge, |known| {
            let run = known.refused.get_or_insert(RefusedRun { since: at, last_at: at, count: 0, why });
            *run = RefusedRun { last_at: at, count: run.count + 1, why, ..*run };
        });
    }

    /// What came to the door of this forge.
    pub fn of(&self, forge: &str) -> Arrived {
        self.all().get(forge).cloned().unwrap_or_default()
    }
}

impl RefusedRun {
    /// Whether it went on for an hour of the company's working time.
    pub fn is_fault(&self, hours: &Hours) -> bool {
        Agenda::new(hours, &[]).between(self.since, self.last_at) >= FAULT_AFTER_MILLIS
    }

    /// How many they are, since when, and why.
    pub fn sentence(&self) -> String {
        let (since, last_at) = (minute(self.since), minute(self.last_at));
        match self.count {
            1 => format!("1 delivery was refused at {since}, and no good one came since"),
            count => {
                format!(
                    "{count} deliveries were refused since {since}, the last at {last_at}, and no good one came"
                )
            }
        }
    }

    /// What mends it.
    pub fn remedy(&self, kind: ForgeKind, forge: &str) -> String {
        match self.why {
            RefusedWhy::NoSecret => "the configuration has no secret for this forge".into(),
            RefusedWhy::Clocks => {
                "the clocks of the forge and of this server are more than five minutes apart".into()
            }
            RefusedWhy::Unsigned => remedy(kind, forge, Some(401)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn refusals_are_a_fault_after_a_working_hour_without_a_good_one() {
        let (arrivals, office) = (Arrivals::default(), Hours::office(TimeZone::UTC));
        let refuse = |text: &str| {
            arrivals.refused("github", RefusedWhy::Unsigned, at(text));
            arrivals.of("github").refused.unwrap()
        };
        assert!(!refuse("2026-03-06T16:30:00Z").is_fault(&office), "any stranger can send one");
        // The weekend is no working time.
        assert!(!refuse("2026-03-08T12:00:00Z").is_fault(&office));
        let run = refuse("2026-03-09T09:31:00Z");
        assert!(run.is_fault(&office));
        assert_eq!(
            run.sentence(),
            "3 deliveries were refused since 2026-03-06 16:30 UTC, the last at 2026-03-09 09:31 UTC, \
             and no good one came"
        );
        arrivals.good("github", at("2026-03-09T09:32:00Z"));
        assert_eq!(arrivals.of("github").refused, None);
        assert_eq!(refuse("2026-03-09T10:00:00Z").count, 1, "it is counted anew");
        assert_eq!(arrivals.of("gitlab"), Arrived::default());
    }
}
