//! Filling the forges before the play: accounts, groups, teams, projects, hooks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::delivery::{Hook, HookTarget, NewHook};
use super::github::apps::{App, Installation};
use super::settings::Settings;
use super::state::{Access, Forge, Group, Org, Project, State, Tier, User, UserId};
use super::{Sandbox, github};

/// Accounts and tokens.
impl Sandbox {
    /// Adds a person and returns the numeric id; an account that exists already is returned as it is.
    pub fn add_user(&self, forge: Forge, login: &str, name: &str) -> UserId {
        self.state().account(forge, login, name, false)
    }

    /// Adds a bot account. GitLab: an access token's bot user; GitHub: a machine user or App.
    pub fn add_bot(&self, forge: Forge, login: &str, name: &str) -> UserId {
        self.state().account(forge, login, name, true)
    }

    /// Lets `token` speak for `login`. Nothing else is authenticated.
    pub fn add_token(&self, forge: Forge, token: &str, login: &str) {
        let mut state = self.state();
        let user = state.account(forge, login, login, false);
        state.tokens.insert((forge, token.to_owned()), user);
    }

    /// Registers the fake GitHub's one App; it acts as the bot `slug[bot]`. `public_key` is RSA in PEM.
    ///
    /// # Panics
    /// When the key is none.
    pub fn add_app(&self, id: u64, slug: &str, public_key: &str) {
        let key = jsonwebtoken::DecodingKey::from_rsa_pem(public_key.as_bytes());
        let key = key.unwrap_or_else(|error| panic!("no public RSA key in PEM: {error}"));
        let mut state = self.state();
        let user = state.account(Forge::Github, &format!("{slug}[bot]"), slug, true);
        let (slug, installations, granted) = (slug.to_owned(), BTreeMap::new(), BTreeMap::new());
        let (hook_url, permissions) = (None, github::apps::permissions());
        state.app = Some(App { id, slug, hook_url, permissions, key, user, installations, granted });
    }

    /// Installs the App at an owner, who lets it into every repository there is by then.
    pub fn install_app(&self, owner: &str) {
        let mut state = self.state();
        let id = state.new_id();
        if state.user_by_login(Forge::Github, owner).is_none() {
            state.org(owner);
        }
        let Some(app) = &mut state.app else { return };
        let user = app.user;
        app.installations.insert(owner.to_owned(), Installation { id, suspended_at: None });
        let of_owner = |project: &&mut Project| project.forge == Forge::Github && project.owner() == owner;
        for project in state.projects.values_mut().filter(of_owner) {
            project.members.insert(user, Access::WRITE);
        }
    }

    /// Makes all tokens worthless that installations of the App were granted.
    pub fn revoke_app_tokens(&self) {
        if let Some(app) = &mut self.state().app {
            app.granted.clear();
        }
    }

    /// Makes a token worthless.
    pub fn revoke_token(&self, forge: Forge, token: &str) {
        self.state().tokens.remove(&(forge, token.to_owned()));
    }

    /// Somebody sets their status: busy (GitHub: "limited availability") or not, with a message. No
    /// webhook tells of it, on either forge.
    pub fn set_busy(&self, forge: Forge, login: &str, busy: bool, message: &str) {
        self.set_status(forge, login, busy, message, None);
    }

    /// Somebody sets themselves busy on GitHub until then.
    pub fn set_busy_until(&self, login: &str, until: Timestamp) {
        self.set_status(Forge::Github, login, true, "", Some(until));
    }

    fn set_status(&self, forge: Forge, login: &str, busy: bool, message: &str, until: Option<Timestamp>) {
        let mut state = self.state();
        let id = state.account(forge, login, login, false);
        if let Some(user) = state.users.get_mut(&(forge, id)) {
            (user.busy, user.busy_until, user.status_message) = (busy, until, message.to_owned());
        }
    }
}

