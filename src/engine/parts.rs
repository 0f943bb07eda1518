//! What the parts of the house have in common.

use std::sync::Arc;

use super::Knowledge;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;

/// Handed to every part; cheap to clone.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub knowledge: Arc<Knowledge>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub bells: Arc<Bells>,
    /// Decide and record, but write nothing to any forge.
    pub dry_run: bool,
}
