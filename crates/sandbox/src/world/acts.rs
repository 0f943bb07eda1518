//! What can be done to a change as a whole, with each forge's rules. People act through
//! [`crate::Sandbox`], a bot through REST; both end here, so both cause the same webhooks.

use super::accounts::UserId;
use super::change::{Change, ChangeRef, ChangeState, NewChange, ReviewerState};
use super::event::{ChangeEvent, Happened};
use super::forge::Forge;
use super::refusal::Refusal;
use super::state::State;

impl State {
    pub(crate) fn open_change(
        &mut self,
        forge: Forge,
        project: &str,
        new: NewChange,
    ) -> Result<ChangeRef, Refusal> {
        let author = self.known(forge, &new.author)?;
        if !self.can_read(self.project(forge, project)?, author) {
            return Err(Refusal::new(404, "Not Found"));
        }
        self.project_to_write(forge, project)?;
        let (id, head, now) = (self.ids.number(), self.ids.commit(), self.now(forge));
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
        let (before, after) = (change.clone(), change);
        self.tell(ChangeEvent { at: at.clone(), actor: author, before, after, happened });
        Ok(at)
    }

    pub(crate) fn set_draft(&mut self, at: &ChangeRef, actor: UserId, draft: bool) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            change.must_be_open()?;
            if change.draft == draft {
                return Ok(((), Vec::new()));
            }
            change.draft = draft;
            let word = if draft { "draft" } else { "ready" };
            state.system_note(at.forge, change, actor, &format!("marked this merge request as **{word}**"));
            Ok(((), vec![if draft { Happened::Drafted } else { Happened::Readied }]))
        })
    }

    pub(crate) fn push(&mut self, at: &ChangeRef, actor: UserId) -> Result<(), Refusal> {
        let resets = self.project(at.forge, &at.project)?.reset_approvals_on_push;
        self.act(at, actor, |state, change| {
            change.must_be_open()?;
            let before = std::mem::replace(&mut change.head, state.ids.commit());
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

    pub(crate) fn edit_text(
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

    pub(crate) fn end(&mut self, at: &ChangeRef, actor: UserId, merged: bool) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            change.must_be_open()?;
            if merged && change.draft {
                return Err(Refusal::new(405, "Pull Request is still a draft"));
            }
            change.state = if merged { ChangeState::Merged } else { ChangeState::Closed };
            change.ended_at = Some(state.now(at.forge));
            change.ended_by = Some(actor);
            Ok(((), vec![if merged { Happened::Merged } else { Happened::Closed }]))
        })
    }

    pub(crate) fn reopen(&mut self, at: &ChangeRef, actor: UserId) -> Result<(), Refusal> {
        self.act(at, actor, |_, change| {
            if change.state != ChangeState::Closed {
                return Err(Refusal::new(422, "Only a closed change can be reopened."));
            }
            change.state = ChangeState::Open;
            (change.ended_at, change.ended_by) = (None, None);
            Ok(((), vec![Happened::Reopened]))
        })
    }
}
