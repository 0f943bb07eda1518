//! What the two fake forges know: one state behind both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::delivery::{Delivery, Hook};
use super::faults::{Interlude, PlannedFault};
use super::github::apps::App;
use super::github::deliveries::Attempt;
use super::people::ChangeRef;
use super::rates::ContentLimit;
use super::record::{LogEntry, RequestRecord};
use super::settings::Settings;
use super::sign;
use super::tape::Tape;
use super::tokens::TokenFacts;
use crate::clock::Clock;

/// Which of the two fake forges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forge {
    /// The fake GitLab, below `/gl`.
    Gitlab,
    /// The fake GitHub Enterprise Server, API below `/api/v3`.
    Github,
}

/// The default branch of every project.
pub(super) const DEFAULT_BRANCH: &str = "main";

/// A user's numeric id; the same person has a different one on each forge.
pub type UserId = u64;

/// GitLab's tier, which decides about several reviewers, scoped labels and group hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// One reviewer per merge request, no scoped labels, no group hooks.
    Free,
    /// Several reviewers, exclusive scoped labels, group hooks.
    Premium,
}

/// What somebody may do in a project or group, in GitLab's numbers (`doc/api/members.md`). GitHub's
/// permissions are read, 25 for triage, write, maintain and admin in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access(pub u64);

impl Access {
    /// GitLab Guest: sees a private project, but no merge requests.
    pub const GUEST: Access = Access(10);
    /// GitLab Reporter, GitHub `read` (`pull`).
    pub const READ: Access = Access(20);
    /// GitHub `triage`.
    pub const TRIAGE: Access = Access(25);
    /// GitLab Developer, GitHub `write` (`push`).
    pub const WRITE: Access = Access(30);
    /// Maintainer on both.
    pub const MAINTAIN: Access = Access(40);
    /// GitLab Owner, GitHub `admin`.
    pub const ADMIN: Access = Access(50);
}

/// One account on one forge.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub id: UserId,
    pub login: String,
    pub name: String,
    pub bot: bool,
    /// GitLab's "busy", GitHub's "limited availability" (in GraphQL only), and the message beside it.
    pub busy: bool,
    /// When GitHub clears the status.
    pub busy_until: Option<Timestamp>,
    pub status_message: String,
    /// Why the account cannot act: GitLab's `blocked`, `deactivated`, …; on GitHub it is suspended.
    pub blocked: Option<String>,
}

/// A GitLab group or subgroup; its key is the full path.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub id: u64,
    pub members: BTreeMap<UserId, Access>,
    /// The day with whose start a membership ends.
    pub ends: BTreeMap<UserId, Date>,
}

impl Group {
    /// A group without members.
    pub fn new(id: u64) -> Group {
        Group { id, members: BTreeMap::new(), ends: BTreeMap::new() }
    }

    /// Members whose membership lasts on `today` (UTC).
    pub fn members_on(&self, today: Date) -> BTreeMap<UserId, Access> {
        let lasts = |user: &UserId| self.ends.get(user).is_none_or(|end| today < *end);
        self.members.iter().filter(|(user, _)| lasts(user)).map(|(user, access)| (*user, *access)).collect()
    }
}

/// A GitHub organisation.
#[derive(Clone, Debug)]
pub(super) struct Org {
    pub id: u64,
    pub teams: BTreeMap<String, Team>,
    /// Who may see and change its webhooks.
    pub owners: BTreeSet<UserId>,
}

/// A GitHub team; its key is the slug.
#[derive(Clone, Debug)]
pub(super) struct Team {
    pub id: u64,
    pub parent: Option<String>,
    pub members: Vec<UserId>,
    /// Access per full repository name.
    pub repos: BTreeMap<String, Access>,
}

/// A GitLab project or GitHub repository.
#[derive(Clone, Debug)]
pub(super) struct Project {
    pub id: u64,
    pub forge: Forge,
    /// `group/subgroup/name` or `owner/name`.
    pub path: String,
    pub public: bool,
    /// It can be read, and nobody can act on it.
    pub archived: bool,
    pub settings: Settings,
    pub members: BTreeMap<UserId, Access>,
    pub labels: Vec<Label>,
    pub changes: BTreeMap<u64, Change>,
    /// Contents of files, by branch and path.
    pub files: BTreeMap<(String, String), String>,
    /// GitLab: how many approvals make a merge request `approved`; 0 counts as one.
    pub approvals_required: usize,
    /// GitLab: whether a push takes approvals away.
    pub reset_approvals_on_push: bool,
    pub created_at: Timestamp,
}

