//! Who may see and do what: memberships as each forge inherits them.

use std::collections::BTreeMap;

use super::accounts::{Access, UserId, team_members, with_ancestors};
use super::change::ChangeRef;
use super::forge::Forge;
use super::project::Project;
use super::refusal::Refusal;
use super::state::State;

impl State {
    /// What `user` may do in the project, or `None` if it is hidden from them.
    pub(crate) fn access(&self, project: &Project, user: UserId) -> Option<Access> {
        let blocked = self.user(project.forge, user).is_some_and(|user| user.blocked.is_some());
        if blocked {
            return None;
        }
        let granted = match project.forge {
            Forge::Gitlab => self.gitlab_members(project).get(&user).copied(),
            Forge::Github => self.github_members(project).get(&user).copied(),
        };
        granted.or(project.public.then_some(Access::GUEST))
    }

    /// Whether `user` may read the project's changes.
    pub(crate) fn can_read(&self, project: &Project, user: UserId) -> bool {
        project.public || self.access(project, user).is_some_and(|access| access >= Access::READ)
    }

    /// Whether the user has at least this access to the change's project.
    pub(crate) fn has(&self, at: &ChangeRef, user: UserId, least: Access) -> Result<bool, Refusal> {
        let project = self.project(at.forge, &at.project)?;
        Ok(self.access(project, user).is_some_and(|access| access >= least))
    }

    /// Members of a GitLab project, its groups and their ancestors, with the highest access each has.
    pub(crate) fn gitlab_members(&self, project: &Project) -> BTreeMap<UserId, Access> {
        let mut all = self.group_members_all(project.owner());
        merge(&mut all, &project.members);
        // A group that the project is shared with gives its members at most the role it was given.
        for (group, most) in &project.settings.shared_with {
            let members = self.group_members_all(group).into_iter();
            merge(&mut all, &members.map(|(user, access)| (user, access.min(*most))).collect());
        }
        all
    }

    /// Members of a GitLab group and its ancestors.
    pub(crate) fn group_members_all(&self, path: &str) -> BTreeMap<UserId, Access> {
        let mut all = BTreeMap::new();
        let today = self.today(Forge::Gitlab);
        for ancestor in with_ancestors(path) {
            if let Some(group) = self.groups.get(ancestor) {
                merge(&mut all, &group.members_on(today));
            }
        }
        all
    }

    /// Direct collaborators and members of teams with access to a GitHub repository.
    pub(crate) fn github_members(&self, project: &Project) -> BTreeMap<UserId, Access> {
        let mut all = project.members.clone();
        if let Some(org) = self.orgs.get(project.owner()) {
            for (slug, team) in &org.teams {
                if let Some(access) = team.repos.get(&project.path) {
                    let grants = team_members(&org.teams, slug).into_keys().map(|user| (user, *access));
                    merge(&mut all, &grants.collect());
                }
            }
        }
        all
    }
}

fn merge(all: &mut BTreeMap<UserId, Access>, more: &BTreeMap<UserId, Access>) {
    for (user, access) in more {
        all.entry(*user).and_modify(|old| *old = (*old).max(*access)).or_insert(*access);
    }
}
