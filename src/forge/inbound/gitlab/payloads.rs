//! What GitLab posts, read into facts. The structs hold what Usher needs and no more, so that new
//! kinds, actions, states and fields pass by.
//!
//! Source of the shapes: GitLab's `webhook_events.md` and `webhooks.md` (19.x). A body is told by
//! its `object_kind`, not by the header: system hooks say `System Hook` whatever they carry.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::labels;
use super::reviewers::{self, Reviewer};
use crate::forge::command::commands;
use crate::forge::description::{described, tickets_in};
use crate::forge::inbound::{
    Context, Incoming, Meaning, Reading, Subject, Unreadable, fault, object, timeless,
};
use crate::forge::time::instant;
use crate::forge::tolerant::{Flag, List, Maybe, Number, Text};
use usher_core::model::change::{Account, ChangeKey, ChangeState, Snapshot, Verdict};
use usher_core::model::fact::{Act, Actor, Command, Fact};

/// Stands for an author or actor whom GitLab does not name: no account has it. A deleted account's
/// changes go to GitLab's own ghost user, who has an id like everybody.
const NOBODY_ID: u64 = 0;

/// Reads the body of a delivery.
pub(crate) fn read(context: Context<'_>, text: &str) -> Result<Reading, Unreadable> {
    object(text)?;
    let hook: Hook<'_> = match serde_json::from_str(text) {
        Ok(hook) => hook,
        Err(_) => return unread(context, text),
    };
    match hook.hear(context) {
        Some(incoming) => incoming.map(Reading::Change),
        None => Ok(Kind { object_kind: hook.object_kind, event_name: hook.event_name }.hear(context)),
    }
}

/// What could not be read as a hook is still no error where it is none of Usher's business: other
/// kinds may use the same names for other things.
fn unread(context: Context<'_>, text: &str) -> Result<Reading, Unreadable> {
    match serde_json::from_str::<Kind<'_>>(text) {
        Ok(kind) if !matches!(kind.object_kind.get(), Some("merge_request" | "note")) => {
            Ok(kind.hear(context))
        }
        _ => Err(fault::<Hook<'_>>(text)),
    }
}

/// What kind of hook it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind<'a> {
    #[serde(borrow)]
    object_kind: Text<'a>,
    #[serde(borrow)]
    event_name: Text<'a>,
}

impl Kind<'_> {
    /// A hook that is not about a change. Member hooks have no `object_kind`.
    fn hear(&self, context: Context<'_>) -> Reading {
        if let (None, Some(name)) = (self.object_kind.get(), self.event_name.get()) {
            let group = ["user_add_to_group", "user_update_for_group", "user_remove_from_group"];
            if group.contains(&name) || name == "user_rename" {
                return Reading::roster(name);
            }
        }
        let named = self.object_kind.get().or(self.event_name.get()).or(context.event);
        Reading::unsupported(named.unwrap_or("unknown"))
    }
}

/// A `merge_request` or `note` hook.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Hook<'a> {
    #[serde(borrow)]
    object_kind: Text<'a>,
    #[serde(borrow)]
    event_name: Text<'a>,
    #[serde(borrow)]
    user: Maybe<User<'a>>,
    #[serde(borrow)]
    project: Maybe<Project<'a>>,
    #[serde(borrow)]
    object_attributes: Maybe<Attributes<'a>>,
    #[serde(borrow)]
    merge_request: Maybe<Attributes<'a>>,
    #[serde(borrow)]
    labels: List<Label<'a>>,
    #[serde(borrow)]
    reviewers: List<Reviewer<'a>>,
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User<'a> {
    id: Number,
    #[serde(borrow)]
    username: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project<'a> {
    id: Number,
    #[serde(borrow)]
    path_with_namespace: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Label<'a> {
    #[serde(borrow)]
    title: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Commit<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

/// A merge request (`object_attributes` of its own hook, `merge_request` of a note's) or a note.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes<'a> {
    id: Number,
    iid: Option<u64>,
    /// Null or missing: see [`NOBODY_ID`].
    author_id: Option<u64>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    state_id: Number,
    draft: Flag,
    work_in_progress: Flag,
    #[serde(borrow)]
    labels: List<Label<'a>>,
    /// Read only to tell "no reviewers" from "not told": GitLab leaves out an empty `reviewers`.
    #[serde(borrow)]
    reviewer_ids: Option<&'a RawValue>,
    /// Looked at only where tickets are.
    #[serde(borrow, deserialize_with = "described")]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Maybe<Project<'a>>,
    #[serde(borrow)]
    target_branch: Text<'a>,
    #[serde(borrow)]
    last_commit: Maybe<Commit<'a>>,
    #[serde(borrow)]
    oldrev: Text<'a>,
    /// Done by GitLab itself in the wake of something else, such as approvals reset on a push.
    system: Flag,
    /// Only members of the project see the note.
    internal: Flag,
    #[serde(borrow)]
    system_action: Text<'a>,
    #[serde(borrow)]
    note: Text<'a>,
    #[serde(borrow)]
    noteable_type: Text<'a>,
    #[serde(borrow)]
    created_at: Text<'a>,
    #[serde(borrow)]
    updated_at: Text<'a>,
    /// When the action was done (GitLab 18.10): an approval need not move `updated_at`.
    #[serde(borrow)]
    actioned_at: Text<'a>,
}

