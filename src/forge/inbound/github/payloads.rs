//! What GitHub posts, as far as Usher reads it: small structs that hold what is needed and no more,
//! so that new fields pass by.
//!
//! Source of the shapes: GitHub's webhook documentation and npm `@octokit/webhooks-examples`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::forge::inbound::tickets::{described, tickets_in};
use crate::forge::inbound::time::instant;
use crate::forge::inbound::tolerant::{Flag, List, Maybe, Number, Text};
use usher_core::model::change::{Account, ChangeState, SeenReviewer, SeenReviewers, Size, Snapshot};
use usher_core::model::fact::Actor;
use usher_core::model::tickets::TicketRules;

/// The account that GitHub shows in place of deleted ones.
const GHOST_ID: u64 = 10_137;

/// Whoever wrote a change of which GitHub names no author any more.
pub(in crate::forge) fn ghost() -> Account {
    Account::new(GHOST_ID, "ghost")
}

/// An event about a pull request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload<'a> {
    #[serde(borrow)]
    pub action: Text<'a>,
    #[serde(borrow)]
    pub repository: Maybe<Repository<'a>>,
    #[serde(borrow)]
    pub sender: Maybe<User<'a>>,
    #[serde(borrow)]
    pub pull_request: Maybe<Pull<'a>>,
    #[serde(borrow)]
    pub issue: Maybe<Pull<'a>>,
    #[serde(borrow)]
    pub review: Maybe<Remark<'a>>,
    #[serde(borrow)]
    pub comment: Maybe<Remark<'a>>,
    #[serde(borrow)]
    pub thread: Maybe<Thread<'a>>,
    #[serde(borrow)]
    pub requested_reviewer: Maybe<User<'a>>,
    #[serde(borrow)]
    pub requested_team: Maybe<User<'a>>,
    #[serde(borrow)]
    pub assignee: Maybe<User<'a>>,
    #[serde(borrow)]
    pub label: Maybe<Label<'a>>,
    #[serde(borrow)]
    pub before: Text<'a>,
    #[serde(borrow)]
    pub after: Text<'a>,
    #[serde(borrow)]
    pub changes: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Repository<'a> {
    pub id: Number,
    #[serde(borrow)]
    pub full_name: Option<Cow<'a, str>>,
}

/// A user; a team too, where only its id matters.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct User<'a> {
    pub id: Number,
    #[serde(borrow)]
    pub login: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
}

/// The conversation on a line.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Thread<'a> {
    #[serde(borrow)]
    pub node_id: Text<'a>,
    #[serde(borrow)]
    pub comments: List<Remark<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Label<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Branch<'a> {
    #[serde(borrow, rename = "ref")]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub sha: Text<'a>,
}

/// A pull request, or the issue that stands for it in `issue_comment`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Pull<'a> {
    pub id: Number,
    pub number: Option<u64>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub html_url: Text<'a>,
    #[serde(borrow)]
    pub user: Maybe<User<'a>>,
    #[serde(borrow)]
    pub state: Text<'a>,
    /// Null where it is empty; looked at only where tickets are.
    #[serde(borrow, deserialize_with = "described")]
    pub body: Option<&'a RawValue>,
    pub merged: Flag,
    #[serde(borrow)]
    pub merged_at: Text<'a>,
    pub draft: Flag,
    #[serde(borrow)]
    pub labels: List<Label<'a>>,
    #[serde(borrow)]
    pub requested_reviewers: List<User<'a>>,
    #[serde(borrow)]
    pub base: Maybe<Branch<'a>>,
    #[serde(borrow)]
    pub head: Maybe<Branch<'a>>,
    pub additions: Number,
    pub deletions: Number,
    pub changed_files: Number,
    #[serde(borrow)]
    pub created_at: Text<'a>,
    #[serde(borrow)]
    pub updated_at: Text<'a>,
    /// Present on an issue that is a pull request.
    #[serde(borrow)]
    pub pull_request: Maybe<PullLink<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PullLink<'a> {
    #[serde(borrow)]
    pub html_url: Text<'a>,
    #[serde(borrow)]
    pub merged_at: Text<'a>,
}

