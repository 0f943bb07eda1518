//! Bells between the parts: whoever leaves work for others rings, and everybody who listens hears.
//! A leaf: it imports nothing of ours.
//!
//! A ring is never lost on a listener that is busy: it is heard when the listener listens again.
//! Several rings may be heard as one.

use tokio::sync::watch;

/// The bells of the house.
#[derive(Debug, Default)]
pub struct Bells {
    /// The inbox has new facts.
    pub inbox: Bell,
    /// The outbox has new actions.
    pub outbox: Bell,
    /// A review has a new deadline.
    pub alarm: Bell,
    /// A group or team, or the policy, has changed: rosters are to be read again.
    pub roster: Bell,
}

/// One bell.
#[derive(Debug)]
pub struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Bell {
        Bell(watch::Sender::new(0))
    }
}

impl Bell {
    pub fn ring(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// A listener of its own. It hears also what was rung before it came.
    pub fn listen(&self) -> Ear {
        let mut rings = self.0.subscribe();
        if *rings.borrow() > 0 {
            rings.mark_changed();
        }
        Ear(rings)
    }
}

/// Somebody who listens to one bell.
#[derive(Debug)]
pub struct Ear(watch::Receiver<u64>);

impl Ear {
    /// Whether the bell has been rung since it was heard last.
    pub fn was_rung(&mut self) -> bool {
        let rung = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        rung
    }

    /// Returns once the bell has been rung since it was heard last. Safe to cancel. A bell that was
    /// taken down is never heard again.
    pub async fn heard(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
