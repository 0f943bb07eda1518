//! What GitLab posts, as far as Usher reads it: small structs that hold what is needed and no more,
//! so that new fields pass by.
//!
//! Source of the shapes: GitLab's `webhook_events.md` and `webhooks.md` (19.x).

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reviewers::Reviewer;
use crate::forge::inbound::envelope::Context;
use crate::forge::inbound::tickets::{described, tickets_in};
use crate::forge::inbound::time::instant;
use crate::forge::inbound::tolerant::{Flag, List, Maybe, Number, Text};
use usher_core::model::change::{Account, ChangeKey, ChangeState, Snapshot};
use usher_core::model::fact::Actor;

/// Stands for an author or actor whom GitLab does not name: no account has it. A deleted account's
/// changes go to GitLab's own ghost user, who has an id like everybody.
const NOBODY_ID: u64 = 0;

/// A `merge_request` or `note` hook.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Hook<'a> {
    #[serde(borrow)]
    pub object_kind: Text<'a>,
    #[serde(borrow)]
    pub event_name: Text<'a>,
    #[serde(borrow)]
    pub user: Maybe<User<'a>>,
    #[serde(borrow)]
    pub project: Maybe<Project<'a>>,
    #[serde(borrow)]
    pub object_attributes: Maybe<Attributes<'a>>,
    #[serde(borrow)]
    pub merge_request: Maybe<Attributes<'a>>,
    #[serde(borrow)]
    pub labels: List<Label<'a>>,
    #[serde(borrow)]
    pub reviewers: List<Reviewer<'a>>,
    #[serde(borrow)]
    pub changes: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct User<'a> {
    pub id: Number,
    #[serde(borrow)]
    pub username: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Project<'a> {
    pub id: Number,
    #[serde(borrow)]
    pub path_with_namespace: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Label<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Commit<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

/// A merge request (`object_attributes` of its own hook, `merge_request` of a note's) or a note.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Attributes<'a> {
    pub id: Number,
    pub iid: Option<u64>,
    /// Null or missing: see [`NOBODY_ID`].
    pub author_id: Option<u64>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub action: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    pub state_id: Number,
    pub draft: Flag,
    pub work_in_progress: Flag,
    #[serde(borrow)]
    pub labels: List<Label<'a>>,
    /// Read only to tell "no reviewers" from "not told": GitLab leaves out an empty `reviewers`.
    #[serde(borrow)]
    pub reviewer_ids: Option<&'a RawValue>,
    /// Looked at only where tickets are.
    #[serde(borrow, deserialize_with = "described")]
    pub description: Option<&'a RawValue>,
    #[serde(borrow)]
    pub target: Maybe<Project<'a>>,
    #[serde(borrow)]
    pub target_branch: Text<'a>,
    #[serde(borrow)]
    pub last_commit: Maybe<Commit<'a>>,
    #[serde(borrow)]
    pub oldrev: Text<'a>,
    /// Done by GitLab itself in the wake of something else, such as approvals reset on a push.
    pub system: Flag,
    /// Only members of the project see the note.
    pub internal: Flag,
    #[serde(borrow)]
    pub system_action: Text<'a>,
    #[serde(borrow)]
    pub note: Text<'a>,
    #[serde(borrow)]
    pub noteable_type: Text<'a>,
    /// `DiffNote` on a line, `DiscussionNote` in a thread, else null.
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub created_at: Text<'a>,
    #[serde(borrow)]
    pub updated_at: Text<'a>,
    /// When the action was done (GitLab 18.10): an approval need not move `updated_at`.
    #[serde(borrow)]
    pub actioned_at: Text<'a>,
}

