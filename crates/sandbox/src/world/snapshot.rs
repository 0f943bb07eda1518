//! A change from outside: logins instead of ids, and nothing of a forge's dialect.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{ChangeRef, ChangeState, ReviewerState, Verdict};
use super::forge::Forge;
use super::refusal::Refusal;
use super::state::State;

/// A change as it stands, with logins instead of ids.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeSnapshot {
    /// Login of the author.
    pub author: String,
    /// Title, without a `Draft:` prefix.
    pub title: String,
    /// Open, closed or merged.
    pub state: ChangeState,
    /// Whether it is a draft.
    pub draft: bool,
    /// Labels in the order they were added.
    pub labels: Vec<String>,
    /// Requested reviewers (GitHub: those who have not reviewed since) with their state.
    pub reviewers: Vec<(String, ReviewerState)>,
    /// Who approves at the moment. On GitHub: whose last review that was more than remarks approved, and
    /// was not dismissed.
    pub approved_by: Vec<String>,
    /// Whose request for changes stands. On GitHub: whose last review that was more than remarks was one, and
    /// was not dismissed.
    pub changes_requested_by: Vec<String>,
    /// GitHub: who has submitted a review, of whatever kind.
    pub reviewed_by: Vec<String>,
    /// Comments, oldest first, without GitLab's system notes.
    pub comments: Vec<CommentSnapshot>,
}

impl ChangeSnapshot {
    /// Logins of the requested reviewers.
    pub fn reviewer_logins(&self) -> Vec<&str> {
        self.reviewers.iter().map(|(login, _)| login.as_str()).collect()
    }

    /// Comments by this login.
    pub fn comments_by(&self, login: &str) -> Vec<&CommentSnapshot> {
        self.comments.iter().filter(|comment| comment.author == login).collect()
    }
}

/// A comment as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct CommentSnapshot {
    /// The forge's id.
    pub id: u64,
    /// Login of the author.
    pub author: String,
    /// The text.
    pub body: String,
    /// How often it was edited.
    pub edits: u32,
    /// Reactions as (login, emoji name).
    pub reactions: Vec<(String, String)>,
    /// Whether the thread is resolved that it begins; `None` where it begins none.
    pub resolved: Option<bool>,
}

impl State {
    /// The change as it stands now.
    pub(crate) fn snapshot(&self, at: &ChangeRef) -> Result<ChangeSnapshot, Refusal> {
        let change = self.change(at)?;
        let login = |user: u64| self.login(at.forge, user).to_owned();
        let comments = change.comments.iter().filter(|comment| !comment.system);
        let formal = change.reviews.iter().filter(|review| review.verdict != Verdict::Comment);
        let last: BTreeMap<u64, _> = formal.map(|review| (review.user, review)).collect();
        let standing = |verdict: Verdict| {
            let stands = last.iter().filter(move |(_, one)| one.verdict == verdict && !one.dismissed);
            stands.map(|(user, _)| *user).collect::<BTreeSet<u64>>()
        };
        let in_state = |state: ReviewerState| {
            let there = change.reviewers.iter().filter(move |reviewer| reviewer.state == state);
            there.map(|reviewer| reviewer.user).collect::<BTreeSet<u64>>()
        };
        let (approvals, requests) = match at.forge {
            Forge::Gitlab => {
                (change.approvals.iter().copied().collect(), in_state(ReviewerState::RequestedChanges))
            }
            Forge::Github => (standing(Verdict::Approve), standing(Verdict::RequestChanges)),
        };
        let reviewed: BTreeSet<u64> = change.reviews.iter().map(|review| review.user).collect();
        Ok(ChangeSnapshot {
            author: login(change.author),
            title: change.title.clone(),
            state: change.state,
            draft: change.draft,
            labels: change.labels.clone(),
            reviewers: change
                .reviewers
                .iter()
                .map(|reviewer| (login(reviewer.user), reviewer.state))
                .collect(),
            approved_by: approvals.into_iter().map(login).collect(),
            changes_requested_by: requests.into_iter().map(login).collect(),
            reviewed_by: reviewed.into_iter().map(login).collect(),
            comments: comments
                .map(|comment| CommentSnapshot {
                    id: comment.id,
                    author: login(comment.author),
                    body: comment.body.clone(),
                    edits: comment.edits,
                    reactions: comment
                        .reactions
                        .iter()
                        .map(|reaction| (login(reaction.user), reaction.name.clone()))
                        .collect(),
                    resolved: comment.is_on_a_line().then_some(comment.resolved.is_some()),
                })
                .collect(),
        })
    }
}
