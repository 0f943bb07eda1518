//! How often somebody was asked lately: one number for each of the last days.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many days back it is remembered who was asked: two weeks, today included.
pub const REMEMBERED_DAYS: i64 = 14;
const KEPT: usize = REMEMBERED_DAYS as usize;
const DAY_MILLIS: i64 = 24 * 3_600_000;

/// How often somebody was asked on each of the last 14 days (of UTC), on all forges and by all pools.
/// What is older is forgotten, so that nobody has to catch up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecentRequests {
    /// Days since 1970-01-01 of the newest count.
    newest_day: i64,
    /// The newest day first.
    counts: [u16; KEPT],
}

impl RecentRequests {
    /// Counts being asked at `at`. What lies before the remembered days is not counted.
    pub fn add(&mut self, at: Timestamp) {
        let day = day(at);
        if day > self.newest_day {
            self.turn_to(day);
        }
        let back = usize::try_from(self.newest_day - day).unwrap_or(KEPT);
        if let Some(count) = self.counts.get_mut(back) {
            *count = count.saturating_add(1);
        }
    }

    /// How often they were asked in the last 14 days.
    pub fn remembered(&self, now: Timestamp) -> u32 {
        self.since(days_before(now, REMEMBERED_DAYS - 1))
    }

    /// Adds the counts of somebody else, day by day.
    pub fn join(&mut self, other: &RecentRequests) {
        if other.newest_day > self.newest_day {
            self.turn_to(other.newest_day);
        }
        let back = usize::try_from(self.newest_day - other.newest_day).unwrap_or(KEPT).min(KEPT);
        for (count, more) in self.counts.iter_mut().skip(back).zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// Makes `day`, a later one, the newest.
    fn turn_to(&mut self, day: i64) {
        let by = usize::try_from(day - self.newest_day).unwrap_or(KEPT).min(KEPT);
        self.counts.rotate_right(by);
        self.counts.iter_mut().take(by).for_each(|count| *count = 0);
        self.newest_day = day;
    }

    /// How often they were asked from the (whole) day of `from` on.
    pub fn since(&self, from: Timestamp) -> u32 {
        let days = usize::try_from(self.newest_day - day(from) + 1).unwrap_or(0);
        self.counts.iter().take(days).map(|count| u32::from(*count)).sum()
    }
}

/// The same time of day, `days` earlier.
pub fn days_before(at: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond() - days * DAY_MILLIS).unwrap_or(Timestamp::MIN)
}

fn day(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(DAY_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64, hour: i64) -> Timestamp {
        Timestamp::from_second((20_000 + day) * 86_400 + hour * 3_600).unwrap()
    }

    #[test]
    fn counts_days_and_forgets_after_two_weeks() {
        let mut asked = RecentRequests::default();
        for (day, hour) in [(0, 9), (0, 23), (3, 0), (1, 5)] {
            asked.add(at(day, hour));
        }
        assert_eq!([0, 1, 2, 3, 4].map(|day| asked.since(at(day, 12))), [4, 2, 1, 1, 0]);
        asked.add(at(14, 0));
        assert_eq!(asked.since(at(0, 0)), 3, "day 0 is forgotten");
        asked.add(at(0, 0));
        assert_eq!(asked.since(at(0, 0)), 3, "what is too old is not counted");
        asked.add(at(400, 0));
        assert_eq!(asked.since(at(0, 0)), 1);
    }

    #[test]
    fn is_read_from_an_older_and_a_newer_record() {
        let mut asked = RecentRequests::default();
        asked.add(at(0, 9));
        let text = serde_json::to_string(&asked).unwrap();
        assert_eq!(serde_json::from_str::<RecentRequests>(&text).unwrap(), asked);
        assert_eq!(serde_json::from_str::<RecentRequests>("{}").unwrap(), RecentRequests::default());
        assert_eq!(
            serde_json::from_str::<RecentRequests>(r#"{"later": 1}"#).unwrap(),
            RecentRequests::default()
        );
    }
}
