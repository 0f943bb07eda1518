//! Changes that the forge no longer shows: their project was renamed, moved, archived or deleted, or
//! Usher may not see it any more. Such a review neither stays open for ever nor is it forgotten.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A review whose change is not shown is closed no sooner than this, and after no fewer tries.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
const GIVEN_UP_TRIES: u32 = 3;

/// Why a change cannot be followed where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreachableWhy {
    /// The change or its project was deleted, or hidden from Usher: forges tell these apart from
    /// nobody.
    Hidden,
    /// Its project is archived: it can be read, and nobody can act on it.
    Archived,
    /// Its project has moved to where Usher does not watch.
    MovedAway,
    /// Its project has another name, and Usher has a review under that name already. Read from stores of
    /// earlier versions; there is one review for both names since.
    Followed,
}

/// Since when a change is not shown, and how often it was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    pub why: UnreachableWhy,
    pub since: Timestamp,
    #[serde(default)]
    pub tries: u32,
}

/// The forge shows the change and takes nothing for it, or hides it for now: reviewers and labels have not
/// come about for minutes. Nobody is used up by it, and no clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// When what does not come about was first wanted.
    pub since: Timestamp,
    /// Nobody tries it any more, before the change is seen again.
    #[serde(default)]
    pub given_up: bool,
    /// The contact of the configuration was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

impl Unreachable {
    /// Whether it was looked for long enough. An archived project may come back at any time.
    pub(crate) fn is_for_good(&self, now: Timestamp) -> bool {
        match self.why {
            UnreachableWhy::Followed => true,
            UnreachableWhy::Archived => false,
            UnreachableWhy::Hidden | UnreachableWhy::MovedAway => {
                self.tries >= GIVEN_UP_TRIES && now.duration_since(self.since) >= GIVEN_UP_AFTER
            }
        }
    }
}
