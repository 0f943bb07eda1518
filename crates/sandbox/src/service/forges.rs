//! Both forges behind one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::Plan;
use super::recording::Recording;
use super::requests::SeenRequests;
use crate::webhooks::announce;
use crate::world::State;

/// What the forges know, what is planned for their requests, and what was seen of these.
pub(crate) struct Forges {
    pub(crate) state: State,
    pub(crate) plan: Plan,
    pub(crate) requests: SeenRequests,
    pub(crate) recording: Option<Recording>,
}

impl Forges {
    /// Does something to the state, and queues the webhooks of what happened.
    pub(crate) fn act<T>(&mut self, act: impl FnOnce(&mut State) -> T) -> T {
        let answer = act(&mut self.state);
        announce(&mut self.state);
        answer
    }
}

/// The forges as everybody holds them. Clones share everything.
#[derive(Clone)]
pub(crate) struct SharedForges(Arc<Mutex<Forges>>);

impl SharedForges {
    pub(crate) fn new(state: State) -> SharedForges {
        let (plan, requests) = (Plan::default(), SeenRequests::default());
        SharedForges(Arc::new(Mutex::new(Forges { state, plan, requests, recording: None })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Forges> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
