//! Reviews and review requests, with each forge's rules.

use serde_json::json;

use super::accounts::UserId;
use super::change::{Change, ChangeRef, Reviewer, ReviewerState, SubmittedReview, Verdict};
use super::event::Happened;
use super::forge::Forge;
use super::project::Project;
use super::refusal::Refusal;
use super::state::State;

/// What GitLab itself writes when somebody approves.
pub(crate) const APPROVED: &str = "approved this merge request";

/// A review: on GitHub a record that ends the request, on GitLab a reviewer's state and perhaps an
/// approval.
impl State {
    pub(crate) fn review(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        verdict: Verdict,
        body: &str,
    ) -> Result<(), Refusal> {
        match at.forge {
            Forge::Github => self.review_on_github(at, actor, verdict, body),
            Forge::Gitlab => self.review_on_gitlab(at, actor, verdict, body),
        }
    }

    fn review_on_github(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        verdict: Verdict,
        body: &str,
    ) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            if actor == change.author && verdict != Verdict::Comment {
                let what = if verdict == Verdict::Approve { "approve" } else { "request changes on" };
                let message = format!("Can not {what} your own pull request");
                return Err(Refusal {
                    errors: json!([message]),
                    ..Refusal::new(422, "Unprocessable Entity")
                });
            }
            let id = state.submit(at.forge, change, actor, verdict, body);
            change.reviewers.retain(|reviewer| reviewer.user != actor);
            Ok(((), vec![Happened::Reviewed(id)]))
        })
    }

    fn review_on_gitlab(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        verdict: Verdict,
        body: &str,
    ) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            change.must_be_open()?;
            let mut happened = Vec::new();
            if !body.is_empty() {
                happened.push(Happened::Commented(
                    state.add_comment(at.forge, change, actor, body, false, false),
                ));
            }
            let approved = change.approvals.contains(&actor);
            match verdict {
                Verdict::Approve if approved || actor == change.author => {
                    return Err(Refusal::new(401, "401 Unauthorized"));
                }
                Verdict::Approve => {
                    change.approvals.push(actor);
                    change.set_reviewer_state(actor, ReviewerState::Approved);
                    state.system_note(at.forge, change, actor, APPROVED);
                    happened.push(Happened::Approved);
                }
                Verdict::RequestChanges => {
                    change.set_reviewer_state(actor, ReviewerState::RequestedChanges);
                    state.system_note(at.forge, change, actor, "requested changes");
                    happened.push(Happened::Reviewed(state.submit(at.forge, change, actor, verdict, body)));
                    if approved {
                        change.approvals.retain(|user| *user != actor);
                        happened.push(Happened::Unapproved);
                    }
                }
                // "Reviewer has approved": a mere comment leaves an approval alone.
                Verdict::Comment if approved => {}
                Verdict::Comment => {
                    change.set_reviewer_state(actor, ReviewerState::Reviewed);
                    happened.push(Happened::Reviewed(state.submit(at.forge, change, actor, verdict, body)));
                }
            }
            Ok(((), happened))
        })
    }

    pub(crate) fn unapprove(&mut self, at: &ChangeRef, actor: UserId) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            if !change.approvals.contains(&actor) {
                return Err(Refusal::new(404, "404 Not found"));
            }
            change.approvals.retain(|user| *user != actor);
            change.set_reviewer_state(actor, ReviewerState::Unapproved);
            state.system_note(at.forge, change, actor, "unapproved this merge request");
            Ok(((), vec![Happened::Unapproved]))
        })
    }

    pub(crate) fn dismiss_review(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        reviewer: UserId,
    ) -> Result<(), Refusal> {
        self.act(at, actor, |_, change| {
            let latest = change.reviews.iter_mut().rev().find(|review| {
                review.user == reviewer && !review.dismissed && review.verdict != Verdict::Comment
            });
            let Some(review) = latest.filter(|_| at.forge == Forge::Github) else {
                return Err(Refusal::new(422, "Can not dismiss a commented pull request review"));
            };
            review.dismissed = true;
            Ok(((), vec![Happened::ReviewDismissed(review.id)]))
        })
    }

    pub(super) fn submit(
        &mut self,
        forge: Forge,
        change: &mut Change,
        user: UserId,
        verdict: Verdict,
        body: &str,
    ) -> u64 {
        let (id, submitted_at) = (self.ids.number(), self.now(forge));
        let (body, commit) = (body.to_owned(), change.head.clone());
        change.reviews.push(SubmittedReview {
            id,
            user,
            verdict,
            dismissed: false,
            body,
            commit,
            submitted_at,
            reactions: Vec::new(),
        });
        id
    }

    /// Adds a reaction to the text of a review; false where the actor sees no such review.
    pub(crate) fn react_to_review(&mut self, forge: Forge, actor: UserId, id: u64, content: &str) -> bool {
        let seen = |project: &&Project| project.forge == forge && self.can_read(project, actor);
        let paths: Vec<String> =
            self.projects.values().filter(seen).map(|project| project.path.clone()).collect();
        for path in paths {
            let Ok(project) = self.project_mut(forge, &path) else { continue };
            let mut changes = project.changes.values_mut();
            let found = changes.find_map(|change| {
                let review = change.reviews.iter_mut().find(|review| review.id == id)?;
                let reaction = (actor, content.to_owned());
                let new = !review.reactions.contains(&reaction);
                if new {
                    review.reactions.push(reaction);
                }
                Some((change.number, new))
            });
            let Some((number, new)) = found else { continue };
            if new {
                self.write_log(
                    &ChangeRef { forge, project: path, number },
                    actor,
                    format!("reacted with {content}"),
                );
            }
            return true;
        }
        false
    }
}

