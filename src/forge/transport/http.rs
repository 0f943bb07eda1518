//! The one way out to a forge: timeouts, size limit, gate, circuit breaker, limits and faults, under
//! both client crates. Nothing is repeated here, for the courier repeats; but a request that was sent
//! on to a renamed project goes there, because nothing was done by then.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use jiff::Timestamp;
use url::Url;

use super::app::{App, AppSignIn, Whose};
use super::breaker::Trial;
use super::budget::{Purpose, Purse, RequestBudget};
use super::connection::Connection;
use super::credentials::{Bearer, Credentials};
use super::exchange::{OWNER_HEADER, Sender, Setback};
use super::fault::ForgeFault;
use super::gate::{RequestClass, Traffic, Urgency};
use super::network::Network;
use super::renamed::{self, Renames};
use crate::clock::Clock;
use usher_core::model::change::ForgeKind;

pub(in crate::forge) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Marks a request to GraphQL that changes something.
#[derive(Clone, Copy, Debug)]
pub(in crate::forge) struct Mutation;

/// How the connection to a forge has been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When the last good answer came.
    pub last_ok: Option<Timestamp>,
    /// The last fault since then; `None` while all is well.
    pub last_fault: Option<String>,
    /// Until when the forge asked for patience, or has nothing left to give.
    pub blocked_until: Option<Timestamp>,
    /// The forge failed too often in a row and is left alone: when it is asked again. In the past
    /// while it is being asked.
    pub tries_again_at: Option<Timestamp>,
    /// The forge does not accept the token; it is asked once a minute whether it does.
    pub token_refused: bool,
    /// Projects that keep failing and are left alone, and until when.
    pub paused_projects: BTreeMap<String, Timestamp>,
    /// Until when background traffic waits for a pace or a budget, if any does.
    pub waits_until: Option<Timestamp>,
    /// What is left of each budget that the forge told of.
    pub budgets: Vec<RequestBudget>,
    /// Entries of lists that could not be read and were left out, since the start.
    pub unread_entries: u64,
}

/// Sends requests to one forge as one identity, for one purpose.
pub(crate) struct Transport {
    kind: ForgeKind,
    connection: Connection,
    shared: Arc<Shared>,
}

/// What all purposes share.
struct Shared {
    identity: Identity,
    renames: Renames,
    health: Mutex<Health>,
}

/// Whose name the requests carry.
enum Identity {
    Token(Bearer),
    App(App),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("api", &self.api().as_str()).finish_non_exhaustive()
    }
}

