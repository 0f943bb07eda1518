//! The client of one forge: what the courier, reconcile and `explain` hold.

mod hooks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::credentials::Credentials;
use super::fault::Fault;
use super::http::{Health, REQUEST_TIMEOUT, Transport};
use super::inspect::Inspect;
use super::listing::{Listing, Since, Whereabouts, is_wild};
use super::url::Place;
use super::way::Way;
use super::{github, gitlab, owners, story};
use crate::clock::Clock;
use usher_core::model::absence::Busy;
use usher_core::model::action::Write;
use usher_core::model::change::{Account, ChangeKey, ForgeKind, Snapshot};
use usher_core::model::fact::Fact;
use usher_core::model::people::{Roster, RosterWish};
use usher_core::model::policy::Pattern;
use usher_core::model::tickets::TicketRules;

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
    tickets: Arc<ArcSwap<TicketRules>>,
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
        Client::by(config, &Way::default(), clock)
    }

    /// As [`Client::new`], by this way.
    ///
    /// # Errors
    /// As there, and when the way cannot be used.
    pub fn by(config: ClientConfig, way: &Way, clock: Clock) -> Result<Client, ClientError> {
        let ClientConfig { name, kind, url, credentials, projects, user_agent } = config;
        let fail = |why| ClientError { forge: name.clone(), why };
        let place = Place::new(kind, &url).map_err(fail)?;
        let line = Transport::new(
            kind,
            place.api.clone(),
            credentials,
            &user_agent,
            way,
            REQUEST_TIMEOUT,
            clock.clone(),
        );
        let line = Arc::new(line.map_err(fail)?);
        let dialect = match kind {
            ForgeKind::GitLab => Dialect::GitLab(gitlab::GitLab::new(line.clone(), clock.clone())),
            ForgeKind::GitHub => Dialect::GitHub(github::GitHub::new(line.clone())),
        };
        let tickets = Arc::default();
        Ok(Client(Arc::new(Inner { name, kind, projects, place, line, clock, dialect, tickets })))
    }

    /// The same client for traffic that nobody waits for: sweeps, rosters, the health of webhooks. A
    /// share of the forge's budgets is kept from it, and it waits up to 90 seconds for a pace where
    /// others are told to come later.
    #[must_use]
    pub fn background(&self) -> Client {
        let Inner { name, kind, projects, place, line, clock, dialect, tickets } = &*self.0;
        let line = Arc::new(line.background());
        let dialect = match dialect {
            Dialect::GitLab(gitlab) => Dialect::GitLab(gitlab.over(line.clone())),
            Dialect::GitHub(github) => Dialect::GitHub(github.over(line.clone())),
        };
        Client(Arc::new(Inner {
            name: name.clone(),
            kind: *kind,
            projects: projects.clone(),
            place: place.clone(),
            line,
            clock: clock.clone(),
            dialect,
            tickets: tickets.clone(),
        }))
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

    /// Brings the forge to the end that `write` names. Doing it twice is harmless; nothing is
    /// repeated in here.
    ///
    /// Requests when all goes well: `Shape` 1 read and, where something differs, 1 write on GitLab (one
    /// more where labels of the project are made first, or its GraphQL cannot do it),
    /// on GitHub 1 write each for added labels and reviewers (a removed label costs one more each);
    /// `Comment`, `React` 1 write; `ReadFiles` 1 read per 100 files,
    /// and up to 3 to find CODEOWNERS where it is asked for.
    ///
    /// # Errors
    /// See [`Fault`]. [`Fault::Gone`]: the change is not there any more. After
    /// `Retry { outcome_unknown: true }` of a comment, come back with
    /// [`Hint::look_up`].
    pub async fn perform(&self, change: &ChangeKey, write: &Write, hint: Hint) -> Result<Performed, Fault> {
        if !matches!(write, Write::ReadFiles { .. }) {
            // A read that only serves a write is not spent while the write could not follow.
            self.0.line.check_write()?;
        }
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.perform(change, write, hint).await,
            Dialect::GitHub(github) => github.perform(change, write, hint).await,
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

    /// Lists the changes of the watched projects: the open ones, or, with a mark, all
    /// that were updated at or after that instant, closed and merged ones too.
    ///
    /// # Errors
    /// See [`Fault`]. A project or group that is not there, or that the forge refuses to show
    /// (renamed, forbidden), is named in `refused`.
    pub async fn list(&self, since: &Since) -> Result<Listing, Fault> {
        let Inner { name, projects, .. } = &*self.0;
        let tickets = self.0.tickets.load_full();
        let mut listing = match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.list(name, projects, since, &tickets).await,
            Dialect::GitHub(github) => github.list(name, projects, since, &tickets).await,
        }?;
        let mut seen = BTreeSet::new();
        listing.changes.retain(|(key, _)| seen.insert(key.clone()));
        Ok(listing)
    }

    pub(super) fn inspector(&self) -> &dyn Inspect {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab,
            Dialect::GitHub(github) => github,
        }
    }

    /// Where a project is now, by the forge's number of it, or by its path where the number is not
    /// known. One read; on GitHub a few more for one that has moved.
    ///
    /// # Errors
    /// See [`Fault`]. [`Fault::Gone`] or [`Fault::Refused`]: it was deleted, or is hidden from us.
    pub async fn whereabouts(&self, project: &str, id: Option<u64>) -> Result<Whereabouts, Fault> {
        match &self.0.dialect {
            Dialect::GitLab(gitlab) => gitlab.whereabouts(project, id).await,
            Dialect::GitHub(github) => github.whereabouts(project, id, &self.0.projects).await,
        }
    }

    /// The watched projects that the configuration names in full, without a wildcard.
    pub fn exact_projects(&self) -> impl Iterator<Item = &str> {
        self.0
            .projects
            .iter()
            .map(|pattern| pattern.text.as_str())
            .filter(|text| !text.split('/').any(is_wild))
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
