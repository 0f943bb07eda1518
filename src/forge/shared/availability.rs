//! Who is shown as busy on a forge.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::forge::transport::fault::ForgeFault;
use usher_core::model::absence::Busy;
use usher_core::model::change::{Account, ForgeKind};

/// Who is shown as busy.
#[async_trait]
pub(in crate::forge) trait Availability: Sync {
    /// Who of at most [`PEOPLE_PER_QUERY`] people is shown as busy: account id, and until when.
    async fn busy(&self, people: &[Account]) -> Result<Vec<(u64, Option<Timestamp>)>, ForgeFault>;
}

/// People asked about in one query (both forges weigh queries by what they may give).
const PEOPLE_PER_QUERY: usize = 50;
/// People asked about at all.
const BUSY_PEOPLE_MAX: usize = 1_000;

/// Who of `people` is shown as busy.
pub(in crate::forge) async fn busy(
    forge: &dyn Availability,
    people: &[Account],
    says: ForgeKind,
    seen_at: Timestamp,
) -> Result<BTreeMap<u64, Busy>, ForgeFault> {
    if people.len() > BUSY_PEOPLE_MAX {
        let left_out = people.len() - BUSY_PEOPLE_MAX;
        tracing::warn!(left_out, "too many people in pools to ask a forge who of them is busy");
    }
    let mut busy = BTreeMap::new();
    let mut queries: Vec<&[Account]> =
        people[..people.len().min(BUSY_PEOPLE_MAX)].chunks(PEOPLE_PER_QUERY).collect();
    while let Some(some) = queries.pop() {
        match forge.busy(some).await {
            Ok(found) => {
                let entry = |(id, until)| (id, Busy { says, until, seen_at });
                busy.extend(found.into_iter().map(entry));
            }
            // A forge that takes less at once: GitLab's limit is set by its administrators.
            Err(fault) if some.len() > 1 && is_too_complex(&fault) => {
                let (first, second) = some.split_at(some.len() / 2);
                queries.extend([first, second]);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(busy)
}

/// GitLab: "Query has complexity of 301, which exceeds max complexity of 250"; GitHub: a query that
/// asks for too many nodes, `MAX_NODE_LIMIT_EXCEEDED`. Waiting does not help, asking for less does.
fn is_too_complex(fault: &ForgeFault) -> bool {
    let says = |answer: &str| answer.contains("max complexity") || answer.contains("MAX_NODE_LIMIT");
    matches!(fault, ForgeFault::Refused { answer, .. } if says(answer))
}