impl Hook<'_> {
    /// `None` where the hook is not about a merge request, or names no change.
    ///
    /// # Errors
    /// When none of its times can be read.
    fn hear(&self, context: Context<'_>) -> Option<Result<Incoming, Unreadable>> {
        match self.object_kind.get()? {
            "merge_request" => self.hear_merge_request(context, self.object_attributes.get()?),
            "note" => self.hear_note(context, self.object_attributes.get()?, self.merge_request.get()?),
            _ => None,
        }
    }

    fn hear_merge_request(
        &self,
        context: Context<'_>,
        merge: &Attributes<'_>,
    ) -> Option<Result<Incoming, Unreadable>> {
        let change = self.change(context, merge)?;
        let Some(updated_at) = merge.updated_at().or_else(|| merge.other_time()) else {
            return Some(Err(timeless("object_attributes")));
        };
        let mut snapshot = self.snapshot(context, merge, updated_at);
        snapshot.reviewers = match self.reviewers.get() {
            Some(list) => Some(reviewers::seen(list, snapshot.updated_at)),
            None => merge
                .reviewer_ids
                .filter(|ids| is_empty(ids))
                .map(|_| reviewers::seen(&[], snapshot.updated_at)),
        };
        let by = self.actor(None);
        let at = instant(merge.actioned_at.or_empty())
            .map_or(snapshot.updated_at, |at| at.max(snapshot.updated_at));
        let changes = self.changes.map_or("", RawValue::get);
        let action = merge.action.or_empty();
        let meaning = Meaning::new()
            .part(action)
            .part(merge.oldrev.or_empty())
            .part(merge.state.or_empty())
            .part(merge.system_action.or_empty())
            .part(merge.actioned_at.or_empty())
            .part(snapshot.head.as_deref().unwrap_or_default())
            .json(changes);
        let meaning = reviewers::distinguish(meaning, self.reviewers.get().unwrap_or_default());
        let subject = Subject {
            event: "merge_request",
            object: merge.id.0.or(merge.iid).unwrap_or_default(),
            action,
            at: snapshot.updated_at,
            actor: by.account.id,
        };
        let told = |act| Fact::Told { act, by: by.clone(), at, snapshot: snapshot.clone() };
        Some(Ok(Incoming {
            delivery_id: context.delivery_id(),
            meaning: meaning.seal(context.forge, &subject),
            event: "merge_request".to_owned(),
            change,
            author: snapshot.author.clone(),
            facts: self.acts(merge, &by).into_iter().map(told).collect(),
        }))
    }

    fn hear_note(
        &self,
        context: Context<'_>,
        note: &Attributes<'_>,
        merge: &Attributes<'_>,
    ) -> Option<Result<Incoming, Unreadable>> {
        if note.noteable_type.get() != Some("MergeRequest") {
            return None;
        }
        let change = self.change(context, merge)?;
        let others = || merge.other_time().max(note.updated_at()).max(note.other_time());
        let Some(updated_at) = merge.updated_at().or_else(others) else {
            return Some(Err(timeless("merge_request")));
        };
        let snapshot = self.snapshot(context, merge, updated_at);
        let by = self.actor(note.author_id);
        let created_at = instant(note.created_at.or_empty());
        let written_at = note.updated_at().or(created_at).unwrap_or(snapshot.updated_at);
        let meaning = Meaning::new().part(note.action.or_empty()).part(note.note.or_empty());
        let subject = Subject {
            event: "note",
            object: note.id.0.unwrap_or_default(),
            action: note.action.or_empty(),
            at: written_at,
            actor: by.account.id,
        };
        let at = created_at.filter(|_| note.is_new()).unwrap_or(written_at);
        let told = |act| Fact::Told { act, by: by.clone(), at, snapshot: snapshot.clone() };
        Some(Ok(Incoming {
            delivery_id: context.delivery_id(),
            meaning: meaning.seal(context.forge, &subject),
            event: "note".to_owned(),
            change,
            author: snapshot.author.clone(),
            facts: note.acts(context.handles).into_iter().map(told).collect(),
        }))
    }

    fn change(&self, context: Context<'_>, merge: &Attributes<'_>) -> Option<ChangeKey> {
        let path = |project: &Maybe<Project<'_>>| {
            let path = project.get()?.path_with_namespace.as_deref()?;
            (!path.is_empty()).then(|| path.to_owned())
        };
        Some(ChangeKey::new(context.forge, path(&merge.target).or_else(|| path(&self.project))?, merge.iid?))
    }

    /// Who did it. Somebody whom GitLab does not name counts as a bot, so that nothing follows.
    fn actor(&self, id_otherwise: Option<u64>) -> Actor {
        let user = self.user.get();
        let login = user.map_or("", |user| user.username.or_empty());
        match user.and_then(|user| user.id.0).or(id_otherwise) {
            Some(id) => Actor { account: Account::new(id, login), bot: is_bot(login) },
            None => Actor { account: Account::new(NOBODY_ID, login), bot: true },
        }
    }

    /// The author's login is known only where the author is the one who acts.
    fn author(&self, id: u64) -> Account {
        let user = self.user.get().filter(|user| user.id.0 == Some(id));
        Account::new(id, user.map_or("", |user| user.username.or_empty()))
    }

    fn snapshot(&self, context: Context<'_>, merge: &Attributes<'_>, updated_at: Timestamp) -> Snapshot {
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

    /// What was done: at least one act, [`Act::Touched`] where the snapshot says it all.
    fn acts(&self, merge: &Attributes<'_>, by: &Actor) -> Vec<Act> {
        let mut acts = Vec::new();
        if merge.oldrev.get().is_some_and(|rev| !rev.is_empty()) {
            acts.push(Act::Pushed);
        }
        // What GitLab did by itself nobody did: the reviewers' states in the snapshot tell it.
        if merge.system.0 != Some(true) {
            let changes = self.changes.map_or("", RawValue::get);
            let listed = self.reviewers.get().unwrap_or_default();
            let update = merge.action.get() == Some("update");
            // Before the others: only the first fact of a hook finds its snapshot new.
            acts.extend(labels::put_on(changes).filter(|_| update));
            acts.extend(reviewers::acts(by.account.id, changes, if update { listed } else { &[] }));
            let verdict = match merge.action.or_empty() {
                "approved" | "approval" => Some(Verdict::Approved),
                "unapproved" | "unapproval" => Some(Verdict::Withdrawn),
                _ => None,
            };
            let reviewed = verdict.map(|verdict| Act::Reviewed { verdict });
            acts.extend(reviewed.filter(|act| !acts.contains(act)));
        }
        if acts.is_empty() {
            acts.push(Act::Touched);
        }
        acts
    }
}

