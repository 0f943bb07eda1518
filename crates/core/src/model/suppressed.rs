//! What Usher holds back out of kindness, and why: pings that wait or are not sent, changes that
//! wait for their turn in the first roll-out, and what people asked it to leave alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a ping is kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum SuppressedWhy {
    /// Outside their working hours: it goes out at `until`.
    NotWorking { until: Option<Timestamp> },
    /// They are at work, but the forge is closed for maintenance: it goes out at `until`.
    ForgeClosed { until: Option<Timestamp> },
    /// They had their pings for today: it goes out at `until`.
    DayLimit { until: Option<Timestamp> },
    /// The change had its pings for this turn: it is not sent at all.
    ChangeLimit,
    /// A later step of the same box is due as well and says it all.
    Overtaken,
}

/// A ping that is due and kept back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct SuppressedPing {
    /// Empty in reviews stored by 0.1.0, until they are next looked at.
    pub person: String,
    pub until: Timestamp,
    pub why: SuppressedWhy,
}

/// How held pings are stored: as a whole, or (0.1.0) only until when.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Until(Timestamp),
    Whole { person: String, until: Timestamp, why: SuppressedWhy },
}

impl From<Kept> for SuppressedPing {
    fn from(kept: Kept) -> SuppressedPing {
        match kept {
            Kept::Until(until) => SuppressedPing {
                person: String::new(),
                until,
                why: SuppressedWhy::NotWorking { until: Some(until) },
            },
            Kept::Whole { person, until, why } => SuppressedPing { person, until, why },
        }
    }
}

/// One thing that is held back now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "held")]
pub enum Suppressed {
    /// A ping that goes out at `until`.
    Ping { person: String, until: Timestamp, because: SuppressedWhy },
    /// The change had its pings for this turn: nobody is pinged before the ball moves.
    PingsUsedUp { pings: u32 },
    /// Open before Usher came.
    FirstRun,
    Snooze {
        until: Timestamp,
        /// Who asked for it, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    Skip {
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// The forge does not take reviewers and labels.
    ForgeRefuses,
}

impl Suppressed {
    /// The word of API and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Suppressed::Ping { because, .. } => because.word(),
            Suppressed::PingsUsedUp { .. } => "change_limit",
            Suppressed::FirstRun => "first_run",
            Suppressed::Snooze { .. } => "snooze",
            Suppressed::Skip { .. } => "skip",
            Suppressed::ForgeRefuses => "forge_refuses",
        }
    }

    /// Until when, where that is known.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Suppressed::Ping { until, .. } | Suppressed::Snooze { until, .. } => Some(*until),
            Suppressed::PingsUsedUp { .. }
            | Suppressed::FirstRun
            | Suppressed::Skip { .. }
            | Suppressed::ForgeRefuses => None,
        }
    }
}

impl SuppressedWhy {
    /// The word of API and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            SuppressedWhy::NotWorking { .. } => "not_working",
            SuppressedWhy::ForgeClosed { .. } => "forge_closed",
            SuppressedWhy::DayLimit { .. } => "day_limit",
            SuppressedWhy::ChangeLimit => "change_limit",
            SuppressedWhy::Overtaken => "overtaken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_stored_is_read() {
        let old: SuppressedPing = serde_json::from_str("\"2026-11-24T09:00:00Z\"").unwrap();
        let until: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
        assert_eq!((old.until, old.person.as_str()), (until, ""));
        let new = SuppressedPing {
            person: "rita".into(),
            until,
            why: SuppressedWhy::DayLimit { until: Some(until) },
        };
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<SuppressedPing>(&text).unwrap(), new);
    }
}
