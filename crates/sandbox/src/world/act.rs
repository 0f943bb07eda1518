//! How a change is changed: on a copy, dated, logged, and told.

use std::time::Duration;

use super::accounts::UserId;
use super::change::{Change, ChangeRef, Verdict};
use super::event::{ChangeEvent, Event, Happened, LogEntry};
use super::forge::Forge;
use super::project::Project;
use super::refusal::Refusal;
use super::state::State;

/// What an act gives back, and what it made happen.
pub(super) type Outcome<T> = Result<(T, Vec<Happened>), Refusal>;

impl State {
    /// Carries out an act on a copy of the change. If something happened, the change is dated, put
    /// back, and everybody who listens is told; if the act was refused, nothing has changed.
    pub(crate) fn act<T>(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        act: impl FnOnce(&mut State, &mut Change) -> Outcome<T>,
    ) -> Result<T, Refusal> {
        self.project_to_write(at.forge, &at.project)?;
        let before = self.change(at)?.clone();
        let mut after = before.clone();
        let (answer, happened) = act(self, &mut after)?;
        if happened.is_empty() {
            return Ok(answer);
        }
        let just_later = before.updated_at + Duration::from_millis(1);
        after.updated_at = self.now(at.forge).max(just_later);
        self.project_mut(at.forge, &at.project)?.changes.insert(at.number, after.clone());
        self.tell(ChangeEvent { at: at.clone(), actor, before, after, happened });
        Ok(answer)
    }

    /// A project in which something may be made or changed: one that is archived is read-only, for everybody
    /// (GitHub's "Archiving repositories", GitLab's "Archive a project").
    pub(super) fn project_to_write(&self, forge: Forge, path: &str) -> Result<&Project, Refusal> {
        let project = self.project(forge, path)?;
        match project.archived {
            true => Err(Refusal::new(403, "Repository was archived so is read-only.")),
            false => Ok(project),
        }
    }

    /// Logs what happened to a change, and keeps it for the webhooks.
    pub(super) fn tell(&mut self, event: ChangeEvent) {
        for happened in &event.happened {
            let what = self.in_words(event.at.forge, &event.after, happened);
            self.write_log(&event.at, event.actor, what);
        }
        self.events.push(Event::Change(Box::new(event)));
    }

    pub(super) fn write_log(&mut self, change: &ChangeRef, actor: UserId, what: String) {
        let by_bot = self.user(change.forge, actor).is_some_and(|user| user.bot);
        let actor = self.login(change.forge, actor).to_owned();
        self.log.push(LogEntry { at: self.clock.now(), actor, by_bot, change: change.clone(), what });
    }

    fn in_words(&self, forge: Forge, change: &Change, happened: &Happened) -> String {
        let login = |user: &UserId| self.login(forge, *user);
        match happened {
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
            Happened::ThreadTurned { resolved: true, .. } => "resolved a thread".to_owned(),
            Happened::ThreadTurned { .. } => "opened a thread again".to_owned(),
            Happened::Reviewed(id) => match change.review(*id) {
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
    let body = change.comment(comment).map_or("", |found| &found.body);
    body.lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("<!--"))
        .unwrap_or_default()
}
