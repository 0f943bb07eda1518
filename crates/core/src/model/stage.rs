//! Stages: where a review stands.

use serde::{Deserialize, Serialize};

/// Where a review stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Left in peace until it is ready for review.
    Draft,
    /// Nobody could be asked yet.
    #[default]
    Waiting,
    /// The reviewers have the ball.
    Reviewing,
    /// The author has it.
    WithAuthor,
    /// Whoever merges has it.
    ReadyToMerge,
    /// Merged or closed.
    Done,
}

impl Stage {
    pub const ALL: [Stage; 6] =
        [Stage::Draft, Stage::Waiting, Stage::Reviewing, Stage::WithAuthor, Stage::ReadyToMerge, Stage::Done];

    /// The word of the design, also used by the API and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Draft => "draft",
            Stage::Waiting => "waiting",
            Stage::Reviewing => "reviewing",
            Stage::WithAuthor => "with_author",
            Stage::ReadyToMerge => "ready_to_merge",
            Stage::Done => "done",
        }
    }
}