impl Attributes<'_> {
    fn updated_at(&self) -> Option<Timestamp> {
        instant(self.updated_at.or_empty())
    }

    /// The latest of the times beside `updated_at`, for a hook in which that cannot be read: a
    /// bound, but better than a lost delivery.
    fn other_time(&self) -> Option<Timestamp> {
        instant(self.created_at.or_empty()).max(instant(self.actioned_at.or_empty()))
    }

    /// A merge request that is being merged (`locked`) is still open.
    fn change_state(&self) -> ChangeState {
        match (self.state.get(), self.state_id.0) {
            (Some("closed"), _) | (None, Some(2)) => ChangeState::Closed,
            (Some("merged"), _) | (None, Some(3)) => ChangeState::Merged,
            _ => ChangeState::Open,
        }
    }

    /// Whether a note has just been written. GitLab before 16.11 sends no action: there an edited
    /// note is told by its times.
    fn is_new(&self) -> bool {
        match self.action.get() {
            Some(action) => action == "create",
            None => self.updated_at().is_none_or(|at| instant(self.created_at.or_empty()) == Some(at)),
        }
    }

    /// What a note does. Commands are taken when it is created and never again.
    fn acts(&self, handles: &[String]) -> Vec<Act> {
        if self.system.0 == Some(true) || !self.is_new() {
            return vec![Act::Touched];
        }
        let comment = self.id.0.unwrap_or_default();
        let mut commands = commands(self.note.or_empty(), handles);
        if self.internal.0 == Some(true) {
            keep_internal(&mut commands);
        }
        vec![Act::commanded(commands, comment).unwrap_or(Act::Commented)]
    }
}

/// Commands in an internal note are obeyed, but nothing of its text is repeated where everybody reads.
fn keep_internal(commands: &mut Vec<Command>) {
    commands.retain(|command| !matches!(command, Command::Unknown { .. }));
    for command in commands {
        if let Command::Decline { note } = command {
            *note = None;
        }
    }
}

fn titles(labels: &[Label<'_>]) -> BTreeSet<String> {
    labels.iter().filter_map(|label| label.title.get().map(str::to_owned)).collect()
}

fn is_empty(list: &RawValue) -> bool {
    list.get().strip_prefix('[').is_some_and(|rest| rest.trim_ascii() == "]")
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
