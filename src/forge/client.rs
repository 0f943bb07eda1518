//! The client of one forge: what the courier, reconcile and `explain` hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::github::GitHub;
use super::gitlab::GitLab;
use super::shared::codeowners::{self, OwnersRead};
use super::shared::comments;
use super::shared::dialect::Dialect;
use super::shared::labels::LabelLooks;
use super::shared::listing::{Listing, Since, Whereabouts, is_wild};
use super::shared::performed::{Hint, Performed};
use super::shared::{availability, roster};
use super::transport::Urgency;
use super::transport::address::ForgeAddress;
use super::transport::credentials::Credentials;
use super::transport::fault::ForgeFault;
use super::transport::http::{Health, REQUEST_TIMEOUT, Transport};
use super::transport::network::Network;
use crate::clock::Clock;
use usher_core::model::absence::Busy;
use usher_core::model::action::Write;
use usher_core::model::change::{Account, ChangeKey, ForgeKind, Snapshot};
use usher_core::model::fact::Fact;
use usher_core::model::people::{Roster, RosterWish};
use usher_core::model::policy::{LabelLook, Pattern};
use usher_core::model::tickets::TicketRules;

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

/// One forge as one identity; cheap to clone, and clones share the gate.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    kind: ForgeKind,
    projects: Vec<Pattern>,
    address: ForgeAddress,
    transport: Arc<Transport>,
    clock: Clock,
    dialect: Box<dyn Dialect>,
    tickets: Arc<ArcSwap<TicketRules>>,
    looks: LabelLooks,
}

impl Client {
    /// Prepares a client; nothing is sent.
    ///
    /// # Errors
    /// When the url or the credentials cannot be used.
    pub fn new(config: ClientConfig, clock: Clock) -> Result<Client, ClientError> {
        Client::over(config, &Network::default(), clock)
    }

    /// As [`Client::new`], over this network.
    ///
    /// # Errors
    /// As there, and when the network cannot be used.
    pub fn over(config: ClientConfig, network: &Network, clock: Clock) -> Result<Client, ClientError> {
        let ClientConfig { name, kind, url, credentials, projects, user_agent } = config;
        let fail = |why| ClientError { forge: name.clone(), why };
        let address = ForgeAddress::new(kind, &url).map_err(fail)?;
        let transport = Transport::new(
            kind,
            address.api.clone(),
            credentials,
            &user_agent,
            network,
            REQUEST_TIMEOUT,
            clock.clone(),
        );
        let transport = Arc::new(transport.map_err(fail)?);
        let looks = LabelLooks::default();
        let dialect: Box<dyn Dialect> = match kind {
            ForgeKind::GitLab => Box::new(GitLab::new(transport.clone(), clock.clone(), looks.clone())),
            ForgeKind::GitHub => Box::new(GitHub::new(transport.clone(), looks.clone())),
        };
        let tickets = Arc::default();
        let inner = Inner { name, kind, projects, address, transport, clock, dialect, tickets, looks };
        Ok(Client(Arc::new(inner)))
    }

    /// The same client for traffic that nobody waits for: sweeps, rosters, the health of webhooks. A
    /// share of the forge's budgets is kept from it, and it waits up to 90 seconds for a pace where
    /// others are told to come later.
    #[must_use]
    pub fn background(&self) -> Client {
        let Inner { name, kind, projects, address, transport, clock, dialect, tickets, looks } = &*self.0;
        let transport = Arc::new(transport.background());
        Client(Arc::new(Inner {
            name: name.clone(),
            kind: *kind,
            projects: projects.clone(),
            address: address.clone(),
            dialect: dialect.over(transport.clone()),
            transport,
            clock: clock.clone(),
            tickets: tickets.clone(),
            looks: looks.clone(),
        }))
    }

    /// From now on, labels that this client and its clones make look so; at first as the forge likes.
    pub fn set_label_looks(&self, looks: Vec<LabelLook>) {
        self.0.looks.set(looks);
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
        self.0.transport.health()
    }

    /// The clock was set back: pauses and paces are reckoned anew.
    pub fn clock_was_set_back(&self) {
        self.0.transport.clock_was_set_back();
    }

    /// From when on an action of this urgency may begin, if not now: by GitHub's paces, what the forge
    /// asked for, or because it is left alone. Takes nothing and asks nobody.
    pub fn may_begin(&self, urgency: Urgency) -> Option<Timestamp> {
        self.0.transport.may_begin(urgency)
    }

    /// Asks a forge that was left alone whether it is well again, once its pause is over; else does
    /// nothing.
    ///
    /// # Errors
    /// When it is not.
    pub async fn ask_again(&self) -> Result<(), ForgeFault> {
        self.0.transport.ask_again().await
    }