impl Project {
    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// Everything before the last part of the path.
    pub fn owner(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(owner, _)| owner)
    }

    /// What a file holds on a branch, or on the default one.
    pub fn file(&self, branch: Option<&str>, path: &str) -> Option<&str> {
        let branch = branch.unwrap_or(DEFAULT_BRANCH);
        self.files.get(&(branch.to_owned(), path.to_owned())).map(String::as_str)
    }

    /// The label of that name, as this forge compares names: GitHub ignores case.
    pub fn label(&self, name: &str) -> Option<&Label> {
        match self.forge {
            Forge::Gitlab => self.labels.iter().find(|label| label.name == name),
            Forge::Github => self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name)),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Label {
    pub id: u64,
    pub name: String,
    /// Without `#`.
    pub color: String,
    pub description: Option<String>,
    pub created_at: Timestamp,
}

/// Where a change stands on its forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeState {
    /// Neither merged nor closed.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
}

/// A file of a change with its line counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Path from the root of the repository.
    pub path: String,
    /// Added lines.
    pub added: u64,
    /// Deleted lines.
    pub deleted: u64,
}

impl ChangedFile {
    /// A file with so many lines added and deleted.
    pub fn new(path: &str, added: u64, deleted: u64) -> ChangedFile {
        ChangedFile { path: path.to_owned(), added, deleted }
    }
}

/// A reviewer's state, in GitLab's words; on GitHub only `Unreviewed` occurs, because whoever has
/// submitted a review is no longer requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewerState {
    /// Asked, has not acted.
    Unreviewed,
    /// Submitted a review with comments only.
    Reviewed,
    /// Asked for changes.
    RequestedChanges,
    /// Approved.
    Approved,
    /// Took an approval back, or lost it to a push.
    Unapproved,
}

#[derive(Clone, Debug)]
pub(super) struct Reviewer {
    pub user: UserId,
    pub state: ReviewerState,
    pub since: Timestamp,
}

/// What a reviewer says with a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good to merge.
    Approve,
    /// The author has to change something.
    RequestChanges,
    /// Remarks only.
    Comment,
}

/// One submitted review; GitHub lists them, on GitLab they only leave a trace in the reviewer's state.
#[derive(Clone, Debug)]
pub(super) struct SubmittedReview {
    pub id: u64,
    pub user: UserId,
    pub verdict: Verdict,
    pub dismissed: bool,
    pub body: String,
    pub commit: String,
    pub submitted_at: Timestamp,
}

#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub id: u64,
    pub author: UserId,
    pub body: String,
    /// GitLab's own notes about what happened ("requested review from @rita").
    pub system: bool,
    pub internal: bool,
    pub edits: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub reactions: Vec<Reaction>,
}

#[derive(Clone, Debug)]
pub(super) struct Reaction {
    pub id: u64,
    pub user: UserId,
    pub name: String,
    pub created_at: Timestamp,
}

/// A merge request or pull request.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub id: u64,
    pub number: u64,
    pub author: UserId,
    /// Without GitLab's `Draft: ` prefix.
    pub title: String,
    pub description: String,
    pub draft: bool,
    pub state: ChangeState,
    pub source_branch: String,
    pub target_branch: String,
    pub head: String,
    pub files: Vec<ChangedFile>,
    pub labels: Vec<String>,
    pub reviewers: Vec<Reviewer>,
    /// GitLab: who approves at the moment.
    pub approvals: Vec<UserId>,
    pub reviews: Vec<SubmittedReview>,
    pub comments: Vec<Comment>,
    pub commits: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub ended_by: Option<UserId>,
}

impl Change {
    pub fn is_requested(&self, user: UserId) -> bool {
        self.reviewers.iter().any(|reviewer| reviewer.user == user)
    }
}

/// Everything both forges know, behind one lock.
pub(super) struct State {
    pub clock: Clock,
    /// `http://host:port` of each forge.
    pub gitlab_origin: String,
    pub github_origin: String,
    pub tier: Tier,
    /// Whether GitLab announces a submitted review ("request changes", "comment") with an `update`
    /// webhook (gitlab-org/gitlab!246562) or, as before it, only with the note's webhook.
    pub announces_reviews: bool,
    /// Whether GitLab has the mutation `mergeRequestSetReviewers`.
    pub sets_reviewers: bool,
    pub users: BTreeMap<(Forge, UserId), User>,
    pub tokens: BTreeMap<(Forge, String), UserId>,
    /// What tokens tell of themselves, where that was set.
    pub token_facts: BTreeMap<(Forge, String), TokenFacts>,
    /// How far a forge's clock is ahead of the sandbox's.
    pub ahead: BTreeMap<Forge, SignedDuration>,
    /// The GitHub App, if there is one.
    pub app: Option<App>,
    pub groups: BTreeMap<String, Group>,
    pub orgs: BTreeMap<String, Org>,
    pub projects: BTreeMap<(Forge, String), Project>,
    /// Projects by the paths that they no longer have.
    pub renamed: BTreeMap<(Forge, String), u64>,
    pub hooks: BTreeMap<u64, Hook>,
    pub queue: VecDeque<Delivery>,
    pub sent: VecDeque<Delivery>,
    /// What became of GitHub's deliveries, oldest first.
    pub attempts: VecDeque<Attempt>,
    pub requests: VecDeque<RequestRecord>,
    pub tape: Option<Tape>,
    pub log: Vec<LogEntry>,
    pub faults: Vec<PlannedFault>,
    pub interludes: VecDeque<(Forge, Interlude)>,
    pub allowance: BTreeMap<Forge, Allowance>,
    /// GitHub's limit on creating content.
    pub content: ContentLimit,
    /// GitHub's GraphQL points spent: the window's start in Unix seconds, and how many.
    pub graphql_points: (i64, u64),
    /// How many of the next webhook requests get lost.
    pub losses: BTreeMap<Forge, u32>,
    last_id: u64,
    /// Keeps the ids of two sandboxes of one test run apart.
    salt: String,
}

