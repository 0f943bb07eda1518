//! Who may see and do what: memberships as each forge inherits them.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{Access, Forge, Project, State, Team, Tier, UserId};

impl State {
    /// What `user` may do in the project, or `None` if it is hidden from them.
    pub fn access(&self, project: &Project, user: UserId) -> Option<Access> {
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
    pub fn can_read(&self, project: &Project, user: UserId) -> bool {
        project.public || self.access(project, user).is_some_and(|access| access >= Access::READ)
    }

    /// Members of a GitLab project, its groups and their ancestors, with the highest access each has.
    pub fn gitlab_members(&self, project: &Project) -> BTreeMap<UserId, Access> {
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
    pub fn group_members_all(&self, path: &str) -> BTreeMap<UserId, Access> {
        let mut all = BTreeMap::new();
        let today = self.today();
        for ancestor in with_ancestors(path) {
            if let Some(group) = self.groups.get(ancestor) {
                merge(&mut all, &group.members_on(today));
            }
        }
        all
    }

    /// Direct collaborators and members of teams with access to a GitHub repository.
    pub fn github_members(&self, project: &Project) -> BTreeMap<UserId, Access> {
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

    /// Whether group hooks, several reviewers and scoped labels exist here.
    pub fn is_premium(&self) -> bool {
        self.tier == Tier::Premium
    }
}

/// Members of a GitHub team and its child teams, with whether the membership is inherited from a
/// child team (OpenAPI description of "List team members": child teams are included).
pub(super) fn team_members(teams: &BTreeMap<String, Team>, slug: &str) -> BTreeMap<UserId, bool> {
    let mut members = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![slug.to_owned()];
    while let Some(current) = open.pop() {
        if !seen.insert(current.clone()) {
            continue;
        }
        if let Some(team) = teams.get(&current) {
            for user in &team.members {
                let inherited = current != slug;
                members.entry(*user).and_modify(|old| *old = *old && inherited).or_insert(inherited);
            }
        }
        let children = teams.iter().filter(|(_, team)| team.parent.as_deref() == Some(current.as_str()));
        open.extend(children.map(|(child, _)| child.clone()));
    }
    members
}

/// `a/b/c`, `a/b`, `a`.
pub(super) fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(parent, _)| parent))
}

fn merge(all: &mut BTreeMap<UserId, Access>, more: &BTreeMap<UserId, Access>) {
    for (user, access) in more {
        all.entry(*user).and_modify(|old| *old = (*old).max(*access)).or_insert(*access);
    }
}
