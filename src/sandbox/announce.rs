//! What happened, told to everybody who listens: the log, and each forge's webhooks.

use serde_json::Value;

use super::people::ChangeRef;
use super::record::LogEntry;
use super::state::{Change, Comment, Forge, State, UserId, Verdict};
use super::{github, gitlab};

/// One thing that happened to a change, before a forge has put it in its own words.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    Opened,
    Readied,
    Drafted,
    /// `before` is the head the push replaced.
    Pushed {
        before: String,
    },
    Edited {
        title_was: Option<String>,
        description_was: Option<String>,
    },
    Labeled(String),
    Unlabeled(String),
    Requested(UserId),
    Unrequested(UserId),
    ReRequested(UserId),
    Commented(u64),
    CommentEdited {
        id: u64,
        was: String,
    },
    CommentDeleted(Comment),
    Reviewed(u64),
    ReviewDismissed(u64),
    Approved,
    Unapproved,
    /// GitLab took all approvals away after a push.
    ApprovalsReset,
    Merged,
    Closed,
    Reopened,
}

impl State {
    /// Logs what happened and queues its webhooks. `before` is the change as it was.
    pub fn announce(&mut self, at: &ChangeRef, actor: UserId, before: &Change, happened: Vec<Happened>) {
        let Ok(after) = self.change(at).cloned() else { return };
        for event in &happened {
            let what = self.in_words(at.forge, &after, event);
            self.write_log(at, actor, what);
        }
        match at.forge {
            Forge::Gitlab => gitlab::hooks::announce(self, at, actor, before, &after, &happened),
            Forge::Github => github::hooks::announce(self, at, actor, &after, &happened),
        }
    }

    pub fn write_log(&mut self, change: &ChangeRef, actor: UserId, what: String) {
        let by_bot = self.user(change.forge, actor).is_some_and(|user| user.bot);
        let actor = self.login(change.forge, actor).to_owned();
        self.log.push(LogEntry { at: self.clock.now(), actor, by_bot, change: change.clone(), what });
    }

    fn in_words(&self, forge: Forge, change: &Change, event: &Happened) -> String {
        let login = |user: &UserId| self.login(forge, *user);
        match event {
            Happened::Opened if change.draft => format!("opened the draft “{}”", change.title),
            Happened::Opened => format!("opened “{}”", change.title),
            Happened::Readied => "marked it ready".to_owned(),
            Happened::Drafted => "made it a draft".to_owned(),
            Happened::Pushed { .. } => "pushed a commit".to_owned(),
            Happened::Edited { title_was: Some(_), .. } => format!("retitled it to “{}”", change.title),
            Happened::Edited { .. } => "edited the description".to_owned(),
            Happened::Labeled(name) => format!("added the label {name}"),
            Happened::Unlabeled(name) => format!("removed the label {name}"),
            Happened::Requested(user) => format!("requested a review from {}", login(user)),
            Happened::Unrequested(user) => format!("removed the review request for {}", login(user)),
            Happened::ReRequested(user) => format!("asked {} again", login(user)),
            Happened::Commented(id) => format!("commented: {}", first_line(change, *id)),
            Happened::CommentEdited { id, .. } => format!("edited a comment: {}", first_line(change, *id)),
            Happened::CommentDeleted(_) => "deleted a comment".to_owned(),
            Happened::Reviewed(id) => match change.reviews.iter().find(|review| review.id == *id) {
                Some(review) if review.verdict == Verdict::Approve => "approved".to_owned(),
                Some(review) if review.verdict == Verdict::RequestChanges => "requested changes".to_owned(),
                _ => "reviewed with comments".to_owned(),
            },
            Happened::ReviewDismissed(_) => "dismissed a review".to_owned(),
            Happened::Approved => "approved".to_owned(),
            Happened::Unapproved => "took the approval back".to_owned(),
            Happened::ApprovalsReset => "the push reset the approvals".to_owned(),
            Happened::Merged => "merged it".to_owned(),
            Happened::Closed => "closed it".to_owned(),
            Happened::Reopened => "reopened it".to_owned(),
        }
    }
}

/// The first line of a comment that a reader would see: hidden markers are left out.
fn first_line(change: &Change, comment: u64) -> &str {
    let body = change.comments.iter().find(|other| other.id == comment).map_or("", |found| &found.body);
    body.lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("<!--"))
        .unwrap_or_default()
}

/// The members of both objects; the second wins.
pub(super) fn merged(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(mut first), Value::Object(second)) => {
            first.extend(second);
            Value::Object(first)
        }
        (first, _) => first,
    }
}
