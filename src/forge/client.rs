//! The client of one forge: what the courier, reconcile and `explain` hold.

mod hooks;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::credentials::Credentials;
use super::fault::Fault;
use super::http::{Health, Pages, Transport};
use super::url::Place;
use super::{github, gitlab, owners, story};
use crate::clock::Clock;
use crate::core::absence::Busy;
use crate::core::action::Action;
use crate::core::change::{Account, ChangeKey, ForgeKind, Snapshot};
use crate::core::fact::Fact;
use crate::core::people::{Roster, RosterWish};
use crate::core::policy::Pattern;
use crate::core::tickets::TicketRules;

pub use hooks::Watched;

/// What a client needs to know of its forge.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The forge's name in the configuration.
    pub name: String,
    pub kind: ForgeKind,
    /// GitLab: the address of its pages, a path prefix included. GitHub: the address of its API.
    pub url: String,
    pub credentials: Credentials,
    /// The projects to list; see [`Client::list`].
    pub projects: Vec<Pattern>,
    /// Sent with every request, such as `usher/0.1.0`.
    pub user_agent: String,
}

/// Why a client could not be made; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("forge `{forge}`: {why}")]
pub struct ClientError {
    pub forge: String,
    pub why: String,
}

/// What is known of an action's comment before it is performed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Our comment with the action's marker, if one is known.
    pub comment_id: Option<u64>,
    /// The outcome of an earlier attempt is unknown: look for our comment by its marker before
    /// writing a new one.
    pub look_up: bool,
}

/// What performing an action came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performed {
    /// The comment that now carries the action's body, for actions that write one.
    pub comment: Option<u64>,
    /// What the forge told while at it: refused reviewers, changed files.
    pub facts: Vec<Fact>,
}

impl Performed {
    pub(super) fn comment(id: u64) -> Performed {
        Performed { comment: Some(id), facts: Vec::new() }
    }

    pub(super) fn facts(facts: Vec<Fact>) -> Performed {
        Performed { comment: None, facts }
    }
}

/// Changes as a sweep saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each change once. The snapshots carry no verdicts.
    pub changes: Vec<(ChangeKey, Snapshot)>,
    /// A limit on pages or projects was met, or the forge would not show one of them: there is more
    /// than `changes`. The watermark must not
    /// be moved past the oldest `updated_at` that may be missing, so leave it where it was.
    pub truncated: bool,
}

/// One forge as one identity; cheap to clone, and clones share the gate.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    kind: ForgeKind,
    projects: Vec<Pattern>,
    place: Place,
    line: Arc<Transport>,
    clock: Clock,
    dialect: Dialect,
    tickets: ArcSwap<TicketRules>,
}

#[derive(Debug)]
pub(super) enum Dialect {
    GitLab(gitlab::GitLab),
    GitHub(github::GitHub),
}

impl Client {
    /// Prepares a client; nothing is sent.
    ///
    /// # Errors
    /// When the url or the credentials cannot be used.
    pub fn new(config: ClientConfig, clock: Clock) -> Result<Client, ClientError> {
        let ClientConfig { name, kind, url, credentials, projects, user_agent } = config;
        let fail = |why| ClientError { forge: name.clone(), why };
        let place = Place::new(kind, &url).map_err(fail)?;
        let line =
            Transport::new(kind, place.api.clone(), credentials, &user_agent, clock.clone()).map_err(fail)?;
        let line = Arc::new(line);
        let dialect = match kind {
            ForgeKind::GitLab => Dialect::GitLab(gitlab::GitLab::new(line.clone(), clock.clone())),
            ForgeKind::GitHub => Dialect::GitHub(github::GitHub::new(line.clone())),
        };
        let tickets = ArcSwap::default();
        Ok(Client(Arc::new(Inner { name, kind, projects, place, line, clock, dialect, tickets })))
    }

    /// From now on, this client and its clones find customer tickets by these rules; at first by none.
    pub fn set_tickets(&self, tickets: Arc<TicketRules>) {
        self.0.tickets.store(tickets);
    }

