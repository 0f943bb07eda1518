//! What can be done to a change, with each forge's rules. People act through [`super::people`], a
//! bot through REST; both end here, so both cause the same webhooks.

use serde_json::json;

use super::announce::Happened;
use super::limits;
use super::people::{ChangeRef, NewChange};
use super::refusal::Refusal;
use super::state::{
    Access, Change, ChangeState, Comment, Forge, Label, Project, Reaction, ReviewerState, State, UserId,
};

/// What a deed gives back, and what it made happen.
type Deed<T> = Result<(T, Vec<Happened>), Refusal>;

impl State {
    pub fn project(&self, forge: Forge, path: &str) -> Result<&Project, Refusal> {
        let missing =
            || Refusal::new(404, if forge == Forge::Gitlab { "404 Project Not Found" } else { "Not Found" });
        self.projects.get(&(forge, path.to_owned())).ok_or_else(missing)
    }

    pub fn project_mut(&mut self, forge: Forge, path: &str) -> Result<&mut Project, Refusal> {
        self.projects.get_mut(&(forge, path.to_owned())).ok_or_else(|| Refusal::new(404, "Not Found"))
    }

    pub fn change(&self, change: &ChangeRef) -> Result<&Change, Refusal> {
        let project = self.project(change.forge, &change.project)?;
        project.changes.get(&change.number).ok_or_else(|| {
            Refusal::new(404, if change.forge == Forge::Gitlab { "404 Not found" } else { "Not Found" })
        })
    }

    /// Carries out a deed on a copy of the change. If something happened, the change is dated, put
    /// back, and everybody who listens is told; if the deed was refused, nothing has changed.
    pub fn act<T>(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        deed: impl FnOnce(&mut State, &mut Change) -> Deed<T>,
    ) -> Result<T, Refusal> {
        if self.project(at.forge, &at.project)?.archived {
            return Err(Refusal::new(403, "Repository was archived so is read-only."));
        }
        let before = self.change(at)?.clone();
        let mut after = before.clone();
        let (answer, happened) = deed(self, &mut after)?;
        if happened.is_empty() {
            return Ok(answer);
        }
        let just_later = before.updated_at + std::time::Duration::from_millis(1);
        after.updated_at = self.clock.now().max(just_later);
        self.project_mut(at.forge, &at.project)?.changes.insert(at.number, after);
        self.announce(at, actor, &before, happened);
        Ok(answer)
    }

    pub fn open_change(&mut self, forge: Forge, project: &str, new: NewChange) -> Result<ChangeRef, Refusal> {
        let author = self.known(forge, &new.author)?;
        if !self.can_read(self.project(forge, project)?, author) {
            return Err(Refusal::new(404, "Not Found"));
        }
        let (id, head, now) = (self.new_id(), self.new_commit(), self.clock.now());
        let labels: Vec<String> = new
            .labels
            .iter()
            .map(|name| self.ensure_label(forge, project, name))
            .collect::<Result<_, _>>()?;
        let changes = &mut self.project_mut(forge, project)?.changes;
        let number = changes.keys().last().map_or(1, |last| last + 1);
        let change = Change {
            id,
            number,
            author,
            title: new.title,
            description: new.description,
            draft: new.draft,
            state: ChangeState::Open,
            source_branch: new.source_branch.unwrap_or_else(|| format!("fix-{number}")),
            target_branch: new.target_branch,
            head,
            files: new.files,
            labels: labels.clone(),
            reviewers: Vec::new(),
            approvals: Vec::new(),
            reviews: Vec::new(),
            comments: Vec::new(),
            commits: 1,
            created_at: now,
            updated_at: now,
            ended_at: None,
            ended_by: None,
        };
        changes.insert(number, change.clone());
        let at = ChangeRef { forge, project: project.to_owned(), number };
        let mut happened = vec![Happened::Opened];
        if forge == Forge::Github {
            // GitHub sends `labeled` for every label a pull request is opened with, after `opened`.
            happened.extend(labels.into_iter().map(Happened::Labeled));
        }
        self.announce(&at, author, &change, happened);
        Ok(at)
    }

