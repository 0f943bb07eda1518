//! A fake GitLab and a fake GitHub on the wire, one state behind both.
//!
//! The sandbox speaks the forges' REST dialects on loopback, follows their rules, refusals included,
//! and sends really signed webhooks. People act on it through methods ([`Sandbox::open_change`],
//! [`Sandbox::review`], …), a bot acts through REST; both cause the webhooks the real forge would
//! send. `usher demo` plays its story on it, and the integration tests run against it.
//!
//! It tells the time by the [`Clock`] it is given, sends nothing by itself (see
//! [`Sandbox::deliver_pending`]), and shares no code with the product, so that a mistake in reading a
//! forge cannot hide behind the same mistake in imitating it.
//!
//! Map: `state` what the forges know · `seed`, `roster`
//! filling them · `people` who acts, `acts` and
//! `reviews` what that does · `announce` telling it · `delivery` webhooks on their way · `server`, `wire`
//! HTTP · `gitlab`, `github` the dialects, `graphql` what both understand of it · `faults`, `record`,
//! `snapshot`, `tape` for tests.

mod access;
mod acts;
mod announce;
mod body;
mod delivery;
mod faults;
mod github;
mod gitlab;
mod graphql;
mod moves;
mod people;
mod rates;
mod record;
mod refusal;
mod reviews;
mod roster;
mod seed;
mod server;
mod settings;
mod sign;
mod snapshot;
mod state;
mod tape;
mod tokens;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::delivery::{DeliveryOutcome, HookTarget, NewHook, SignedRequest};
pub use self::faults::Fault;
pub use self::people::{ChangeRef, NewChange};
pub use self::record::{LogEntry, RequestRecord};
pub use self::refusal::Refusal;
pub use self::settings::{Feature, Part};
pub use self::snapshot::{ChangeSnapshot, CommentSnapshot};
pub use self::state::{Access, ChangeState, ChangedFile, Forge, ReviewerState, Tier, UserId, Verdict};

use self::state::State;
use crate::clock::Clock;

/// A limit on everything.
mod limits {
    /// Largest request body the forges read, in bytes.
    pub const BODY_BYTES: usize = 4 << 20;
    /// Requests and deliveries remembered; the oldest go first.
    pub const REQUESTS_KEPT: usize = 100_000;
    pub const DELIVERIES_KEPT: usize = 10_000;
    /// Longest GitLab note and GitHub comment, in characters.
    pub const GITLAB_NOTE_CHARS: usize = 1_000_000;
    pub const GITHUB_COMMENT_CHARS: usize = 65_536;
}

/// Both fake forges. Clones share everything.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    http: reqwest::Client,
    gitlab: Listener,
    github: Listener,
}

/// Where a forge listens, and the task that does.
struct Listener {
    address: SocketAddr,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listener(&self, forge: Forge) -> &Listener {
        match forge {
            Forge::Gitlab => &self.gitlab,
            Forge::Github => &self.github,
        }
    }
}

impl Listener {
    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Starts both forges, empty, on free loopback ports.
    pub async fn start(clock: Clock) -> io::Result<Sandbox> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Sandbox::start_on(clock, any, any).await
    }

    /// Starts both forges, empty, on these addresses.
    pub async fn start_on(clock: Clock, gitlab: SocketAddr, github: SocketAddr) -> io::Result<Sandbox> {
        let (gitlab, github) = (TcpListener::bind(gitlab).await?, TcpListener::bind(github).await?);
        let (gitlab_address, github_address) = (gitlab.local_addr()?, github.local_addr()?);
        let state = State::new(clock, format!("http://{gitlab_address}"), format!("http://{github_address}"));
        let listener = |address| Listener { address, task: Mutex::new(None) };
        // Redirects are not followed: GitLab counts one as success.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let sandbox = Sandbox {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                http: http.build().map_err(io::Error::other)?,
                gitlab: listener(gitlab_address),
                github: listener(github_address),
            }),
        };
        sandbox.serve(Forge::Gitlab, gitlab);
        sandbox.serve(Forge::Github, github);
        Ok(sandbox)
    }

    /// What a config would name as GitLab's URL: `http://127.0.0.1:PORT/gl`, below a path, as
    /// self-managed instances may live. The API is below `/api/v4`.
    pub fn gitlab_url(&self) -> String {
        self.state().pages(Forge::Gitlab)
    }

    /// What a config would name as GitHub's URL: `http://127.0.0.1:PORT/api/v3`.
    pub fn github_url(&self) -> String {
        self.state().api(Forge::Github)
    }

    /// The address a forge listens on.
    pub fn address(&self, forge: Forge) -> SocketAddr {
        self.inner.listener(forge).address
    }

    /// Makes a forge unreachable: connections are refused, open ones end. Its state stays.
    pub async fn stop_listening(&self, forge: Forge) {
        let task = self.inner.listener(forge).task().take();
        if let Some(task) = task {
            task.abort();
            // Ends with "cancelled"; waiting makes sure that the port is free.
            let _ = task.await;
        }
    }

    /// Makes a forge reachable again at its old address; one that listens is left alone.
    pub async fn resume(&self, forge: Forge) -> io::Result<()> {
        if self.inner.listener(forge).task().is_none() {
            let listener = TcpListener::bind(self.address(forge)).await?;
            self.serve(forge, listener);
        }
        Ok(())
    }

    /// Stops both forges.
    pub async fn shutdown(&self) {
        self.stop_listening(Forge::Gitlab).await;
        self.stop_listening(Forge::Github).await;
    }

    fn serve(&self, forge: Forge, listener: TcpListener) {
        let task = server::serve(Arc::downgrade(&self.inner), forge, listener);
        *self.inner.listener(forge).task() = Some(task);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state()
    }

    fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for listener in [&self.gitlab, &self.github] {
            if let Some(task) = listener.task().take() {
                task.abort();
            }
        }
    }
}
