//! Projects and repositories: what is in them, who belongs to them, and what becomes of them.

use super::Sandbox;
use crate::world::{Access, Feature, FeatureAccess, Forge, Tier};

/// What a GitLab instance can do.
impl Sandbox {
    /// Sets GitLab's tier; Premium unless set.
    pub fn set_gitlab_tier(&self, tier: Tier) {
        self.forges().state.gitlab.tier = tier;
    }

    /// Whether GitLab sends an `update` webhook with `changes.reviewers` when a review is submitted
    /// (gitlab-org/gitlab!246562). Off unless set: earlier versions send only the note's webhook.
    pub fn gitlab_announces_reviews(&self, on: bool) {
        self.forges().state.gitlab.announces_reviews = on;
    }

    /// Whether GitLab has the mutation `mergeRequestSetReviewers`, which adds and removes reviewers one by
    /// one. It has, unless set: it came in 2022 (gitlab-org/gitlab!94294).
    pub fn gitlab_sets_reviewers_one_by_one(&self, on: bool) {
        self.forges().state.gitlab.sets_reviewers = on;
    }

    /// Whether GitLab's GraphQL schema has `MergeRequest.allowsMultipleReviewers`. It has, unless set:
    /// 19.4 has it, 16.3 has not.
    pub fn gitlab_tells_reviewer_limit(&self, on: bool) {
        self.forges().state.gitlab.tells_limit = on;
    }

    /// What GitLab says of its version; `19.5.0-ee` unless set.
    pub fn set_gitlab_version(&self, version: &str) {
        version.clone_into(&mut self.forges().state.gitlab.version);
    }
}

/// Projects.
impl Sandbox {
    /// Adds a private project or repository and returns its id; one that exists is left as it is. Its
    /// owner becomes a group or organisation, unless it is the login of somebody added before.
    pub fn add_project(&self, forge: Forge, path: &str) -> u64 {
        self.forges().state.new_project(forge, path)
    }

    /// Writes a file of a repository on a branch, or takes it away with `None`. The default branch is
    /// `main`.
    pub fn set_file(&self, forge: Forge, project: &str, branch: &str, path: &str, text: Option<&str>) {
        if let Ok(project) = self.forges().state.project_mut(forge, project) {
            let place = (branch.to_owned(), path.to_owned());
            match text {
                Some(text) => project.files.insert(place, text.to_owned()),
                None => project.files.remove(&place),
            };
        }
    }

    /// Makes a project visible to everybody.
    pub fn make_public(&self, forge: Forge, path: &str) {
        if let Ok(project) = self.forges().state.project_mut(forge, path) {
            project.public = true;
        }
    }

    /// GitLab: how many approvals a merge request needs, and whether a push takes them away.
    pub fn set_approval_rules(&self, project: &str, required: usize, reset_on_push: bool) {
        if let Ok(project) = self.forges().state.project_mut(Forge::Gitlab, project) {
            (project.approvals_required, project.reset_approvals_on_push) = (required, reset_on_push);
        }
    }

    /// GitLab: how it assigns reviewers by itself (`disabled`, `code_owners`, `dap_powered`).
    pub fn set_reviewer_assignment(&self, project: &str, strategy: &'static str) {
        if let Ok(project) = self.forges().state.project_mut(Forge::Gitlab, project) {
            project.settings.reviewer_assignment = strategy;
        }
    }

    /// GitLab: gives a role of the company's own, which is based on the one that somebody has, the
    /// rights of a Developer. The number of the role stays that of its base.
    pub fn widen_role(&self, project: &str, login: &str) {
        let state = &mut self.forges().state;
        let user = state.account(Forge::Gitlab, login, login, false);
        if let Ok(project) = state.project_mut(Forge::Gitlab, project) {
            project.settings.widened.insert(user);
        }
    }

    /// Opens a part of a project to members only, to all, or to nobody. On GitHub `Private` changes
    /// are those of collaborators with write access.
    pub fn set_feature(&self, forge: Forge, project: &str, feature: Feature, access: FeatureAccess) {
        if let Ok(project) = self.forges().state.project_mut(forge, project) {
            project.settings.set(feature, access);
        }
    }

    /// Creates a label ahead of time, in a colour of somebody's choice; one that exists is left as it is.
    pub fn add_project_label(&self, forge: Forge, project: &str, name: &str) {
        // The only refusals are "no such project" and "exists", and both mean there is nothing to do.
        let _ = self.forges().state.create_label(forge, project, name, "bfd4f2", None);
    }

    /// Colour (six hexadecimal digits) and description of a project's label.
    pub fn project_label(&self, forge: Forge, project: &str, name: &str) -> Option<(String, Option<String>)> {
        let forges = self.forges();
        let label = forges.state.project(forge, project).ok()?.label(name)?;
        Some((label.color.clone(), label.description.clone()))
    }
}

/// Who belongs to them.
impl Sandbox {
    /// Makes somebody a direct member (GitLab) or collaborator (GitHub).
    pub fn add_member(&self, forge: Forge, project: &str, login: &str, access: Access) {
        let state = &mut self.forges().state;
        state.new_project(forge, project);
        let user = state.account(forge, login, login, false);
        if let Ok(project) = state.project_mut(forge, project) {
            project.members.insert(user, access);
        }
    }

    /// Takes a direct membership away.
    pub fn remove_member(&self, forge: Forge, project: &str, login: &str) {
        let state = &mut self.forges().state;
        let user = state.account(forge, login, login, false);
        if let Ok(project) = state.project_mut(forge, project) {
            project.members.remove(&user);
        }
    }

    /// Shares a GitLab project with a group, whose members get that role at most.
    pub fn share_project(&self, project: &str, group: &str, access: Access) {
        let state = &mut self.forges().state;
        state.group(group);
        if let Ok(project) = state.project_mut(Forge::Gitlab, project) {
            project.settings.shared_with.push((group.to_owned(), access));
        }
    }
}

/// What becomes of them.
impl Sandbox {
    /// Renames or moves a project. By its old path both forges answer 301 from now on. GitHub tells of
    /// it by webhook (`repository`, `renamed`); GitLab tells nobody but system hooks.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn rename_project(&self, forge: Forge, from: &str, to: &str) {
        let is_renamed = self.act(|state| state.rename_project(forge, from, to));
        assert!(is_renamed, "there is no project {from}");
    }

    /// Archives a project, or opens it again.
    pub fn archive_project(&self, forge: Forge, path: &str, archived: bool) {
        self.act(|state| state.archive_project(forge, path, archived));
    }

    /// Deletes a project with everything in it.
    pub fn delete_project(&self, forge: Forge, path: &str) {
        self.act(|state| state.delete_project(forge, path));
    }
}
