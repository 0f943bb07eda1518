//! Times that cannot be true: a forge whose clock is wrong, or a proxy that rewrites what it carries.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::draft::later;
use crate::model::change::{SeenReviewers, Snapshot};
use crate::model::fact::Fact;
use crate::model::review::Review;

/// Clocks may differ by so much.
pub(super) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);
/// What is dated so much later than now, and than all that is known, is from the future: further than a clock
/// here may have been set back.
const FUTURE: SignedDuration = SignedDuration::from_hours(30 * 24);
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// The fact with what is dated in the future dated now, so that what follows is not taken for older news. It is
/// still newer than all that is known: a clock here that was set back makes nobody deaf.
pub(super) fn plausible<'f>(now: Timestamp, review: &Review, fact: &'f Fact) -> Cow<'f, Fact> {
    let Some(snapshot) = fact.snapshot() else { return Cow::Borrowed(fact) };
    let at = if let Fact::Told { at, .. } = fact { *at } else { snapshot.updated_at };
    if at.max(newest(snapshot)) <= later(now, FUTURE) {
        return Cow::Borrowed(fact);
    }
    let known = review.known_until().unwrap_or(Timestamp::MIN);
    let latest = later(now.max(known), FUTURE);
    let dated = now.max(later(known, MOMENT));
    let date = |at: &mut Timestamp| {
        if *at > latest {
            *at = dated;
        }
    };
    let mut fact = fact.clone();
    match &mut fact {
        Fact::Told { at, snapshot, .. } => {
            date(at);
            date_all(snapshot, date);
        }
        Fact::Swept { snapshot } => date_all(snapshot, date),
        Fact::Unreachable { .. }
        | Fact::Moved { .. }
        | Fact::Files { .. }
        | Fact::Threads { .. }
        | Fact::Refused { .. }
        | Fact::Failed { .. }
        | Fact::Lapsed { .. }
        | Fact::TemplateBroken { .. }
        | Fact::Tick => {}
    }
    Cow::Owned(fact)
}

fn newest(snapshot: &Snapshot) -> Timestamp {
    let given = snapshot.reviewers.iter().flat_map(SeenReviewers::all).filter_map(|one| Some(one.verdict?.1));
    given.chain(snapshot.created_at).fold(snapshot.updated_at, Timestamp::max)
}

fn date_all(snapshot: &mut Snapshot, date: impl Fn(&mut Timestamp)) {
    let given = snapshot.reviewers.iter_mut().flat_map(SeenReviewers::all_mut);
    let given = given.filter_map(|one| one.verdict.as_mut()).map(|(_, at)| at);
    given.chain(&mut snapshot.created_at).chain([&mut snapshot.updated_at]).for_each(date);
}