/// A review or a comment.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Remark<'a> {
    pub id: Number,
    #[serde(borrow)]
    pub user: Maybe<User<'a>>,
    #[serde(borrow)]
    pub body: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub submitted_at: Text<'a>,
    /// Of a remark on a line: the review that it belongs to.
    pub pull_request_review_id: Number,
    #[serde(borrow)]
    pub created_at: Text<'a>,
    #[serde(borrow)]
    pub updated_at: Text<'a>,
}

impl User<'_> {
    pub(super) fn account(&self) -> Option<Account> {
        Some(Account::new(self.id.0?, self.login.or_empty()))
    }

    pub(super) fn actor(&self) -> Option<Actor> {
        let bot = self.kind.get() == Some("Bot") || self.login.or_empty().ends_with("[bot]");
        Some(Actor { account: self.account()?, bot })
    }
}

impl Remark<'_> {
    /// When it was written: a review's `submitted_at` stays the same through later edits.
    pub(super) fn at(&self) -> Option<Timestamp> {
        instant(self.submitted_at.or_empty()).or_else(|| instant(self.created_at.or_empty()))
    }

    /// When its words were last touched.
    pub(super) fn touched_at(&self) -> Option<Timestamp> {
        instant(self.updated_at.or_empty()).or_else(|| self.at())
    }
}

impl Pull<'_> {
    /// The author of a change whose account was deleted is null: a review of it that is tracked must
    /// still hear of it.
    pub(super) fn snapshot(&self, updated_at: Timestamp, tickets: &TicketRules) -> Snapshot {
        let link = self.pull_request.get();
        let url = self.html_url.get().or_else(|| link?.html_url.get());
        let branch =
            |branch: &Maybe<Branch<'_>>, part: fn(&Branch<'_>) -> Option<String>| branch.get().and_then(part);
        Snapshot {
            project_id: None,
            title: self.title.or_empty().to_owned(),
            url: url.unwrap_or_default().to_owned(),
            author: self.user.get().and_then(User::account).unwrap_or_else(ghost),
            state: self.state(),
            draft: self.draft.0,
            labels: self.labels.get().map(names),
            reviewers: self.requested_reviewers.get().map(requested),
            target_branch: branch(&self.base, |base| base.name.get().map(str::to_owned)),
            tickets: tickets_in(self.body, tickets),
            head: branch(&self.head, |head| head.sha.get().map(str::to_owned)),
            size: self.size(),
            created_at: instant(self.created_at.or_empty()),
            updated_at,
        }
    }

    /// Only the whole pull request of a `pull_request` event carries it.
    fn size(&self) -> Option<Size> {
        let lines = self.additions.0?.saturating_add(self.deletions.0?);
        Some(Size { lines, files: self.changed_files.0? })
    }

    fn state(&self) -> ChangeState {
        let linked = self.pull_request.get().is_some_and(|link| link.merged_at.get().is_some());
        let merged = self.merged.0 == Some(true) || self.merged_at.get().is_some() || linked;
        match self.state.or_empty() {
            _ if merged => ChangeState::Merged,
            "closed" => ChangeState::Closed,
            _ => ChangeState::Open,
        }
    }
}

fn names(labels: &[Label<'_>]) -> BTreeSet<String> {
    labels.iter().filter_map(|label| label.name.get().map(str::to_owned)).collect()
}

/// Only those who have not answered yet: submitting a review takes a user off GitHub's list.
fn requested(users: &[User<'_>]) -> SeenReviewers {
    let seen = |account| SeenReviewer { account, verdict: None, review: None };
    SeenReviewers {
        list: users.iter().filter_map(User::account).map(seen).collect(),
        complete: false,
        beside: None,
    }
}
