//! Who may do what in the watched projects, read once a day for the dashboard, a few projects after
//! each sweep: nobody waits for it, so it never hurries.

use jiff::{SignedDuration, Timestamp};

use super::Reconcile;
use usher_core::audit::access::{AccessFacts, ProjectFacts, Unseen};

/// Time between two rounds.
const ROUND_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Projects whose members are read after one sweep, at most.
const PROJECTS_PER_SWEEP: usize = 50;

/// A round on its way.
#[derive(Default)]
pub(super) struct AccessWatch {
    /// When the last round began.
    round_at: Option<Timestamp>,
    /// Projects whose members are still to be read.
    waiting: Vec<ProjectFacts>,
    read: Vec<ProjectFacts>,
    unseen: Vec<Unseen>,
    truncated: bool,
}

impl Reconcile {
    /// Goes on with the round, or begins the next one if it is time for it. What goes wrong is tried
    /// again after the next sweep; until a round is complete, the last one is shown.
    ///
    /// Requests: one per 100 projects to begin with, then one per 100 members of each project, for at
    /// most 50 projects at a time.
    pub async fn watch_access(&self) {
        let mut watch = self.access.lock().await;
        if let Err(fault) = self.go_on(&mut watch).await {
            let forge = self.client.name();
            tracing::info!(forge, %fault, "who may do what could not be read; again after the next sweep");
        }
    }

    async fn go_on(&self, watch: &mut AccessWatch) -> Result<(), crate::forge::Fault> {
        let now = self.clock.now();
        if watch.waiting.is_empty() {
            if watch.round_at.is_some_and(|at| now.duration_since(at) < ROUND_EVERY) {
                return Ok(());
            }
            let projects = self.client.access_projects().await?;
            (watch.round_at, watch.truncated) = (Some(now), projects.truncated);
            (watch.waiting, watch.read, watch.unseen) = (projects.list, Vec::new(), projects.unseen);
            watch.waiting.reverse();
        }
        for _ in 0..PROJECTS_PER_SWEEP {
            let Some(project) = watch.waiting.last_mut() else { break };
            self.client.read_access(project).await?;
            watch.read.extend(watch.waiting.pop());
        }
        if watch.waiting.is_empty() {
            let projects = std::mem::take(&mut watch.read);
            let unseen = std::mem::take(&mut watch.unseen);
            let facts = AccessFacts { read_at: now, projects, unseen, truncated: watch.truncated };
            self.knowledge.set_access(self.client.name(), facts);
        }
        Ok(())
    }
}
