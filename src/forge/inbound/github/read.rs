//! What GitHub posts, read into facts: new events, actions and states pass by.

use std::borrow::Cow;

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::payloads::{Payload, Pull, Remark, User};
use crate::forge::inbound::envelope::{
    Context, Incoming, Reading, Unreadable, object, timeless, utf8, what_is_wrong,
};
use crate::forge::inbound::meaning::{EventMeaning, Subject};
use crate::forge::inbound::time::instant;
use crate::forge::inbound::tolerant::{Maybe, Text};
use usher_core::model::change::{Account, ChangeKey, Snapshot, Verdict};
use usher_core::model::fact::{Act, Actor, CommentPlace, Fact, TurnedThread};
use usher_words::commands::commands;

/// The JSON of a delivery: the body, or its `payload` field where the hook's content type is
/// `application/x-www-form-urlencoded`.
pub(in crate::forge::inbound) fn text<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<Cow<'a, str>, Unreadable> {
    let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let form = content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !form && !body.starts_with(b"payload=") {
        return utf8(body).map(Cow::Borrowed);
    }
    let mut fields = url::form_urlencoded::parse(body);
    let payload = fields.find(|(name, _)| name == "payload");
    let (_, payload) = payload.ok_or_else(|| Unreadable::new("payload", "is missing in the form"))?;
    Ok(Cow::Owned(payload.into_owned()))
}

/// Reads the JSON of a delivery.
pub(in crate::forge::inbound) fn read(context: Context<'_>, text: &str) -> Result<Reading, Unreadable> {
    object(text)?;
    let Some(event) = context.event else {
        return Err(Unreadable::new("X-GitHub-Event", "the header is missing"));
    };
    match event {
        "pull_request"
        | "pull_request_review"
        | "pull_request_review_comment"
        | "pull_request_review_thread"
        | "issue_comment" => {
            let payload: Payload<'_> = parse(text)?;
            payload.incoming(context, event).unwrap_or_else(|| Ok(Reading::unsupported(event)))
        }
        "membership" | "team" | "organization" => {
            let Slip { action } = parse(text)?;
            let action = action.or_empty();
            if event != "organization" || action.starts_with("member_") {
                return Ok(Reading::roster(&format!("{event} {action}")));
            }
            Ok(Reading::unsupported(event))
        }
        "repository" => {
            let Slip { action } = parse(text)?;
            // The project has another name or place, or is shown differently: who may act there, and
            // which reviews are still there to see, is looked up.
            const NEWS: [&str; 5] = ["renamed", "transferred", "archived", "unarchived", "deleted"];
            let action = action.or_empty();
            let news = NEWS.contains(&action);
            Ok(if news {
                Reading::roster(&format!("repository {action}"))
            } else {
                Reading::unsupported(event)
            })
        }
        _ => {
            let Slip { .. } = parse(text)?;
            Ok(if event == "ping" { Reading::Ping } else { Reading::unsupported(event) })
        }
    }
}

fn parse<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|_| what_is_wrong::<T>(text))
}

/// Any event of which only the action matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Slip<'a> {
    #[serde(borrow)]
    action: Text<'a>,
}

/// One thing that was done, by whom and when.
struct Deed {
    act: Act,
    by: Actor,
    at: Timestamp,
}

