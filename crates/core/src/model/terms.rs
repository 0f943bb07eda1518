//! The terms of a time box: what each layer of the policy may say of a stage's budget and steps.

use serde::{Deserialize, Serialize};

use super::stage::Stage;
use super::timebox::{BoxRule, BoxRules, Budget, Step};

/// Who may have the ball, and so which box runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Waiting,
    Reviewing,
    WithAuthor,
    ReadyToMerge,
}

/// What a layer says of one turn; nothing, where it leaves it to the layers below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoxOverride {
    pub budget: Option<Budget>,
    /// In ascending order of `at_percent`.
    pub steps: Option<Vec<Step>>,
}

/// What a layer says of all turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoxOverrides {
    pub waiting: BoxOverride,
    pub reviewing: BoxOverride,
    pub with_author: BoxOverride,
    pub ready_to_merge: BoxOverride,
}

/// A `[[timebox_rule]]`: boxes for changes of a certain size or label. All of its conditions must
/// hold; while the size is not known, no condition on it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeBoxRule {
    /// How the status comment calls it.
    pub name: Option<String>,
    pub min_lines: Option<u64>,
    pub max_lines: Option<u64>,
    pub max_files: Option<u64>,
    /// Matches when the change has one of them; empty: does not matter.
    pub labels: Vec<String>,
    pub boxes: BoxOverrides,
}

/// A rule as it is told: its name, and the changes for which it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleConditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_lines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_files: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// The topmost layer that said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermsSource<'p> {
    Everywhere,
    Pool,
    Route,
    Rule(&'p TimeBoxRule),
}

/// What holds for one box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'p> {
    pub budget: Budget,
    pub steps: &'p [Step],
    pub source: TermsSource<'p>,
}

impl Turn {
    /// The turn of a stage; drafts and what is done have none.
    pub fn of(stage: Stage) -> Option<Turn> {
        match stage {
            Stage::Waiting => Some(Turn::Waiting),
            Stage::Reviewing => Some(Turn::Reviewing),
            Stage::WithAuthor => Some(Turn::WithAuthor),
            Stage::ReadyToMerge => Some(Turn::ReadyToMerge),
            Stage::Draft | Stage::Done => None,
        }
    }
}

impl BoxOverride {
    pub fn is_empty(&self) -> bool {
        self.budget.is_none() && self.steps.is_none()
    }
}

impl BoxOverrides {
    pub fn of(&self, turn: Turn) -> &BoxOverride {
        match turn {
            Turn::Waiting => &self.waiting,
            Turn::Reviewing => &self.reviewing,
            Turn::WithAuthor => &self.with_author,
            Turn::ReadyToMerge => &self.ready_to_merge,
        }
    }

    pub fn is_empty(&self) -> bool {
        let turns = [&self.waiting, &self.reviewing, &self.with_author, &self.ready_to_merge];
        turns.into_iter().all(BoxOverride::is_empty)
    }

    /// What it says of the turn, if anything.
    pub(crate) fn said(&self, turn: Turn) -> Option<&BoxOverride> {
        Some(self.of(turn)).filter(|said| !said.is_empty())
    }
}

impl BoxRules {
    pub fn of(&self, turn: Turn) -> &BoxRule {
        match turn {
            Turn::Waiting => &self.waiting,
            Turn::Reviewing => &self.reviewing,
            Turn::WithAuthor => &self.with_author,
            Turn::ReadyToMerge => &self.ready_to_merge,
        }
    }
}
