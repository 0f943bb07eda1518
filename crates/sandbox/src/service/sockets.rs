//! The forges on the network: where they listen, and what they send webhooks with.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::forge::ForgeService;
use super::listener::serve;
use crate::webhooks::SignedRequest;
use crate::world::Forge;

/// How long a forge waits for the receiver (both: 10 s).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// All that touches the network.
pub(crate) struct Sockets {
    http: reqwest::Client,
    gitlab: Listener,
    github: Listener,
}

/// Where a forge listens, and the task that does.
struct Listener {
    service: ForgeService,
    address: SocketAddr,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Listener {
    fn new(service: ForgeService, socket: TcpListener) -> io::Result<Listener> {
        let address = socket.local_addr()?;
        let task = Mutex::new(Some(serve(service.clone(), socket)));
        Ok(Listener { service, address, task })
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }
}

impl Sockets {
    /// Listens for both forges on these sockets.
    pub(crate) fn new(
        service: impl Fn(Forge) -> ForgeService,
        gitlab: TcpListener,
        github: TcpListener,
    ) -> io::Result<Sockets> {
        // Redirects are not followed: GitLab counts one as success.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Ok(Sockets {
            http: http.build().map_err(io::Error::other)?,
            gitlab: Listener::new(service(Forge::Gitlab), gitlab)?,
            github: Listener::new(service(Forge::Github), github)?,
        })
    }

    fn listener(&self, forge: Forge) -> &Listener {
        match forge {
            Forge::Gitlab => &self.gitlab,
            Forge::Github => &self.github,
        }
    }

    /// The address a forge listens on.
    pub(crate) fn address(&self, forge: Forge) -> SocketAddr {
        self.listener(forge).address
    }

    /// Closes a forge's port, and the connections to it.
    pub(crate) async fn stop(&self, forge: Forge) {
        let task = self.listener(forge).task().take();
        if let Some(task) = task {
            task.abort();
            // Ends with "cancelled"; waiting makes sure that the port is free.
            let _ = task.await;
        }
    }

    /// Listens again at the old address, unless a forge does so already.
    pub(crate) async fn resume(&self, forge: Forge) -> io::Result<()> {
        let listener = self.listener(forge);
        if listener.task().is_none() {
            let socket = TcpListener::bind(listener.address).await?;
            *listener.task() = Some(serve(listener.service.clone(), socket));
        }
        Ok(())
    }

    /// Sends one request and returns the receiver's status, `None` if there was no answer in time.
    pub(crate) async fn send(&self, request: &SignedRequest) -> Option<u16> {
        let mut post = self.http.post(&request.url).timeout(ANSWER_TIMEOUT).body(request.body.clone());
        for (name, value) in &request.headers {
            post = post.header(name, value);
        }
        post.send().await.ok().map(|answer| answer.status().as_u16())
    }
}
