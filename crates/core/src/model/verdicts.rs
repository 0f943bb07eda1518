//! Voices: what each person has said about a change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::Verdict;
use super::threads::OwnThreads;

/// What one person has said about the change. Only the newest counts, so that it does not matter in
/// which order the forge tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonVerdicts {
    /// The last formal verdict: approved, changes requested, or withdrawn.
    pub verdict: Option<(Verdict, Timestamp)>,
    /// The last comment or review without a verdict.
    pub commented_at: Option<Timestamp>,
    /// The last comment of its own, which is no review, where that can be taken for the text of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote_at: Option<Timestamp>,
    /// The time of `verdict` (of `commented_at`) is only the latest that it can have been: it was
    /// read from a list of reviewers, not told by the act itself.
    pub verdict_at_most: bool,
    pub commented_at_most: bool,
    /// A person asked them to look again: what they asked of the author is answered, and a request for
    /// changes stands all the same.
    #[serde(default)]
    pub asked_again_at: Option<Timestamp>,
    /// The verdict that being asked again withdrew, where the forge dates each: one that is told late may be
    /// newer than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided: Option<(Verdict, Timestamp)>,
    /// They were asked again then, and had said nothing that this could have withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_at: Option<Timestamp>,
    /// A lead overruled by name what they had said until then.
    #[serde(default)]
    pub overruled_at: Option<Timestamp>,
    /// What became of the threads they opened, while they request changes.
    #[serde(default)]
    pub threads: OwnThreads,
}

impl PersonVerdicts {
    pub fn has_approved(&self) -> bool {
        matches!(self.verdict, Some((Verdict::Approved, _)))
    }

    /// When they gave the approval that stands, as told by the act itself.
    pub fn approved_at(&self) -> Option<Timestamp> {
        let exact = self.verdict.filter(|_| !self.verdict_at_most);
        exact.filter(|(verdict, _)| *verdict == Verdict::Approved).map(|(_, at)| at)
    }

    /// When they asked for changes, if that stands: they have not approved or taken it back since, nobody
    /// dismissed it, and no lead overruled it.
    pub fn requests_changes(&self) -> Option<Timestamp> {
        let (verdict, at) = self.verdict?;
        let stands = self.overruled_at.is_none_or(|overruled| overruled < at);
        (verdict == Verdict::ChangesRequested && stands).then_some(at)
    }

    /// Whether a lead has overruled their last word.
    pub fn is_overruled(&self) -> bool {
        self.overruled_at.is_some() && self.overruled_at >= self.newest_at()
    }

    /// When they were last heard.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.verdict.map(|(_, at)| at).max(self.commented_at)
    }

    /// When they last said something, or what they had said was withdrawn.
    pub fn spoke_at(&self) -> Option<Timestamp> {
        self.newest_at().filter(|at| self.silent_at != Some(*at))
    }

    /// When they last remarked on something without a verdict, if the author has to answer that. A remark
    /// after an approval ("nice!") asks nothing.
    pub fn remarked_at(&self) -> Option<Timestamp> {
        let remarked =
            self.commented_at.filter(|at| self.overruled_at.is_none_or(|overruled| overruled < *at));
        match self.verdict {
            Some((Verdict::Approved, _)) => None,
            Some((_, at)) => remarked.filter(|remarked| *remarked > at),
            None => remarked,
        }
    }

    /// Since when the author is asked to do something, if they are.
    pub fn asks_author_since(&self) -> Option<Timestamp> {
        self.requests_changes().max(self.remarked_at())
    }

    /// Whether `verdict` is what the person is known to have said already. Somebody who gave a formal
    /// verdict has commented, too, as far as a forge's list of reviewers can tell.
    pub fn stands(&self, verdict: Verdict) -> bool {
        match (verdict, self.verdict) {
            (Verdict::Commented, Some((Verdict::Withdrawn, at))) => self.commented_at >= Some(at),
            (Verdict::Commented, formal) => self.commented_at.is_some() || formal.is_some(),
            (verdict, Some((formal, _))) => verdict == formal,
            (_, None) => false,
        }
    }

    /// Takes in a verdict given at `at`; returns whether it was news.
    pub fn apply(&mut self, verdict: Verdict, at: Timestamp) -> bool {
        let again = self.asked_again_at.filter(|again| verdict != Verdict::Commented && *again > at);
        match again {
            Some(again) => self.take_in_before(again, verdict, at),
            None => self.take_in(verdict, at, false),
        }
    }

    /// A person asks them at `at` to look again: on a forge that dates verdicts that withdraws an approval, and
    /// a request for changes stands. Returns whether that is news: a newer request says all that this one does.
    pub fn ask_again(&mut self, at: Timestamp) -> bool {
        let news = self.asked_again_at.is_none_or(|again| again < at);
        if news {
            self.voided = self.given().filter(|(_, given)| *given < at);
            self.asked_again_at = Some(at);
        }
        news
    }

    /// The last formal verdict, also where being asked again withdrew it.
    fn given(&self) -> Option<(Verdict, Timestamp)> {
        let (verdict, at) = self.verdict?;
        let voided = verdict == Verdict::Withdrawn && self.asked_again_at == Some(at);
        if voided { self.voided } else { self.verdict }
    }

    /// Takes in a formal verdict from before they were asked again, which is known already.
    fn take_in_before(&mut self, again: Timestamp, verdict: Verdict, at: Timestamp) -> bool {
        if self.given().is_some_and(|(_, known)| known >= at) {
            return false;
        }
        let stands = verdict == Verdict::ChangesRequested;
        self.verdict_at_most = false;
        (self.verdict, self.voided) = match stands {
            true => (Some((verdict, at)), None),
            false => (Some((Verdict::Withdrawn, again)), Some((verdict, at))),
        };
        stands
    }

    /// Takes in a verdict given at `at` or before; returns whether it was news.
    pub fn apply_at_most(&mut self, verdict: Verdict, at: Timestamp) -> bool {
        self.take_in(verdict, at, true)
    }

    fn take_in(&mut self, verdict: Verdict, at: Timestamp, at_most: bool) -> bool {
        let (known, loose) = match verdict {
            Verdict::Commented => (self.commented_at, self.commented_at_most),
            _ => (self.verdict.map(|(_, at)| at), self.verdict_at_most),
        };
        let same = verdict == Verdict::Commented || self.verdict.is_some_and(|(known, _)| known == verdict);
        // What is known by its latest time only is dated more precisely by the act, told late.
        let sharper = loose && same && known.is_some_and(|known| at <= known);
        // What a list of reviewers showed before they were asked again is settled.
        let settled = matches!(self.verdict, Some((Verdict::Withdrawn, since)) if since >= at);
        let newer = known.is_none_or(|known| at > known) && !(at_most && (settled || self.stands(verdict)));
        if !newer && !sharper {
            return false;
        }
        match verdict {
            Verdict::Commented => (self.commented_at, self.commented_at_most) = (Some(at), at_most),
            verdict => (self.verdict, self.verdict_at_most) = (Some((verdict, at)), at_most),
        }
        newer
    }
}