impl Payload<'_> {
    /// `None` where the event names no pull request.
    ///
    /// # Errors
    /// When none of its times can be read.
    fn incoming(&self, context: Context<'_>, event: &str) -> Option<Result<Reading, Unreadable>> {
        let (event, pull) = match event {
            "pull_request" => ("pull_request", self.pull_request.get()?),
            "pull_request_review" => ("pull_request_review", self.pull_request.get()?),
            "pull_request_review_comment" => ("pull_request_review_comment", self.pull_request.get()?),
            "pull_request_review_thread" => ("pull_request_review_thread", self.pull_request.get()?),
            // A comment on a plain issue is none of Usher's business.
            _ => ("issue_comment", self.issue.get().filter(|issue| issue.pull_request.get().is_some())?),
        };
        let project = self.repository.get()?.full_name.as_deref().filter(|name| !name.is_empty())?;
        let number = pull.number?;
        let Some(updated_at) = self.updated_at(pull) else {
            let place = if event == "issue_comment" { "issue" } else { "pull_request" };
            return Some(Err(timeless(place)));
        };
        let project_id = self.repository.get().and_then(|repository| repository.id.0);
        let snapshot = Snapshot { project_id, ..pull.snapshot(updated_at, context.tickets) };
        let deeds = match event {
            "pull_request" => vec![self.pull_deed(&snapshot)],
            "pull_request_review" => self.review_deeds(context, &snapshot),
            "pull_request_review_comment" => self.line_deeds(context, &snapshot),
            "pull_request_review_thread" => vec![self.deed(self.thread_act(), &snapshot)],
            _ => self.comment_deeds(context, &snapshot),
        };
        Some(Ok(Reading::Change(Incoming {
            delivery_id: context.delivery_id(),
            meaning: self.meaning(context, event, pull, &snapshot),
            event: event.to_owned(),
            change: ChangeKey::new(context.forge, project, number),
            author: snapshot.author.clone(),
            facts: told(deeds, snapshot),
        })))
    }

    /// When the change was as the event shows it. Where that cannot be read, the latest of the other
    /// times that are told: a bound, but better than a lost delivery.
    fn updated_at(&self, pull: &Pull<'_>) -> Option<Timestamp> {
        let others = || {
            let remark = self.review.get().or(self.comment.get());
            let told = [pull.created_at.or_empty(), pull.merged_at.or_empty()].map(instant);
            told.into_iter().flatten().chain(remark.and_then(Remark::touched_at)).max()
        };
        instant(pull.updated_at.or_empty()).or_else(others)
    }

    /// Who did it. Somebody whom GitHub does not name counts as a bot, so that nothing follows.
    fn sender(&self) -> Actor {
        let named = self.sender.get().and_then(User::actor);
        named.unwrap_or_else(|| Actor { account: Account::new(0, ""), bot: true })
    }

    fn deed(&self, act: Act, snapshot: &Snapshot) -> Deed {
        Deed { act, by: self.sender(), at: snapshot.updated_at }
    }

    fn pull_deed(&self, snapshot: &Snapshot) -> Deed {
        let reviewer = || self.requested_reviewer.get().and_then(User::account);
        let act = match self.action.or_empty() {
            "synchronize" => Act::Pushed,
            "labeled" => {
                let label = self.label.get().and_then(|label| label.name.get());
                label.map_or(Act::Touched, |label| Act::Labelled { labels: [label.to_owned()].into() })
            }
            // A request names one user or one team; a team is seen in the snapshot only.
            "review_requested" => reviewer().map_or(Act::Touched, |reviewer| Act::Requested { reviewer }),
            "review_request_removed" => {
                reviewer().map_or(Act::Touched, |reviewer| Act::Unrequested { reviewer })
            }
            _ => Act::Touched,
        };
        self.deed(act, snapshot)
    }

    /// A thread was resolved, or opened again. Its first comment says who began it.
    fn thread_act(&self) -> Act {
        let comments = self.thread.get().and_then(|thread| thread.comments.get()).unwrap_or_default();
        let thread = comments.first().and_then(|first| {
            Some(TurnedThread { number: first.id.0?, opener: first.user.get()?.account()? })
        });
        match self.action.or_empty() {
            "resolved" => Act::ThreadTurned { thread, resolved: true },
            "unresolved" => Act::ThreadTurned { thread, resolved: false },
            _ => Act::Touched,
        }
    }

    fn review_deeds(&self, context: Context<'_>, snapshot: &Snapshot) -> Vec<Deed> {
        let Some(review) = self.review.get() else { return vec![self.deed(Act::Touched, snapshot)] };
        let by = review.user.get().and_then(User::actor);
        match (self.action.or_empty(), by) {
            ("dismissed", Some(Actor { account: reviewer, .. })) => {
                vec![self.deed(Act::Dismissed { reviewer }, snapshot)]
            }
            ("submitted", Some(by)) => submitted(context, review, by, snapshot),
            // The same verdict at the same time as before: only the words have changed.
            ("edited", Some(by)) => vec![given(review, by, snapshot)],
            _ => vec![self.deed(Act::Touched, snapshot)],
        }
    }

    /// A comment that was just written, here or there.
    fn comment_deed(&self, snapshot: &Snapshot) -> Deed {
        let by = self.comment.get().and_then(|comment| comment.user.get()?.actor());
        let at = self.comment.get().and_then(Remark::at).unwrap_or(snapshot.updated_at);
        match (self.action.or_empty(), by) {
            ("created", Some(by)) => Deed { act: Act::Commented, by, at },
            _ => self.deed(Act::Touched, snapshot),
        }
    }

    /// A comment in the conversation. Commands are taken when it is created and never again.
    fn comment_deeds(&self, context: Context<'_>, snapshot: &Snapshot) -> Vec<Deed> {
        let deed = self.comment_deed(snapshot);
        let comment = self.comment.get().filter(|_| deed.act == Act::Commented);
        let place = CommentPlace::Conversation;
        let deeds = comment.map(|comment| commanded(context, comment, place, &deed.by, deed.at));
        deeds.filter(|deeds| !deeds.is_empty()).unwrap_or_else(|| vec![deed])
    }

    /// A remark on a line. It is a reviewer's answer like the text of a review; the review that wraps it
    /// comes as its own delivery, and says nothing more.
    fn line_deeds(&self, context: Context<'_>, snapshot: &Snapshot) -> Vec<Deed> {
        let deed = self.comment_deed(snapshot);
        let Some(remark) = self.comment.get().filter(|_| deed.act == Act::Commented) else {
            return vec![deed];
        };
        let place = CommentPlace::Line { review: remark.pull_request_review_id.0 };
        let deeds = commanded(context, remark, place, &deed.by, deed.at);
        if !deeds.is_empty() {
            return deeds;
        }
        let own = deed.by.account == snapshot.author;
        let act = if own { Act::Commented } else { Act::Reviewed { verdict: Verdict::Commented } };
        vec![Deed { act, ..deed }]
    }

    /// What tells this event from every other: for a remark the remark itself, so that a change in
    /// between does not make two events of one.
    fn meaning(&self, context: Context<'_>, event: &str, pull: &Pull<'_>, snapshot: &Snapshot) -> String {
        let action = self.action.or_empty();
        let remark = self.review.get().or(self.comment.get());
        let mut meaning = EventMeaning::new().part(action).part(event);
        let (object, at) = match remark {
            Some(remark) => {
                meaning = meaning.part(remark.body.or_empty()).part(remark.state.or_empty());
                (remark.id.0, remark.touched_at().unwrap_or(snapshot.updated_at))
            }
            None => {
                let id = |user: &Maybe<User<'_>>| user.get().and_then(|user| user.id.0);
                if let Some(thread) = self.thread.get() {
                    // To resolve one need not move the change's own time.
                    meaning = meaning.part(thread.node_id.or_empty());
                }
                meaning = meaning
                    .part(self.label.get().map_or("", |label| label.name.or_empty()))
                    .number(id(&self.requested_reviewer))
                    .number(id(&self.requested_team))
                    .number(id(&self.assignee))
                    .part(self.before.or_empty())
                    .part(self.after.or_empty())
                    .part(snapshot.head.as_deref().unwrap_or_default())
                    .json(self.changes.map_or("", |changes| changes.get()));
                (pull.id.0, snapshot.updated_at)
            }
        };
        let actor = self.sender().account.id;
        let object = object.or(pull.id.0).unwrap_or_default();
        meaning.number(pull.number).seal(context.forge, &Subject { event, object, action, at, actor })
    }
}

