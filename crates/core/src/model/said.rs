//! What people said of a change, and what they did by hand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::change::Account;
use super::fact::{Act, CommentPlace};
use super::stage::Stage;
use super::verdicts::PersonVerdicts;

/// What people said: verdicts, commands, and what they did by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// By account id; only people of the roster are heard.
    #[serde(rename = "voices", deserialize_with = "by_account")]
    pub verdicts: BTreeMap<u64, PersonVerdicts>,
    /// When the author last pushed, asked again or said `ready`: that answers a request for changes.
    pub author_acted_at: Option<Timestamp>,
    /// When the author last wrote something: that answers a mere remark.
    pub author_wrote_at: Option<Timestamp>,
    /// Who in support carries on for the author.
    pub carrier: Option<Carrier>,
    /// When `handover` was last said without a name: the lead of support is to find somebody.
    pub handover_asked_at: Option<Timestamp>,
    /// A head of which nobody told who pushed it. It counts as the author's until that is told.
    pub guessed_push: Option<GuessedPush>,
    /// A stage that a person set by label, until somebody acts after it.
    #[serde(rename = "stage_set")]
    pub stage: Option<(Stage, Timestamp)>,
    pub hold: Option<Hold>,
    /// When `skip`, `snooze` or `resume` was last said, by the forge's clock: an older one that is
    /// told late is void.
    #[serde(rename = "hold_said_at")]
    pub hold_at: Option<Timestamp>,
    /// Where the present snooze or skip comes from.
    pub hold_origin: Option<HoldOrigin>,
    /// How often it was snoozed so far.
    pub snoozes: u32,
    /// A person said `resume`: the skip label comes off.
    pub unskip: bool,
    /// When a pool was last chosen by command; as `hold_at`.
    #[serde(rename = "pool_said_at")]
    pub pool_at: Option<Timestamp>,
    /// The lead who takes it on although it is out of scope.
    pub sponsor: Option<String>,
    /// Labels of ours that a person took off: never set again on this change.
    pub hands_off: BTreeSet<String>,
    /// What people did in the newest second of which anything was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<SameSecond>,
    /// The threads that were last told to be resolved, or opened again, by their number (0 where none is told),
    /// and when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "by_account")]
    pub threads: BTreeMap<u64, (bool, Timestamp)>,
    /// Commands that were carried out, by a print of each that no later version can make: such an entry
    /// stands for its whole comment.
    #[serde(rename = "obeyed")]
    pub comments_obeyed: Vec<(u64, u64)>,
    /// Commands that were carried out.
    pub commands: Vec<DoneCommand>,
    /// Who gave the last command when, by account id, where the forge does not date reviews: that somebody
    /// has reviewed may be no more than that.
    #[serde(deserialize_with = "by_account")]
    pub commanders: BTreeMap<u64, Commander>,
}

/// What was told of one second, by the clock of a forge that dates to the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameSecond {
    pub at: Timestamp,
    /// Account id and act, in the order of arrival, each once.
    pub acts: Vec<(u64, Act)>,
}

/// A colleague in support who carries on for the author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Usher's name for them.
    pub person: String,
    pub account: Account,
    /// Since when, by the forge's clock: an older word to the contrary that is told late is void.
    pub at: Timestamp,
}

/// Somebody who gave a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commander {
    pub at: Timestamp,
    /// The review that the forge shows of them was the command and nothing else.
    pub only_that: bool,
}

/// A command that was carried out: where it stands, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneCommand {
    pub place: CommentPlace,
    pub comment: u64,
    /// [`Command::print`](super::fact::Command::print)
    pub print: u64,
}

/// A push that counts as the author's because nobody told whose it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuessedPush {
    pub head: String,
    /// Since when it counts as the author's answer.
    pub at: Timestamp,
    /// What was known of the author before.
    pub before: Option<Timestamp>,
}

/// Why Usher leaves an open change alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hold")]
pub enum Hold {
    /// The skip label or command.
    Skip,
    Snooze {
        until: Timestamp,
    },
    /// Open before Usher came: waits for its turn in the first roll-out.
    FirstRun,
}

/// Who asked for a snooze or a skip, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldOrigin {
    /// A name of the roster, else a login; `None` where only the forge's list showed it.
    pub by: Option<String>,
    pub at: Timestamp,
}

/// A map by account id whose keys may be texts: that is what they are in a flattened part.
fn by_account<'de, D, T>(stored: D) -> Result<BTreeMap<u64, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let texts = BTreeMap::<String, T>::deserialize(stored)?;
    let ids = texts.into_iter().map(|(id, value)| Ok((id.parse().map_err(D::Error::custom)?, value)));
    ids.collect()
}