    pub fn set_draft(&mut self, at: &ChangeRef, actor: UserId, draft: bool) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            must_be_open(change)?;
            if change.draft == draft {
                return Ok(((), Vec::new()));
            }
            change.draft = draft;
            let word = if draft { "draft" } else { "ready" };
            state.system_note(at.forge, change, actor, &format!("marked this merge request as **{word}**"));
            Ok(((), vec![if draft { Happened::Drafted } else { Happened::Readied }]))
        })
    }

    pub fn push(&mut self, at: &ChangeRef, actor: UserId) -> Result<(), Refusal> {
        let resets = self.project(at.forge, &at.project)?.reset_approvals_on_push;
        self.act(at, actor, |state, change| {
            must_be_open(change)?;
            let before = std::mem::replace(&mut change.head, state.new_commit());
            change.commits += 1;
            state.system_note(at.forge, change, actor, "added 1 commit");
            let mut happened = vec![Happened::Pushed { before }];
            if resets && !change.approvals.is_empty() {
                change.approvals.clear();
                for reviewer in &mut change.reviewers {
                    if reviewer.state == ReviewerState::Approved {
                        reviewer.state = ReviewerState::Unapproved;
                    }
                }
                happened.push(Happened::ApprovalsReset);
            }
            Ok(((), happened))
        })
    }

    pub fn edit_text(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        title: Option<String>,
        description: Option<String>,
    ) -> Result<(), Refusal> {
        self.act(at, actor, |_, change| {
            let swap = |old: &mut String, new: Option<String>| {
                new.filter(|new| new != old).map(|new| std::mem::replace(old, new))
            };
            let title_was = swap(&mut change.title, title);
            let description_was = swap(&mut change.description, description);
            let edited = title_was.is_some() || description_was.is_some();
            let happened = edited.then_some(Happened::Edited { title_was, description_was });
            Ok(((), happened.into_iter().collect()))
        })
    }

    pub fn end(&mut self, at: &ChangeRef, actor: UserId, merged: bool) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            must_be_open(change)?;
            if merged && change.draft {
                return Err(Refusal::new(405, "Pull Request is still a draft"));
            }
            change.state = if merged { ChangeState::Merged } else { ChangeState::Closed };
            change.ended_at = Some(state.clock.now());
            change.ended_by = Some(actor);
            Ok(((), vec![if merged { Happened::Merged } else { Happened::Closed }]))
        })
    }

    pub fn reopen(&mut self, at: &ChangeRef, actor: UserId) -> Result<(), Refusal> {
        self.act(at, actor, |_, change| {
            if change.state != ChangeState::Closed {
                return Err(Refusal::new(422, "Only a closed change can be reopened."));
            }
            change.state = ChangeState::Open;
            (change.ended_at, change.ended_by) = (None, None);
            Ok(((), vec![Happened::Reopened]))
        })
    }

    /// Adds labels, creating unknown ones. On GitLab Premium a scoped label replaces the one of its
    /// scope.
    pub fn add_labels(&self, project: &Project, change: &mut Change, names: &[String]) -> Vec<Happened> {
        let mut happened = Vec::new();
        for name in names {
            if change.labels.contains(name) {
                continue;
            }
            let scope = name.rsplit_once("::").map(|(scope, _)| format!("{scope}::"));
            if let Some(scope) = scope.filter(|_| project.forge == Forge::Gitlab && self.is_premium()) {
                let same_scope =
                    |label: &String| label.starts_with(&scope) && !label[scope.len()..].contains("::");
                happened
                    .extend(change.labels.extract_if(.., |label| same_scope(label)).map(Happened::Unlabeled));
            }
            change.labels.push(name.clone());
            happened.push(Happened::Labeled(name.clone()));
        }
        happened
    }

    /// The label's name as the project spells it; created if unknown, as both forges do.
    pub fn ensure_label(&mut self, forge: Forge, project: &str, name: &str) -> Result<String, Refusal> {
        if let Some(label) = self.project(forge, project)?.label(name) {
            return Ok(label.name.clone());
        }
        let color = if forge == Forge::Gitlab { "6699cc" } else { "ededed" };
        self.create_label(forge, project, name, color, None)?;
        Ok(name.to_owned())
    }

    pub fn create_label(
        &mut self,
        forge: Forge,
        project: &str,
        name: &str,
        color: &str,
        description: Option<String>,
    ) -> Result<Label, Refusal> {
        if self.project(forge, project)?.label(name).is_some() {
            return Err(match forge {
                Forge::Gitlab => Refusal::new(409, "Label already exists"),
                Forge::Github => Refusal::invalid(
                    json!([{ "resource": "Label", "code": "already_exists", "field": "name" }]),
                ),
            });
        }
        let (id, created_at) = (self.new_id(), self.clock.now());
        let color = color.trim_start_matches('#').to_owned();
        let label = Label { id, name: name.to_owned(), color, description, created_at };
        self.project_mut(forge, project)?.labels.push(label.clone());
        Ok(label)
    }

    pub fn comment(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        body: &str,
        internal: bool,
    ) -> Result<u64, Refusal> {
        let limit = match at.forge {
            Forge::Gitlab => limits::GITLAB_NOTE_CHARS,
            Forge::Github => limits::GITHUB_COMMENT_CHARS,
        };
        if body.chars().count() > limit {
            return Err(Refusal::invalid(json!([{
                "resource": "IssueComment", "code": "unprocessable", "field": "data",
                "message": format!("Body is too long (maximum is {limit} characters)"),
            }])));
        }
        self.act(at, actor, |state, change| {
            let id = state.add_comment(change, actor, body, false, internal);
            Ok((id, vec![Happened::Commented(id)]))
        })
    }

    pub fn edit_comment(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        id: u64,
        body: &str,
    ) -> Result<(), Refusal> {
        let may_edit_all = self.has(at, actor, Access::MAINTAIN)?;
        self.act(at, actor, |state, change| {
            let now = state.clock.now();
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

    pub fn delete_comment(&mut self, at: &ChangeRef, actor: UserId, id: u64) -> Result<(), Refusal> {
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
    pub fn react(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        comment: u64,
        name: &str,
    ) -> Result<(Reaction, bool), Refusal> {
        let (id, created_at) = (self.new_id(), self.clock.now());
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

    pub fn add_comment(
        &mut self,
        change: &mut Change,
        author: UserId,
        body: &str,
        system: bool,
        internal: bool,
    ) -> u64 {
        let (id, now) = (self.new_id(), self.clock.now());
        change.comments.push(Comment {
            id,
            author,
            body: body.to_owned(),
            system,
            internal,
            edits: 0,
            created_at: now,
            updated_at: now,
            reactions: Vec::new(),
        });
        id
    }

    /// GitLab writes what happened among the notes; whoever looks for a comment has to look past them.
    pub fn system_note(&mut self, forge: Forge, change: &mut Change, actor: UserId, text: &str) {
        if forge == Forge::Gitlab {
            self.add_comment(change, actor, text, true, false);
        }
    }

    /// The id of the account with this login.
    pub fn known(&self, forge: Forge, login: &str) -> Result<UserId, Refusal> {
        let missing = || Refusal::new(404, format!("404 User Not Found: {login}"));
        self.user_by_login(forge, login).map(|user| user.id).ok_or_else(missing)
    }

    /// Whether the user has at least this access to the change's project.
    pub fn has(&self, at: &ChangeRef, user: UserId, least: Access) -> Result<bool, Refusal> {
        let project = self.project(at.forge, &at.project)?;
        Ok(self.access(project, user).is_some_and(|access| access >= least))
    }
}

pub(super) fn must_be_open(change: &Change) -> Result<(), Refusal> {
    match change.state {
        ChangeState::Open => Ok(()),
        ChangeState::Closed | ChangeState::Merged => Err(Refusal::new(405, "405 Method Not Allowed")),
    }
}

fn find_comment(change: &mut Change, forge: Forge, id: u64) -> Result<&mut Comment, Refusal> {
    let missing =
        || Refusal::new(404, if forge == Forge::Gitlab { "404 Note Not Found" } else { "Not Found" });
    change.comments.iter_mut().find(|comment| comment.id == id).ok_or_else(missing)
}
