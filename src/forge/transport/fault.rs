//! What can go wrong between Usher and a forge, in words that say what to do next.

use jiff::Timestamp;

/// How a request ended that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeFault {
    /// Nothing was done: the gate or the forge asks for patience.
    #[error("not before {at}: {why}")]
    Later { at: Timestamp, why: String },
    /// The network or the forge failed; worth another try.
    #[error("{why}{}", if *.outcome_unknown { " (whether it was done is unknown)" } else { "" })]
    Retry {
        why: String,
        /// A write whose answer was lost: it may have been done. Look before doing it again.
        outcome_unknown: bool,
    },
    /// Nothing was done, and the forge says that it may be soon: it is busy with it, or prepares it.
    #[error("not yet: {why}")]
    NotYet { why: String },
    /// The forge will say the same next time.
    #[error("refused with {status}: {answer}")]
    Refused {
        /// 0 for a request that was never sent.
        status: u16,
        /// The forge's own words, at most `ANSWER_CHARS` characters, free of secrets; before them,
        /// where that is not plain, what it was asked.
        answer: String,
    },
    /// The change (or whatever was named) is not there, or not for our eyes.
    #[error("the forge knows no such thing (404), or hides it from this token")]
    Gone,
    #[error("the forge does not accept the token (401)")]
    Unauthorized,
}

impl ForgeFault {
    /// A request that cannot be made: a bug of ours, told rather than hidden.
    pub(in crate::forge) fn unsendable(error: &dyn std::fmt::Display) -> ForgeFault {
        ForgeFault::Refused { status: 0, answer: format!("the request cannot be made: {error}") }
    }

    /// An action that is not for a forge: a bug of ours, too.
    pub fn misdirected() -> ForgeFault {
        ForgeFault::Refused { status: 0, answer: "this is not for a forge to do".into() }
    }

    /// The same fault, saying what it befell.
    pub(in crate::forge) fn about(self, what: &str) -> ForgeFault {
        match self {
            ForgeFault::Retry { why, outcome_unknown } => {
                ForgeFault::Retry { why: format!("{what}: {why}"), outcome_unknown }
            }
            ForgeFault::Refused { status, answer } => {
                ForgeFault::Refused { status, answer: format!("{what}: {answer}") }
            }
            ForgeFault::NotYet { why } => ForgeFault::NotYet { why: format!("{what}: {why}") },
            fault => fault,
        }
    }

    /// A good status with a body that is not what it should be. One that is cut off, or no JSON at all,
    /// is the network's fault; one that says something else than we read is ours. What became of a write
    /// is unknown either way, and found out by looking.
    pub(in crate::forge) fn unreadable(error: &serde_json::Error, write: bool) -> ForgeFault {
        let why = format!("the forge's answer cannot be read: {error}");
        if write || !error.is_data() {
            return ForgeFault::Retry { why, outcome_unknown: write };
        }
        ForgeFault::Refused { status: 200, answer: why }
    }

    /// The same where no more is known than that it cannot be read.
    pub(in crate::forge) fn garbled(error: &dyn std::fmt::Display, write: bool) -> ForgeFault {
        let why = format!("the forge's answer cannot be read: {error}");
        ForgeFault::Retry { why, outcome_unknown: write }
    }
}

/// Longest answer of a forge that is kept.
pub(crate) const ANSWER_CHARS: usize = 500;