    /// The forge's name in the configuration.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn kind(&self) -> ForgeKind {
        self.0.kind
    }

    /// How the connection has been: for readiness and metrics.
    pub fn health(&self) -> Health {
        self.0.line.health()
    }

    /// Brings the forge to the end that `action` names. Doing it twice is harmless; nothing is
    /// repeated in here.
    ///
    /// Requests when all goes well: `Shape` 1 read and, where something differs, 1 write on GitLab,
    /// on GitHub 1 write each for added labels and reviewers (a removed label costs one more each);
    /// `Status`, `Ping`, `Reply`, `React` 1 write; `ReadFiles` 1 read per 100 files,
    /// and up to 3 to find CODEOWNERS where it is asked for.
    ///
    /// # Errors
    /// See [`Fault`]. [`Fault::Gone`]: the change is not there any more. After
    /// `Retry { outcome_unknown: true }` of an action that writes a comment, come back with
    /// [`Hint::look_up`].
    pub async fn perform(&self, change: &ChangeKey, action: &Action, hint: Hint) -> Result<Performed, Fault> {
        if !matches!(action, Action::ReadFiles { .. }) {
            // A read that only serves a write is not spent while the write could not follow.
            self.0.line.check_write()?;
        }
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.perform(change, action, hint).await,
            Dialect::GitHub(github) => github.perform(change, action, hint).await,
        }
    }

    /// Reads a change with its reviewers and their verdicts.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn observe(&self, change: &ChangeKey) -> Result<Snapshot, Fault> {
        let tickets = self.0.tickets.load_full();
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.observe(change, &tickets).await,
            Dialect::GitHub(github) => github.observe(change, &tickets).await,
        }
    }

    /// Lists the changes of the watched projects: the open ones, or, with `updated_after`, all
    /// that were updated at or after that instant, closed and merged ones too.
    ///
    /// # Errors
    /// See [`Fault`]. A project or group that is not there is passed over, and so, with a warning and
    /// `truncated`, is one that the forge refuses to show (renamed, forbidden).
    pub async fn list(&self, updated_after: Option<Timestamp>) -> Result<Listing, Fault> {
        let Inner { name, projects, .. } = &*self.0;
        let tickets = self.0.tickets.load_full();
        let mut listing = match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.list(name, projects, updated_after, &tickets).await,
            Dialect::GitHub(github) => github.list(name, projects, updated_after, &tickets).await,
        }?;
        let mut seen = std::collections::BTreeSet::new();
        listing.changes.retain(|(key, _)| seen.insert(key.clone()));
        Ok(listing)
    }

    /// The watched projects that the configuration names in full, without a wildcard.
    pub fn exact_projects(&self) -> impl Iterator<Item = &str> {
        self.0
            .projects
            .iter()
            .map(|pattern| pattern.text.as_str())
            .filter(|text| !text.split('/').any(is_wild))
    }

    /// The webhooks of a project that lead to Usher, with their health. One read; GitHub disables no
    /// hook by itself, so there nothing is asked and the list is empty.
    ///
    /// # Errors
    /// See [`Fault`]. [`Fault::Gone`] or [`Fault::Refused`]: this token may not look at them.
    pub async fn hooks(&self, project: &str) -> Result<Vec<gitlab::Hook>, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.hooks(&self.0.name, project).await,
            Dialect::GitHub(_) => Ok(Vec::new()),
        }
    }

    /// Sends a test to one of [`Client::hooks`], which enables it again where Usher answers well.
    /// One write; GitLab allows five a minute. On GitHub there is nothing to do.
    ///
    /// # Errors
    /// See [`Fault`]. 422: Usher did not answer well, or the project has no change to make a test of.
    pub async fn test_hook(&self, project: &str, hook: u64) -> Result<(), Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.test_hook(project, hook).await,
            Dialect::GitHub(_) => Ok(()),
        }
    }

    /// Resolves the logins and groups of `wish`. Those that the forge does not know are named in
    /// `unknown`.
    ///
    /// # Errors
    /// When the forge could not be asked; see [`Fault`].
    pub async fn roster(&self, wish: &RosterWish) -> Result<Roster, Fault> {
        self.roster_after(wish, &Roster::default()).await
    }

    /// The same, knowing the roster `before`: whoever has changed their login since is still known,
    /// for ids stay. Such a login costs one more request.
    ///
    /// # Errors
    /// As [`Client::roster`].
    pub async fn roster_after(&self, wish: &RosterWish, before: &Roster) -> Result<Roster, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => story::roster(gitlab, wish, before, &self.0.clock).await,
            Dialect::GitHub(github) => story::roster(github, wish, before, &self.0.clock).await,
        }
    }

    pub(super) fn dialect(&self) -> &Dialect {
        &self.0.dialect
    }

    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.0.projects
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Who of `people` is shown as busy, by account id. One request for 50 people; of more than 1,000
    /// the rest is left out, with a warning. What people write beside it is not asked for.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn busy(&self, people: &[Account]) -> Result<BTreeMap<u64, Busy>, Fault> {
        let now = self.0.clock.now();
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => story::busy(gitlab, people, ForgeKind::GitLab, now).await,
            Dialect::GitHub(github) => story::busy(github, people, ForgeKind::GitHub, now).await,
        }
    }

    /// Reads the CODEOWNERS file of a project as it is on `branch`, or on the default branch. 1 to 3
    /// reads.
    ///
    /// # Errors
    /// See [`Fault`]. [`Fault::Refused`]: the token may not read files (GitHub: Contents: read;
    /// GitLab: the role Reporter). A project that is hidden altogether looks like one without the
    /// file.
    pub async fn codeowners(&self, project: &str, branch: Option<&str>) -> Result<owners::OwnersRead, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => owners::read(gitlab, project, branch).await,
            Dialect::GitHub(github) => owners::read(github, project, branch).await,
        }
    }

    /// The change whose page on this forge has the address `text`.
    pub fn resolve_url(&self, text: &str) -> Option<ChangeKey> {
        self.0.place.change_key(&self.0.name, text)
    }
}