impl Transport {
    /// Prepares a connection for answering people; nothing is sent. A request may take `timeout`,
    /// answer included.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub(crate) fn new(
        kind: ForgeKind,
        api: Url,
        credentials: Credentials,
        user_agent: &str,
        network: &Network,
        timeout: Duration,
        clock: Clock,
    ) -> Result<Transport, String> {
        let identity = match credentials {
            Credentials::Token(token) => Identity::Token(Bearer::new(token)?),
            Credentials::App(key) => Identity::App(App::new(&key, clock.clone())?),
        };
        let connection = Connection::new(kind, api, user_agent, network, timeout, clock)?;
        let shared = Shared { identity, renames: Renames::default(), health: Mutex::default() };
        Ok(Transport { kind, connection, shared: Arc::new(shared) })
    }

    /// The same connection for traffic that nobody waits for: it leaves a share of budgets, paces and
    /// places to people, waits a little where it must, and uses answers to lists again.
    pub(crate) fn background(&self) -> Transport {
        let connection = Connection { purpose: Purpose::Background, ..self.connection.clone() };
        Transport { kind: self.kind, connection, shared: self.shared.clone() }
    }

    /// Counts entries of a list that could not be read and were left out.
    pub(crate) fn note_unread(&self, entries: usize) {
        if entries > 0 {
            let mut health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.unread_entries = health.unread_entries.saturating_add(entries as u64);
        }
    }

    /// Root of the API, with a slash at its end.
    pub(crate) fn api(&self) -> &Url {
        &self.connection.api
    }

    /// Where GraphQL queries go.
    pub(crate) fn graphql(&self) -> &Url {
        &self.connection.graphql
    }

    pub(crate) fn health(&self) -> Health {
        let shared = &self.connection.shared;
        let noted = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let at_sign_in = match &self.shared.identity {
            Identity::Token(_) => 0,
            Identity::App(app) => app.unread(),
        };
        Health {
            blocked_until: shared.gate.blocked_until(),
            tries_again_at: shared.breaker.open_until(),
            token_refused: shared.breaker.is_token_dead(),
            paused_projects: shared.breaker.paused_projects(),
            waits_until: self.connection.waits_until(),
            budgets: shared.gate.budgets(),
            unread_entries: noted.unread_entries.saturating_add(at_sign_in),
            ..noted
        }
    }

    /// The clock was set back: nobody waits any longer for an instant that was reckoned by it.
    pub(crate) fn clock_was_set_back(&self) {
        self.connection.shared.gate.forget_times();
        self.connection.shared.breaker.forget_pauses();
    }

    /// Whether a write would pass the gate now.
    ///
    /// # Errors
    /// [`ForgeFault::Later`], or [`ForgeFault::Unauthorized`] while the token is dead.
    pub(crate) fn check_write(&self) -> Result<(), ForgeFault> {
        let purse = self.purse(String::new(), Traffic::Write, "");
        let ask = RequestClass { traffic: Traffic::Write, purpose: self.connection.purpose, purse: &purse };
        self.connection.shared.breaker.check()?;
        Ok(self.connection.shared.gate.check(&ask)?)
    }

    /// From when on an action of this urgency may begin, if not now. While the forge is left alone,
    /// until it is asked again.
    pub(crate) fn may_begin(&self, urgency: Urgency) -> Option<Timestamp> {
        let purse = self.purse(String::new(), Traffic::Write, "");
        let ask = RequestClass { traffic: Traffic::Write, purpose: self.connection.purpose, purse: &purse };
        let closed = self.connection.shared.breaker.check();
        let closed = closed.and_then(|()| self.connection.shared.gate.may_begin(&ask, urgency));
        closed.err().map(|wait| wait.at)
    }

    /// Asks the forge whether it is well, where it was left alone and that pause is over: with a request
    /// that concerns no project, and costs nothing of GitHub's budget.
    ///
    /// # Errors
    /// When it still is not.
    pub(crate) async fn ask_again(&self) -> Result<(), ForgeFault> {
        let Some(trial) = self.connection.shared.breaker.probe() else { return Ok(()) };
        let asked = self.ask_neutrally(Some(trial)).await;
        self.note(asked.as_ref().err());
        asked
    }

    async fn ask_neutrally(&self, trial: Option<Trial<'_>>) -> Result<(), ForgeFault> {
        let place = match (self.kind, self.is_app()) {
            (ForgeKind::GitLab, _) => "user",
            (ForgeKind::GitHub, false) => "rate_limit",
            (ForgeKind::GitHub, true) => "app",
        };
        let url = self.api().join(place).map_err(|error| ForgeFault::unsendable(&error))?;
        let request = Request::get(url.as_str()).body(Vec::new());
        let request = request.map_err(|error| ForgeFault::unsendable(&error))?;
        // Held back by the same budget as what waits for it, or who waits would ask again and again.
        let purse = self.purse(owner_of(&Whose::Any), Traffic::Read, "");
        let bearer = match &self.shared.identity {
            Identity::Token(bearer) => bearer.clone(),
            Identity::App(app) => app.bearer(&Whose::App, |request| self.sign_in(request)).await?,
        };
        let sender = Sender { bearer: &bearer, purse: &purse, traffic: Traffic::Query };
        match self.connection.exchange_as(request, url, sender, trial).await.map_err(ForgeFault::from) {
            Err(ForgeFault::Unauthorized) => {
                self.connection.shared.breaker.token_is_dead();
                Err(ForgeFault::Unauthorized)
            }
            Err(fault) if !fault.is_answer() => Err(fault),
            // Whatever it thinks of the question: it is there, and knows who asks.
            _ => Ok(()),
        }
    }

    /// A request was answered with 401: the token is dead, or only this was not for it to do.
    async fn doubt_token(&self) -> ForgeFault {
        match self.ask_neutrally(None).await {
            Ok(()) => {
                let answer = "the forge accepts the token, and not for this (401)".to_owned();
                ForgeFault::Refused { status: 401, answer }
            }
            Err(fault) => fault,
        }
    }

    /// Whether requests are made as a GitHub App.
    pub(crate) fn is_app(&self) -> bool {
        matches!(self.shared.identity, Identity::App(_))
    }

    /// The owners that have installed the App, in lower case; none without an App.
    ///
    /// # Errors
    /// See [`ForgeFault`].
    pub(crate) async fn owners(&self) -> Result<Vec<String>, ForgeFault> {
        match &self.shared.identity {
            Identity::Token(_) => Ok(Vec::new()),
            Identity::App(app) => app.owners(|request| self.sign_in(request)).await,
        }
    }

    /// Sends one request, once. The answer is a 2xx, read whole. Two answers say that nothing was
    /// done, and then the request is sent a second time: a token of an App that has become worthless
    /// early, and a project that was renamed.
    ///
    /// # Errors
    /// Everything else, as a [`ForgeFault`].
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, ForgeFault> {
        self.ask_again().await?;
        let answer = match self.send_signed(request.clone()).await {
            Ok(answer) => Ok(answer),
            Err(Setback::Fault(fault)) => Err(fault),
            Err(renamed) => self.send_on(request, renamed).await,
        };
        let answer = match answer {
            Err(ForgeFault::Unauthorized) if !self.connection.shared.breaker.is_token_dead() => {
                Err(self.doubt_token().await)
            }
            answer => answer,
        };
        self.note(answer.as_ref().err());
        answer
    }

    /// Sends a request on to where its project is now.
    async fn send_on(
        &self,
        request: Request<Vec<u8>>,
        setback: Setback,
    ) -> Result<Response<Bytes>, ForgeFault> {
        let api = self.api();
        let asked = self.connection.resolved(&request)?;
        let target = match setback {
            Setback::Fault(fault) => return Err(fault),
            Setback::Renamed(target, _) => *target,
            Setback::RenamedForWrites(fault) => {
                let Some(old) = renamed::project(api, &asked) else { return Err(fault) };
                let look = Request::get(old.as_str()).body(Vec::new());
                match self.send_signed(look.map_err(|error| ForgeFault::unsendable(&error))?).await {
                    Err(Setback::Renamed(new, _)) => renamed::rebase(&asked, &old, &new).ok_or(fault)?,
                    Err(Setback::Fault(fault)) => return Err(fault),
                    Ok(_) | Err(Setback::RenamedForWrites(_)) => return Err(fault),
                }
            }
        };
        self.shared.renames.tell(api, &asked, &target);
        let mut request = request;
        if let Whose::Owner(owner) = self.whose(&request)
            && let Ok(owner) = HeaderValue::from_str(&owner)
        {
            request.headers_mut().insert(OWNER_HEADER, owner);
        }
        *request.uri_mut() = target.as_str().parse().map_err(|error| ForgeFault::unsendable(&error))?;
        Ok(self.send_signed(request).await?)
    }

    async fn send_signed(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, Setback> {
        let url = self.connection.resolved(&request)?;
        // A GraphQL query is a POST that changes nothing; a mutation says so of itself.
        let mutates = request.extensions().get::<Mutation>().is_some();
        let traffic = match *request.method() {
            Method::POST if self.connection.is_graphql(request.uri().path()) && !mutates => Traffic::Query,
            Method::GET | Method::HEAD => Traffic::Read,
            _ => Traffic::Write,
        };
        let whose = self.whose(&request);
        let purse = self.purse(owner_of(&whose), traffic, request.uri().path());
        let app = match &self.shared.identity {
            Identity::Token(bearer) => {
                let sender = Sender { bearer, purse: &purse, traffic };
                return self.connection.exchange(request, url, sender).await;
            }
            Identity::App(app) => app,
        };
        let bearer = app.bearer(&whose, |request| self.sign_in(request)).await?;
        let sender = Sender { bearer: &bearer, purse: &purse, traffic };
        let answer = self.connection.exchange(request.clone(), url.clone(), sender).await;
        if !matches!(answer, Err(Setback::Fault(ForgeFault::Unauthorized))) {
            return answer;
        }
        app.forget(&bearer).await;
        let bearer = app.bearer(&whose, |request| self.sign_in(request)).await?;
        self.connection.exchange(request, url, Sender { bearer: &bearer, ..sender }).await
    }

    /// Whose token a request needs, where there is more than one.
    fn whose(&self, request: &Request<Vec<u8>>) -> Whose {
        if !self.is_app() {
            return Whose::Any;
        }
        match request.headers().get(OWNER_HEADER).and_then(|owner| owner.to_str().ok()) {
            Some(owner) => Whose::Owner(owner.to_lowercase()),
            None => {
                let path = request.uri().path();
                App::whose(path.strip_prefix(self.connection.api.path()).unwrap_or(path))
            }
        }
    }

    fn purse(&self, owner: String, traffic: Traffic, path: &str) -> Purse {
        let below = path.strip_prefix(self.connection.api.path()).unwrap_or_default();
        let resource = match (self.kind, traffic) {
            (ForgeKind::GitLab, _) => "",
            (ForgeKind::GitHub, Traffic::Query) => "graphql",
            (ForgeKind::GitHub, _) if below.starts_with("search/") => "search",
            (ForgeKind::GitHub, Traffic::Read | Traffic::Write) => "core",
        };
        Purse { owner, resource: resource.to_owned() }
    }

    async fn sign_in(&self, request: AppSignIn) -> Result<Bytes, ForgeFault> {
        let method = if request.post { Method::POST } else { Method::GET };
        let url = self.api().join(&request.path).map_err(|error| ForgeFault::unsendable(&error))?;
        let outgoing = Request::builder().method(method).uri(url.as_str()).body(Vec::new());
        let outgoing = outgoing.map_err(|error| ForgeFault::unsendable(&error))?;
        // A token that is granted and never arrives does no harm, so its outcome is not "unknown".
        let purse = self.purse(owner_of(&Whose::App), Traffic::Read, "");
        let url = self.connection.resolved(&outgoing)?;
        let sender = Sender { bearer: &request.bearer, purse: &purse, traffic: Traffic::Read };
        let answer = self.connection.exchange(outgoing, url, sender).await?;
        Ok(answer.into_body())
    }

    fn note(&self, fault: Option<&ForgeFault>) {
        let mut health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) if !fault.is_answer() => health.last_fault = Some(fault.to_string()),
            None | Some(_) => {
                health.last_ok = Some(self.connection.clock.now());
                health.last_fault = None;
            }
        }
    }
}

/// Whose budget it is, in a word.
fn owner_of(whose: &Whose) -> String {
    match whose {
        Whose::Owner(owner) => owner.clone(),
        Whose::App => "(app)".into(),
        Whose::Any => String::new(),
    }
}
