//! What performing an action comes to, and what is known before it.

use usher_core::model::fact::Fact;

/// What is known of an action's comment before it is performed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Our comment with the action's marker, if one is known.
    pub comment_id: Option<u64>,
    /// The outcome of an earlier attempt is unknown: look for our comment by its marker before
    /// writing a new one.
    pub look_up: bool,
}

/// What performing an action came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performed {
    /// The comment that now carries the action's body, for actions that write one.
    pub comment: Option<u64>,
    /// What the forge told while at it: refused reviewers, changed files.
    pub facts: Vec<Fact>,
}

impl Performed {
    pub(in crate::forge) fn comment(id: u64) -> Performed {
        Performed { comment: Some(id), facts: Vec::new() }
    }

    pub(in crate::forge) fn facts(facts: Vec<Fact>) -> Performed {
        Performed { comment: None, facts }
    }
}
