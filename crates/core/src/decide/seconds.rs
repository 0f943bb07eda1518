//! Acts of one second: forges date to the second, and the order of arrival tells them apart.

use jiff::{SignedDuration, Timestamp};

use super::draft::{Draft, later};
use crate::model::fact::{Act, Actor};
use crate::model::said::SameSecond;

/// So far apart count acts that the forge dates with one second.
const APART: SignedDuration = SignedDuration::from_millis(1);
/// So many acts of one second are told apart.
const TOLD_APART_MOST: usize = 100;

/// The second that the forge names for a moment that counts: what it lists is dated so.
pub(super) fn second_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl Draft<'_> {
    /// When what a person did counts as done: after what was told of the same second before. What is told
    /// twice is one act. Where the forge dates more finely its own time stands.
    pub(super) fn told_apart(&mut self, act: &Act, by: &Actor, at: Timestamp) -> Timestamp {
        if at != second_of(at) || *act == Act::Touched {
            return at;
        }
        let said = &mut self.review.said;
        let told = match &mut said.second {
            Some(known) if known.at > at => return at,
            Some(known) if known.at == at => known,
            other => other.insert(SameSecond { at, acts: Vec::new() }),
        };
        let deed = (by.account.id, act.clone());
        let known = told.acts.iter().position(|known| *known == deed);
        let place = known.unwrap_or_else(|| {
            if told.acts.len() < TOLD_APART_MOST {
                told.acts.push(deed);
            }
            told.acts.len().saturating_sub(1)
        });
        later(at, APART.saturating_mul(i32::try_from(place).unwrap_or(i32::MAX)))
    }
}