/// What was found in the project or group `name`. One that is not there is passed over. So is one
/// that the forge refuses to show, with a warning: a single renamed or forbidden project must not
/// end the healing of all others.
///
/// # Errors
/// Every other fault, which names the project where it has words.
pub(super) fn shown<T>(forge: &str, name: &str, found: Result<Pages<T>, Fault>) -> Result<Pages<T>, Fault> {
    let fault = match found {
        Err(Fault::Gone) => return Ok(Pages { entries: Vec::new(), truncated: false }),
        Err(fault) => fault.about(&format!("`{name}`")),
        found => return found,
    };
    if !matches!(fault, Fault::Refused { .. }) {
        return Err(fault);
    }
    tracing::warn!(forge, project = name, %fault, "passed over in this sweep; correct `projects` or the token's rights");
    Ok(Pages { entries: Vec::new(), truncated: true })
}

/// Where a glob pattern of projects has to be looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// Everything the token can see.
    Everywhere,
    /// All projects below this namespace.
    Below(String),
    Project(String),
}

fn is_wild(part: &str) -> bool {
    part.contains(['*', '?', '[', '{', '\\'])
}

impl Source {
    /// As forges compare names: without regard to case.
    fn folded(&self) -> Source {
        match self {
            Source::Everywhere => Source::Everywhere,
            Source::Below(path) => Source::Below(path.to_ascii_lowercase()),
            Source::Project(path) => Source::Project(path.to_ascii_lowercase()),
        }
    }
}

/// The fewest places in which all of `patterns` are found, in the spelling that came first.
pub(super) fn sources(patterns: &[Pattern]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for pattern in patterns {
        let parts: Vec<&str> = pattern.text.split('/').collect();
        let tame: Vec<&str> = parts.iter().copied().take_while(|part| !is_wild(part)).collect();
        sources.push(match tame.len() {
            0 => Source::Everywhere,
            n if n == parts.len() => Source::Project(pattern.text.clone()),
            _ => Source::Below(tame.join("/")),
        });
    }
    sources.sort_by_cached_key(Source::folded);
    sources.dedup_by_key(|source| source.folded());
    let all: Vec<Source> = sources.iter().map(Source::folded).collect();
    let inside = |path: &str, root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    sources.retain(|source| {
        let (Source::Below(path) | Source::Project(path)) = source.folded() else { return true };
        !all.iter().any(|other| match other {
            Source::Everywhere => true,
            Source::Below(root) => inside(&path, root),
            Source::Project(_) => false,
        })
    });
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_looked_for_in_the_fewest_places() {
        let found = |texts: &[&str]| {
            let patterns: Vec<Pattern> = texts.iter().map(|text| Pattern::new(text).unwrap()).collect();
            sources(&patterns)
        };
        let below = |path: &str| Source::Below(path.into());
        let project = |path: &str| Source::Project(path.into());
        assert_eq!(
            found(&["acme/*", "acme/shop", "acme/tools/**", "beta/x"]),
            [below("acme"), project("beta/x")]
        );
        assert_eq!(found(&["acmes/*", "acme/*"]), [below("acme"), below("acmes")]);
        assert_eq!(found(&["acme/{a,b}", "acme/*"]), [below("acme")]);
        assert_eq!(found(&["**", "acme/shop"]), [Source::Everywhere]);
        assert_eq!(found(&["Acme/*", "acme/*", "ACME/shop"]), [below("Acme")]);
        assert_eq!(found(&["Beta/X", "beta/x"]), [project("Beta/X")]);
    }
}