/// A review that has just been given, and the commands in its text. A mere comment that is made of
/// commands asks nothing of the author. The "comment" of such a command is the review's id.
fn submitted(context: Context<'_>, review: &Remark<'_>, by: Actor, snapshot: &Snapshot) -> Vec<Deed> {
    let given = given(review, by, snapshot);
    let mut deeds = commanded(context, review, CommentPlace::Review, &given.by, given.at);
    let remark = matches!(given.act, Act::Commented | Act::Reviewed { verdict: Verdict::Commented });
    if deeds.is_empty() || !remark {
        deeds.insert(0, given);
    }
    deeds
}

/// The verdict of a review. GitHub wraps an author's answers to comments into "reviews" of their
/// own change: those are comments. A comment without a text is the wrapper of remarks on lines, which tell
/// of themselves.
fn given(review: &Remark<'_>, by: Actor, snapshot: &Snapshot) -> Deed {
    let at = review.at().unwrap_or(snapshot.updated_at);
    let verdict = match review.state.or_empty().to_ascii_lowercase().as_str() {
        "approved" => Some(Verdict::Approved),
        "changes_requested" => Some(Verdict::ChangesRequested),
        "commented" if review.body.or_empty().trim().is_empty() => None,
        "commented" => Some(Verdict::Commented),
        _ => None,
    };
    let act = match verdict {
        Some(_) if by.account == snapshot.author => Act::Commented,
        Some(verdict) => Act::Reviewed { verdict },
        None => Act::Touched,
    };
    Deed { act, by, at }
}

fn commanded(
    context: Context<'_>,
    remark: &Remark<'_>,
    place: CommentPlace,
    by: &Actor,
    at: Timestamp,
) -> Vec<Deed> {
    let comment = remark.id.0.unwrap_or_default();
    let commands = commands(remark.body.or_empty(), context.handles);
    let act = Act::commanded(commands, comment, place);
    act.into_iter().map(|act| Deed { act, by: by.clone(), at }).collect()
}

fn told(deeds: Vec<Deed>, snapshot: Snapshot) -> Vec<Fact> {
    let told = |Deed { act, by, at }| Fact::Told { act, by, at, snapshot: snapshot.clone() };
    deeds.into_iter().map(told).collect()
}
