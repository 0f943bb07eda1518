//! Who may do what in the watched projects, read once a day for the dashboard, a few projects after
//! each sweep: nobody waits for it, so it never hurries.

use jiff::{SignedDuration, Timestamp};

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn, age};
use crate::forge::ForgeFault;
use usher_core::model::access::{AccessFacts, ProjectFacts, Unseen};

/// Time between two rounds.
const ROUND_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Projects whose members are read after one sweep, at most.
const PROJECTS_PER_SWEEP: usize = 50;

/// A round on its way.
pub(super) struct AccessDuty {
    context: DutyContext,
    /// When the last round began.
    round_at: Option<Timestamp>,
    /// Projects whose members are still to be read.
    waiting: Vec<ProjectFacts>,
    read: Vec<ProjectFacts>,
    unseen: Vec<Unseen>,
    truncated: bool,
}

impl AccessDuty {
    pub(super) fn new(context: DutyContext) -> AccessDuty {
        let (waiting, read, unseen) = (Vec::new(), Vec::new(), Vec::new());
        AccessDuty { context, round_at: None, waiting, read, unseen, truncated: false }
    }

    /// Goes on with the round, or begins the next one if it is time for it. What goes wrong is tried
    /// again after the next sweep; until a round is complete, the last one is shown.
    ///
    /// Requests: one per 100 projects to begin with, then one per 100 members of each project, for at
    /// most 50 projects at a time.
    pub(super) async fn go_on(&mut self) {
        if let Err(fault) = self.read_on().await {
            let forge = self.context.client.name();
            tracing::info!(forge, %fault, "who may do what could not be read; again after the next sweep");
        }
    }

    async fn read_on(&mut self) -> Result<(), ForgeFault> {
        let now = self.context.clock.now();
        if self.waiting.is_empty() {
            if self.round_at.is_some_and(|at| age(at, now) < ROUND_EVERY) {
                return Ok(());
            }
            let projects = self.context.client.access_projects().await?;
            (self.round_at, self.truncated) = (Some(now), projects.truncated);
            (self.waiting, self.read, self.unseen) = (projects.list, Vec::new(), projects.unseen);
            self.waiting.reverse();
        }
        for _ in 0..PROJECTS_PER_SWEEP {
            let Some(project) = self.waiting.last_mut() else { break };
            self.context.client.read_access(project).await?;
            self.read.extend(self.waiting.pop());
        }
        if self.waiting.is_empty() {
            let projects = std::mem::take(&mut self.read);
            let unseen = std::mem::take(&mut self.unseen);
            let facts = AccessFacts { read_at: now, projects, unseen, truncated: self.truncated };
            self.context.shared.set_access(self.context.client.name(), facts);
        }
        Ok(())
    }
}

impl Duty for AccessDuty {
    const NAME: &'static str = "reading who may do what";

    async fn turn(&mut self, _woken: bool) -> Result<DutyTurn, SweepError> {
        self.go_on().await;
        Ok(DutyTurn::Done)
    }
}