impl Hook<'_> {
    pub(super) fn change(&self, context: Context<'_>, merge: &Attributes<'_>) -> Option<ChangeKey> {
        let path = |project: &Maybe<Project<'_>>| {
            let path = project.get()?.path_with_namespace.as_deref()?;
            (!path.is_empty()).then(|| path.to_owned())
        };
        Some(ChangeKey::new(context.forge, path(&merge.target).or_else(|| path(&self.project))?, merge.iid?))
    }

    /// Who did it. Before May 2021 GitLab tells the name alone: then the id is [`NOBODY_ID`], and the
    /// judgement looks the name up. Somebody whom GitLab does not name counts as a bot, so that nothing
    /// follows.
    pub(super) fn actor(&self, id_otherwise: Option<u64>) -> Actor {
        let user = self.user.get();
        let login = user.map_or("", |user| user.username.or_empty());
        match user.and_then(|user| user.id.0).or(id_otherwise) {
            Some(id) => Actor { account: Account::new(id, login), bot: is_bot(login) },
            None => Actor { account: Account::new(NOBODY_ID, login), bot: login.is_empty() || is_bot(login) },
        }
    }

    /// The author's login is known only where the author is the one who acts.
    fn author(&self, id: u64) -> Account {
        let user = self.user.get().filter(|user| user.id.0 == Some(id));
        Account::new(id, user.map_or("", |user| user.username.or_empty()))
    }

    pub(super) fn snapshot(
        &self,
        context: Context<'_>,
        merge: &Attributes<'_>,
        updated_at: Timestamp,
    ) -> Snapshot {
        let labels = merge.labels.get().or(self.labels.get().filter(|_| self.merge_request.get().is_none()));
        Snapshot {
            project_id: self.project.get().and_then(|project| project.id.0),
            title: merge.title.or_empty().to_owned(),
            url: merge.url.or_empty().to_owned(),
            author: self.author(merge.author_id.unwrap_or(NOBODY_ID)),
            state: merge.change_state(),
            draft: merge.draft.0.or(merge.work_in_progress.0),
            labels: labels.map(titles),
            reviewers: None,
            target_branch: merge.target_branch.get().map(str::to_owned),
            tickets: tickets_in(merge.description, context.tickets),
            head: merge.last_commit.get().and_then(|commit| commit.id.get().map(str::to_owned)),
            size: None,
            created_at: instant(merge.created_at.or_empty()),
            updated_at,
        }
    }
}

impl Attributes<'_> {
    pub(super) fn updated_at(&self) -> Option<Timestamp> {
        instant(self.updated_at.or_empty())
    }

    /// The latest of the times beside `updated_at`, for a hook in which that cannot be read: a
    /// bound, but better than a lost delivery.
    pub(super) fn other_time(&self) -> Option<Timestamp> {
        instant(self.created_at.or_empty()).max(instant(self.actioned_at.or_empty()))
    }

    /// A merge request that is being merged (`locked`) is still open.
    pub(super) fn change_state(&self) -> ChangeState {
        match (self.state.get(), self.state_id.0) {
            (Some("closed"), _) | (None, Some(2)) => ChangeState::Closed,
            (Some("merged"), _) | (None, Some(3)) => ChangeState::Merged,
            _ => ChangeState::Open,
        }
    }

    /// Whether a note has just been written. GitLab before 16.11 sends no action: there an edited
    /// note is told by its times.
    pub(super) fn is_new(&self) -> bool {
        match self.action.get() {
            Some(action) => action == "create",
            None => self.updated_at().is_none_or(|at| instant(self.created_at.or_empty()) == Some(at)),
        }
    }
}

fn titles(labels: &[Label<'_>]) -> BTreeSet<String> {
    labels.iter().filter_map(|label| label.title.get().map(str::to_owned)).collect()
}

/// The users that GitLab makes for access tokens (`project_42_bot_3f…`, `group_7_bot`) and service
/// accounts (`service_account_…`). A bot with an ordinary name cannot be told from a person.
fn is_bot(login: &str) -> bool {
    let token = |prefix: &str| {
        let rest = login.strip_prefix(prefix)?;
        let (number, rest) = rest.split_once("_bot")?;
        let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        Some(numbered && (rest.is_empty() || rest.starts_with('_')))
    };
    let token = token("project_").or_else(|| token("group_")) == Some(true);
    token || login.starts_with("service_account_")
}

#[cfg(test)]
mod tests {
    use super::is_bot;

    #[test]
    fn bots_are_known_by_their_documented_names() {
        for login in ["project_42_bot", "project_42_bot_3fa9", "group_7_bot_x", "service_account_group_7_a1"]
        {
            assert!(is_bot(login), "{login}");
        }
        for login in ["rita", "project_x_bot", "project_42_both", "robot", "project__bot", "a_bot_b", ""] {
            assert!(!is_bot(login), "{login}");
        }
    }
}
