//! Absence: what people and forges say of somebody's presence, beside the leave in the configuration.
//!
//! Two kinds that are not the same. Who said `away` is on leave: they are not asked, not reminded, and
//! a review they hold gets a second reviewer. Whom a forge shows as busy is at work with something
//! else: nobody new is put before them, and what they hold already stays theirs.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::calendar::Away;
use super::change::ForgeKind;

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