/// Groups, teams, projects.
impl Sandbox {
    /// Sets GitLab's tier; Premium unless set.
    pub fn set_gitlab_tier(&self, tier: Tier) {
        self.state().tier = tier;
    }

    /// Whether GitLab sends an `update` webhook with `changes.reviewers` when a review is submitted
    /// (gitlab-org/gitlab!246562). Off unless set: earlier versions send only the note's webhook.
    pub fn gitlab_announces_reviews(&self, on: bool) {
        self.state().announces_reviews = on;
    }

    /// Whether GitLab has the mutation `mergeRequestSetReviewers`, which adds and removes reviewers one by
    /// one. It has, unless set: it came in 2022 (gitlab-org/gitlab!94294).
    pub fn gitlab_sets_reviewers_one_by_one(&self, on: bool) {
        self.state().sets_reviewers = on;
    }

    /// Lets a forge refuse requests beyond this many in a window (GitLab: a minute, GitHub: an hour)
    /// of the sandbox's clock. Not enforced unless set.
    pub fn limit_requests(&self, forge: Forge, per_window: u64) {
        if let Some(allowance) = self.state().allowance.get_mut(&forge) {
            (allowance.per_window, allowance.enforced, allowance.used) = (per_window, true, 0);
        }
    }

    /// Adds a private project or repository and returns its id; one that exists is left as it is. Its
    /// owner becomes a group or organisation, unless it is the login of somebody added before.
    pub fn add_project(&self, forge: Forge, path: &str) -> u64 {
        self.state().new_project(forge, path)
    }

    /// Writes a file of a repository on a branch, or takes it away with `None`. The default branch is
    /// `main`.
    pub fn set_file(&self, forge: Forge, project: &str, branch: &str, path: &str, text: Option<&str>) {
        if let Ok(project) = self.state().project_mut(forge, project) {
            let place = (branch.to_owned(), path.to_owned());
            match text {
                Some(text) => project.files.insert(place, text.to_owned()),
                None => project.files.remove(&place),
            };
        }
    }

    /// Makes a project visible to everybody.
    pub fn make_public(&self, forge: Forge, path: &str) {
        if let Ok(project) = self.state().project_mut(forge, path) {
            project.public = true;
        }
    }

    /// GitLab: how many approvals a merge request needs, and whether a push takes them away.
    pub fn set_approval_rules(&self, project: &str, required: usize, reset_on_push: bool) {
        if let Ok(project) = self.state().project_mut(Forge::Gitlab, project) {
            (project.approvals_required, project.reset_approvals_on_push) = (required, reset_on_push);
        }
    }

    /// Makes somebody a direct member (GitLab) or collaborator (GitHub).
    pub fn add_member(&self, forge: Forge, project: &str, login: &str, access: Access) {
        let mut state = self.state();
        state.new_project(forge, project);
        let user = state.account(forge, login, login, false);
        if let Ok(project) = state.project_mut(forge, project) {
            project.members.insert(user, access);
        }
    }

    /// Takes a direct membership away.
    pub fn remove_member(&self, forge: Forge, project: &str, login: &str) {
        let mut state = self.state();
        let user = state.account(forge, login, login, false);
        if let Ok(project) = state.project_mut(forge, project) {
            project.members.remove(&user);
        }
    }

    /// Creates a label ahead of time; one that exists is left as it is.
    pub fn add_project_label(&self, forge: Forge, project: &str, name: &str) {
        // The only refusals are "no such project" and "exists", and both mean there is nothing to do.
        let _ = self.state().ensure_label(forge, project, name);
    }
}

/// Hooks.
impl Sandbox {
    /// Attaches a webhook and returns its id. GitHub sends a `ping` at once, as the real one does.
    pub fn add_hook(&self, forge: Forge, target: HookTarget, new: NewHook) -> u64 {
        let mut state = self.state();
        state.attach(forge, target, new)
    }

    /// A webhook as it is, secrets included; `None` if it is gone.
    pub fn hook(&self, id: u64) -> Option<NewHook> {
        self.state().hooks.get(&id).map(|hook| hook.new.clone())
    }