    /// Brings the forge to the end that `write` names. Doing it twice is harmless; nothing is
    /// repeated in here.
    ///
    /// Requests when all goes well: `DesiredState` 1 read and, where something differs, 1 write on GitLab (one
    /// more where labels of the project are made first, or its GraphQL cannot do it),
    /// on GitHub 1 write each for added labels and reviewers (a removed label costs one more each);
    /// `Status`, `Ping`, `Reply`, `React` 1 write; `ReadFiles` 1 read per 100 files,
    /// and up to 3 to find CODEOWNERS where it is asked for; `Look` what [`Client::observe`] reads;
    /// `ReadThreads` 1 read per 100 threads.
    ///
    /// # Errors
    /// See [`ForgeFault`]. [`ForgeFault::Gone`]: the change is not there any more. After
    /// `Retry { outcome_unknown: true }` of a comment, come back with
    /// [`Hint::look_up`].
    pub async fn perform(
        &self,
        change: &ChangeKey,
        write: &Write,
        hint: Hint,
    ) -> Result<Performed, ForgeFault> {
        let dialect = &*self.0.dialect;
        if !write.is_read() {
            // A read that only serves a write is not spent while the write could not follow.
            self.0.transport.check_write()?;
        }
        match write {
            Write::ReadFiles { codeowners: branch } => {
                let fact = codeowners::files(dialect, change, branch.as_deref()).await?;
                Ok(Performed::facts(vec![fact]))
            }
            Write::Look => {
                let snapshot = self.observe(change).await?;
                Ok(Performed::facts(vec![Fact::Swept { snapshot }]))
            }
            Write::ReadThreads => {
                let threads = dialect.threads(change).await?;
                let facts = threads.map(|threads| Fact::Threads { threads });
                Ok(Performed::facts(facts.into_iter().collect()))
            }
            Write::Desired(desired) => dialect.set_desired(change, desired).await.map(Performed::facts),
            Write::Comment(comment) => comments::write(dialect, change, comment, hint).await,
            Write::React { comment, place } => {
                dialect.react(change, *comment, *place).await.map(|()| Performed::default())
            }
        }
    }

    /// Our comment on the change that carries `marker`, by the forge's id.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn find_comment(&self, change: &ChangeKey, marker: &str) -> Result<Option<u64>, ForgeFault> {
        self.0.dialect.find(change, marker).await
    }

    /// Reads a change with its reviewers and their verdicts.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub async fn observe(&self, change: &ChangeKey) -> Result<Snapshot, ForgeFault> {
        let tickets = self.0.tickets.load_full();
        self.0.dialect.observe(change, &tickets).await
    }

    /// Lists the changes of the watched projects: the open ones, or, with a mark, all
    /// that were updated at or after that instant, closed and merged ones too.
    ///
    /// # Errors
    /// See [`ForgeFault`]. A project or group that is not there, or that the forge refuses to show
    /// (renamed, forbidden), is named in `refused`.
    pub async fn list(&self, since: &Since) -> Result<Listing, ForgeFault> {
        let Inner { name, projects, .. } = &*self.0;
        let tickets = self.0.tickets.load_full();
        let mut listing = self.0.dialect.list(name, projects, since, &tickets).await?;
        if let Some(fault) = listing.failed.take().filter(|_| !listing.answered) {
            return Err(fault);
        }
        let mut seen = BTreeSet::new();
        listing.changes.retain(|(key, _)| seen.insert(key.clone()));
        Ok(listing)
    }

    /// Where a project is now, by the forge's number of it, or by its path where the number is not
    /// known. One read; on GitHub a few more for one that was renamed.
    ///
    /// # Errors
    /// See [`ForgeFault`]. [`ForgeFault::Gone`] or [`ForgeFault::Refused`]: it was deleted, or is hidden from us.
    pub async fn whereabouts(&self, project: &str, id: Option<u64>) -> Result<Whereabouts, ForgeFault> {
        self.0.dialect.whereabouts(project, id, &self.0.projects).await
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
    /// When the forge could not be asked; see [`ForgeFault`].
    pub async fn roster(&self, wish: &RosterWish) -> Result<Roster, ForgeFault> {
        self.roster_after(wish, &Roster::default()).await
    }

    /// The same, knowing the roster `before`: whoever has changed their login since is still known,
    /// for ids stay. Such a login costs one more request.
    ///
    /// # Errors
    /// As [`Client::roster`].
    pub async fn roster_after(&self, wish: &RosterWish, before: &Roster) -> Result<Roster, ForgeFault> {
        roster::roster(&*self.0.dialect, wish, before, &self.0.clock).await
    }

    pub(super) fn dialect(&self) -> &dyn Dialect {
        &*self.0.dialect
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
    /// See [`ForgeFault`].
    pub async fn busy(&self, people: &[Account]) -> Result<BTreeMap<u64, Busy>, ForgeFault> {
        availability::busy(&*self.0.dialect, people, self.0.kind, self.0.clock.now()).await
    }

    /// Reads the CODEOWNERS file of a project as it is on `branch`, or on the default branch. 1 to 3
    /// reads.
    ///
    /// # Errors
    /// See [`ForgeFault`]. [`ForgeFault::Refused`]: the token may not read files (GitHub: Contents: read;
    /// GitLab: the role Reporter). A project that is hidden altogether looks like one without the
    /// file.
    pub async fn codeowners(&self, project: &str, branch: Option<&str>) -> Result<OwnersRead, ForgeFault> {
        codeowners::read(&*self.0.dialect, project, branch).await
    }

    /// The change whose page on this forge has the address `text`.
    pub fn resolve_url(&self, text: &str) -> Option<ChangeKey> {
        self.0.address.change_key(&self.0.name, text)
    }
}
