//! Comments and reactions, with each forge's rules.

use serde_json::json;

use super::accounts::{Access, UserId};
use super::change::{Change, ChangeRef, Comment, Place, Reaction, Verdict};
use super::event::Happened;
use super::forge::Forge;
use super::refusal::Refusal;
use super::state::State;

/// Longest GitLab note and GitHub comment, in characters.
const GITLAB_NOTE_CHARS_MAX: usize = 1_000_000;
const GITHUB_COMMENT_CHARS_MAX: usize = 65_536;

impl State {
    pub(crate) fn comment(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        body: &str,
        internal: bool,
    ) -> Result<u64, Refusal> {
        let limit = match at.forge {
            Forge::Gitlab => GITLAB_NOTE_CHARS_MAX,
            Forge::Github => GITHUB_COMMENT_CHARS_MAX,
        };
        if body.chars().count() > limit {
            return Err(Refusal::invalid(json!([{
                "resource": "IssueComment", "code": "unprocessable", "field": "data",
                "message": format!("Body is too long (maximum is {limit} characters)"),
            }])));
        }
        self.act(at, actor, |state, change| {
            let id = state.add_comment(at.forge, change, actor, body, false, internal);
            Ok((id, vec![Happened::Commented(id)]))
        })
    }

    /// A remark on a line. GitHub wraps it into a review without a text, and for that takes the actor off the
    /// list of those who are asked; on GitLab it is a note of the kind `DiffNote`.
    pub(crate) fn remark(&mut self, at: &ChangeRef, actor: UserId, body: &str) -> Result<u64, Refusal> {
        self.act(at, actor, |state, change| {
            let id = state.add_comment(at.forge, change, actor, body, false, false);
            let mut happened = vec![Happened::Commented(id)];
            let mut review = 0;
            if at.forge == Forge::Github {
                review = state.submit(at.forge, change, actor, Verdict::Comment, "");
                change.reviewers.retain(|reviewer| reviewer.user != actor);
                happened.push(Happened::Reviewed(review));
            }
            find_comment(change, at.forge, id)?.place = Place::Line { review };
            Ok((id, happened))
        })
    }

    /// Resolves the thread that a remark on a line begins, or opens it again.
    pub(crate) fn turn_thread(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        id: u64,
        resolved: bool,
    ) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            let now = state.now(at.forge);
            let comment = find_comment(change, at.forge, id)?;
            if !comment.is_on_a_line() {
                return Err(Refusal::new(404, "404 Not Found"));
            }
            if comment.resolved.is_some() == resolved {
                return Ok(((), Vec::new()));
            }
            comment.resolved = resolved.then_some((actor, now));
            let open = |comment: &Comment| comment.is_on_a_line() && comment.resolved.is_none();
            let all = !change.comments.iter().any(open);
            if all {
                state.system_note(at.forge, change, actor, "resolved all threads");
            }
            Ok(((), vec![Happened::ThreadTurned { id, resolved, all }]))
        })
    }

    pub(crate) fn edit_comment(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        id: u64,
        body: &str,
    ) -> Result<(), Refusal> {
        let may_edit_all = self.has(at, actor, Access::MAINTAIN)?;
        self.act(at, actor, |state, change| {
            let now = state.now(at.forge);
            let comment = find_comment(change, at.forge, id)?;
            if comment.author != actor && !(may_edit_all && at.forge == Forge::Github) {
                return Err(Refusal::new(
                    403,
                    if at.forge == Forge::Gitlab { "403 Forbidden" } else { "Forbidden" },
                ));
            }
            let was = std::mem::replace(&mut comment.body, body.to_owned());
            comment.edits += 1;
            comment.updated_at = now;
            Ok(((), vec![Happened::CommentEdited { id, was }]))
        })
    }

    pub(crate) fn delete_comment(&mut self, at: &ChangeRef, actor: UserId, id: u64) -> Result<(), Refusal> {
        self.act(at, actor, |_, change| {
            let comment = find_comment(change, at.forge, id)?.clone();
            if comment.author != actor {
                return Err(Refusal::new(403, "403 Forbidden"));
            }
            change.comments.retain(|other| other.id != id);
            Ok(((), vec![Happened::CommentDeleted(comment)]))
        })
    }

    /// Adds a reaction and says whether it is new; one user reacts once with one emoji.
    pub(crate) fn react(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        comment: u64,
        name: &str,
    ) -> Result<(Reaction, bool), Refusal> {
        let (id, created_at) = (self.ids.number(), self.now(at.forge));
        let project = self.project_mut(at.forge, &at.project)?;
        let missing = || Refusal::new(404, "Not Found");
        let change = project.changes.get_mut(&at.number).ok_or_else(missing)?;
        let comment = find_comment(change, at.forge, comment)?;
        if let Some(given) = comment.reactions.iter().find(|given| given.user == actor && given.name == name)
        {
            return Ok((given.clone(), false));
        }
        let reaction = Reaction { id, user: actor, name: name.to_owned(), created_at };
        comment.reactions.push(reaction.clone());
        self.write_log(at, actor, format!("reacted with :{name}:"));
        Ok((reaction, true))
    }

    pub(super) fn add_comment(
        &mut self,
        forge: Forge,
        change: &mut Change,
        author: UserId,
        body: &str,
        system: bool,
        internal: bool,
    ) -> u64 {
        let (id, now) = (self.ids.number(), self.now(forge));
        change.comments.push(Comment {
            id,
            author,
            body: body.to_owned(),
            system,
            internal,
            place: Place::Conversation,
            edits: 0,
            created_at: now,
            updated_at: now,
            reactions: Vec::new(),
            resolved: None,
        });
        id
    }

    /// GitLab writes what happened among the notes; whoever looks for a comment has to look past them.
    pub(super) fn system_note(&mut self, forge: Forge, change: &mut Change, actor: UserId, text: &str) {
        if forge == Forge::Gitlab {
            self.add_comment(forge, change, actor, text, true, false);
        }
    }
}

fn find_comment(change: &mut Change, forge: Forge, id: u64) -> Result<&mut Comment, Refusal> {
    let missing =
        || Refusal::new(404, if forge == Forge::Gitlab { "404 Note Not Found" } else { "Not Found" });
    change.comments.iter_mut().find(|comment| comment.id == id).ok_or_else(missing)
}
