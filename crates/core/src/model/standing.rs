//! Where a review stands: derived from it each time, never stored beside what it follows from.

use super::stage::Stage;

/// Where a review stands: the stage, whose turn it is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'r> {
    pub stage: Stage,
    /// Whose turn it is, each with a time box of their own. Nobody's, on drafts, finished changes and
    /// those that are left alone.
    pub holders: Vec<Holder<'r>>,
    pub why: Why<'r>,
}

/// Somebody whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'r> {
    /// A pool of which nobody could be asked.
    Pool {
        pool: &'r str,
    },
    /// Nobody: no route claims the change.
    Unclaimed,
    Reviewer {
        pool: &'r str,
        person: &'r str,
    },
    Author,
    /// Whoever merges; the person who is expected to, if there is one.
    Merger {
        person: Option<&'r str>,
    },
}

/// What the stage follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'r> {
    /// Merged or closed.
    Ended,
    Draft,
    /// A person set the stage by label, and nobody has acted since.
    SetByLabel,
    /// This reviewer asks something that the author has not acted on.
    Asked {
        person: &'r str,
    },
    /// No reviewer is asked.
    NobodyAsked,
    /// This pool lacks approvals; none, where no pool claims the change.
    Lacks {
        pool: Option<&'r str>,
    },
    Approved,
}
