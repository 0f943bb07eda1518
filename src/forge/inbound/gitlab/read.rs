//! What GitLab posts, read into facts: new kinds, actions and states pass by. A body is told by its
//! `object_kind`, not by the header: system hooks say `System Hook` whatever they carry.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::labels;
use super::payloads::{Attributes, Hook};
use super::reviewers;
use crate::forge::inbound::envelope::{
    Context, Incoming, Reading, Unreadable, object, timeless, what_is_wrong,
};
use crate::forge::inbound::meaning::{EventMeaning, Subject};
use crate::forge::inbound::time::instant;
use crate::forge::inbound::tolerant::Text;
use usher_core::model::change::Verdict;
use usher_core::model::fact::{Act, Actor, Command, CommentPlace, Fact};
use usher_words::commands::commands;

/// Reads the body of a delivery.
pub(in crate::forge::inbound) fn read(context: Context<'_>, text: &str) -> Result<Reading, Unreadable> {
    object(text)?;
    let hook: Hook<'_> = match serde_json::from_str(text) {
        Ok(hook) => hook,
        Err(_) => return unread(context, text),
    };
    let incoming = match hook.object_kind.get() {
        Some("merge_request") => hook.merge_request_event(context),
        Some("note") => hook.note_event(context),
        _ => None,
    };
    match incoming {
        Some(incoming) => incoming.map(Reading::Change),
        None => Ok(Kind { object_kind: hook.object_kind, event_name: hook.event_name }.reading(context)),
    }
}

/// What could not be read as a hook is still no error where it is none of Usher's business: other
/// kinds may use the same names for other things.
fn unread(context: Context<'_>, text: &str) -> Result<Reading, Unreadable> {
    match serde_json::from_str::<Kind<'_>>(text) {
        Ok(kind) if !matches!(kind.object_kind.get(), Some("merge_request" | "note")) => {
            Ok(kind.reading(context))
        }
        _ => Err(what_is_wrong::<Hook<'_>>(text)),
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
    fn reading(&self, context: Context<'_>) -> Reading {
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

impl Hook<'_> {
    /// `None` where the hook names no change.
    ///
    /// # Errors
    /// When none of its times can be read.
    fn merge_request_event(&self, context: Context<'_>) -> Option<Result<Incoming, Unreadable>> {
        let merge = self.object_attributes.get()?;
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
        let meaning = EventMeaning::new()
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

    /// `None` where the note is not on a merge request, or names no change.
    ///
    /// # Errors
    /// When none of its times can be read.
    fn note_event(&self, context: Context<'_>) -> Option<Result<Incoming, Unreadable>> {
        let (note, merge) = (self.object_attributes.get()?, self.merge_request.get()?);
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
        let meaning = EventMeaning::new().part(note.action.or_empty()).part(note.note.or_empty());
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
            facts: note.acts(context.handles, by.account == snapshot.author).into_iter().map(told).collect(),
        }))
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
            let update = merge.action.get() == Some("update") && merge.system.0 != Some(true);
            let turned = Act::ThreadTurned { thread: None, resolved: true };
            acts.push(if update && self.changes_nothing() { turned } else { Act::Touched });
        }
        acts
    }

    /// Whether an update tells of no change but the time: so GitLab tells that all threads are resolved
    /// (doc/user/project/integrations/webhook_events.md, "Merge request events").
    fn changes_nothing(&self) -> bool {
        let changes = self.changes.map_or("{}", RawValue::get);
        let fields: Option<BTreeMap<String, IgnoredAny>> = serde_json::from_str(changes).ok();
        fields.is_some_and(|fields| fields.keys().all(|field| field == "updated_at"))
    }
}

impl Attributes<'_> {
    /// What a note does. Commands are taken when it is created and never again.
    fn acts(&self, handles: &[String], by_author: bool) -> Vec<Act> {
        if self.system.0 == Some(true) || !self.is_new() {
            return vec![Act::Touched];
        }
        let comment = self.id.0.unwrap_or_default();
        let mut commands = commands(self.note.or_empty(), handles);
        if self.internal.0 == Some(true) {
            keep_internal(&mut commands);
        }
        let commanded = Act::commanded(commands, comment, CommentPlace::Conversation);
        // A remark on a line is a reviewer's answer; one in the conversation may be talk.
        let on_a_line = self.kind.get() == Some("DiffNote") && !by_author;
        let written = if on_a_line { Act::Reviewed { verdict: Verdict::Commented } } else { Act::Commented };
        vec![commanded.unwrap_or(written)]
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

fn is_empty(list: &RawValue) -> bool {
    list.get().strip_prefix('[').is_some_and(|rest| rest.trim_ascii() == "]")
}
