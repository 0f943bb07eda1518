//! How one part wakes another: whoever leaves work for others wakes all who listen. A leaf: it imports
//! nothing of ours.
//!
//! A wakeup is never lost on a listener that is busy: it takes effect when the listener listens again.
//! Several may take effect as one.

use tokio::sync::watch;

/// The wakeups of the house.
#[derive(Debug, Default)]
pub struct Wakeups {
    /// The inbox has new facts.
    pub inbox: Wakeup,
    /// The outbox has new actions.
    pub outbox: Wakeup,
    /// A review has a new deadline.
    pub alarm: Wakeup,
    /// A group or team, or the policy, has changed: rosters are to be read again.
    pub roster: Wakeup,
}

/// One thing to be woken for.
#[derive(Debug)]
pub struct Wakeup(watch::Sender<u64>);

impl Default for Wakeup {
    fn default() -> Wakeup {
        Wakeup(watch::Sender::new(0))
    }
}

impl Wakeup {
    pub fn wake(&self) {
        self.0.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// A listener of its own. It is woken also for what was there before it came.
    pub fn listen(&self) -> Listener {
        let mut rings = self.0.subscribe();
        if *rings.borrow() > 0 {
            rings.mark_changed();
        }
        Listener(rings)
    }
}

/// Somebody who waits to be woken.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Listener {
    /// Whether there was a wakeup since the last one that was taken note of.
    pub fn was_woken(&mut self) -> bool {
        let rung = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        rung
    }

    /// Returns once there was a wakeup since the last one. Safe to cancel. Whoever can be woken by nobody
    /// any more waits for ever.
    pub async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