/// The request budget of one forge in the current window of the clock.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    pub per_window: u64,
    pub enforced: bool,
    /// Unix seconds.
    pub window_start: i64,
    pub used: u64,
}

impl State {
    pub fn new(clock: Clock, gitlab_origin: String, github_origin: String) -> State {
        let salt = format!("{gitlab_origin} {github_origin} {}", clock.now());
        let fresh = |per_window| Allowance { per_window, enforced: false, window_start: 0, used: 0 };
        State {
            clock,
            gitlab_origin,
            github_origin,
            tier: Tier::Premium,
            announces_reviews: false,
            sets_reviewers: true,
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
            token_facts: BTreeMap::new(),
            ahead: BTreeMap::new(),
            app: None,
            groups: BTreeMap::new(),
            orgs: BTreeMap::new(),
            projects: BTreeMap::new(),
            renamed: BTreeMap::new(),
            hooks: BTreeMap::new(),
            queue: VecDeque::new(),
            sent: VecDeque::new(),
            attempts: VecDeque::new(),
            requests: VecDeque::new(),
            tape: None,
            log: Vec::new(),
            faults: Vec::new(),
            interludes: VecDeque::new(),
            losses: BTreeMap::new(),
            content: ContentLimit::default(),
            graphql_points: (0, 0),
            allowance: BTreeMap::from([(Forge::Gitlab, fresh(2_000)), (Forge::Github, fresh(5_000))]),
            last_id: 100,
            salt,
        }
    }

    /// A number never given out before.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A commit id of 40 hex digits.
    pub fn new_commit(&mut self) -> String {
        let id = self.new_id();
        let mut digits = sign::digest(&format!("commit {id} {}", self.salt));
        digits.truncate(40);
        digits
    }

    /// A version 4 UUID, by its looks.
    pub fn new_uuid(&mut self) -> String {
        let id = self.new_id();
        let hex = sign::digest(&format!("uuid {id} {}", self.salt));
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
    }

    pub fn user(&self, forge: Forge, id: UserId) -> Option<&User> {
        self.users.get(&(forge, id))
    }

    /// Logins are compared without case, as both forges do.
    pub fn user_by_login(&self, forge: Forge, login: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|((of, _), user)| *of == forge && user.login.eq_ignore_ascii_case(login))
            .map(|(_, user)| user)
    }

    /// The login for sentences; ids without an account read `ghost`, as on GitHub.
    pub fn login(&self, forge: Forge, id: UserId) -> &str {
        self.user(forge, id).map_or("ghost", |user| user.login.as_str())
    }

    /// Where the forge's pages live: `http://host:port/gl` or `http://host:port`.
    pub fn pages(&self, forge: Forge) -> String {
        match forge {
            Forge::Gitlab => format!("{}/gl", self.gitlab_origin),
            Forge::Github => self.github_origin.clone(),
        }
    }

    /// The page of a change.
    pub fn change_page(&self, at: &ChangeRef) -> String {
        let kind = if at.forge == Forge::Gitlab { "-/merge_requests" } else { "pull" };
        format!("{}/{}/{kind}/{}", self.pages(at.forge), at.project, at.number)
    }

    /// Where the forge's REST API lives, without a slash at the end.
    pub fn api(&self, forge: Forge) -> String {
        match forge {
            Forge::Gitlab => format!("{}/gl/api/v4", self.gitlab_origin),
            Forge::Github => format!("{}/api/v3", self.github_origin),
        }
    }
}

/// RFC 3339 with milliseconds, as GitLab's REST API prints it.
pub(super) fn rest_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// RFC 3339 in whole seconds, as GitHub prints it everywhere.
pub(super) fn github_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-16 05:56:22 UTC`, as GitLab's webhooks print it.
pub(super) fn hook_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Reads what a client sends for `updated_after`: RFC 3339, or a plain date.
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let date: Date = text.parse().ok()?;
        date.in_tz("UTC").ok().map(|zoned| zoned.timestamp())
    })
}