/// Whom a change is put in front of.
impl State {
    /// Somebody asks `reviewer` for a review. On GitLab Free this replaces the one reviewer there is.
    pub(crate) fn request_reviewer(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        reviewer: &str,
    ) -> Result<(), Refusal> {
        if at.forge == Forge::Github {
            return self.request_reviews(at, actor, &[reviewer.to_owned()]);
        }
        let reviewer = self.known(at.forge, reviewer)?;
        self.act(at, actor, |state, change| {
            let mut wanted = if state.is_premium() { reviewer_ids(change) } else { Vec::new() };
            wanted.push(reviewer);
            Ok(((), state.set_reviewers(at, actor, change, &wanted)))
        })
    }

    /// Somebody takes a request back.
    pub(crate) fn remove_reviewer(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        reviewer: &str,
    ) -> Result<(), Refusal> {
        if at.forge == Forge::Github {
            return self.remove_requests(at, actor, &[reviewer.to_owned()]);
        }
        let reviewer = self.known(at.forge, reviewer)?;
        self.act(at, actor, |state, change| {
            let mut wanted = reviewer_ids(change);
            wanted.retain(|other| *other != reviewer);
            Ok(((), state.set_reviewers(at, actor, change, &wanted)))
        })
    }

    /// GitHub: adds all of these, or none if one of them cannot be asked.
    pub(crate) fn request_reviews(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        logins: &[String],
    ) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            let project = state.project(at.forge, &at.project)?;
            let mut happened = Vec::new();
            let now = state.now(at.forge);
            for login in logins {
                let user = state.user_by_login(at.forge, login);
                if user.is_some_and(|user| user.id == change.author) {
                    return Err(Refusal::new(422, "Review cannot be requested from pull request author."));
                }
                let Some(user) = user.filter(|user| state.github_members(project).contains_key(&user.id))
                else {
                    return Err(not_a_collaborator(&at.project));
                };
                if !change.is_requested(user.id) {
                    let again = change.reviews.iter().any(|review| review.user == user.id);
                    change.reviewers.push(Reviewer {
                        user: user.id,
                        state: ReviewerState::Unreviewed,
                        since: now,
                    });
                    let (user, again) = (user.id, again);
                    happened.push(if again {
                        Happened::ReRequested(user)
                    } else {
                        Happened::Requested(user)
                    });
                }
            }
            Ok(((), happened))
        })
    }

    /// GitHub: takes requests back.
    pub(crate) fn remove_requests(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        logins: &[String],
    ) -> Result<(), Refusal> {
        self.act(at, actor, |state, change| {
            let mut happened = Vec::new();
            for login in logins {
                let Some(user) = state.user_by_login(at.forge, login).map(|user| user.id) else {
                    return Err(not_a_collaborator(&at.project));
                };
                if change.is_requested(user) {
                    change.reviewers.retain(|reviewer| reviewer.user != user);
                    happened.push(Happened::Unrequested(user));
                }
            }
            Ok(((), happened))
        })
    }

    /// GitLab: makes this the whole list, as `filter_reviewer` of `MergeRequests::BaseService` does.
    /// The Free tier looks at the first id only; who cannot read the merge request is left out without
    /// a word; if nobody is left that way, the list stays as it was.
    pub(crate) fn set_reviewers(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        change: &mut Change,
        wanted: &[UserId],
    ) -> Vec<Happened> {
        let Ok(project) = self.project(at.forge, &at.project) else { return Vec::new() };
        let considered = if self.is_premium() { wanted } else { wanted.get(..1).unwrap_or_default() };
        let mut readable: Vec<UserId> = Vec::new();
        for user in considered {
            let is_active = self.user(at.forge, *user).is_some();
            if is_active && self.can_read(project, *user) && !readable.contains(user) {
                readable.push(*user);
            }
        }
        let unset = wanted.is_empty() || wanted == [0];
        if readable.is_empty() && !unset {
            return Vec::new();
        }
        let gone = change.reviewers.extract_if(.., |reviewer| !readable.contains(&reviewer.user));
        let mut happened: Vec<Happened> = gone.map(|reviewer| Happened::Unrequested(reviewer.user)).collect();
        let now = self.now(at.forge);
        for user in readable {
            if !change.is_requested(user) {
                change.reviewers.push(Reviewer { user, state: ReviewerState::Unreviewed, since: now });
                happened.push(Happened::Requested(user));
            }
        }
        for event in &happened {
            let text = match event {
                Happened::Requested(user) => {
                    format!("requested review from @{}", self.login(at.forge, *user))
                }
                Happened::Unrequested(user) => {
                    format!("removed review request for @{}", self.login(at.forge, *user))
                }
                _ => continue,
            };
            self.system_note(at.forge, change, actor, &text);
        }
        happened
    }

    /// Asks somebody again who has already reviewed: GitLab sets the state back and takes the
    /// approval away, GitHub requests anew.
    pub(crate) fn re_request(
        &mut self,
        at: &ChangeRef,
        actor: UserId,
        reviewer: UserId,
    ) -> Result<(), Refusal> {
        if at.forge == Forge::Github {
            let login = self.login(at.forge, reviewer).to_owned();
            return self.request_reviews(at, actor, &[login]);
        }
        self.act(at, actor, |state, change| {
            if !change.is_requested(reviewer) {
                return Err(Refusal::new(404, "Reviewer not found"));
            }
            change.set_reviewer_state(reviewer, ReviewerState::Unreviewed);
            change.approvals.retain(|user| *user != reviewer);
            let text = format!("requested review from @{}", state.login(at.forge, reviewer));
            state.system_note(at.forge, change, actor, &text);
            Ok(((), vec![Happened::ReRequested(reviewer)]))
        })
    }
}

fn reviewer_ids(change: &Change) -> Vec<UserId> {
    change.reviewers.iter().map(|reviewer| reviewer.user).collect()
}

/// GitHub's own sentence (seen in many public error reports).
fn not_a_collaborator(project: &str) -> Refusal {
    Refusal::new(
        422,
        format!(
            "Reviews may only be requested from collaborators. One or more of the users or teams you \
             specified is not a collaborator of the {project} repository."
        ),
    )
}
