//! What the parts of the house have in common.

use std::sync::Arc;

use super::SharedState;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::wakeups::Wakeups;

/// Handed to every part; cheap to clone.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub shared: Arc<SharedState>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub wakeups: Arc<Wakeups>,
    pub tasks: Tasks,
    /// Decide and record, but write nothing to any forge.
    pub dry_run: bool,
}
