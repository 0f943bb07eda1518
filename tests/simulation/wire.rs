//! The network between Usher and the forges: requests are handed over, and at one of them Usher may die.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use usher::forge::ForgeService;
use usher_sandbox::{Forge, Sandbox};

/// Usher dies at a request that it is about to send, or whose answer it does not live to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Requests until then; 1 is the next one.
    pub at: u32,
    /// The forge does what is asked.
    pub done: bool,
}

#[derive(Default)]
struct State {
    death: Option<Death>,
    requests: u64,
}

/// The lines to both forges.
#[derive(Clone, Default)]
pub struct Lines {
    state: Arc<Mutex<State>>,
    dies: Arc<Notify>,
}

impl Lines {
    /// From now on Usher will die at one of its requests; `None`: it will not.
    pub fn plan(&self, death: Option<Death>) {
        self.state.lock().unwrap().death = death;
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.state.lock().unwrap().requests
    }

    /// Ends when Usher is to die now.
    pub async fn death(&self) {
        self.dies.notified().await;
    }

    /// What is told when Usher is to die.
    pub fn dies(&self) -> Arc<Notify> {
        self.dies.clone()
    }

    /// The line to one forge.
    pub fn to(&self, sandbox: &Sandbox, forge: Forge) -> ForgeService {
        let (lines, service) = (self.clone(), sandbox.service(forge));
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let (lines, service) = (lines.clone(), service.clone());
            async move {
                let death = lines.next();
                if death == Some(false) {
                    lines.die().await;
                }
                let answer = service.oneshot(request.map(Full::new)).await;
                if death == Some(true) {
                    lines.die().await;
                }
                let (parts, body) = answer.map_err(Into::<tower::BoxError>::into)?.into_parts();
                let body = body.collect().await.map_err(|error| format!("{error:?}"))?;
                Ok(Response::from_parts(parts, body.to_bytes()))
            }
        }))
    }

    /// Counts a request. Whether Usher dies at it, and whether the forge does it all the same.
    fn next(&self) -> Option<bool> {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        let death = state.death.as_mut()?;
        death.at = death.at.saturating_sub(1);
        if death.at > 0 {
            return None;
        }
        state.death.take().map(|death| death.done)
    }

    async fn die(&self) {
        self.dies.notify_one();
        std::future::pending::<()>().await;
    }
}
