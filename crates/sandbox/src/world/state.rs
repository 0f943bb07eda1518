//! What the two fake forges know: one state behind both.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::accounts::{Group, Org, User, UserId};
use super::change::{Change, ChangeRef};
use super::credentials::Credentials;
use super::deliveries::Deliveries;
use super::event::{Event, LogEntry};
use super::forge::{Forge, Tier};
use super::ids::Ids;
use super::project::Project;
use super::rates::Rates;
use super::refusal::Refusal;
use super::webhook::Hook;
use crate::clock::Clock;

/// What this GitLab can do.
pub(crate) struct GitlabSettings {
    pub(crate) tier: Tier,
    /// Whether it announces a submitted review ("request changes", "comment") with an `update`
    /// webhook (gitlab-org/gitlab!246562) or, as before it, only with the note's webhook.
    pub(crate) announces_reviews: bool,
    /// Whether it has the mutation `mergeRequestSetReviewers`.
    pub(crate) sets_reviewers: bool,
    /// Whether its GraphQL schema has `MergeRequest.allowsMultipleReviewers`.
    pub(crate) tells_limit: bool,
    /// What `GET /version` tells.
    pub(crate) version: String,
}

/// Everything both forges know, behind one lock.
pub(crate) struct State {
    pub(crate) clock: Arc<dyn Clock>,
    /// How far a forge's clock is ahead of the sandbox's.
    pub(crate) ahead: BTreeMap<Forge, SignedDuration>,
    pub(crate) ids: Ids,
    /// `http://host:port` of each forge.
    gitlab_origin: String,
    github_origin: String,
    pub(crate) gitlab: GitlabSettings,
    pub(crate) users: BTreeMap<(Forge, UserId), User>,
    pub(crate) credentials: Credentials,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) orgs: BTreeMap<String, Org>,
    pub(crate) projects: BTreeMap<(Forge, String), Project>,
    /// Projects by the paths that they no longer have.
    pub(crate) renamed: BTreeMap<(Forge, String), u64>,
    pub(crate) hooks: BTreeMap<u64, Hook>,
    pub(crate) deliveries: Deliveries,
    pub(crate) rates: Rates,
    pub(crate) log: Vec<LogEntry>,
    /// What happened, and webhooks have not told yet.
    pub(crate) events: Vec<Event>,
}

impl State {
    pub(crate) fn new(clock: Arc<dyn Clock>, gitlab_origin: String, github_origin: String) -> State {
        let salt = format!("{gitlab_origin} {github_origin} {}", clock.now());
        State {
            clock,
            ahead: BTreeMap::new(),
            ids: Ids::new(salt),
            gitlab_origin,
            github_origin,
            gitlab: GitlabSettings {
                tier: Tier::Premium,
                announces_reviews: false,
                sets_reviewers: true,
                tells_limit: true,
                version: "19.5.0-ee".into(),
            },
            users: BTreeMap::new(),
            credentials: Credentials::default(),
            groups: BTreeMap::new(),
            orgs: BTreeMap::new(),
            projects: BTreeMap::new(),
            renamed: BTreeMap::new(),
            hooks: BTreeMap::new(),
            deliveries: Deliveries::default(),
            rates: Rates::default(),
            log: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The instant that the forge's own clock shows: all that it dates, it dates by it.
    pub(crate) fn now(&self, forge: Forge) -> Timestamp {
        let ahead = self.ahead.get(&forge).copied().unwrap_or_default();
        self.clock.now().checked_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// The day it is there, in UTC.
    pub(crate) fn today(&self, forge: Forge) -> Date {
        self.now(forge).to_zoned_datetime(TimeZone::UTC).date()
    }

    /// Whether group hooks, several reviewers and scoped labels exist here.
    pub(crate) fn is_premium(&self) -> bool {
        self.gitlab.tier == Tier::Premium
    }
}

/// Finding things.
impl State {
    pub(crate) fn user(&self, forge: Forge, id: UserId) -> Option<&User> {
        self.users.get(&(forge, id))
    }

    /// Logins are compared without case, as both forges do.
    pub(crate) fn user_by_login(&self, forge: Forge, login: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|((of, _), user)| *of == forge && user.login.eq_ignore_ascii_case(login))
            .map(|(_, user)| user)
    }

    /// The id of the account with this login.
    pub(crate) fn known(&self, forge: Forge, login: &str) -> Result<UserId, Refusal> {
        let missing = || Refusal::new(404, format!("404 User Not Found: {login}"));
        self.user_by_login(forge, login).map(|user| user.id).ok_or_else(missing)
    }

    /// The login for sentences; ids without an account read `ghost`, as on GitHub.
    pub(crate) fn login(&self, forge: Forge, id: UserId) -> &str {
        self.user(forge, id).map_or("ghost", |user| user.login.as_str())
    }

    pub(crate) fn project(&self, forge: Forge, path: &str) -> Result<&Project, Refusal> {
        let missing =
            || Refusal::new(404, if forge == Forge::Gitlab { "404 Project Not Found" } else { "Not Found" });
        self.projects.get(&(forge, path.to_owned())).ok_or_else(missing)
    }

    pub(crate) fn project_mut(&mut self, forge: Forge, path: &str) -> Result<&mut Project, Refusal> {
        self.projects.get_mut(&(forge, path.to_owned())).ok_or_else(|| Refusal::new(404, "Not Found"))
    }

    pub(crate) fn change(&self, change: &ChangeRef) -> Result<&Change, Refusal> {
        let project = self.project(change.forge, &change.project)?;
        project.changes.get(&change.number).ok_or_else(|| {
            Refusal::new(404, if change.forge == Forge::Gitlab { "404 Not found" } else { "Not Found" })
        })
    }

    /// The number of the project that lived at this path, if nobody lives there now.
    pub(crate) fn renamed(&self, forge: Forge, path: &str) -> Option<u64> {
        let key = (forge, path.to_owned());
        self.renamed.get(&key).copied().filter(|_| !self.projects.contains_key(&key))
    }
}

/// Addresses.
impl State {
    /// `http://host:port` of a forge.
    pub(crate) fn origin(&self, forge: Forge) -> &str {
        match forge {
            Forge::Gitlab => &self.gitlab_origin,
            Forge::Github => &self.github_origin,
        }
    }

    /// Where the forge's pages live: `http://host:port/gl` or `http://host:port`.
    pub(crate) fn pages(&self, forge: Forge) -> String {
        match forge {
            Forge::Gitlab => format!("{}/gl", self.gitlab_origin),
            Forge::Github => self.github_origin.clone(),
        }
    }

    /// The page of a change.
    pub(crate) fn change_page(&self, at: &ChangeRef) -> String {
        let kind = if at.forge == Forge::Gitlab { "-/merge_requests" } else { "pull" };
        format!("{}/{}/{kind}/{}", self.pages(at.forge), at.project, at.number)
    }

    /// Where the forge's REST API lives, without a slash at the end.
    pub(crate) fn api(&self, forge: Forge) -> String {
        match forge {
            Forge::Gitlab => format!("{}/gl/api/v4", self.gitlab_origin),
            Forge::Github => format!("{}/api/v3", self.github_origin),
        }
    }
}
