//! The reviewers of a merge request, and what happened to them, as GitLab's hooks tell it.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::forge::inbound::meaning::EventMeaning;
use crate::forge::inbound::tolerant::{Flag, List, Number, Text};
use usher_core::model::change::{Account, SeenReviewer, SeenReviewers, Verdict};
use usher_core::model::fact::Act;

/// One reviewer, with the state GitLab gives them since 16.x: `unreviewed`, `review_started`,
/// `reviewed`, `requested_changes`, `approved`, `unapproved`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Reviewer<'a> {
    id: Number,
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    /// True in the list that comes with a new request to somebody who is a reviewer already.
    re_requested: Flag,
}

impl Reviewer<'_> {
    fn account(&self) -> Option<Account> {
        Some(Account::new(self.id.0?, self.username.or_empty()))
    }

    fn verdict(&self) -> Option<Verdict> {
        match self.state.or_empty() {
            "approved" => Some(Verdict::Approved),
            "requested_changes" => Some(Verdict::ChangesRequested),
            "reviewed" => Some(Verdict::Commented),
            "unapproved" => Some(Verdict::Withdrawn),
            _ => None,
        }
    }
}

/// The whole list of reviewers. GitLab tells what they said but not when: `at`, the time of the
/// snapshot, is the latest that it can have been.
pub(super) fn seen(list: &[Reviewer<'_>], at: Timestamp) -> SeenReviewers {
    let seen = |reviewer: &Reviewer<'_>| {
        let verdict = reviewer.verdict().map(|verdict| (verdict, at));
        reviewer.account().map(|account| SeenReviewer { account, verdict, review: None })
    };
    SeenReviewers { list: list.iter().filter_map(seen).collect(), complete: true, beside: None }
}

/// Adds the reviewers to what tells one event from another: asking somebody again need not be a
/// change.
pub(super) fn distinguish(meaning: EventMeaning, list: &[Reviewer<'_>]) -> EventMeaning {
    list.iter().fold(meaning, |meaning, reviewer| {
        let again = if reviewer.re_requested.0 == Some(true) { "again" } else { "" };
        meaning.number(reviewer.id.0).part(reviewer.state.or_empty()).part(again)
    })
}

/// What `actor` did to reviewers and as a reviewer, from the `changes` of a hook (empty where it
/// has none). `listed` are the reviewers of an update: asking somebody again need not be a change.
pub(super) fn acts(actor: u64, changes: &str, listed: &[Reviewer<'_>]) -> Vec<Act> {
    let Changes { reviewers: Delta { previous, current } } =
        serde_json::from_str(changes).unwrap_or_default();
    let Some(current) = current else {
        let again = listed.iter().filter(|reviewer| reviewer.re_requested.0 == Some(true));
        return again.filter_map(Reviewer::account).map(|reviewer| Act::Requested { reviewer }).collect();
    };
    let mut acts = Vec::new();
    for now in &current {
        let Some(reviewer) = now.account() else { continue };
        let before = previous.iter().find(|before| before.id == now.id);
        let asked_before = before.is_some_and(|before| before.re_requested.0 == Some(true));
        if before.is_none() || (now.re_requested.0 == Some(true) && !asked_before) {
            acts.push(Act::Requested { reviewer });
        }
        let moved = before.is_none_or(|before| before.state != now.state);
        if let (true, true, Some(verdict)) = (now.id.0 == Some(actor), moved, now.verdict()) {
            acts.push(Act::Reviewed { verdict });
        }
    }
    let gone = previous.iter().filter(|before| current.iter().all(|now| now.id != before.id));
    acts.extend(gone.filter_map(Reviewer::account).map(|reviewer| Act::Unrequested { reviewer }));
    acts
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Changes<'a> {
    #[serde(borrow)]
    reviewers: Delta<'a>,
}

/// `{"previous": […], "current": […]}` or, as in GitLab's own example of a new request,
/// `[[previous…], [current…]]`. Anything else is no change.
#[derive(Default)]
struct Delta<'a> {
    previous: Vec<Reviewer<'a>>,
    current: Option<Vec<Reviewer<'a>>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Delta<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Delta<'a>, D::Error> {
        deserializer.deserialize_any(DeltaVisitor)
    }
}

struct DeltaVisitor;

impl<'de> Visitor<'de> for DeltaVisitor {
    type Value = Delta<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("previous and current reviewers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta<'de>, A::Error> {
        let mut delta = Delta::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.get() {
                Some("previous") => delta.previous = map.next_value::<List<_>>()?.0.unwrap_or_default(),
                Some("current") => delta.current = map.next_value::<List<_>>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(delta)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Delta<'de>, A::Error> {
        let previous = list.next_element::<List<_>>()?.and_then(|list| list.0).unwrap_or_default();
        let current = list.next_element::<List<_>>()?.and_then(|list| list.0);
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Delta { previous, current })
    }

    fn visit_unit<E: Error>(self) -> Result<Delta<'de>, E> {
        Ok(Delta::default())
    }
}
