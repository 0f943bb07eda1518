//! Bells between the parts. A leaf: it imports nothing of ours.

use tokio::sync::Notify;

/// Bells between the parts: whoever leaves work for another rings its bell. A bell that is rung
/// while nobody listens is heard later; a bell that is lost costs nothing but time, since every loop
/// also looks by itself.
#[derive(Debug, Default)]
pub struct Bells {
    /// The inbox has new facts.
    pub inbox: Notify,
    /// The outbox has new actions.
    pub outbox: Notify,
    /// A review has a new deadline.
    pub alarm: Notify,
    /// A group or team changed: rosters are to be read again.
    pub roster: Notify,
}
