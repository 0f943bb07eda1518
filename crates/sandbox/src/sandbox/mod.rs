//! Both forges as those hold them who set them up, act on them, and look at them. What is done here is
//! carried out by `world`; its webhooks wait until somebody sends them.

mod accounts;
mod faults;
mod network;
mod observe;
mod people;
mod projects;
mod webhooks;

use std::sync::{Arc, MutexGuard};

use crate::clock::Clock;
use crate::service::{ForgeService, Forges, SharedForges, Sockets};
use crate::world::{Forge, State};

/// Both fake forges. Clones share everything.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    forges: SharedForges,
    /// What it listens on and sends with, unless it is without a network.
    sockets: Option<Sockets>,
}

impl Sandbox {
    /// Both forges, empty and without a network: requests are handed to [`Sandbox::service`], webhooks
    /// are taken with [`Sandbox::take_pending`]. They say that they live at `http://gitlab.example` and
    /// `http://github.example`.
    pub fn in_process(clock: impl Clock) -> Sandbox {
        let (gitlab, github) = ("http://gitlab.example".to_owned(), "http://github.example".to_owned());
        let forges = SharedForges::new(State::new(Arc::new(clock), gitlab, github));
        Sandbox::of(forges, None)
    }

    fn of(forges: SharedForges, sockets: Option<Sockets>) -> Sandbox {
        Sandbox { inner: Arc::new(Inner { forges, sockets }) }
    }

    /// A forge as a service, without a socket. It shares its state with this sandbox.
    pub fn service(&self, forge: Forge) -> ForgeService {
        ForgeService::new(self.inner.forges.clone(), forge)
    }

    /// What a config would name as GitLab's URL: `http://127.0.0.1:PORT/gl`, below a path, as
    /// self-managed instances may live. The API is below `/api/v4`.
    pub fn gitlab_url(&self) -> String {
        self.forges().state.pages(Forge::Gitlab)
    }

    /// What a config would name as GitHub's URL: `http://127.0.0.1:PORT/api/v3`.
    pub fn github_url(&self) -> String {
        self.forges().state.api(Forge::Github)
    }

    pub(crate) fn forges(&self) -> MutexGuard<'_, Forges> {
        self.inner.forges.lock()
    }

    /// Does something to the state, and queues the webhooks of what happened.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        self.forges().act(act)
    }

    fn sockets(&self) -> Option<&Sockets> {
        self.inner.sockets.as_ref()
    }

    /// Finds this sandbox again, as long as somebody holds it.
    fn weak(&self) -> impl Fn() -> Option<Sandbox> + Send + use<> {
        let inner = Arc::downgrade(&self.inner);
        move || inner.upgrade().map(|inner| Sandbox { inner })
    }
}