    /// The ids of all webhooks of a target.
    pub fn hooks_at(&self, forge: Forge, target: &HookTarget) -> Vec<u64> {
        let state = self.state();
        let here = state.hooks.values().filter(|hook| hook.forge == forge && hook.target == *target);
        here.map(|hook| hook.id).collect()
    }

    /// Makes somebody an owner of a GitHub organisation; both are created as needed.
    pub fn add_org_owner(&self, org: &str, login: &str) {
        let mut state = self.state();
        let user = state.account(Forge::Github, login, login, false);
        state.org(org).owners.insert(user);
    }

    /// Detaches a webhook.
    pub fn remove_hook(&self, id: u64) {
        self.state().hooks.remove(&id);
    }

    /// GitLab's `alert_status` of a hook: `executable`, `temporarily_disabled` or `disabled`.
    pub fn hook_status(&self, id: u64) -> Option<&'static str> {
        let state = self.state();
        state.hooks.get(&id).map(|hook| hook.alert_status(state.clock.now()))
    }
}

impl State {
    /// A new hook; GitHub greets it with a `ping`.
    pub(super) fn attach(&mut self, forge: Forge, target: HookTarget, new: NewHook) -> u64 {
        let id = self.new_id();
        let hook = Hook::new(id, forge, target, new, self.clock.now());
        self.hooks.insert(id, hook.clone());
        if forge == Forge::Github {
            let ping = github::hooks::ping(self, &hook);
            let event_uuid = self.new_uuid();
            self.queue_for_hook(id, forge, "ping", &event_uuid, &ping);
        }
        id
    }

    pub(super) fn account(&mut self, forge: Forge, login: &str, name: &str, bot: bool) -> UserId {
        if let Some(user) = self.user_by_login(forge, login) {
            return user.id;
        }
        // Far apart, so that an id of one forge used on the other finds nobody.
        let id = self.new_id() + if forge == Forge::Gitlab { 0 } else { 5_000_000 };
        let (login, name) = (login.to_owned(), name.to_owned());
        self.users.insert(
            (forge, id),
            User {
                id,
                login,
                name,
                bot,
                busy: false,
                busy_until: None,
                status_message: String::new(),
                blocked: None,
            },
        );
        id
    }

    pub(super) fn group(&mut self, path: &str) -> &mut Group {
        for ancestor in super::access::with_ancestors(path) {
            let id = self.new_id();
            self.groups.entry(ancestor.to_owned()).or_insert(Group::new(id));
        }
        let id = self.new_id();
        self.groups.entry(path.to_owned()).or_insert(Group::new(id))
    }

    pub(super) fn org(&mut self, name: &str) -> &mut Org {
        let id = self.new_id();
        self.orgs.entry(name.to_owned()).or_insert(Org {
            id,
            teams: BTreeMap::new(),
            owners: BTreeSet::new(),
        })
    }

    fn new_project(&mut self, forge: Forge, path: &str) -> u64 {
        if let Ok(project) = self.project(forge, path) {
            return project.id;
        }
        let owner = path.rsplit_once('/').map_or("", |(owner, _)| owner);
        if self.user_by_login(forge, owner).is_none() {
            let _made_if_missing = match forge {
                Forge::Gitlab => self.group(owner).id,
                Forge::Github => self.org(owner).id,
            };
        }
        let (id, created_at) = (self.new_id(), self.clock.now());
        let project = Project {
            id,
            forge,
            path: path.to_owned(),
            public: false,
            archived: false,
            settings: Settings::default(),
            members: BTreeMap::new(),
            labels: Vec::new(),
            changes: BTreeMap::new(),
            files: BTreeMap::new(),
            approvals_required: 1,
            reset_approvals_on_push: false,
            created_at,
        };
        self.projects.insert((forge, path.to_owned()), project);
        id
    }
}
